/*
 * scepctl revoke: ends a certificate before its time, or releases one that was
 * put on hold. A running scepd publishes it in its next CRL, within seconds.
 */
#include <stdio.h>

#include "ctl/ctl_int.h"
#include "pki/crl.h"
#include "store/revoked.h"
#include "util/clock.h"

enum { REASON, ISSUER, JSON, DB };

static const struct ctl_opt opts[] = {
	[REASON] = { "reason", "WORD",
	    "why (unspecified); removeFromCRL releases from hold" },
	[ISSUER] = { "issuer", "NAME",
	    "of which issuer, where several used the serial number" },
	[JSON] = { "json", NULL, "print JSON" },
	[DB] = { "db", "FILE", "the store; otherwise the configuration's" },
};

struct search {
	const char	*issuer;	/* NULL: any */
	int64_t		 id;		/* of the last one found */
	size_t		 n;
};

static int
on_row(const struct issued *row, void *arg)
{
	struct search	*s = arg;

	if (s->issuer != NULL && strcmp(s->issuer, row->issuer) != 0)
		return 0;
	s->id = row->id;
	s->n++;
	return 0;
}

/* ---- what was done ---- */

struct report {
	int64_t		 id;
	bool		 json;
	struct err	*e;
};

static int
print_text(const struct json_cert *c, struct err *e)
{
	struct buf	 out = BUF_INIT(CTL_TEXT_MAX);
	int		 rc;

	rc = c->revoked ?
	    buf_printf(&out, "revoked %s (%s)\n", c->serial,
	    c->revoke_reason) :
	    buf_printf(&out, "released %s\n", c->serial);
	if (rc != 0)
		err_set(e, ERR_MEMORY, "report");
	else
		rc = ctl_flush(&out, e);
	buf_wipe(&out);
	return rc;
}

static int
on_revoked(const struct issued *row, void *arg)
{
	struct report		*r = arg;
	struct json_cert	 c;
	struct ledger_text	 text;

	if (row->id != r->id)
		return 0;
	c = ledger_facts(row, &text);
	return r->json ? ctl_print_json(json_new_cert(&c), r->e) :
	    print_text(&c, r->e);
}

/* ---- doing it ---- */

static enum ctl_exit
missing(const struct ctl_call *call)
{
	if (call->opt[ISSUER] == NULL)
		return ledger_missing(call);
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
revoke(const struct ctl_call *call, struct db *db, struct bytes serial,
    int reason, struct err *e)
{
	struct search	 s = { .issuer = call->opt[ISSUER] };
	struct report	 r = { .json = call->opt[JSON] != NULL, .e = e };

	if (ledger_find(db, serial, on_row, &s, e) != 0)
		return ctl_fail(call, e);
	if (s.n == 0)
		return missing(call);
	if (s.n > 1) {
		err_set(e, ERR_ARGUMENT, "%zu issuers have used this serial "
		    "number: choose one with --issuer", s.n);
		return ctl_fail(call, e);
	}
	r.id = s.id;
	if (revoked_put(db, s.id, reason, clock_now(), e) != 0 ||
	    ledger_find(db, serial, on_revoked, &r, e) != 0)
		return failed(call, e);
	return CTL_OK;
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
	int		 reason;

	if (ledger_read_serial(call, &serial) == 0 &&
	    read_reason(call, &reason) == 0) {
		if (ledger_open(call, call->opt[DB], db_open_beside, &db,
		    &e) == 0)
			rc = revoke(call, db, buf_bytes(&serial), reason, &e);
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
	    "removeFromCRL.",
	.opts = opts,
	.n_opts = sizeof(opts) / sizeof(opts[0]),
	.run = run
};
