/*
 * What scepctl ca init and ca import say when they are done.
 */
#include <stdio.h>

#include "ctl/ctl_int.h"
#include "render/text.h"
#include "util/clock.h"
#include "util/str.h"

static const struct fingerprint {
	const char	*digest;	/* libcrypto's name */
	const char	*label;
	const char	*key;		/* in JSON */
} fingerprints[] = {
	{ "SHA256", "SHA-256", "sha256" },
	{ "SHA1", "SHA-1", "sha1" },
	{ "MD5", "MD5", "md5" },
};
#define N_FINGERPRINTS	(sizeof(fingerprints) / sizeof(fingerprints[0]))

static const struct cert *
root_of(const struct ca_set *s)
{
	return s->upper.n > 0 ? s->upper.v[s->upper.n - 1] : NULL;
}

/* ---- text ---- */

static int
put_cert(struct buf *out, const char *label, const struct cert *c,
    bool with_fingerprints, struct err *e)
{
	char	 from[CLOCK_TEXT_MAX], until[CLOCK_TEXT_MAX];
	char	 fp[CERT_FP_MAX];
	size_t	 i;

	clock_text(c->not_before, from);
	clock_text(c->not_after, until);
	if (buf_printf(out, "\n%-11s ", label) != 0 ||
	    text_line(bytes_str(c->subject_text), out) != 0 ||
	    buf_printf(out, "\n            %s %d, valid from %s until %s\n",
	    key_type_name(c->key.type), c->key.bits, from, until) != 0)
		goto full;
	for (i = 0; with_fingerprints && i < N_FINGERPRINTS; i++) {
		if (cert_fingerprint(c, fingerprints[i].digest, fp, e) != 0)
			return -1;
		if (buf_printf(out, "  %-9s %s\n", fingerprints[i].label,
		    fp) != 0)
			goto full;
	}
	return 0;
full:
	err_set(e, ERR_MEMORY, "report");
	return -1;
}

int
ca_report_put(struct buf *out, const char *label, const struct cert *c,
    struct err *e)
{
	return put_cert(out, label, c, true, e);
}

static int
put_files(struct buf *out, const struct ca_report *r, struct err *e)
{
	size_t	 i;
	int	 rc;

	rc = buf_printf(out, "CA %s in ", r->what);
	if (rc == 0)
		rc = text_line(bytes_str(r->dir), out);
	if (rc == 0)
		rc = buf_puts(out, ":");
	for (i = 0; rc == 0 && i < r->files->n; i++)
		rc = buf_printf(out, " %s", r->files->v[i].name);
	if (rc == 0)
		rc = buf_putc(out, '\n');
	if (rc != 0)
		err_set(e, ERR_MEMORY, "report");
	return rc;
}

static int
put_report(struct buf *out, const struct ca_report *r, struct err *e)
{
	const struct ca_set	*s = r->set;

	if (put_files(out, r, e) != 0 ||
	    (s->upper.n > 0 &&
	    put_cert(out, "Root CA", root_of(s), true, e) != 0) ||
	    put_cert(out, "Issuing CA", s->cert, true, e) != 0 ||
	    (s->ra != NULL && put_cert(out, "RA", s->ra, false, e) != 0))
		return -1;
	if (s->root_key != NULL && buf_puts(out,
	    "\nroot.key is needed only to replace the issuing CA. Move it off "
	    "line now and\nremove it from this machine.\n") != 0) {
		err_set(e, ERR_MEMORY, "report");
		return -1;
	}
	return 0;
}

int
ca_report_text(const struct ca_report *r, struct err *e)
{
	struct buf	 out = BUF_INIT(CTL_TEXT_MAX);

	return ctl_print(put_report(&out, r, e), &out, e);
}

/* ---- JSON ---- */

int
ca_report_add(struct json *d, const char *key, const struct cert *c,
    struct err *e)
{
	char		 fp[CERT_FP_MAX], serial[LEDGER_SERIAL];
	struct json	*o;
	size_t		 i;

	if (c == NULL)
		return 0;
	ledger_serial(c->serial, serial);
	o = json_new_object();
	json_add_str(o, "subject", c->subject_text);
	json_add_str(o, "serial", serial);
	json_add_str(o, "key_type", key_type_name(c->key.type));
	json_add_int(o, "key_bits", c->key.bits);
	json_add_time(o, "not_before", c->not_before);
	json_add_time(o, "not_after", c->not_after);
	for (i = 0; i < N_FINGERPRINTS; i++) {
		if (cert_fingerprint(c, fingerprints[i].digest, fp, e) != 0) {
			json_free(o);
			return -1;
		}
		json_add_str(o, fingerprints[i].key, fp);
	}
	json_add_take(d, key, o);
	return 0;
}

int
ca_report_json(const struct ca_report *r, struct err *e)
{
	struct json	*d = json_new_object(), *files = json_new_array();
	size_t		 i;

	for (i = 0; i < r->files->n; i++)
		json_add_str(files, NULL, r->files->v[i].name);
	json_add_str(d, "dir", r->dir);
	json_add_str(d, "mode", r->set->ra != NULL ? "ra" : "ca");
	json_add_take(d, "files", files);
	if (ca_report_add(d, "root", root_of(r->set), e) != 0 ||
	    ca_report_add(d, "issuing", r->set->cert, e) != 0 ||
	    ca_report_add(d, "ra", r->set->ra, e) != 0) {
		json_free(d);
		return -1;
	}
	return ctl_print_json(d, e);
}
