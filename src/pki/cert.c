#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdlib.h>
#include <string.h>

#include "pki/oid.h"
#include "pki/pki_int.h"
#include "util/file.h"
#include "util/str.h"

const char *
key_type_name(enum key_type t)
{
	static const char *const names[] = {
		"other", "rsa", "ec", "ed25519", "mldsa"
	};

	return names[t];
}

/* The content octets of the serial as they are encoded, sign and all. */
static int
read_serial(struct cert *c)
{
	const unsigned char *p;
	struct bytes der;
	uint8_t *copy;
	long len;
	int tag, class;

	der = pki_i2d(ASN1_ITEM_rptr(ASN1_INTEGER),
	    X509_get0_serialNumber(c->x));
	if (der.n == 0)
		return -1;
	p = der.p;
	if ((ASN1_get_object(&p, &len, &tag, &class, (long)der.n) & 0x80) ||
	    len < 1 || len > PKI_SERIAL_MAX ||
	    (copy = malloc((size_t)len)) == NULL) {
		pki_free(&der);
		return -1;
	}
	memcpy(copy, p, (size_t)len);
	c->serial = bytes_make(copy, (size_t)len);
	pki_free(&der);
	return 0;
}

/* libcrypto counts keyUsage bits from the other end of each octet. */
static unsigned
read_ku(X509 *x)
{
	static const struct { uint32_t theirs; unsigned ours; } map[] = {
		{ KU_DIGITAL_SIGNATURE, CERT_KU_DIGITAL_SIGNATURE },
		{ KU_NON_REPUDIATION, CERT_KU_NON_REPUDIATION },
		{ KU_KEY_ENCIPHERMENT, CERT_KU_KEY_ENCIPHERMENT },
		{ KU_DATA_ENCIPHERMENT, CERT_KU_DATA_ENCIPHERMENT },
		{ KU_KEY_AGREEMENT, CERT_KU_KEY_AGREEMENT },
		{ KU_KEY_CERT_SIGN, CERT_KU_KEY_CERT_SIGN },
		{ KU_CRL_SIGN, CERT_KU_CRL_SIGN },
	};
	uint32_t ku = X509_get_key_usage(x);
	unsigned out = 0;
	size_t i;

	for (i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (ku & map[i].theirs)
			out |= map[i].ours;
	return out;
}

/*
 * Signers' certificates come from devices: odd extensions, serials and dates
 * are theirs to answer for; only what cannot be read at all is refused.
 */
static int
read_facts(struct cert *c, struct err *e)
{
	const X509_NAME *subject = X509_get_subject_name(c->x);
	const X509_NAME *issuer = X509_get_issuer_name(c->x);

	c->subject = pki_i2d(ASN1_ITEM_rptr(X509_NAME), subject);
	c->issuer = pki_i2d(ASN1_ITEM_rptr(X509_NAME), issuer);
	c->subject_text = name_text(subject);
	if (c->subject.n == 0 || c->issuer.n == 0 || c->subject_text == NULL) {
		set_ssl(e, ERR_CERT_FILE, "certificate's names");
		return -1;
	}
	if (read_serial(c) == -1) {
		err_set(e, ERR_CERT_FILE, "certificate's serial number");
		return -1;
	}
	if (time_read(X509_get0_notBefore(c->x), &c->not_before) == -1 ||
	    time_read(X509_get0_notAfter(c->x), &c->not_after) == -1) {
		set_ssl(e, ERR_CERT_FILE, "certificate's validity");
		return -1;
	}
	c->has_ku = X509_get_ext_by_NID(c->x, NID_key_usage, -1) >= 0;
	c->ku = c->has_ku ? read_ku(c->x) : 0;
	c->is_ca = (X509_get_extension_flags(c->x) & EXFLAG_CA) != 0;
	c->self_issued = bytes_eq(c->subject, c->issuer);
	return pubkey_read(X509_get_X509_PUBKEY(c->x), &c->key, e);
}

int
cert_of(X509 *x, struct cert **out, struct err *e)
{
	struct cert *c;

	if ((c = calloc(1, sizeof(*c))) == NULL || X509_up_ref(x) != 1) {
		err_set(e, ERR_MEMORY, "certificate");
		free(c);
		return -1;
	}
	c->x = x;
	c->der = pki_i2d(ASN1_ITEM_rptr(X509), x);
	if (c->der.n == 0 || c->der.n > CERT_MAX_DER) {
		set_ssl(e, ERR_CERT_FILE, "certificate does not encode, or is "
		    "too large");
		goto fail;
	}
	if (read_facts(c, e) == -1)
		goto fail;
	*out = c;
	return 0;
fail:
	cert_free(c);
	return -1;
}

int
cert_parse(struct bytes der, struct cert **out, struct err *e)
{
	const unsigned char *p = der.p;
	X509 *x;
	int rc = -1;

	if (der.n == 0 || der.n > CERT_MAX_DER) {
		err_set(e, ERR_CERT_FILE, "certificate of %zu bytes", der.n);
		return -1;
	}
	if ((x = d2i_X509(NULL, &p, (long)der.n)) == NULL) {
		set_ssl(e, ERR_CERT_FILE, "not a certificate in DER");
		return -1;
	}
	if (p != der.p + der.n)
		err_set(e, ERR_CERT_FILE, "bytes after the certificate");
	else
		rc = cert_of(x, out, e);
	X509_free(x);
	return rc;
}

void
cert_free(struct cert *c)
{
	if (c == NULL)
		return;
	pki_free(&c->der);
	pki_free(&c->serial);
	pki_free(&c->subject);
	pki_free(&c->issuer);
	free(c->subject_text);
	pubkey_clear(&c->key);
	X509_free(c->x);
	free(c);
}

void
cert_hex(struct bytes b, char out[CERT_HEX_MAX])
{
	str_hex(bytes_make(b.p, b.n < PKI_SERIAL_MAX ? b.n : PKI_SERIAL_MAX),
	    out);
}

bool
cert_has_subject(const struct cert *c, struct bytes name)
{
	const unsigned char *p = name.p;
	X509_NAME *n = d2i_X509_NAME(NULL, &p, (long)name.n);
	bool same = n != NULL &&
	    X509_NAME_cmp(n, X509_get_subject_name(c->x)) == 0;

	X509_NAME_free(n);
	return same;
}

/* As text: libcrypto has no number for all of them. */
static bool
is_agent_oid(const ASN1_OBJECT *o)
{
	char oid[OID_TEXT];

	(void)OBJ_obj2txt(oid, sizeof(oid), o, 1);
	return strcmp(oid, "1.3.6.1.4.1.311.20.2.1") == 0 ||
	    strcmp(oid, "1.3.6.1.5.5.7.3.28") == 0;
}

bool
cert_is_agent(const struct cert *c)
{
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(c->x, NID_ext_key_usage,
	    NULL, NULL);
	bool is = false;
	int i;

	for (i = 0; i < sk_ASN1_OBJECT_num(eku); i++)
		is |= is_agent_oid(sk_ASN1_OBJECT_value(eku, i));
	sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
	return is;
}

size_t
cert_exts(const struct cert *c, struct cert_ext *out, size_t n)
{
	X509_EXTENSION *x;
	size_t i;

	for (i = 0; i < n && (x = X509_get_ext(c->x, (int)i)) != NULL; i++) {
		out[i].critical = X509_EXTENSION_get_critical(x) == 1;
		/* A longer OID is cut: it is shown, not compared. */
		(void)OBJ_obj2txt(out[i].oid, sizeof(out[i].oid),
		    X509_EXTENSION_get_object(x), 1);
		oid_name(out[i].oid, out[i].name);
	}
	return i;
}

int
cert_pem(const struct cert *c, struct buf *out, struct err *e)
{
	BIO *bio;
	int rc = -1;

	if ((bio = BIO_new(BIO_s_mem())) == NULL ||
	    PEM_write_bio_X509(bio, c->x) != 1 || bio_drain(bio, out) == -1)
		set_ssl(e, ERR_MEMORY, "writing a certificate");
	else
		rc = 0;
	BIO_free(bio);
	return rc;
}

int
cert_fingerprint(const struct cert *c, const char *digest,
    char out[CERT_FP_MAX], struct err *e)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	size_t n;

	if (EVP_Q_digest(NULL, digest, NULL, c->der.p, c->der.n, md,
	    &n) != 1 || 2 * n >= CERT_FP_MAX) {
		set_ssl(e, ERR_CRYPTO, digest);
		return -1;
	}
	str_hex(bytes_make(md, n), out);
	return 0;
}
