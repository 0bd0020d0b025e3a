#include "pki/ber_int.h"
#include "pki/cms.h"
#include "pki/screen_int.h"

static const uint8_t oid_signed[] = {
	0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02
};
static const uint8_t oid_enveloped[] = {
	0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03
};
static const uint8_t oid_auth_enveloped[] = {
	0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17
};
#define V(n)	(1u << (n))	/* a version, for take_version() */
#define OID(a)	bytes_make(a, sizeof(a))

/* An AlgorithmIdentifier. */
struct algid {
	struct bytes	 oid;
	struct bytes	 params;	/* whatever is behind it */
};

static bool
read_alg(struct bytes in, struct algid *out)
{
	struct ber oid;

	if (!ber_take(&in, BER_OID, &oid))
		return false;
	out->oid = oid.body;
	out->params = in;
	return true;
}

static bool
take_alg(struct bytes *at, struct algid *out)
{
	struct ber b;

	return ber_take(at, BER_SEQUENCE, &b) && read_alg(b.body, out);
}

/* An OCTET STRING, whole or in parts. */
static bool
take_octets(struct bytes *at)
{
	struct ber b;

	return ber_take(at, BER_OCTETS, &b) ||
	    ber_take(at, BER_OCTETS | BER_CONSTRUCTED, &b);
}

/* SignerIdentifier and RecipientIdentifier: two of a certificate's facts, or
 * its key identifier as [0]. */
static bool
take_id(struct bytes *at)
{
	struct ber b;

	return ber_take(at, BER_SEQUENCE, &b) ||
	    ber_take(at, BER_CONTEXT(0), &b);
}

static int
bad(struct err *e, enum err_reason reason, const char *what)
{
	err_set(e, reason, "%s", what);
	return -1;
}

/* The version, which must be among those whose bits are set. */
static int
take_version(struct bytes *at, const char *what, unsigned allowed,
    enum err_reason malformed, struct err *e)
{
	struct ber v;

	if (!ber_take(at, BER_INTEGER, &v))
		return bad(e, malformed, what);
	if (v.body.n == 1 && v.body.p[0] < 8 &&
	    (allowed & 1u << v.body.p[0]) != 0)
		return 0;
	err_set(e, ERR_CMS_VERSION, "%s of version %d", what,
	    v.body.n == 1 ? v.body.p[0] : -1);
	return -1;
}

/* ContentInfo: its type, and the content within [0]. */
static bool
read_info(struct bytes der, struct bytes *type, struct bytes *content)
{
	struct ber info, oid, in, body;

	if (!ber_take(&der, BER_SEQUENCE, &info) ||
	    !ber_take(&info.body, BER_OID, &oid) ||
	    !ber_take(&info.body, BER_CONTEXT_IN(0), &in) ||
	    info.body.n != 0 ||
	    !ber_take(&in.body, BER_SEQUENCE, &body) || in.body.n != 0)
		return false;
	*type = oid.body;
	*content = body.body;
	return true;
}

/* ---- SignedData ---- */

static int
count_digests(struct bytes *at, size_t *out, struct err *e)
{
	struct algid alg;
	struct ber set;
	size_t n = 0;

	if (!ber_take(at, BER_SET, &set))
		return bad(e, ERR_NOT_CMS, "digestAlgorithms");
	for (; set.body.n > 0; n++)
		if (!take_alg(&set.body, &alg))
			return bad(e, ERR_NOT_CMS, "digestAlgorithms");
	*out = n;
	return 0;
}

/* EncapsulatedContentInfo; content of another type than octets is PKCS#7. */
static int
screen_encap(struct bytes *at, struct err *e)
{
	struct ber info, oid, in;

	if (!ber_take(at, BER_SEQUENCE, &info) ||
	    !ber_take(&info.body, BER_OID, &oid))
		return bad(e, ERR_NOT_CMS, "encapContentInfo");
	if (info.body.n == 0)
		return 0;
	if (!ber_take(&info.body, BER_CONTEXT_IN(0), &in) ||
	    info.body.n != 0 || !take_octets(&in.body) || in.body.n != 0)
		return bad(e, ERR_NOT_CMS, "eContent");
	return 0;
}

static int
screen_signer(struct bytes si, enum alg *signature, struct err *e)
{
	struct algid digest, sig;
	struct ber b;

	if (take_version(&si, "SignerInfo", V(1) | V(3), ERR_NOT_CMS, e) == -1)
		return -1;
	if (!take_id(&si) || !take_alg(&si, &digest))
		return bad(e, ERR_NOT_CMS, "SignerInfo");
	(void)ber_take(&si, BER_CONTEXT_IN(0), &b);
	if (!take_alg(&si, &sig) || !take_octets(&si))
		return bad(e, ERR_NOT_CMS, "SignerInfo");
	(void)ber_take(&si, BER_CONTEXT_IN(1), &b);
	if (si.n != 0)
		return bad(e, ERR_NOT_CMS, "SignerInfo");
	*signature = alg_by_oid(ALG_SIGNATURE, sig.oid);
	return 0;
}

static int
screen_signers(struct bytes *at, enum alg *signature, struct err *e)
{
	struct ber set, si;
	struct bytes first;
	size_t n = 0;

	if (!ber_take(at, BER_SET, &set) || at->n != 0)
		return bad(e, ERR_NOT_CMS, "signerInfos");
	for (first = set.body; set.body.n > 0; n++)
		if (!ber_take(&set.body, BER_SEQUENCE, &si))
			return bad(e, ERR_NOT_CMS, "signerInfos");
	if (n != 1) {
		err_set(e, ERR_SIGNERS, "%zu signers", n);
		return -1;
	}
	(void)ber_next(&first, &si);
	return screen_signer(si.body, signature, e);
}

int
screen_signed(struct bytes der, enum alg *signature, struct err *e)
{
	struct bytes type, sd;
	enum alg found;
	size_t digests;
	struct ber b;

	if (der.n == 0 || der.n > CMS_MAX_DER) {
		err_set(e, der.n == 0 ? ERR_NOT_CMS : ERR_BODY_TOO_BIG,
		    "%zu bytes", der.n);
		return -1;
	}
	if (ber_check(der, ERR_NOT_CMS, ERR_TRAILING, e) == -1)
		return -1;
	if (!read_info(der, &type, &sd))
		return bad(e, ERR_NOT_CMS, "ContentInfo");
	if (!bytes_eq(type, OID(oid_signed)))
		return bad(e, ERR_NOT_CMS, "content type is not SignedData");
	if (take_version(&sd, "SignedData", V(1) | V(3), ERR_NOT_CMS,
	    e) == -1 ||
	    count_digests(&sd, &digests, e) == -1 ||
	    screen_encap(&sd, e) == -1)
		return -1;
	(void)ber_take(&sd, BER_CONTEXT_IN(0), &b);	/* certificates */
	(void)ber_take(&sd, BER_CONTEXT_IN(1), &b);	/* crls */
	if (screen_signers(&sd, &found, e) == -1)
		return -1;
	if (digests < 1 || digests > SCREEN_MAX_DIGESTS) {
		err_set(e, ERR_NO_DIGESTS, "%zu digest algorithms", digests);
		return -1;
	}
	*signature = found;
	return 0;
}

/* ---- EnvelopedData ---- */

/* One parameter of RSAES-OAEP: [n] around an AlgorithmIdentifier. */
static bool
take_param(struct bytes *at, unsigned n, struct algid *out)
{
	struct ber b;

	return ber_take(at, (uint8_t)BER_CONTEXT_IN(n), &b) &&
	    take_alg(&b.body, out) && b.body.n == 0;
}

/*
 * RSAES-OAEP-params: all of it may be left to its defaults, but not be absent,
 * and what is there must be complete. The defaults are SHA-1, and Windows knows
 * no other: nothing that is known against SHA-1 touches OAEP (RFC 8017, 7.1),
 * so that an endpoint that refuses it elsewhere takes it here in either way.
 */
static bool
screen_oaep(struct bytes params)
{
	struct algid a, mgf;
	struct ber b;

	if (!ber_take(&params, BER_SEQUENCE, &b) || params.n != 0)
		return false;
	if (b.body.n > 0 && b.body.p[0] == BER_CONTEXT_IN(0) &&
	    (!take_param(&b.body, 0, &a) ||
	    !alg_accepted(alg_by_oid(ALG_DIGEST, a.oid))))
		return false;
	if (b.body.n > 0 && b.body.p[0] == BER_CONTEXT_IN(1) &&
	    (!take_param(&b.body, 1, &mgf) || !take_alg(&mgf.params, &a) ||
	    !alg_accepted(alg_by_oid(ALG_DIGEST, a.oid))))
		return false;
	if (b.body.n > 0 && (!take_param(&b.body, 2, &a) ||
	    !take_octets(&a.params)))
		return false;
	return b.body.n == 0;
}

static int
screen_transport(struct bytes ri, const struct algs *algs, struct err *e)
{
	struct algid alg;
	enum alg a;

	if (take_version(&ri, "KeyTransRecipientInfo", V(0) | V(2),
	    ERR_NOT_ENVELOPED, e) == -1)
		return -1;
	if (!take_id(&ri) || !take_alg(&ri, &alg) || !take_octets(&ri) ||
	    ri.n != 0)
		return bad(e, ERR_NOT_ENVELOPED, "KeyTransRecipientInfo");
	a = alg_by_oid(ALG_TRANSPORT, alg.oid);
	if (!algs_accept(algs, a)) {
		err_set(e, ERR_KEY_TRANSPORT, "key transport %s",
		    alg_name(a));
		return -1;
	}
	if (a == ALG_RSA_OAEP && !screen_oaep(alg.params))
		return bad(e, ERR_KEY_TRANSPORT, "parameters of RSAES-OAEP");
	return 0;
}

static int
screen_agreement(struct bytes ri, const struct algs *algs, struct err *e)
{
	struct ber b, keys;
	struct algid alg;
	enum alg a;

	if (take_version(&ri, "KeyAgreeRecipientInfo", V(3),
	    ERR_NOT_ENVELOPED, e) == -1)
		return -1;
	if (!ber_take(&ri, BER_CONTEXT_IN(0), &b))
		return bad(e, ERR_NOT_ENVELOPED, "KeyAgreeRecipientInfo");
	(void)ber_take(&ri, BER_CONTEXT_IN(1), &b);	/* ukm */
	if (!take_alg(&ri, &alg) || !ber_take(&ri, BER_SEQUENCE, &keys) ||
	    ri.n != 0)
		return bad(e, ERR_NOT_ENVELOPED, "KeyAgreeRecipientInfo");
	a = alg_by_oid(ALG_AGREEMENT, alg.oid);
	/* Its parameter is the algorithm that wraps the key. */
	if (algs_accept(algs, a) && take_alg(&alg.params, &alg))
		return 0;
	err_set(e, ERR_KEY_TRANSPORT, "key agreement %s", alg_name(a));
	return -1;
}

static int
screen_recipient(struct bytes *at, const struct algs *algs, bool password,
    struct err *e)
{
	struct ber ri;

	if (!ber_next(at, &ri))
		return bad(e, ERR_NOT_ENVELOPED, "recipientInfos");
	switch (ri.tag) {
	case BER_SEQUENCE:
		return screen_transport(ri.body, algs, e);
	case BER_CONTEXT_IN(1):
		return screen_agreement(ri.body, algs, e);
	case BER_CONTEXT_IN(2):
		return bad(e, ERR_RECIPIENT_KIND, "a key encryption key");
	case BER_CONTEXT_IN(3):
		return password ? 0 :
		    bad(e, ERR_RECIPIENT_KIND, "a password");
	default:
		return bad(e, ERR_RECIPIENT_KIND, "another kind");
	}
}

static int
screen_recipients(struct bytes *at, const struct algs *algs, bool password,
    struct err *e)
{
	struct ber set;
	size_t n = 0;

	if (!ber_take(at, BER_SET, &set))
		return bad(e, ERR_NOT_ENVELOPED, "recipientInfos");
	if (set.body.n == 0)
		return bad(e, ERR_RECIPIENT, "none of 0 recipients");
	for (; set.body.n > 0; n++) {
		if (n == SCREEN_MAX_RECIPIENTS)
			return bad(e, ERR_STRUCTURE, "too many recipients");
		if (screen_recipient(&set.body, algs, password, e) == -1)
			return -1;
	}
	return 0;
}

static const uint8_t id_data[] = {
	0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01
};

/* EncryptedContentInfo, of data (RFC 8894, 3.2.2). A CBC cipher's parameter is
 * its IV and nothing else. */
static int
screen_content(struct bytes in, const struct algs *algs, enum alg *cipher,
    struct err *e)
{
	struct algid alg;
	struct ber b, iv;
	enum alg a;

	if (!ber_take(&in, BER_OID, &b) || !take_alg(&in, &alg))
		return bad(e, ERR_NOT_ENVELOPED, "encryptedContentInfo");
	if (!bytes_eq(b.body, bytes_make(id_data, sizeof(id_data))))
		return bad(e, ERR_NOT_ENVELOPED, "encrypted content of another "
		    "type than id-data");
	a = alg_by_oid(ALG_CIPHER, alg.oid);
	if (!algs_accept(algs, a)) {
		err_set(e, ERR_CIPHER, "content cipher %s", alg_name(a));
		return -1;
	}
	if (!ber_take(&alg.params, BER_OCTETS, &iv) || alg.params.n != 0 ||
	    iv.body.n != algs_block(algs, a))
		return bad(e, ERR_CIPHER, "parameters of the content cipher");
	if ((!ber_take(&in, BER_CONTEXT(0), &b) &&
	    !ber_take(&in, BER_CONTEXT_IN(0), &b)) || in.n != 0)
		return bad(e, ERR_NOT_ENVELOPED, "encryptedContent");
	*cipher = a;
	return 0;
}

int
screen_sealed(struct bytes der, const struct algs *algs, bool password,
    enum alg *cipher, struct err *e)
{
	struct bytes type, ed;
	enum alg found;
	struct ber b;

	if (der.n == 0 || der.n > CMS_MAX_DER) {
		err_set(e, ERR_NOT_ENVELOPED, "%zu bytes", der.n);
		return -1;
	}
	if (ber_check(der, ERR_NOT_ENVELOPED, ERR_NOT_ENVELOPED,
	    e) == -1)
		return -1;
	if (!read_info(der, &type, &ed))
		return bad(e, ERR_NOT_ENVELOPED, "ContentInfo");
	if (bytes_eq(type, OID(oid_auth_enveloped)))
		return bad(e, ERR_CIPHER, "AuthEnvelopedData");
	if (!bytes_eq(type, OID(oid_enveloped)))
		return bad(e, ERR_NOT_ENVELOPED, "another content type");
	if (take_version(&ed, "EnvelopedData", V(0) | V(2) | V(3),
	    ERR_NOT_ENVELOPED, e) == -1)
		return -1;
	(void)ber_take(&ed, BER_CONTEXT_IN(0), &b);	/* originatorInfo */
	if (screen_recipients(&ed, algs, password, e) == -1)
		return -1;
	if (!ber_take(&ed, BER_SEQUENCE, &b))
		return bad(e, ERR_NOT_ENVELOPED, "encryptedContentInfo");
	if (screen_content(b.body, algs, &found, e) == -1)
		return -1;
	(void)ber_take(&ed, BER_CONTEXT_IN(1), &b);	/* unprotectedAttrs */
	if (ed.n != 0)
		return bad(e, ERR_NOT_ENVELOPED, "EnvelopedData");
	*cipher = found;
	return 0;
}
