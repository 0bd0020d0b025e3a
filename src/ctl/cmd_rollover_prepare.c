/*
 * scepctl ca rollover prepare: the CA that is to follow, made or imported into
 * the folder that the issuer's setting `next` names.
 */
#include <stdio.h>
#include <stdlib.h>

#include "conf/ca_dir.h"
#include "ctl/ctl_int.h"
#include "render/text.h"
#include "util/clock.h"
#include "util/file.h"

#define DAYS_MAX	36500
#define DAYS_SINGLE	7305	/* 20 years */
#define DAYS_ISSUING	3653	/* 10 */

static const char *const keys[] = {
	"rsa:2048", "rsa:3072", "rsa:4096", "ec:p256", "ec:p384", NULL
};

enum {
	ISSUER, NAME, KEY, CA_DAYS, ROOT_CERT, ROOT_KEY, CERT, KEY_FILE, P12,
	CHAIN, PASS_FILE
};

static const struct ctl_opt opts[] = {
	[ISSUER] = { "issuer", "NAME", "which one's CA, if there are several" },
	[NAME] = { "name", "TEXT",
	    "its name (the current one's with G2, G3, … behind)" },
	[KEY] = { "key", "TYPE",
	    "its key: rsa:2048, rsa:3072, rsa:4096, ec:p256, ec:p384" },
	[CA_DAYS] = { "ca-days", "N",
	    "its life (10 years; if it signs itself: 20)" },
	[ROOT_CERT] = { "root-cert", "FILE",
	    "CA that signs it (the one above the current CA)" },
	[ROOT_KEY] = { "root-key", "FILE",
	    "key of that (root.key beside the current CA)" },
	[CERT] = { "cert", "FILE", "instead: an existing CA's certificate" },
	[KEY_FILE] = { "key-file", "FILE", "its key (PEM or DER)" },
	[P12] = { "p12", "FILE", "instead of these: a PKCS#12 file" },
	[CHAIN] = { "chain", "FILE",
	    "CA certificates above the one that is given, up to the root" },
	[PASS_FILE] = { "passphrase-file", "FILE",
	    "its first line opens the key that is given" },
};

/* ---- what is wanted ---- */

static bool
imports(const struct ctl_call *call)
{
	return call->opt[CERT] != NULL || call->opt[KEY_FILE] != NULL ||
	    call->opt[P12] != NULL;
}

/* An option that goes with neither way of getting a CA. */
static int
read_way(const struct ctl_call *call)
{
	static const int	 making[] = {
		NAME, KEY, CA_DAYS, ROOT_CERT, ROOT_KEY
	};
	size_t			 i;

	for (i = 0; imports(call) && i < sizeof(making) / sizeof(making[0]);
	    i++) {
		if (call->opt[making[i]] == NULL)
			continue;
		(void)ctl_usage(call, "--%s is for a CA that is made, not for "
		    "one that exists", opts[making[i]].name);
		return -1;
	}
	if (call->opt[P12] != NULL && (call->opt[CERT] != NULL ||
	    call->opt[KEY_FILE] != NULL)) {
		(void)ctl_usage(call, "give either --cert and --key-file, or "
		    "--p12");
		return -1;
	}
	if (call->opt[ROOT_CERT] != NULL && call->opt[ROOT_KEY] == NULL) {
		(void)ctl_usage(call, "--root-cert needs --root-key");
		return -1;
	}
	if (call->opt[CHAIN] != NULL && !imports(call) &&
	    call->opt[ROOT_CERT] == NULL) {
		(void)ctl_usage(call, "--chain is for what is above --cert, "
		    "--p12 or --root-cert");
		return -1;
	}
	if (call->opt[PASS_FILE] != NULL && !imports(call) &&
	    call->opt[ROOT_KEY] == NULL) {
		(void)ctl_usage(call, "--passphrase-file is for --key-file, "
		    "--p12 or --root-key");
		return -1;
	}
	return 0;
}

static int
read_want(const struct ctl_call *call, struct rollover_want *w)
{
	*w = (struct rollover_want){
		.ca = { .name = call->opt[NAME], .now = clock_now() },
		.root_cert = call->opt[ROOT_CERT],
		.root_key = call->opt[ROOT_KEY],
		.chain = call->opt[CHAIN],
		.passphrase = call->opt[PASS_FILE]
	};
	return read_way(call) != 0 ||
	    ctl_word(call, KEY, keys, &w->ca.key) != 0 ||
	    ctl_number(call, CA_DAYS, DAYS_MAX, &w->ca.ca_days) != 0 ? -1 : 0;
}

/* What the issuer and its endpoints make of it. */
static int
fit_want(const struct ctl_call *call, const struct rollover *r,
    struct rollover_want *w)
{
	bool	 local = r->issuer->type == CONF_ISSUER_LOCAL;

	w->ca.mode_ca = r->mode_ca;
	if (w->ca.ca_days == 0)
		w->ca.ca_days = r->ca->self_issued && w->root_key == NULL ?
		    DAYS_SINGLE : DAYS_ISSUING;
	if (w->ca.mode_ca && w->ca.key != NULL &&
	    strncmp(w->ca.key, "rsa:", 4) != 0) {
		(void)ctl_usage(call, "an endpoint of issuer \"%s\" has mode "
		    "\"ca\", which needs an RSA key: clients encrypt to it",
		    r->issuer->name);
		return -1;
	}
	if (!local && (call->opt[CERT] == NULL ||
	    call->opt[KEY_FILE] != NULL)) {
		(void)ctl_usage(call, "the key of issuer \"%s\" is its "
		    "program's: give the next CA's --cert alone",
		    r->issuer->name);
		return -1;
	}
	if (local && call->opt[CERT] != NULL && call->opt[KEY_FILE] == NULL) {
		(void)ctl_usage(call, "give either --cert and --key-file, or "
		    "--p12");
		return -1;
	}
	if (call->opt[KEY_FILE] != NULL && call->opt[CERT] == NULL) {
		(void)ctl_usage(call, "--key-file needs --cert");
		return -1;
	}
	return 0;
}

/* ---- where it goes ---- */

/* Of "…/g2" the number, 0 of any other folder. */
static unsigned
generation(const char *dir)
{
	const char	*last = strrchr(dir, '/');
	unsigned	 n;
	int		 end = 0;

	return last != NULL && sscanf(last, "/g%3u%n", &n, &end) == 1 &&
	    last[end] == '\0' && last[2] >= '1' && last[2] <= '9' ? n : 0;
}

/* A folder beside the certificate: g2, and beside that g3. Yours, or NULL. */
static char *
suggest(const char *cert)
{
	char		*dir = file_beside(cert, "."), *path = NULL;
	unsigned	 n;
	int		 len;

	if (dir == NULL)
		return NULL;
	dir[strlen(dir) - 2] = '\0';
	len = (int)strlen(dir);
	if ((n = generation(dir)) > 1)
		len = (int)(strrchr(dir, '/') - dir);
	else
		n = 1;
	if (asprintf(&path, "%.*s/g%u", len, dir, n + 1) == -1)
		path = NULL;
	free(dir);
	return path;
}

static int
check_folder(const struct rollover *r, struct err *e)
{
	char	*path;

	if (*r->issuer->next != '\0')
		return ca_dir_check(r->issuer->next, e);
	path = suggest(r->issuer->cert);
	err_set(e, ERR_CONFIG, "issuer \"%s\" has no folder for a next CA; add "
	    "to it in %s:  next = \"%s\";", r->issuer->name, r->conf->file,
	    path != NULL ? path : "FOLDER");
	free(path);
	return -1;
}

/* ---- what was done ---- */

static int
put_dir(struct buf *out, const char *before, const char *dir,
    const char *behind)
{
	if (buf_puts(out, before) != 0 ||
	    text_line(bytes_str(dir), out) != 0)
		return -1;
	return buf_puts(out, behind);
}

static int
put_steps(struct buf *out, const struct rollover *r, const struct ca_set *s)
{
	const char	*dir = r->issuer->next;
	int		 bad = 0;

	bad |= buf_puts(out, "\nNext steps:\n");
	if (s->key != NULL) {
		bad |= put_dir(out, "- Let scepd read the key:  chown "
		    "root:scepd ", dir, "/" CA_DIR_KEY);
		bad |= put_dir(out, " && chmod 640 ", dir, "/" CA_DIR_KEY
		    "\n");
	}
	bad |= buf_puts(out, "- Reload scepd:  systemctl reload scepd\n"
	    "  Devices that ask for it (GetNextCACert) then get it, signed by "
	    "the current CA.\n");
	bad |= put_dir(out, "- Let all who verify certificates (RADIUS "
	    "servers, gateways, device settings)\n  trust ", dir,
	    "/" CA_DIR_BUNDLE " too.\n");
	bad |= buf_puts(out, "- When they do:  scepctl ca rollover activate");
	if (r->conf->n_issuers > 1)
		bad |= put_dir(out, " --issuer ", r->issuer->name, "");
	bad |= buf_putc(out, '\n');
	return bad == 0 ? 0 : -1;
}

static int
put_files(struct buf *out, const char *what, const char *dir,
    const struct ca_files *f)
{
	size_t	 i;
	int	 bad;

	bad = buf_printf(out, "Next CA %s in ", what);
	bad |= put_dir(out, "", dir, ":");
	for (i = 0; i < f->n; i++)
		bad |= buf_printf(out, " %s", f->v[i].name);
	bad |= buf_putc(out, '\n');
	return bad == 0 ? 0 : -1;
}

static int
tell(const struct ctl_call *call, const struct rollover *r,
    const struct ca_set *s, const struct ca_files *f, struct err *e)
{
	struct buf	 out = BUF_INIT(CTL_TEXT_MAX);
	int		 rc;

	rc = put_files(&out, imports(call) ? "imported" : "made",
	    r->issuer->next, f);
	if (rc == 0)
		rc = ca_report_put(&out, "Next CA", s->cert, e);
	if (rc == 0)
		rc = put_steps(&out, r, s);
	rc = ctl_print(rc, &out, e);
	if (rc == 0 && s->cert->not_after <= r->ca->not_after)
		ctl_note(call, "the next CA expires no later than the current "
		    "one; a CA above it with a longer life can sign one that "
		    "lasts (--root-cert)");
	return rc;
}

/* ---- doing it ---- */

static int
get_set(const struct ctl_call *call, const struct rollover *r,
    const struct rollover_want *want, struct ca_set *out, struct err *e)
{
	const struct ca_source	 src = {
		.cert = call->opt[CERT],
		.key = call->opt[KEY_FILE],
		.p12 = call->opt[P12],
		.chain = call->opt[CHAIN],
		.passphrase = call->opt[PASS_FILE]
	};

	if (!imports(call))
		return rollover_make(r, want, out, e);
	if (ca_import(&src, &want->ca, out, e) != 0)
		return -1;
	if (rollover_check(r, out, e) == 0)
		return 0;
	ca_set_clear(out);
	return -1;
}

static int
prepare(const struct ctl_call *call, const struct rollover *r,
    const struct rollover_want *want, struct err *e)
{
	struct ca_files	 files = { .n = 0 };
	struct ca_set	 set = { .key = NULL };
	int		 rc = -1;

	if (check_folder(r, e) == 0 && get_set(call, r, want, &set, e) == 0 &&
	    ca_files_make(&set, &files, e) == 0 &&
	    ca_files_write(&files, r->issuer->next, e) == 0)
		rc = tell(call, r, &set, &files, e);
	ca_files_clear(&files);
	ca_set_clear(&set);
	return rc;
}

static enum ctl_exit
run(const struct ctl_call *call)
{
	struct rollover_want	 want;
	struct rollover		 r = { .conf = NULL };
	struct err		 e = { .reason = ERR_NONE };
	enum ctl_exit		 rc;

	if (read_want(call, &want) != 0)
		return CTL_USAGE;
	if ((rc = rollover_open(call, call->opt[ISSUER], &r)) != CTL_OK)
		return rc;
	if (fit_want(call, &r, &want) != 0) {
		rc = CTL_USAGE;
	} else if (prepare(call, &r, &want, &e) != 0) {
		if (call->opt[PASS_FILE] == NULL)
			ca_hint_passphrase(&e);
		rc = e.reason == ERR_ARGUMENT ?
		    ctl_usage(call, "%s", err_text(&e)) : ctl_fail(call, &e);
	}
	rollover_close(&r);
	return rc;
}

const struct ctl_cmd cmd_ca_rollover_prepare = {
	.noun = "ca",
	.verb = "rollover prepare",
	.reads_conf = true,
	.summary = "make or import the CA that follows",
	.about =
	    "Makes the CA that is to follow an issuer's, or imports it, into the\n"
	    "folder that the issuer's setting \"next\" names. Nothing changes for\n"
	    "devices but that they can ask for it, until it is activated.",
	.opts = opts,
	.n_opts = sizeof(opts) / sizeof(opts[0]),
	.run = run
};
