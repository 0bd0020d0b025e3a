/*
 * Private to pki: shared by the CMS files.
 */
#ifndef PKI_CMS_INT_H
#define PKI_CMS_INT_H

#include <openssl/cms.h>

#include "util/bytes.h"
#include "util/err.h"

/* One ContentInfo, within CMS_MAX_DER, nothing behind it; NULL and the reason. */
CMS_ContentInfo	*cms_read(struct bytes der, struct err *e);
/* Its DER appended to out. */
struct buf;
int		 cms_write(CMS_ContentInfo *, struct buf *out, struct err *e);

#endif
