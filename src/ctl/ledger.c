/*
 * The ledger as list, show and revoke see it.
 */
#include <string.h>

#include "conf/conf.h"
#include "ctl/ctl_int.h"
#include "pki/crl.h"
#include "util/clock.h"
#include "util/str.h"

int
ledger_open(const struct ctl_call *call, const char *db_path,
    int (*open_db)(const char *, struct db **, struct err *),
    struct db **out, struct err *e)
{
	struct conf	*conf = NULL;
	int		 rc;

	if (db_path != NULL)
		return ctl_readable(db_path, "correct --db", e) != 0 ? -1 :
		    open_db(db_path, out, e);
	if (ctl_conf(call, LEDGER_NO_CONF, &conf, e) != 0)
		return -1;
	rc = ctl_store_readable(conf, e);
	if (rc == 0)
		rc = open_db(conf->store_path, out, e);
	conf_free(conf);
	return rc;
}

static int
configured(const struct ctl_call *call, const char *name, bool *known,
    struct err *e)
{
	struct conf	*conf = NULL;
	size_t		 i;

	if (ctl_conf(call, LEDGER_NO_CONF, &conf, e) != 0)
		return -1;
	for (i = 0; i < conf->n_endpoints; i++)
		*known |= strcmp(conf->endpoints[i].name, name) == 0;
	conf_free(conf);
	return 0;
}

static int
on_any(const struct issued *row, void *arg)
{
	(void)row;
	*(bool *)arg = true;
	return 0;
}

int
ledger_has_endpoint(const struct ctl_call *call, const char *db_path,
    struct db *db, const char *name, bool *known, struct err *e)
{
	const struct issued_filter	 f = { .endpoint = name, .limit = 1 };
	bool				 found = false;

	if ((db_path == NULL && configured(call, name, &found, e) != 0) ||
	    issued_each(db, &f, on_any, &found, e) != 0)
		return -1;
	*known = found;
	return 0;
}

int
ledger_parse_serial(const char *text, struct buf *out)
{
	char	 hex[1 + 2 * PKI_SERIAL_MAX + 1] = "0";
	bool	 digit = false;
	size_t	 n = 0;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	for (; *text != '\0'; text++) {
		digit |= *text != ':';
		if (*text == ':' || (n == 0 && *text == '0'))
			continue;
		if (n == 2 * PKI_SERIAL_MAX)
			return -1;
		hex[1 + n++] = *text;
	}
	if (!digit)
		return -1;
	if (n % 2 == 1)
		return str_unhex(hex, out);
	/* A set first bit would make it negative: DER puts a zero before. */
	if (strchr("1234567", hex[1]) == NULL || n == 0)
		if (buf_putc(out, '\0') != 0)
			return -1;
	return str_unhex(hex + 1, out);
}

int
ledger_read_serial(const struct ctl_call *call, struct buf *out)
{
	if (ledger_parse_serial(call->operand, out) == 0)
		return 0;
	(void)ctl_usage(call, "\"%s\" is not a serial number in hex",
	    call->operand);
	return -1;
}

struct counted {
	int	(*cb)(const struct issued *, void *);
	void	*arg;
	size_t	 n;
};

static int
on_counted(const struct issued *row, void *arg)
{
	struct counted	*c = arg;

	c->n++;
	return c->cb(row, c->arg);
}

int
ledger_find(struct db *db, struct bytes serial,
    int (*cb)(const struct issued *, void *), void *arg, struct err *e)
{
	struct issued_filter	 f = { .serial = serial };
	struct counted		 c = { .cb = cb, .arg = arg };

	if (issued_each(db, &f, on_counted, &c, e) != 0)
		return -1;
	if (c.n > 0 || serial.n < 2 || serial.p[0] != 0)
		return 0;
	/* Some CAs forget the zero: their serials really are negative. */
	f.serial = bytes_make(serial.p + 1, serial.n - 1);
	return issued_each(db, &f, on_counted, &c, e);
}

enum ctl_exit
ledger_missing(const struct ctl_call *call, struct db *db, struct err *e)
{
	ctl_note(call, "no certificate has the serial number %s",
	    call->operand);
	return stray_point(call, db, e) == 0 ? CTL_NOT_FOUND :
	    ctl_fail(call, e);
}

void
ledger_serial(struct bytes serial, char out[LEDGER_SERIAL])
{
	while (serial.n > 1 && serial.p[0] == 0) {
		serial.p++;
		serial.n--;
	}
	if (serial.n > (LEDGER_SERIAL - 1) / 2)
		serial.n = (LEDGER_SERIAL - 1) / 2;
	str_hex(serial, out);
}

struct json_cert
ledger_facts(const struct issued *row, struct ledger_text *text)
{
	ledger_serial(row->serial, text->serial);
	ledger_serial(row->supersedes, text->supersedes);
	ledger_serial(row->superseded_by, text->superseded_by);
	return (struct json_cert){
		.serial = text->serial,
		.subject = row->subject,
		.sans = row->sans,
		.endpoint = row->endpoint,
		.profile = row->profile,
		.issuer = row->issuer,
		.role = row->ra ? "ra" : "client",
		.txid = row->txid,
		.challenge = row->challenge,
		.peer = row->peer,
		.supersedes = row->supersedes.n > 0 ? text->supersedes : NULL,
		.superseded_by = row->superseded_by.n > 0 ?
		    text->superseded_by : NULL,
		.migrates = row->migrates,
		.not_before = row->not_before,
		.not_after = row->not_after,
		.issued_at = row->issued_at,
		.revoked = row->revoked,
		.revoked_at = row->revoked_at,
		.revoke_reason = row->revoked ?
		    crl_reason_name(row->revoke_reason) : NULL
	};
}

const char *
ledger_status(const struct json_cert *c)
{
	const char	*hold = crl_reason_name(CRL_HOLD);

	if (c->revoked)
		return c->revoke_reason != NULL &&
		    strcmp(c->revoke_reason, hold) == 0 ? "hold" : "revoked";
	if (c->not_after < clock_now())
		return "expired";
	return c->superseded_by != NULL ? "superseded" : "valid";
}

int
ledger_sans(const char *sans, struct buf *out)
{
	size_t	 i;

	if (buf_puts(out, sans) != 0)
		return -1;
	for (i = 0; i < out->n; i++)
		if (out->p[i] == '\n')
			out->p[i] = ' ';
	return 0;
}
