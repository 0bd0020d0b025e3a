#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <stdlib.h>
#include <string.h>

#include "pki/csr.h"
#include "pki/pki_int.h"
#include "pki/san_int.h"

static int
read_value(const X509_NAME_ENTRY *ne, struct name_value *v)
{
	unsigned char *utf8 = NULL;
	int n;

	if (OBJ_obj2txt(v->oid, sizeof(v->oid),
	    X509_NAME_ENTRY_get_object(ne), 1) >= (int)sizeof(v->oid) ||
	    (n = ASN1_STRING_to_UTF8(&utf8,
	    X509_NAME_ENTRY_get_data(ne))) < 0)
		return -1;
	if ((v->text = malloc((size_t)n + 1)) != NULL) {
		memcpy(v->text, utf8, (size_t)n);
		v->text[n] = '\0';
		v->n = (size_t)n;
	}
	OPENSSL_free(utf8);
	return v->text == NULL ? -1 : 0;
}

int
csr_read_subject(struct csr *r, const X509_NAME *name, struct err *e)
{
	int i, n = X509_NAME_entry_count(name);

	r->subject_empty = n == 0;
	r->subject = pki_i2d(ASN1_ITEM_rptr(X509_NAME), name);
	r->subject_text = name_text(name);
	if (r->subject.n == 0 || r->subject_text == NULL) {
		set_ssl(e, ERR_CSR, "subject");
		return -1;
	}
	if (n > CSR_MAX_VALUES) {
		err_set(e, ERR_CSR, "subject of %d values", n);
		return -1;
	}
	if (n > 0 && (r->values = calloc((size_t)n,
	    sizeof(*r->values))) == NULL) {
		err_set(e, ERR_MEMORY, "subject");
		return -1;
	}
	for (i = 0; i < n; i++) {
		r->n_values++;
		if (read_value(X509_NAME_get_entry(name, i),
		    &r->values[i]) == -1) {
			set_ssl(e, ERR_CSR, "subject value");
			return -1;
		}
	}
	return 0;
}

/* The attribute's single string value; *out NULL if there is no attribute. */
static int
challenge_string(X509_REQ *x, ASN1_STRING **out, struct err *e)
{
	X509_ATTRIBUTE *a;
	ASN1_TYPE *t;
	int at;

	*out = NULL;
	at = X509_REQ_get_attr_by_NID(x, NID_pkcs9_challengePassword, -1);
	if (at < 0)
		return 0;
	a = X509_REQ_get_attr(x, at);
	if (X509_REQ_get_attr_by_NID(x, NID_pkcs9_challengePassword,
	    at) >= 0 || X509_ATTRIBUTE_count(a) != 1) {
		err_set(e, ERR_CSR, "more than one challengePassword");
		return -1;
	}
	t = X509_ATTRIBUTE_get0_type(a, 0);
	switch (ASN1_TYPE_get(t)) {
	case V_ASN1_PRINTABLESTRING:
	case V_ASN1_UTF8STRING:
	case V_ASN1_T61STRING:
	case V_ASN1_IA5STRING:
	case V_ASN1_BMPSTRING:
	case V_ASN1_UNIVERSALSTRING:
		*out = t->value.asn1_string;
		return 0;
	default:
		err_set(e, ERR_CSR, "challengePassword is no string");
		return -1;
	}
}

static int
read_challenge(struct csr *r, struct err *e)
{
	unsigned char *utf8 = NULL;
	ASN1_STRING *s;
	int n, rc = -1;

	if (challenge_string(r->x, &s, e) == -1)
		return -1;
	if (s == NULL)
		return 0;
	if ((n = ASN1_STRING_to_UTF8(&utf8, s)) < 0)
		set_ssl(e, ERR_CSR, "challengePassword is no text");
	else if (buf_put(&r->challenge, utf8, (size_t)n) == -1)
		err_set(e, ERR_CSR, "challengePassword of %d bytes", n);
	else
		rc = 0;
	if (n >= 0)
		OPENSSL_clear_free(utf8, (size_t)n);
	r->has_challenge = rc == 0;
	return rc;
}

static int
read_sans(struct csr *r, struct err *e)
{
	STACK_OF(X509_EXTENSION) *exts;
	GENERAL_NAMES *gns;
	int crit, rc = 0;

	if (csr_extensions(r->x, &exts, e) == -1)
		return -1;
	gns = X509V3_get_d2i(exts, NID_subject_alt_name, &crit, NULL);
	if (gns != NULL)
		rc = sans_read(gns, ERR_CSR, &r->sans, e);
	else if (crit != -1) {
		err_set(e, ERR_CSR, "subjectAltName is malformed or doubled");
		rc = -1;
	}
	GENERAL_NAMES_free(gns);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	ERR_clear_error();
	return rc;
}

/* RSASSA-PSS names its digest in its parameters (RFC 4055, 3.1). */
static int
pss_digest(const X509_REQ *x)
{
	RSA_PSS_PARAMS *pss;
	const X509_ALGOR *alg;
	int md;

	X509_REQ_get0_signature(x, NULL, &alg);
	pss = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS),
	    alg->parameter);
	if (pss == NULL)
		return NID_undef;
	md = pss->hashAlgorithm == NULL ? NID_sha1 :
	    OBJ_obj2nid(pss->hashAlgorithm->algorithm);
	RSA_PSS_PARAMS_free(pss);
	return md;
}

static enum alg
read_digest(const X509_REQ *x)
{
	int md, sig = X509_REQ_get_signature_nid(x);

	if (sig == NID_rsassaPss)
		md = pss_digest(x);
	else if (OBJ_find_sigid_algs(sig, &md, NULL) != 1)
		return ALG_NONE;
	return alg_by_nid(ALG_DIGEST, md);
}

static int
read_all(struct csr *r, struct err *e)
{
	r->digest = read_digest(r->x);
	if (csr_read_subject(r, X509_REQ_get_subject_name(r->x), e) == -1 ||
	    pubkey_read(X509_REQ_get_X509_PUBKEY(r->x), &r->key, e) == -1 ||
	    read_challenge(r, e) == -1)
		return -1;
	return read_sans(r, e) == -1 ? -1 : csr_read_asked(r, e);
}

int
csr_parse(struct bytes der, struct csr **out, struct err *e)
{
	const unsigned char *p = der.p;
	struct csr *r;

	if (der.n == 0 || der.n > CSR_MAX_DER) {
		/* Nothing is no request: what decrypts to it may be noise. */
		err_set(e, der.n == 0 ? ERR_CSR_DER : ERR_CSR,
		    "request of %zu bytes", der.n);
		return -1;
	}
	if ((r = calloc(1, sizeof(*r))) == NULL) {
		err_set(e, ERR_MEMORY, "request");
		return -1;
	}
	buf_init(&r->challenge, CSR_MAX_CHALLENGE);
	if ((r->x = d2i_X509_REQ(NULL, &p, (long)der.n)) == NULL) {
		set_ssl(e, ERR_CSR_DER, "not a request in DER");
		goto fail;
	}
	if (p != der.p + der.n) {
		err_set(e, ERR_CSR_DER, "bytes after the request");
		goto fail;
	}
	r->der = pki_i2d(ASN1_ITEM_rptr(X509_REQ), r->x);
	if (r->der.n == 0) {
		set_ssl(e, ERR_MEMORY, "request");
		goto fail;
	}
	if (read_all(r, e) == -1)
		goto fail;
	*out = r;
	return 0;
fail:
	csr_free(r);
	return -1;
}

/* Nobody is asked for the password of an encrypted block. */
static int
no_password(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

/* The first request among a PEM text's blocks; others are passed over. */
static int
parse_pem(struct bytes file, struct csr **out, struct err *e)
{
	unsigned char *der = NULL;
	char *name = NULL;
	BIO *bio;
	long n = 0;
	int rc = -1;

	if ((bio = bio_of(file)) == NULL) {
		err_set(e, ERR_MEMORY, "request");
		return -1;
	}
	if (PEM_bytes_read_bio(&der, &n, &name, PEM_STRING_X509_REQ, bio,
	    no_password, NULL) == 1)
		rc = csr_parse(bytes_make(der, (size_t)n), out, e);
	else
		set_ssl(e, ERR_CSR_DER, "no request in the PEM text");
	OPENSSL_free(name);
	/* The challenge may be in it. */
	OPENSSL_clear_free(der, (size_t)n);
	BIO_free(bio);
	return rc;
}

int
csr_parse_file(struct bytes file, struct csr **out, struct err *e)
{
	return is_pem(file) ? parse_pem(file, out, e) :
	    csr_parse(file, out, e);
}

int
csr_verify(const struct csr *r, struct err *e)
{
	EVP_PKEY *pkey = X509_REQ_get0_pubkey(r->x);

	if (r->key.type == KEY_OTHER ||
	    (r->key.type == KEY_RSA && r->key.bits > CSR_RSA_MAX)) {
		err_set(e, ERR_CSR_SIGNATURE, "%s key of %d bits is not "
		    "verified with", key_type_name(r->key.type), r->key.bits);
		return -1;
	}
	if (pkey == NULL || X509_REQ_verify(r->x, pkey) != 1) {
		set_ssl(e, ERR_CSR_SIGNATURE, "request");
		return -1;
	}
	return 0;
}

void
csr_free(struct csr *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->n_values; i++)
		free(r->values[i].text);
	free(r->values);
	sans_free(&r->sans);
	/* The challenge is in it. */
	if (r->der.p != NULL)
		explicit_bzero((void *)(uintptr_t)r->der.p, r->der.n);
	pki_free(&r->der);
	pki_free(&r->subject);
	free(r->subject_text);
	pubkey_clear(&r->key);
	buf_wipe(&r->challenge);
	X509_REQ_free(r->x);
	free(r);
}

int
csr_pem(const struct csr *r, struct buf *out, struct err *e)
{
	BIO *bio;
	int rc = -1;

	if ((bio = BIO_new(BIO_s_mem())) == NULL ||
	    PEM_write_bio_X509_REQ(bio, r->x) != 1 ||
	    bio_drain(bio, out) == -1)
		set_ssl(e, ERR_MEMORY, "writing a request");
	else
		rc = 0;
	BIO_free(bio);
	return rc;
}
