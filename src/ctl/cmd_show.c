/*
 * scepctl show: one certificate, by its serial number.
 */
#include <stdio.h>

#include "ctl/ctl_int.h"
#include "pki/cert.h"
#include "render/text.h"
#include "util/clock.h"

enum { PEM, JSON, DB };

static const struct ctl_opt opts[] = {
	[PEM] = { "pem", NULL, "print the certificate itself" },
	[JSON] = { "json", NULL, "print JSON, with the certificate" },
	[DB] = { "db", "FILE", "the store; otherwise the configuration's" },
};

/* What is shown of a row. */
struct shown {
	struct json_cert	 c;
	struct ledger_text	 text;
	char			 sha256[CERT_FP_MAX];
	struct buf		 pem;
};

struct walk {
	int		(*print)(const struct shown *, struct err *);
	size_t		 n;
	struct err	*e;
};

static int
put_revocation(struct buf *out, const struct json_cert *c)
{
	if (!c->revoked)
		return 0;
	if (ctl_put_time(out, "revoked at", c->revoked_at) != 0)
		return -1;
	return ctl_put_line(out, "reason", c->revoke_reason);
}

/* What it renews. */
static int
put_old(struct buf *out, const struct json_cert *c)
{
	if (c->migrates != NULL)
		return ctl_put_line(out, "migrates", c->migrates);
	return ctl_put_line(out, "supersedes",
	    c->supersedes == NULL ? "" : c->supersedes);
}

static int
put_all(const struct shown *s, struct buf *out)
{
	const struct json_cert	*c = &s->c;
	struct buf		 sans = BUF_INIT(CTL_TEXT_MAX);
	int			 rc = -1;

	if (ledger_sans(c->sans, &sans) == 0 &&
	    ctl_put_line(out, "serial", c->serial) == 0 &&
	    ctl_put_line(out, "subject", c->subject) == 0 &&
	    ctl_put_line(out, "sans", buf_cstr(&sans)) == 0 &&
	    ctl_put_time(out, "not before", c->not_before) == 0 &&
	    ctl_put_time(out, "not after", c->not_after) == 0 &&
	    ctl_put_time(out, "issued at", c->issued_at) == 0 &&
	    put_revocation(out, c) == 0 &&
	    ctl_put_line(out, "endpoint", c->endpoint) == 0 &&
	    ctl_put_line(out, "profile", c->profile) == 0 &&
	    ctl_put_line(out, "issuer", c->issuer) == 0 &&
	    ctl_put_line(out, "role", c->role) == 0 &&
	    ctl_put_line(out, "transaction", c->txid) == 0 &&
	    ctl_put_line(out, "challenge",
	    c->challenge == NULL ? "" : c->challenge) == 0 &&
	    ctl_put_line(out, "peer", c->peer) == 0 &&
	    put_old(out, c) == 0 &&
	    ctl_put_line(out, "superseded by",
	    c->superseded_by == NULL ? "" : c->superseded_by) == 0 &&
	    ctl_put_line(out, "sha256", c->sha256) == 0)
		rc = 0;
	buf_wipe(&sans);
	return rc;
}

static int
print_text(const struct shown *s, struct err *e)
{
	struct buf	 out = BUF_INIT(CTL_TEXT_MAX);

	return ctl_print(put_all(s, &out), &out, e);
}

static int
print_json(const struct shown *s, struct err *e)
{
	struct json_cert	 c = s->c;

	c.pem = buf_cstr(&s->pem);
	return ctl_print_json(json_new_cert(&c), e);
}

static int
print_pem(const struct shown *s, struct err *e)
{
	(void)e;	/* main() looks at stdout before it ends */
	(void)fputs(buf_cstr(&s->pem), stdout);
	return 0;
}

static int
on_row(const struct issued *row, void *arg)
{
	struct walk	*w = arg;
	struct shown	 s = { .pem = BUF_INIT(CTL_TEXT_MAX) };
	struct cert	*cert = NULL;
	int		 rc = -1;

	s.c = ledger_facts(row, &s.text);
	s.c.sha256 = s.sha256;
	if (cert_parse(row->der, &cert, w->e) == 0 &&
	    cert_fingerprint(cert, "SHA256", s.sha256, w->e) == 0 &&
	    cert_pem(cert, &s.pem, w->e) == 0)
		rc = w->print(&s, w->e);
	w->n++;
	cert_free(cert);
	buf_wipe(&s.pem);
	return rc;
}

static enum ctl_exit
show(const struct ctl_call *call, struct bytes serial, struct walk *w)
{
	struct db	*db = NULL;
	enum ctl_exit	 rc = CTL_OK;

	if (ledger_open(call, call->opt[DB], db_open_reader, &db, w->e) != 0)
		return ctl_fail(call, w->e);
	if (ledger_find(db, serial, on_row, w, w->e) != 0)
		rc = ctl_fail(call, w->e);
	else if (w->n == 0)
		rc = ledger_missing(call, db, w->e);
	db_close(db);
	return rc;
}

static enum ctl_exit
run(const struct ctl_call *call)
{
	struct err	 e = { .reason = ERR_NONE };
	struct walk	 w = { .print = print_text, .e = &e };
	struct buf	 serial = BUF_INIT(PKI_SERIAL_MAX + 1);
	enum ctl_exit	 rc = CTL_USAGE;

	if (call->opt[PEM] != NULL && call->opt[JSON] != NULL)
		return ctl_usage(call, "--pem and --json exclude each other");
	if (call->opt[PEM] != NULL)
		w.print = print_pem;
	else if (call->opt[JSON] != NULL)
		w.print = print_json;
	if (ledger_read_serial(call, &serial) == 0)
		rc = show(call, buf_bytes(&serial), &w);
	buf_wipe(&serial);
	return rc;
}

const struct ctl_cmd cmd_show = {
	.noun = "show",
	.operand = "SERIAL",
	.reads_conf = true,
	.summary = "show one certificate",
	.about =
	    "Shows the certificate with this serial number (hex; any case,\n"
	    "colons, leading zeros and 0x allowed). Exits 3 if there is\n"
	    "none.",
	.opts = opts,
	.n_opts = sizeof(opts) / sizeof(opts[0]),
	.run = run
};
