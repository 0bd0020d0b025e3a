/*
 * Private to pki: shared by the CMS files.
 */
#ifndef PKI_CMS_INT_H
#define PKI_CMS_INT_H

#include <openssl/cms.h>

#include "pki/cms.h"

/* One ContentInfo, within CMS_MAX_DER, nothing behind it; NULL and the reason. */
CMS_ContentInfo	*cms_read(struct bytes der, struct err *e);
/* The same for an object that knows where to find its algorithms already;
 * takes it, gives it back filled. */
CMS_ContentInfo	*cms_read_into(CMS_ContentInfo *, struct bytes der,
		    struct err *e);
/* Its DER appended to out. */
int		 cms_write(CMS_ContentInfo *, struct buf *out, struct err *e);

/* cms_signed_verify() for signatures of the attributes themselves, which
 * libcrypto's CMS does not verify in all its versions. */
bool		 cms_is_pure(enum alg signature);
int		 cms_verify_pure(const struct cms_signed *, struct err *e);

/* The recipient that is one of us: by certificate, else by serial number
 * alone, else by key identifier. */
struct cms_match {
	CMS_RecipientInfo		*ri;
	const struct cms_recipient	*us;
	enum alg			 transport;
};
int		 cms_match(CMS_ContentInfo *, const struct cms_recipient *us,
		    size_t n, struct cms_match *out, struct err *e);

#endif
