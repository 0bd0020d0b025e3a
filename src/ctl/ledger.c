/*
 * The ledger as list and show see it.
 */
#include <stdio.h>

#include "conf/conf.h"
#include "ctl/ctl_int.h"
#include "util/str.h"

int
ledger_open(const struct ctl_call *call, const char *db_path, struct db **out,
    struct err *e)
{
	struct conf	*conf = NULL;
	int		 rc;

	if (db_path != NULL)
		return db_open_reader(db_path, out, e);
	if (conf_load(call->conf_file, &conf, e) != 0)
		return -1;
	rc = db_open_reader(conf->store_path, out, e);
	conf_free(conf);
	return rc;
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
ledger_facts(const struct issued *row, const char *serial)
{
	return (struct json_cert){
		.serial = serial,
		.subject = row->subject,
		.sans = row->sans,
		.endpoint = row->endpoint,
		.profile = row->profile,
		.issuer = row->issuer,
		.txid = row->txid,
		.challenge = row->challenge,
		.peer = row->peer,
		.not_before = row->not_before,
		.not_after = row->not_after,
		.issued_at = row->issued_at
	};
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
