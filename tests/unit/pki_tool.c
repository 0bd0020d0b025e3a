#include "pki_tool.h"

#include <openssl/err.h>

#include <sys/stat.h>

#include <dirent.h>
#include <unistd.h>

#include "pki/crl_int.h"
#include "pki/csr.h"
#include "util/file.h"
#include "util/str.h"

struct key *
tool_key(const char *spec)
{
	struct err	 e = ERR_INIT;
	struct key	*k = NULL;

	if (key_generate(spec, &k, &e) != 0)
		fail_msg("%s: %s", spec, err_text(&e));
	return k;
}

struct cert *
tool_cert(const struct order *o)
{
	uint8_t			 serial[SERIAL_LEN];
	struct buf		 name = BUF_INIT(4096);
	struct err		 e = ERR_INIT;
	struct cert		*c = NULL;
	struct cert_plan	 plan = {
		.serial = bytes_make(serial, sizeof(serial)),
		.spki = key_spki(o->key),
		.not_before = o->from == 0 ? NOW - DAY : o->from,
		.not_after = o->to == 0 ? NOW + 365 * DAY : o->to,
		.ca = o->ca, .path_len = -1, .ku = o->ku,
		.eku = o->eku, .sans = o->sans, .n_sans = o->n_sans
	};

	assert_int_equal(serial_draw(serial, &e), 0);
	assert_int_equal(name_make(o->name, &name, &e), 0);
	plan.subject = buf_bytes(&name);
	if (cert_make(&plan, o->issuer == NULL ? NULL : o->issuer->cert,
	    o->issuer == NULL ? o->key : o->issuer->key, &c, &e) != 0)
		fail_msg("%s: %s", o->name, err_text(&e));
	buf_wipe(&name);
	return c;
}

void
who_make(struct who *w, const struct order *o)
{
	struct order	 with = *o;

	w->key = tool_key(o->spec);
	with.key = w->key;
	w->cert = tool_cert(&with);
}

void
who_free(struct who *w)
{
	key_free(w->key);
	cert_free(w->cert);
	w->key = NULL;
	w->cert = NULL;
}

struct csr *
tool_csr(const struct key *k, const char *subject, const char *sans,
    const char *challenge)
{
	struct buf	 der = BUF_INIT(CSR_MAX_DER);
	struct err	 e = ERR_INIT;
	struct csr	*r = NULL;

	if (csr_make(k, subject, sans, challenge, &der, &e) != 0 ||
	    csr_parse(buf_bytes(&der), &r, &e) != 0)
		fail_msg("%s: %s", subject, err_text(&e));
	buf_wipe(&der);
	return r;
}

struct bytes
tool_hex(const char *hex)
{
	static struct buf	 all[64];
	static size_t		 n;
	struct buf		*b = &all[n++ % N(all)];

	buf_wipe(b);
	buf_init(b, 4096);
	assert_int_equal(str_unhex(hex, b), 0);
	return buf_bytes(b);
}

size_t
tool_count(struct bytes b, struct bytes needle, size_t *at)
{
	size_t	 i, n = 0;

	for (i = 0; i + needle.n <= b.n; i++)
		if (memcmp(b.p + i, needle.p, needle.n) == 0 && n++ == 0)
			*at = i;
	return n;
}

void
tool_patch(struct buf *in, struct bytes a, struct bytes b)
{
	size_t	 at = 0;

	assert_int_equal(a.n, b.n);
	assert_int_equal(tool_count(buf_bytes(in), a, &at), 1);
	memcpy(in->p + at, b.p, b.n);
}

bool
tool_knows(const char *type)
{
	EVP_PKEY_CTX	*ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	bool		 known = ctx != NULL;

	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return known;
}

static char	 folder[512];

const char *
tool_folder(void)
{
	const char	*tmp = getenv("TMPDIR");

	if (*folder == '\0') {
		(void)snprintf(folder, sizeof(folder), "%s/t_scepd.XXXXXX",
		    tmp == NULL ? "/tmp" : tmp);
		assert_non_null(mkdtemp(folder));
	}
	return folder;
}

const char *
tool_path(const char *name)
{
	static char	 path[8][1024];
	static size_t	 n;
	char		*p = path[n++ % N(path)];

	(void)snprintf(p, sizeof(path[0]), "%s/%s", tool_folder(), name);
	return p;
}

const char *
tool_file(const char *name, struct bytes b, unsigned mode)
{
	const char	*path = tool_path(name);
	struct err	 e = ERR_INIT;

	if (file_write(path, b, (mode_t)mode, true, &e) != 0)
		fail_msg("%s", err_text(&e));
	return path;
}

const char *
tool_cert_file(const char *name, const struct cert *c)
{
	struct buf	 pem = BUF_INIT(65536);
	struct err	 e = ERR_INIT;
	const char	*path;

	assert_int_equal(cert_pem(c, &pem, &e), 0);
	path = tool_file(name, buf_bytes(&pem), 0644);
	buf_wipe(&pem);
	return path;
}

const char *
tool_key_file(const char *name, const struct key *k)
{
	struct buf	 pem = BUF_INIT(65536);
	struct err	 e = ERR_INIT;
	const char	*path;

	assert_int_equal(key_pem(k, &pem, &e), 0);
	path = tool_file(name, buf_bytes(&pem), 0600);
	buf_wipe(&pem);
	return path;
}

void
tool_clean(void)
{
	const struct dirent	*d;
	DIR			*dir;

	if (*folder == '\0' || (dir = opendir(folder)) == NULL)
		return;
	while ((d = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), d->d_name, 0);
	closedir(dir);
	(void)rmdir(folder);
	*folder = '\0';
}

void
assert_err(const struct err *e, enum err_reason reason, const char *text,
    const char *row)
{
	if (e->reason != reason)
		fail_msg("%s: got %s (%s), want %s", row,
		    err_slug(e->reason), e->text, err_slug(reason));
	if (text != NULL && strstr(e->text, text) == NULL)
		fail_msg("%s\n got: %s\nwant: %s", row, e->text, text);
}

bool
tool_listed(const struct crl *c, struct bytes serial, struct crl_entry *out)
{
	struct crl_entry	 found = { .reason = CRL_UNSPECIFIED };
	ASN1_INTEGER		*ai = crl_serial(serial);
	ASN1_ENUMERATED		*reason;
	X509_REVOKED		*r = NULL;
	int			 listed;

	assert_non_null(ai);
	listed = X509_CRL_get0_by_serial(c->x, &r, ai);
	ASN1_INTEGER_free(ai);
	if (listed != 1)
		return false;
	assert_int_equal(time_read(X509_REVOKED_get0_revocationDate(r),
	    &found.when), 0);
	assert_true(serial.n <= sizeof(found.serial));
	memcpy(found.serial, serial.p, serial.n);
	found.n_serial = serial.n;
	reason = X509_REVOKED_get_ext_d2i(r, NID_crl_reason, NULL, NULL);
	if (reason != NULL)
		found.reason = (int)ASN1_ENUMERATED_get(reason);
	ASN1_ENUMERATED_free(reason);
	*out = found;
	return true;
}
