/*
 * scepctl pending list and show: the requests that wait for an operator.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl_int.h"
#include "pki/csr.h"
#include "render/pki.h"
#include "render/text.h"
#include "store/waiting.h"
#include "util/clock.h"
#include "util/str.h"

enum { DB, JSON };

static const struct ctl_opt opts[] = {
	[DB] = { "db", "FILE", "the store; otherwise the configuration's" },
	[JSON] = { "json", NULL, "print JSON" },
};
#define N_OPTS	2

#define STATE_WIDTH	9	/* "approved!" */

/* A request as it is shown. */
struct shown {
	const struct waiting	*w;
	const struct csr	*csr;
	char			 sha256[2 * TXN_HASH + 1];
	char			 renews[CERT_HEX_MAX];	/* or "" */
	struct buf		 sans;		/* "dns:a.example upn:..." */
	bool			 gone;		/* its challenge is */
	char			 key[2 * PKI_HASH + 1];	/* SHA-256 */
	const struct trail	*trail;		/* of show; or NULL */
};

/* Whether an operator should look at it first. */
static bool
has_changed(const struct shown *s)
{
	const struct waiting	*w = s->w;

	return (s->gone && !w->despite) || w->renews_revoked ||
	    w->superseded_at != 0 ||
	    (w->renews.n > 0 && w->renews_until < clock_now());
}

static const char *
state(const struct waiting *w)
{
	return w->approved ? "approved" : "pending";
}

/* The account of Windows in an extension is one of the names. */
static int
put_sans(const struct csr *r, struct buf *out)
{
	if (sans_put(&r->sans, " ", out) != 0)
		return -1;
	return *r->asked.sid == '\0' ? 0 : buf_printf(out, "%ssid:%s",
	    r->sans.n > 0 ? " " : "", r->asked.sid);
}

/* ---- as text ---- */

static int
put_renewed(const struct shown *s, struct buf *out)
{
	const struct waiting	*w = s->w;

	if (ctl_put_line(out, "renews", s->renews) != 0 ||
	    (w->renews.n > 0 && (ctl_put_line(out, "renews status",
	    pending_renews_status(w)) != 0 || ctl_put_time(out, "renews until",
	    w->renews_until) != 0)) ||
	    (w->migrates != NULL && ctl_put_line(out, "migrates",
	    w->migrates) != 0) ||
	    (w->superseded_at != 0 && ctl_put_time(out, "superseded",
	    w->superseded_at) != 0))
		return -1;
	return w->renews_revoked ? ctl_put_time(out, "renews revoked",
	    w->renews_revoked_at) : 0;
}

/* What the challenge and the validator say about the device, one a line. */
static int
put_said(const struct waiting *w, struct buf *out)
{
	const char	*at = w->facts == NULL ? "" : w->facts;
	size_t		 n;

	if (w->asked != NULL && ctl_put_line(out, "validator", w->asked) != 0)
		return -1;
	for (; *at != '\0'; at += n + (at[n] == '\n')) {
		n = strcspn(at, "\n");
		if (buf_printf(out, "%-14s ", "fact") != 0 ||
		    text_line(bytes_make((const uint8_t *)at, n), out) != 0 ||
		    buf_putc(out, '\n') != 0)
			return -1;
	}
	return 0;
}

static int
put_facts(const struct shown *s, struct buf *out)
{
	const struct waiting	*w = s->w;

	if (buf_printf(out, "%-14s %lld\n", "id", (long long)w->id) != 0 ||
	    ctl_put_line(out, "state", state(w)) != 0 ||
	    ctl_put_time(out, "waiting since", w->since) != 0 ||
	    ctl_put_line(out, "subject", s->csr->subject_text) != 0 ||
	    ctl_put_line(out, "sans", buf_cstr(&s->sans)) != 0 ||
	    buf_printf(out, "%-14s %s %d\n", "key",
	    key_type_name(s->csr->key.type), s->csr->key.bits) != 0 ||
	    ctl_put_line(out, "key sha256", s->key) != 0 ||
	    ctl_put_line(out, "csr sha256", s->sha256) != 0 ||
	    ctl_put_line(out, "endpoint", w->endpoint) != 0 ||
	    ctl_put_line(out, "profile", w->profile == NULL ? "" :
	    w->profile) != 0 ||
	    ctl_put_line(out, "transaction", w->txid) != 0 ||
	    ctl_put_line(out, "challenge", w->challenge == NULL ? "" :
	    w->challenge) != 0 ||
	    (s->gone && ctl_put_line(out, "challenge is", !w->despite ?
	    "disabled or removed" : "disabled or removed, as known when "
	    "approved") != 0) || put_renewed(s, out) != 0 ||
	    put_said(w, out) != 0 || ctl_put_line(out, "peer", w->peer) != 0 ||
	    pending_put_granted(s->trail, out) != 0)
		return -1;
	return s->trail == NULL ? 0 : ctl_trail_steps(s->trail, out);
}

static int
put_row(const struct shown *s, struct buf *out)
{
	const struct waiting	*w = s->w;
	struct buf		 endpoint = BUF_INIT(CTL_TEXT_MAX);
	char			 when[CLOCK_TEXT_MAX];
	int			 rc;

	clock_text(w->since, when);
	rc = text_line(bytes_str(w->endpoint), &endpoint);
	if (rc == 0)
		rc = buf_printf(out, "%8lld  %-20s  %s%-*s  %-15s  ",
		    (long long)w->id, when, state(w),
		    STATE_WIDTH - (int)strlen(state(w)),
		    has_changed(s) ? "!" : "", buf_cstr(&endpoint));
	buf_wipe(&endpoint);
	if (rc != 0 || text_line(bytes_str(s->csr->subject_text), out) != 0 ||
	    (s->sans.n > 0 && buf_putc(out, ' ') != 0) ||
	    text_line(buf_bytes(&s->sans), out) != 0)
		return -1;
	return buf_putc(out, '\n');
}

/* ---- as JSON ---- */

static struct json *
as_json(const struct shown *s)
{
	const struct waiting	*w = s->w;
	struct json		*d = json_new_object();

	json_add_int(d, "id", w->id);
	json_add_str(d, "state", state(w));
	json_add_time(d, "since", w->since);
	json_add_str(d, "subject", s->csr->subject_text);
	json_add_take(d, "sans", json_new_sans(&s->csr->sans));
	json_add_str(d, "sid", *s->csr->asked.sid == '\0' ? NULL :
	    s->csr->asked.sid);
	json_add_str(d, "key_type", key_type_name(s->csr->key.type));
	json_add_int(d, "key_bits", s->csr->key.bits);
	json_add_str(d, "key_sha256", s->key);
	json_add_str(d, "csr_sha256", s->sha256);
	json_add_str(d, "endpoint", w->endpoint);
	json_add_str(d, "profile", w->profile);
	json_add_str(d, "transaction_id", w->txid);
	json_add_str(d, "challenge", w->challenge);
	json_add_bool(d, "challenge_gone", s->gone);
	json_add_bool(d, "approved_despite", w->approved && w->despite);
	json_add_str(d, "renews", *s->renews == '\0' ? NULL : s->renews);
	json_add_str(d, "renews_status", pending_renews_status(w));
	json_add_str(d, "migrates", w->migrates);
	json_add_time_if(d, "renews_until", w->renews.n > 0, w->renews_until);
	json_add_time_if(d, "renews_revoked_at", w->renews_revoked,
	    w->renews_revoked_at);
	json_add_time_if(d, "superseded_at", w->superseded_at != 0,
	    w->superseded_at);
	json_add_str(d, "validator", w->asked);
	json_add_facts(d, "facts", w->facts == NULL ? "" : w->facts);
	json_add_str(d, "peer", w->peer);
	return d;
}

/* ---- looking ---- */

struct walk {
	struct db	*db;
	struct conf	*conf;		/* or NULL */
	struct ctl_list	 list;
};

static int
print(struct ctl_list *l, const struct shown *s)
{
	struct json	*d;

	if (!l->json)
		return ctl_list_text(l, l->one ? put_facts(s, &l->out) :
		    put_row(s, &l->out));
	d = as_json(s);
	if (l->one)
		pending_add_trail(d, s->trail);
	return ctl_list_json(l, d);
}

static int
on_waiting(const struct waiting *w, void *arg)
{
	struct shown	 s = { .w = w, .sans = BUF_INIT(CTL_TEXT_MAX) };
	struct trail	*trail = NULL;
	struct csr	*csr = NULL;
	struct walk	*k = arg;
	int		 rc = -1;

	s.gone = pending_gone(k->conf, w);
	str_hex(bytes_make(w->csr_hash, TXN_HASH), s.sha256);
	cert_hex(w->renews, s.renews);
	if (csr_parse(w->csr, &csr, k->list.e) == 0) {
		s.csr = csr;
		str_hex(bytes_make(csr->key.spki_hash, PKI_HASH), s.key);
		rc = ctl_full(put_sans(csr, &s.sans), k->list.e);
	}
	if (rc == 0 && k->list.one)
		rc = pending_trail(k->db, w->id, &trail, k->list.e);
	s.trail = trail;
	if (rc == 0)
		rc = print(&k->list, &s);
	trail_free(trail);
	csr_free(csr);
	buf_wipe(&s.sans);
	return rc;
}

static int
print_all(struct db *db, struct walk *k)
{
	struct ctl_list	*l = &k->list;
	int		 rc = 0;

	if (!l->json)
		rc = ctl_full(buf_printf(&l->out,
		    "%8s  %-20s  %-*s  %-15s  %s\n",
		    "ID", "WAITING SINCE", STATE_WIDTH, "STATE", "ENDPOINT",
		    "SUBJECT AND NAMES"), l->e);
	return rc != 0 ? rc : waiting_each(db, on_waiting, k, l->e);
}

/* All that wait, or the one with that id. */
static int
look(const struct ctl_call *call, const int64_t *id, struct err *e)
{
	struct walk	 k = {
		.list = {
			.json = call->opt[JSON] != NULL,
			.one = id != NULL,
			.out = BUF_INIT(CTL_TEXT_MAX),
			.e = e
		}
	};
	int		 rc;

	rc = ledger_open(call, call->opt[DB], db_open_reader, &k.db, e);
	if (rc == 0)
		rc = pending_conf(call, call->opt[DB], &k.conf, e);
	if (rc == 0)
		rc = id == NULL ? print_all(k.db, &k) :
		    waiting_one(k.db, *id, on_waiting, &k, e);
	rc = ctl_list_close(&k.list, rc);
	db_close(k.db);
	conf_free(k.conf);
	return rc;
}

static enum ctl_exit
run_list(const struct ctl_call *call)
{
	struct err	 e = { .reason = ERR_NONE };

	return look(call, NULL, &e) == 0 ? CTL_OK : ctl_fail(call, &e);
}

static enum ctl_exit
run_show(const struct ctl_call *call)
{
	struct err	 e = { .reason = ERR_NONE };
	int64_t		 id;

	if (pending_id(call, &id) != 0)
		return CTL_USAGE;
	return look(call, &id, &e) == 0 ? CTL_OK : pending_failed(call, &e);
}

const struct ctl_cmd cmd_pending_list = {
	.noun = "pending",
	.verb = "list",
	.reads_conf = true,
	.summary = "list the requests that wait for approval",
	.about =
	    "Lists the requests that wait for approval, oldest first, and those\n"
	    "that were approved but whose devices have not asked again yet. Behind\n"
	    "the state, ! says that \"scepctl pending show\" has something to tell:\n"
	    "what vouched for it is disabled, revoked, superseded or expired now.",
	.opts = opts,
	.n_opts = N_OPTS,
	.run = run_list
};

const struct ctl_cmd cmd_pending_show = {
	.noun = "pending",
	.verb = "show",
	.operand = "ID",
	.reads_conf = true,
	.summary = "show a request that waits",
	.about =
	    "Shows one request of \"scepctl pending list\": what it asks for, what the\n"
	    "certificate would have, who vouches for it, and the steps that led to an\n"
	    "operator. Exits 3 if there never was one with this id, 1 if it does not\n"
	    "wait any more.",
	.opts = opts,
	.n_opts = N_OPTS,
	.run = run_show
};
