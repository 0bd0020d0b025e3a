/*
 * For the tests of requests: such as csr_make() does not make.
 */
#ifndef TESTS_CSR_CRAFT_H
#define TESTS_CSR_CRAFT_H

#include "pki_tool.h"

#include "pki/csr.h"

struct csr_craft {
	const struct key	*key;
	struct bytes		 subject;	/* Name; n == 0: CN=x */
	int			 challenge_tag;	/* 0: no challenge */
	struct bytes		 challenge;	/* content of the string */
	int			 n_challenges;	/* values; 0 means 1 */
	struct bytes		 other;		/* a second attribute's value,
						 * with the OID xchallenge */
	struct bytes		 sans;		/* GeneralNames, in DER */
	const char		*more;		/* "nid=value" extension */
	const char		*also[8];	/* further ones, then NULL */
	int			 ext_nid;	/* attribute for extensions;
						 * 0: NID_ext_req */
};

/* OIDs of challengePassword and, as long, of nothing: for tool_patch(). */
struct bytes	 csr_craft_oid(void);
struct bytes	 csr_craft_xoid(void);

void	 csr_craft(const struct csr_craft *, struct buf *der);
/* Wraps content: identifier octet and content in hex. */
void	 csr_put(struct buf *, unsigned char tag, struct bytes content);

#endif
