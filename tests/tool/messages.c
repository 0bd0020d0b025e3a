/*
 * messages: writes the messages of tests/data/messages, as clients in the field
 * are known to send them, for the RA whose key and certificate stand there too.
 *
 *	messages FOLDER
 *
 * Messages are replaced. CA, RA and the devices' keys are kept where they are
 * there: what real clients sent to this RA lies beside them.
 */
#include <openssl/ec.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "msg_craft.h"
#include "pki/cert_make.h"
#include "pki/pki_int.h"
#include "util/clock.h"
#include "util/file.h"

#define MONTH	30		/* days */
#define PRINTABLE 19

#define PKCS9	"1.2.840.113549.1.9.14"
#define MS	"1.3.6.1.4.1.311.2.1.14"
#define VERISIGN "2.16.840.1.113733.1.9.8"

/* What a table row may say beyond the plain message. */
#define OAEP		0x0001u
#define TO_SKI		0x0002u
#define REVERSED	0x0004u	/* RDNs of the recipient's issuer */
#define THREE		0x0008u	/* recipients, ours is the last */
#define BY_SKI		0x0010u	/* SignerIdentifier */
#define NAMED_SIG	0x0020u	/* sha256WithRSA, not rsaEncryption */
#define DISORDERED	0x0040u	/* attributes of the request */
#define PATH_LEN	0x0080u
#define VALIDITY	0x0100u
#define TXID_UTF8	0x0200u
#define NO_CHALLENGE	0x0400u

#define DEVICE	{ .cn = "device", .serial = "07" }

static const struct row {
	const char		*file;
	const char		*key;		/* NULL: RSA; else also the
						 * name of its file */
	struct signer_craft	 signer;
	const char		*md, *cipher;
	enum ber_style		 style;
	const char		*txid;
	size_t			 nonce;
	const char		*ext;
	unsigned		 how;
} rows[] = {
	{ "apple", NULL, { .cn = "5F0D81A2-74A5-4B09-9F0B-5B7A62C2B9C4",
	    .serial = "01", .ku = true }, "SHA512", "AES-128-CBC", BER_ALL,
	    "3A7C09DA4B1F08C1AD2B5F0F7C0A9C6B12E84D55", 16, PKCS9, 0 },
	{ "apple-2016", NULL, { .cn = "MDM SCEP SIGNER", .serial = "01",
	    .ku = true }, "SHA1", "DES-EDE3-CBC", BER_ALL,
	    "0B1F08C1AD2B5F0F7C0A9C6B12E84D553A7C09DA", 8, PKCS9, 0 },
	{ "windows", NULL, { .cn = "SCEP Protocol Certificate",
	    .serial = "-3f00000000000000000000000000f0a1", .ku = true,
	    .aki = true, .ski = true }, "SHA256", "AES-128-CBC", BER_NONE,
	    "D1F4A7", 16, MS, OAEP | PATH_LEN | VALIDITY },
	{ "cisco-ios", NULL, { .cn = "router.example", .serial = "2a" },
	    "MD5", "DES-CBC", BER_NONE, "8A9B7C6D5E4F30211203F4E5D6C7B8A9",
	    16, VERISIGN, 0 },
	{ "jscep", NULL, { .cn = "device", .serial = "01", .v1 = true },
	    "SHA512", "AES-128-CBC", BER_OUTER,
	    "9ae8f1cc2b4e9d9a01d8ad0d5ab2c1b0a1d2e3f4", 16, PKCS9,
	    NAMED_SIG },
	{ "scepclient", NULL, { .cn = "SCEP SIGNER", .serial = "5d3a11",
	    .ku = true }, "SHA1", "DES-CBC", BER_NONE,
	    "q83vEjRWeJCrze8SNFZ+kKvN7/I=", 16, PKCS9, NAMED_SIG | THREE },
	{ "sscep", NULL, { .cn = "device", .serial =
	    "46304431384538374344393742374235"
	    "38464333423830443945304631413243" }, "SHA256", "AES-128-CBC",
	    BER_NONE, "F0D18E87CD97B7B58FC3B80D9E0F1A2C", 16, PKCS9, 0 },
	{ "certmonger", NULL, { .cn = "host.example", .serial =
	    "00c7d1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d"
	    "6e7f", .v1 = true }, "SHA256", "AES-256-CBC", BER_NONE,
	    "9087611240958776611029384756102938475610293847561029384756102938"
	    "4756102938475", 16, PKCS9, 0 },
	{ "strongswan", NULL, { .cn = "device", .serial =
	    "0081a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4" }, "SHA256",
	    "AES-128-CBC", BER_NONE,
	    "81A2B3C4D5E6F708192A3B4C5D6E7F8091A2B3C4", 16, PKCS9,
	    NAMED_SIG | DISORDERED },
	{ "ski", NULL, { .cn = "device", .serial = "07", .ski = true },
	    "SHA256", "AES-192-CBC", BER_NONE, "ski", 16, PKCS9,
	    TO_SKI | BY_SKI },
	{ "reordered-issuer", NULL, { .cn = "device", .serial = "07" },
	    "SHA256", "AES-128-CBC", BER_NONE, "reordered", 16, PKCS9,
	    REVERSED },
	{ "three-recipients", NULL, { .cn = "device", .serial = "07" },
	    "SHA256", "AES-128-CBC", BER_OUTER, "three", 16, PKCS9,
	    THREE },
	{ "expired-signer", NULL, { .cn = "device", .serial = "07",
	    .from = -2 * MONTH, .to = -MONTH }, "SHA256", "AES-128-CBC",
	    BER_NONE, "expired", 1, PKCS9, 0 },
	{ "future-signer", NULL, { .cn = "device", .serial = "07",
	    .from = 3650, .to = 2 * 3650 }, "SHA384", "AES-128-CBC",
	    BER_NONE, "future", 64, PKCS9, 0 },
	{ "blank-txid", NULL, { .cn = "device", .serial = "07" }, "SHA256",
	    "AES-128-CBC", BER_NONE, "SSCEP transactionId", 16, NULL,
	    TXID_UTF8 | NO_CHALLENGE },
	{ "ec-p256", "P-256", { .cn = "device", .serial = "07" }, "SHA256",
	    "AES-128-CBC", BER_NONE, "p256", 16, PKCS9, 0 },
	{ "ec-p384", "P-384", { .cn = "device", .serial = "07" }, "SHA384",
	    "AES-256-CBC", BER_NONE, "p384", 16, PKCS9, 0 },
	{ "ec-p521", "P-521", { .cn = "device", .serial = "07" }, "SHA512",
	    "AES-256-CBC", BER_NONE, "p521", 16, PKCS9, 0 },
	{ "ed25519", "ED25519", { .cn = "device", .serial = "07" }, "SHA512",
	    "AES-128-CBC", BER_NONE, "ed25519", 16, PKCS9, 0 },
	{ "mldsa44", "ML-DSA-44", DEVICE, "SHA256", "AES-128-CBC", BER_NONE,
	    "mldsa44", 16, PKCS9, 0 },
	{ "mldsa65", "ML-DSA-65", DEVICE, "SHA384", "AES-256-CBC", BER_NONE,
	    "mldsa65", 16, PKCS9, 0 },
	{ "mldsa87", "ML-DSA-87", DEVICE, "SHA512", "AES-256-CBC", BER_NONE,
	    "mldsa87", 16, PKCS9, 0 },
	/* The attributes' digest is weaker than RFC 9882 wants. */
	{ "mldsa87-sha256", "ML-DSA-87", DEVICE, "SHA256", "AES-256-CBC",
	    BER_NONE, "mldsa87-sha256", 16, PKCS9, 0 },
};

/* A challenge of 5000 characters, in each type of string there is. */
static const struct {
	const char	*file;
	int		 tag;
	size_t		 width;		/* octets a character */
} challenges[] = {
	{ "challenge-printable", V_ASN1_PRINTABLESTRING, 1 },
	{ "challenge-utf8", V_ASN1_UTF8STRING, 1 },
	{ "challenge-t61", V_ASN1_T61STRING, 1 },
	{ "challenge-ia5", V_ASN1_IA5STRING, 1 },
	{ "challenge-bmp", V_ASN1_BMPSTRING, 2 },
	{ "challenge-universal", V_ASN1_UNIVERSALSTRING, 4 },
};
#define LONG	5000

struct lab {
	const char	*folder;
	struct cert	*ra, *ca;
	OSSL_LIB_CTX	*legacy;
};

static void
save(const struct lab *l, const char *name, const char *ext, struct bytes b)
{
	struct err e = { .reason = ERR_NONE };
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s.%s", l->folder, name, ext);
	must(file_write(path, b, 0644, true, &e) == 0, err_text(&e));
}

static bool
is_kept(const struct lab *l, const char *name, const char *ext, struct buf *to)
{
	struct err e = { .reason = ERR_NONE };
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s.%s", l->folder, name, ext);
	if (access(path, F_OK) == -1)
		return false;
	must(file_read(path, to, &e) == 0, err_text(&e));
	return true;
}

/* NULL: libcrypto knows no such key. */
static EVP_PKEY *
generate(const char *type)
{
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *pkey = NULL;

	if (strcmp(type, "RSA") == 0)
		return EVP_RSA_gen(2048);
	if (strncmp(type, "P-", 2) == 0)
		return EVP_EC_gen(type);
	if ((ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL)) != NULL &&
	    EVP_PKEY_keygen_init(ctx) == 1)
		(void)EVP_PKEY_generate(ctx, &pkey);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

/* The key of this name; NULL: cannot be had here. */
static struct key *
key_of(const struct lab *l, const char *name, const char *type)
{
	struct buf pem = BUF_INIT(MSG_MAX);
	struct err e = { .reason = ERR_NONE };
	struct key *k = NULL;
	EVP_PKEY *pkey;

	if (is_kept(l, name, "key", &pem))
		(void)key_parse(buf_bytes(&pem), bytes_make("", 0), &k, &e);
	else if ((pkey = generate(type)) != NULL) {
		must(key_from_pkey(pkey, &k, &e) == 0 &&
		    key_pem(k, &pem, &e) == 0, err_text(&e));
		save(l, name, "key", buf_bytes(&pem));
	}
	buf_wipe(&pem);
	return k;
}

static struct cert *
authority(const char *subject, const struct cert *issuer,
    const struct key *issuer_key, const struct key *key)
{
	struct buf name = BUF_INIT(4096);
	struct err e = { .reason = ERR_NONE };
	uint8_t serial[SERIAL_LEN] = { 0 };
	struct cert *c;
	struct cert_plan p = {
		.serial = bytes_make(serial, sizeof(serial)),
		.spki = key_spki(key),
		.not_before = clock_now() - 86400,
		.not_after = clock_now() + INT64_C(86400) * 7300,
		.ca = issuer == NULL, .path_len = -1,
		.ku = issuer == NULL ?
		    CERT_KU_KEY_CERT_SIGN | CERT_KU_CRL_SIGN :
		    CERT_KU_DIGITAL_SIGNATURE | CERT_KU_KEY_ENCIPHERMENT,
	};

	must(serial_draw(serial, &e) == 0 &&
	    name_make(subject, &name, &e) == 0, "authority");
	p.subject = buf_bytes(&name);
	must(cert_make(&p, issuer, issuer_key, &c, &e) == 0, err_text(&e));
	buf_wipe(&name);
	return c;
}

/* The certificate of this name, or a new one. */
static struct cert *
cert_of_key(const struct lab *l, const char *name, const char *subject,
    const struct cert *issuer, const struct key *issuer_key,
    const struct key *key)
{
	struct buf pem = BUF_INIT(MSG_MAX);
	struct err e = { .reason = ERR_NONE };
	struct cert *c;
	struct certs cs;

	if (is_kept(l, name, "pem", &pem)) {
		must(certs_parse(buf_bytes(&pem), &cs, &e) == 0,
		    err_text(&e));
		c = cs.v[0];
		free(cs.v);
	} else {
		c = authority(subject, issuer, issuer_key, key);
		must(cert_pem(c, &pem, &e) == 0, err_text(&e));
		save(l, name, "pem", buf_bytes(&pem));
	}
	buf_wipe(&pem);
	return c;
}

/* An RA whose issuer has several RDNs. */
static void
make_ra(struct lab *l)
{
	struct key *ca = key_of(l, "ca", "RSA"), *ra = key_of(l, "ra", "RSA");

	must(ca != NULL && ra != NULL, "keys");
	l->ca = cert_of_key(l, "ca", "/C=DE/O=Example/OU=Test only/CN=CA",
	    NULL, ca, ca);
	l->ra = cert_of_key(l, "ra", "/C=DE/O=Example/CN=Test only RA",
	    l->ca, ca, ra);
	key_free(ca);
	key_free(ra);
}

static void
write_message(const struct lab *l, const struct row *r,
    const struct request_craft *rc, EVP_PKEY *key)
{
	struct buf csr = BUF_INIT(MSG_MAX), der = BUF_INIT(MSG_MAX);
	struct buf sealed = BUF_INIT(MSG_MAX), out = BUF_INIT(MSG_MAX);
	X509 *cert = signer_craft(&r->signer, key);
	struct seal_craft seal = {
		.to = l->ra->x, .cipher = r->cipher, .oaep = r->how & OAEP,
		.by_ski = r->how & TO_SKI, .reversed = r->how & REVERSED,
		.ctx = strcmp(r->cipher, "DES-CBC") == 0 ? l->legacy : NULL,
		.also = { r->how & THREE ? l->ca->x : NULL,
		    r->how & THREE ? cert : NULL },
	};
	struct message_craft m = {
		.key = key, .cert = cert, .md = r->md,
		.named_sig = r->how & NAMED_SIG, .by_ski = r->how & BY_SKI,
		.txid = r->txid, .txid_tag = r->how & TXID_UTF8 ? 12 : 0,
		.n_nonce = r->nonce,
	};

	request_craft(rc, key, &csr);
	envelope_craft(buf_bytes(&csr), &seal, &der);
	ber_style(buf_bytes(&der), r->style, &sealed);
	m.content = buf_bytes(&sealed);
	buf_reset(&der);
	message_craft(&m, &der);
	ber_style(buf_bytes(&der), r->style, &out);
	save(l, r->file, "der", buf_bytes(&out));
	X509_free(cert);
	buf_wipe(&csr);
	buf_wipe(&der);
	buf_wipe(&sealed);
	buf_wipe(&out);
}

static void
make_message(const struct lab *l, const struct row *r,
    const struct request_craft *rc)
{
	struct key *k = r->key == NULL ? key_of(l, "device", "RSA") :
	    key_of(l, r->key, r->key);

	if (k == NULL)
		(void)fprintf(stderr, "messages: %s stays as it is, no %s "
		    "here\n", r->file, r->key);
	else
		write_message(l, r, rc, key_pkey(k));
	key_free(k);
}

static void
make_row(const struct lab *l, const struct row *r)
{
	const struct request_craft rc = {
		.cn = "device", .dns = "device.example", .ext_oid = r->ext,
		.challenge_tag = r->how & NO_CHALLENGE ? 0 : PRINTABLE,
		.challenge = bytes_str("8CE317021F690069"),
		.path_len = r->how & PATH_LEN,
		.validity = r->how & VALIDITY,
		.disordered = r->how & DISORDERED,
	};

	make_message(l, r, &rc);
}

static void
make_challenge(const struct lab *l, size_t i)
{
	struct row r = {
		.file = challenges[i].file, .md = "SHA256",
		.signer = { .cn = "device", .serial = "07" },
		.cipher = "AES-128-CBC", .txid = challenges[i].file,
		.nonce = 16,
	};
	uint8_t text[4 * LONG] = { 0 };
	struct request_craft rc = {
		.cn = "device", .challenge_tag = challenges[i].tag,
		.challenge = bytes_make(text, LONG * challenges[i].width),
	};
	size_t k, w = challenges[i].width;

	for (k = 0; k < LONG; k++)
		text[k * w + w - 1] = (uint8_t)('A' + k % 26);
	make_message(l, &r, &rc);
}

int
main(int argc, char **argv)
{
	struct lab l = { .folder = argc == 2 ? argv[1] : NULL };
	OSSL_PROVIDER *p[2];
	size_t i;

	must(l.folder != NULL, "usage: messages FOLDER");
	l.legacy = OSSL_LIB_CTX_new();
	p[0] = OSSL_PROVIDER_load(l.legacy, "default");
	p[1] = OSSL_PROVIDER_load(l.legacy, "legacy");
	must(p[0] != NULL && p[1] != NULL, "OpenSSL's legacy provider");
	make_ra(&l);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		make_row(&l, &rows[i]);
	for (i = 0; i < sizeof(challenges) / sizeof(challenges[0]); i++)
		make_challenge(&l, i);
	cert_free(l.ra);
	cert_free(l.ca);
	OSSL_PROVIDER_unload(p[0]);
	OSSL_PROVIDER_unload(p[1]);
	OSSL_LIB_CTX_free(l.legacy);
	return 0;
}
