/*
 * The files that a command is told to read.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "ctl/ctl_int.h"

/* The store is its user's alone, and the configuration mostly: a caller who
 * may not read them is the usual fault, and is told what to do. */
int
ctl_readable(const char *path, const char *if_missing, struct err *e)
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

int
ctl_store_readable(const struct conf *conf, struct err *e)
{
	return ctl_readable(conf->store_path, "correct store.path, or start "
	    "scepd once", e);
}

int
ctl_conf(const struct ctl_call *call, const char *if_missing,
    struct conf **out, struct err *e)
{
	if (ctl_readable(call->conf_file, if_missing, e) != 0)
		return -1;
	return conf_load(call->conf_file, out, e);
}
