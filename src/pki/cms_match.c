/*
 * Which RecipientInfo is ours. Clients name us by issuer and serial number or
 * by key identifier; some write the issuer's RDNs in another order, and some
 * encrypt for every certificate that they were shown.
 */
#include <openssl/cms.h>

#include "pki/cms_int.h"
#include "pki/pki_int.h"

static bool
by_cert(CMS_RecipientInfo *ri, const struct cert *us)
{
	ASN1_OCTET_STRING *ski;

	return CMS_RecipientInfo_ktri_get0_signer_id(ri, &ski, NULL,
	    NULL) == 1 && ski == NULL &&
	    CMS_RecipientInfo_ktri_cert_cmp(ri, us->x) == 0;
}

static bool
by_serial(CMS_RecipientInfo *ri, const struct cert *us)
{
	ASN1_INTEGER *serial;

	return CMS_RecipientInfo_ktri_get0_signer_id(ri, NULL, NULL,
	    &serial) == 1 && serial != NULL &&
	    ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(us->x)) == 0;
}

static bool
by_ski(CMS_RecipientInfo *ri, const struct cert *us)
{
	ASN1_OCTET_STRING *ski;

	return CMS_RecipientInfo_ktri_get0_signer_id(ri, &ski, NULL,
	    NULL) == 1 && ski != NULL &&
	    CMS_RecipientInfo_ktri_cert_cmp(ri, us->x) == 0;
}

/* One of the keys that a key agreement wraps is for us. */
static bool
by_agreement(CMS_RecipientInfo *ri, const struct cert *us)
{
	STACK_OF(CMS_RecipientEncryptedKey) *keys =
	    CMS_RecipientInfo_kari_get0_reks(ri);
	int i;

	for (i = 0; i < sk_CMS_RecipientEncryptedKey_num(keys); i++)
		if (CMS_RecipientEncryptedKey_cert_cmp(
		    sk_CMS_RecipientEncryptedKey_value(keys, i), us->x) == 0)
			return true;
	return false;
}

static const struct {
	int		 kind;
	enum key_type	 key;
	bool		(*is)(CMS_RecipientInfo *, const struct cert *);
} ways[] = {
	{ CMS_RECIPINFO_TRANS, KEY_RSA, by_cert },
	{ CMS_RECIPINFO_TRANS, KEY_RSA, by_serial },
	{ CMS_RECIPINFO_TRANS, KEY_RSA, by_ski },
	{ CMS_RECIPINFO_AGREE, KEY_EC, by_agreement },
};

static enum alg
find_transport(CMS_RecipientInfo *ri)
{
	const ASN1_OBJECT *o;
	X509_ALGOR *alg;
	bool agree = CMS_RecipientInfo_type(ri) == CMS_RECIPINFO_AGREE;

	if ((agree ? CMS_RecipientInfo_kari_get0_alg(ri, &alg, NULL) :
	    CMS_RecipientInfo_ktri_get0_algs(ri, NULL, NULL, &alg)) != 1)
		return ALG_NONE;
	X509_ALGOR_get0(&o, NULL, NULL, alg);
	return alg_by_nid(agree ? ALG_AGREEMENT : ALG_TRANSPORT,
	    OBJ_obj2nid(o));
}

/* The first recipient that one way finds for one of us; NULL if none. */
static CMS_RecipientInfo *
try_way(STACK_OF(CMS_RecipientInfo) *ris, size_t way,
    const struct cms_recipient *us)
{
	CMS_RecipientInfo *ri;
	int i;

	if (us->cert->key.type != ways[way].key)
		return NULL;
	for (i = 0; i < sk_CMS_RecipientInfo_num(ris); i++) {
		ri = sk_CMS_RecipientInfo_value(ris, i);
		if (CMS_RecipientInfo_type(ri) == ways[way].kind &&
		    ways[way].is(ri, us->cert))
			return ri;
	}
	return NULL;
}

int
cms_match(CMS_ContentInfo *cms, const struct cms_recipient *us, size_t n,
    struct cms_match *out, struct err *e)
{
	STACK_OF(CMS_RecipientInfo) *ris = CMS_get0_RecipientInfos(cms);
	CMS_RecipientInfo *ri;
	size_t way, i;

	for (way = 0; way < sizeof(ways) / sizeof(ways[0]); way++)
		for (i = 0; i < n; i++)
			if ((ri = try_way(ris, way, &us[i])) != NULL) {
				*out = (struct cms_match){ ri, &us[i],
				    find_transport(ri) };
				return 0;
			}
	err_set(e, ERR_RECIPIENT, "none of %d recipients is %s%s",
	    sk_CMS_RecipientInfo_num(ris), n > 0 ? us[0].cert->subject_text :
	    "known", n > 1 ? " or another of ours" : "");
	return -1;
}
