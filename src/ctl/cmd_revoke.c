/*
 * scepctl revoke: ends a certificate before its time, or releases one that was
 * put on hold; others of the same device too, or tells of them. A running scepd
 * publishes it in its next CRL, within seconds.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl_int.h"
#include "pki/crl.h"
#include "render/text.h"
#include "store/revoked.h"
#include "util/clock.h"

enum { REASON, ALSO, ISSUER, JSON, DB };

static const struct ctl_opt opts[] = {
	[REASON] = { "reason", "WORD",
	    "why (unspecified); removeFromCRL releases from hold" },
	[ALSO] = { "also", "WORD",
	    "others, of the same chain, key or subject; may be repeated" },
	[ISSUER] = { "issuer", "NAME",
	    "of which issuer, where several used the serial number" },
	[JSON] = { "json", NULL, "print JSON" },
	[DB] = { "db", "FILE", "the store; otherwise the configuration's" },
};

struct search {
	const char	*issuer;	/* NULL: any */
	int64_t		 id;		/* of the last one found */
	bool		 revoked;	/* it was before, */
	int		 reason;	/* for this */
	size_t		 n;
};

static int
on_row(const struct issued *row, void *arg)
{
	struct search	*s = arg;

	if (s->issuer != NULL && strcmp(s->issuer, row->issuer) != 0)
		return 0;
	s->id = row->id;
	s->revoked = row->revoked;
	s->reason = row->revoke_reason;
	s->n++;
	return 0;
}

/* ---- how others belong to it ---- */

static const struct {
	const char	*word;
	unsigned	 kin;
} kins[] = {
	{ "chain", REVOKED_CHAIN },
	{ "key", REVOKED_KEY },
	{ "subject", REVOKED_SUBJECT },
};
#define N_KINS	(sizeof(kins) / sizeof(kins[0]))

static int
read_also(const struct ctl_call *call, unsigned *also)
{
	const char	*word;
	size_t		 i, at = 0;

	*also = 0;
	while ((word = ctl_given(call, ALSO, &at)) != NULL) {
		for (i = 0; i < N_KINS; i++)
			if (strcmp(word, kins[i].word) == 0)
				break;
		if (i == N_KINS) {
			(void)ctl_usage(call, "--also: \"%s\" is not one of "
			    "chain, key, subject", word);
			return -1;
		}
		*also |= kins[i].kin;
	}
	return 0;
}

/* ---- what was done ---- */

struct report {
	const struct revoked_order	*order;
	const struct revoked_others	*others;
	const struct search		*before;
	bool				 json;
	struct err			*e;
};

static size_t
count_left(const struct revoked_others *o)
{
	size_t	 i, n = 0;

	for (i = 0; i < o->n; i++)
		n += !o->v[i].taken;
	return n;
}

/* "revoked 5f (keyCompromise)", or "released 5f" */
static int
put_done(const char *serial, const char *reason, struct buf *out)
{
	return reason == NULL ? buf_printf(out, "released %s\n", serial) :
	    buf_printf(out, "revoked %s (%s)\n", serial, reason);
}

/* "still valid: 5f (same chain, key) CN=a" */
static int
put_left(const struct revoked_other *r, bool held, struct buf *out)
{
	char		 serial[LEDGER_SERIAL];
	const char	*before = " (same ";
	int		 rc;
	size_t		 i;

	ledger_serial(bytes_make(r->serial, r->n_serial), serial);
	rc = buf_printf(out, "still %s: %s", held ? "on hold" : "valid",
	    serial);
	for (i = 0; rc == 0 && i < N_KINS; i++) {
		if ((r->kin & kins[i].kin) == 0)
			continue;
		rc = buf_printf(out, "%s%s", before, kins[i].word);
		before = ", ";
	}
	if (rc != 0 || buf_puts(out, ") ") != 0 ||
	    text_line(bytes_str(r->subject), out) != 0)
		return -1;
	return buf_putc(out, '\n');
}

static int
put_others(const struct report *r, const char *reason, struct buf *out)
{
	const struct revoked_other	*o;
	char				 serial[LEDGER_SERIAL];
	size_t				 i;

	for (i = 0; i < r->others->n; i++) {
		o = &r->others->v[i];
		ledger_serial(bytes_make(o->serial, o->n_serial), serial);
		if (o->taken && put_done(serial, reason, out) != 0)
			return -1;
	}
	for (i = 0; i < r->others->n; i++) {
		o = &r->others->v[i];
		if (!o->taken && put_left(o, reason == NULL, out) != 0)
			return -1;
	}
	return 0;
}

/* "revoked already: 5f (keyCompromise)" */
static int
put_itself(const struct report *r, const struct json_cert *c,
    struct buf *out)
{
	const char	*was = r->before->revoked ?
			    crl_reason_name(r->before->reason) : NULL;

	if (was == NULL || c->revoke_reason == NULL ||
	    strcmp(was, c->revoke_reason) != 0)
		return put_done(c->serial, c->revoke_reason, out);
	return buf_printf(out, "revoked already: %s (%s)\n", c->serial, was);
}

/* Of the others it is what was ordered; of itself, that may be older. */
static int
print_text(const struct report *r, const struct json_cert *c)
{
	struct buf	 out = BUF_INIT(CTL_TEXT_MAX);
	const char	*reason = r->order->reason == REVOKED_RELEASE ? NULL :
	    crl_reason_name(r->order->reason);
	int		 rc;

	rc = put_itself(r, c, &out);
	if (rc == 0)
		rc = put_others(r, reason, &out);
	return ctl_print(rc, &out, r->e);
}

static struct json *
list_others(const struct revoked_others *others, bool taken)
{
	const struct revoked_other	*o;
	struct json			*a = json_new_array(), *d, *same;
	char				 serial[LEDGER_SERIAL];
	size_t				 i, k;

	for (i = 0; i < others->n; i++) {
		o = &others->v[i];
		if (o->taken != taken)
			continue;
		d = json_new_object();
		same = json_new_array();
		ledger_serial(bytes_make(o->serial, o->n_serial), serial);
		json_add_str(d, "serial", serial);
		json_add_str(d, "subject", o->subject);
		json_add_time(d, "not_after", o->not_after);
		for (k = 0; k < N_KINS; k++)
			if ((o->kin & kins[k].kin) != 0)
				json_add_str(same, NULL, kins[k].word);
		json_add_take(d, "same", same);
		json_add_take(a, NULL, d);
	}
	return a;
}

static int
print_json(const struct report *r, const struct json_cert *c)
{
	struct json	*d = json_new_cert(c);

	json_add_take(d, "also", list_others(r->others, true));
	json_add_take(d, "left", list_others(r->others, false));
	return ctl_print_json(d, r->e);
}

static int
on_revoked(const struct issued *row, void *arg)
{
	struct report		*r = arg;
	struct json_cert	 c;
	struct ledger_text	 text;

	if (row->id != r->order->id)
		return 0;
	c = ledger_facts(row, &text);
	return r->json ? print_json(r, &c) : print_text(r, &c);
}

/* ---- doing it ---- */

static enum ctl_exit
missing(const struct ctl_call *call, struct db *db, struct err *e)
{
	if (call->opt[ISSUER] == NULL)
		return ledger_missing(call, db, e);
	ctl_note(call, "no certificate of issuer \"%s\" has the serial number "
	    "%s", call->opt[ISSUER], call->operand);
	return CTL_NOT_FOUND;
}

/* The store speaks of a row; who called knows the serial number. */
static enum ctl_exit
failed(const struct ctl_call *call, const struct err *e)
{
	if (e->reason == ERR_ALREADY_REVOKED)
		ctl_note(call, "certificate is revoked already: %s",
		    call->operand);
	else if (e->reason == ERR_NOT_ON_HOLD)
		ctl_note(call, "certificate is not on hold: %s",
		    call->operand);
	else
		return ctl_fail(call, e);
	return CTL_FAILED;
}

static enum ctl_exit
change(const struct ctl_call *call, struct db *db, struct bytes serial,
    const struct revoked_order *order, const struct search *before,
    struct err *e)
{
	struct revoked_others	 others = { .n = 0 };
	struct report		 r = { .order = order, .others = &others,
	    .before = before, .json = call->opt[JSON] != NULL, .e = e };
	size_t			 left;
	int			 rc;

	if (revoked_put_also(db, order, &others, e) != 0)
		return failed(call, e);
	rc = ledger_find(db, serial, on_revoked, &r, e);
	left = count_left(&others);
	revoked_others_clear(&others);
	if (rc != 0)
		return ctl_fail(call, e);
	if (left > 0)
		ctl_note(call, "%zu of the same chain, key or subject stay%s "
		    "as they are: --also takes such too", left,
		    left == 1 ? "s" : "");
	return CTL_OK;
}

static enum ctl_exit
revoke(const struct ctl_call *call, struct db *db, struct bytes serial,
    struct revoked_order *order, struct err *e)
{
	struct search	 s = { .issuer = call->opt[ISSUER] };

	if (ledger_find(db, serial, on_row, &s, e) != 0)
		return ctl_fail(call, e);
	if (s.n == 0)
		return missing(call, db, e);
	if (s.n > 1) {
		err_set(e, ERR_ARGUMENT, "%zu issuers have used this serial "
		    "number: choose one with --issuer", s.n);
		return ctl_fail(call, e);
	}
	order->id = s.id;
	return change(call, db, serial, order, &s, e);
}

static int
read_reason(const struct ctl_call *call, int *reason)
{
	const char	*word = call->opt[REASON];

	*reason = word == NULL ? CRL_UNSPECIFIED : crl_reason_by_name(word);
	if (*reason != -1)
		return 0;
	(void)ctl_usage(call, "--reason: \"%s\" is none of RFC 5280, such as "
	    "keyCompromise, superseded or cessationOfOperation", word);
	return -1;
}

static enum ctl_exit
run(const struct ctl_call *call)
{
	struct buf	 serial = BUF_INIT(PKI_SERIAL_MAX + 1);
	struct err	 e = { .reason = ERR_NONE };
	enum ctl_exit	 rc = CTL_USAGE;
	struct db	*db = NULL;
	struct revoked_order order = { .when = clock_now() };

	if (ledger_read_serial(call, &serial) == 0 &&
	    read_reason(call, &order.reason) == 0 &&
	    read_also(call, &order.also) == 0) {
		if (ledger_open(call, call->opt[DB], db_open_beside, &db,
		    &e) == 0)
			rc = revoke(call, db, buf_bytes(&serial), &order, &e);
		else
			rc = ctl_fail(call, &e);
	}
	db_close(db);
	buf_wipe(&serial);
	return rc;
}

const struct ctl_cmd cmd_revoke = {
	.noun = "revoke",
	.operand = "SERIAL",
	.reads_conf = true,
	.summary = "revoke a certificate",
	.about =
	    "Revokes the certificate with this serial number (hex; any case,\n"
	    "colons and leading zeros allowed), while scepd runs or not. Exits 3\n"
	    "if there is none, 1 if it is revoked already. Reasons are the words\n"
	    "of RFC 5280; one on certificateHold can be released again with\n"
	    "removeFromCRL.\n"
	    "\n"
	    "Tells which others that have not expired stay as they are: of the\n"
	    "same chain of renewals, the same key, the same subject. --also does\n"
	    "it to those too, in the same step; it is no fault then if this one,\n"
	    "or all of them, are revoked already.",
	.opts = opts,
	.n_opts = sizeof(opts) / sizeof(opts[0]),
	.run = run
};
