/*
 * scepctl ca: a CA for scepd, made new or taken from elsewhere.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ctl/ctl_int.h"
#include "util/clock.h"

#define DAYS_MAX	36500
#define DAYS_ROOT	7305	/* 20 years */
#define DAYS_ISSUING	3653	/* 10 */
#define DAYS_RA		1827	/* 5 */

static const char *const modes[] = { "ra", "ca", NULL };
static const char *const ra_keys[] = {
	"rsa:2048", "rsa:3072", "rsa:4096", NULL
};
static const char *const ca_keys[] = {
	"rsa:2048", "rsa:3072", "rsa:4096", "ec:p256", "ec:p384", NULL
};

/* The first are common to both commands. */
enum {
	DIR, NAME, MODE, RA_KEY, RA_DAYS, JSON, COMMON,
	SINGLE = COMMON, KEY, ROOT_DAYS, CA_DAYS,
	CERT = COMMON, CERT_KEY, P12, CHAIN, PASS_FILE, PASS_CRED
};

#define COMMON_OPTS							\
	[DIR] = { "dir", "DIR",						\
	    "folder to make; must not exist, or be empty" },		\
	[NAME] = { "name", "TEXT",					\
	    "common names begin with it (scepd); or /C=…/CN=TEXT" },	\
	[MODE] = { "mode", "ra|ca",					\
	    "who answers SCEP: an RA (default) or the CA itself" },	\
	[RA_KEY] = { "ra-key", "TYPE",					\
	    "key of the RA: rsa:2048 (default), rsa:3072, rsa:4096" },	\
	[RA_DAYS] = { "ra-days", "N",					\
	    "life of the RA certificate (5 years)" },			\
	[JSON] = { "json", NULL, "print JSON" }

static const struct ctl_opt init_opts[] = {
	COMMON_OPTS,
	[SINGLE] = { "single", NULL,
	    "one self-signed CA instead of a root and an issuing CA" },
	[KEY] = { "key", "TYPE",
	    "key of the CAs: as for the RA (rsa:3072), ec:p256, ec:p384" },
	[ROOT_DAYS] = { "root-days", "N", "life of the root (20 years)" },
	[CA_DAYS] = { "ca-days", "N",
	    "life of the issuing CA (10 years; --single: 20)" },
};

static const struct ctl_opt import_opts[] = {
	COMMON_OPTS,
	[CERT] = { "cert", "FILE", "certificate of the CA (PEM or DER)" },
	[CERT_KEY] = { "key", "FILE", "its key (PEM or DER)" },
	[P12] = { "p12", "FILE", "instead of these: a PKCS#12 file" },
	[CHAIN] = { "chain", "FILE",
	    "CA certificates above it, up to the root (PEM)" },
	[PASS_FILE] = { "passphrase-file", "FILE",
	    "its first line opens the key" },
	[PASS_CRED] = { "passphrase-credential", "NAME",
	    "the same from a systemd credential" },
};

static int
read_name(const struct ctl_call *call, const char **name)
{
	const char	*text = call->opt[NAME], *last;

	if (text == NULL)
		return 0;
	*name = text;
	if (*text != '/' && *text != '\0')
		return 0;
	/* "Root CA" and its like are put behind: that must be the CN. */
	if ((last = strrchr(text, '/')) != NULL &&
	    strncmp(last, "/CN=", 4) == 0 && last[4] != '\0')
		return 0;
	(void)ctl_usage(call, "--name: \"%s\" is neither a text nor a name "
	    "such as /O=Example/CN=Example", text);
	return -1;
}

static int
read_common(const struct ctl_call *call, struct ca_want *w)
{
	const char	*mode = "ra";

	*w = (struct ca_want){
		.name = "scepd",
		.key = "rsa:3072",
		.ra_key = "rsa:2048",
		.root_days = DAYS_ROOT,
		.ca_days = DAYS_ISSUING,
		.ra_days = DAYS_RA,
		.now = clock_now()
	};
	if (call->opt[DIR] == NULL || *call->opt[DIR] == '\0') {
		(void)ctl_usage(call, "--dir is missing");
		return -1;
	}
	if (read_name(call, &w->name) != 0 ||
	    ctl_word(call, MODE, modes, &mode) != 0 ||
	    ctl_word(call, RA_KEY, ra_keys, &w->ra_key) != 0 ||
	    ctl_number(call, RA_DAYS, DAYS_MAX, &w->ra_days) != 0)
		return -1;
	w->mode_ca = strcmp(mode, "ca") == 0;
	if (w->mode_ca && (call->opt[RA_KEY] != NULL ||
	    call->opt[RA_DAYS] != NULL)) {
		(void)ctl_usage(call, "--mode ca has no RA: neither --ra-key "
		    "nor --ra-days");
		return -1;
	}
	return 0;
}

static int
read_init(const struct ctl_call *call, struct ca_want *w)
{
	if (read_common(call, w) != 0)
		return -1;
	w->single = call->opt[SINGLE] != NULL;
	if (w->single)
		w->ca_days = DAYS_ROOT;
	if (ctl_word(call, KEY, ca_keys, &w->key) != 0 ||
	    ctl_number(call, ROOT_DAYS, DAYS_MAX, &w->root_days) != 0 ||
	    ctl_number(call, CA_DAYS, DAYS_MAX, &w->ca_days) != 0)
		return -1;
	if (w->single && call->opt[ROOT_DAYS] != NULL) {
		(void)ctl_usage(call, "--single has no root: use --ca-days");
		return -1;
	}
	if (w->mode_ca && strncmp(w->key, "rsa:", 4) != 0) {
		(void)ctl_usage(call, "--mode ca needs an RSA key: clients "
		    "encrypt to it");
		return -1;
	}
	return 0;
}

/* Writes the set and tells what was made. */
static int
finish(const struct ctl_call *call, const char *what,
    const struct ca_set *set, struct err *e)
{
	struct ca_files		 files = { .n = 0 };
	struct ca_report	 r = {
		.what = what,
		.dir = call->opt[DIR],
		.set = set,
		.files = &files
	};
	int			 rc;

	if (ca_files_make(set, &files, e) != 0)
		return -1;
	rc = ca_files_write(&files, call->opt[DIR], e);
	if (rc == 0)
		rc = call->opt[JSON] != NULL ? ca_report_json(&r, e) :
		    ca_report_text(&r, e);
	ca_files_clear(&files);
	return rc;
}

static enum ctl_exit
run_init(const struct ctl_call *call)
{
	struct ca_want	 want;
	struct ca_set	 set = { .key = NULL };
	struct err	 e = { .reason = ERR_NONE };
	int		 rc;

	if (read_init(call, &want) != 0)
		return CTL_USAGE;
	rc = ca_dir_check(call->opt[DIR], &e);
	if (rc == 0)
		rc = ca_make(&want, &set, &e);
	if (rc == 0)
		rc = finish(call, "made", &set, &e);
	ca_set_clear(&set);
	if (rc == 0)
		return CTL_OK;
	return e.reason == ERR_ARGUMENT ?
	    ctl_usage(call, "--name: %s", err_text(&e)) : ctl_fail(call, &e);
}

static int
read_source(const struct ctl_call *call, struct ca_source *src)
{
	const char	*cert = call->opt[CERT], *key = call->opt[CERT_KEY];
	const char	*p12 = call->opt[P12];

	if (p12 != NULL ? cert != NULL || key != NULL :
	    cert == NULL || key == NULL) {
		(void)ctl_usage(call, "give either --cert and --key, or --p12");
		return -1;
	}
	if (call->opt[PASS_FILE] != NULL && call->opt[PASS_CRED] != NULL) {
		(void)ctl_usage(call, "--passphrase-file and "
		    "--passphrase-credential exclude each other");
		return -1;
	}
	*src = (struct ca_source){
		.cert = cert,
		.key = key,
		.p12 = p12,
		.chain = call->opt[CHAIN],
		.passphrase = call->opt[PASS_FILE]
	};
	return 0;
}

/* File of a systemd credential. Yours; NULL if it cannot be named. */
static char *
credential_path(const char *name, struct err *e)
{
	const char	*folder = getenv("CREDENTIALS_DIRECTORY");
	char		*path = NULL;

	if (*name == '\0' || *name == '.' || strchr(name, '/') != NULL)
		err_set(e, ERR_PASSPHRASE, "\"%s\" is no credential's name",
		    name);
	else if (folder == NULL || *folder != '/')
		err_set(e, ERR_PASSPHRASE, "credential %s: systemd gives "
		    "credentials to services only (CREDENTIALS_DIRECTORY is "
		    "not set)", name);
	else if (asprintf(&path, "%s/%s", folder, name) == -1) {
		path = NULL;
		err_set(e, ERR_MEMORY, "credential %s", name);
	}
	return path;
}

static int
import(const struct ctl_call *call, struct ca_source *src,
    const struct ca_want *want, struct err *e)
{
	struct ca_set	 set = { .key = NULL };
	char		*credential = NULL;
	int		 rc;

	if (call->opt[PASS_CRED] != NULL) {
		credential = credential_path(call->opt[PASS_CRED], e);
		if (credential == NULL)
			return -1;
		src->passphrase = credential;
	}
	rc = ca_dir_check(call->opt[DIR], e);
	if (rc == 0)
		rc = ca_import(src, want, &set, e);
	if (rc == 0 && !want->mode_ca)
		rc = ca_make_ra(want, &set, e);
	if (rc == 0)
		rc = finish(call, "imported", &set, e);
	ca_set_clear(&set);
	free(credential);
	return rc;
}

static enum ctl_exit
run_import(const struct ctl_call *call)
{
	struct ca_source	 src;
	struct ca_want		 want;
	struct err		 e = { .reason = ERR_NONE };

	if (read_common(call, &want) != 0 || read_source(call, &src) != 0)
		return CTL_USAGE;
	if (import(call, &src, &want, &e) == 0)
		return CTL_OK;
	if (call->opt[PASS_FILE] == NULL && call->opt[PASS_CRED] == NULL)
		ca_hint_passphrase(&e);
	return e.reason == ERR_ARGUMENT ?
	    ctl_usage(call, "--name: %s", err_text(&e)) : ctl_fail(call, &e);
}

const struct ctl_cmd cmd_ca_init = {
	.noun = "ca",
	.verb = "init",
	.summary = "make a CA and the RA certificate",
	.about =
	    "Makes a root CA, an issuing CA under it and the RA certificate\n"
	    "that answers SCEP, with their keys, in a new folder.",
	.opts = init_opts,
	.n_opts = sizeof(init_opts) / sizeof(init_opts[0]),
	.run = run_init
};

const struct ctl_cmd cmd_ca_import = {
	.noun = "ca",
	.verb = "import",
	.summary = "take an existing CA and make the RA certificate",
	.about =
	    "Proves that an existing CA can issue, and writes it with a new\n"
	    "RA certificate into a new folder, laid out as by ca init. Its\n"
	    "key is written unencrypted, readable by its owner only.",
	.opts = import_opts,
	.n_opts = sizeof(import_opts) / sizeof(import_opts[0]),
	.run = run_import
};
