/*
 * The ledger as list and show see it.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "conf/conf.h"
#include "ctl/ctl_int.h"
#include "util/str.h"

/* The store is its user's alone, and the configuration mostly: a caller who
 * may not read them is the usual fault, and is told what to do. */
static int
check_readable(const char *path, const char *if_missing, struct err *e)
{
	if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0)
		return 0;
	if (errno == ENOENT)
		err_set(e, ERR_FILE, "%s: no such file; %s", path, if_missing);
	else if (errno == EACCES)
		err_set(e, ERR_FILE, "%s: %s; run this as root or as scepd's "
		    "user", path, strerror(errno));
	else
		err_set(e, ERR_FILE, "%s: %s", path, strerror(errno));
	return -1;
}

static int
load_conf(const struct ctl_call *call, struct conf **out, struct err *e)
{
	if (check_readable(call->conf_file, "name the configuration with -c, "
	    "or the store with --db", e) != 0)
		return -1;
	return conf_load(call->conf_file, out, e);
}

int
ledger_open(const struct ctl_call *call, const char *db_path, struct db **out,
    struct err *e)
{
	struct conf	*conf = NULL;
	int		 rc;

	if (db_path != NULL)
		return check_readable(db_path, "correct --db", e) != 0 ? -1 :
		    db_open_reader(db_path, out, e);
	if (load_conf(call, &conf, e) != 0)
		return -1;
	rc = check_readable(conf->store_path, "correct store.path, or start "
	    "scepd once", e);
	if (rc == 0)
		rc = db_open_reader(conf->store_path, out, e);
	conf_free(conf);
	return rc;
}

static int
configured(const struct ctl_call *call, const char *name, bool *known,
    struct err *e)
{
	struct conf	*conf = NULL;
	size_t		 i;

	if (load_conf(call, &conf, e) != 0)
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
