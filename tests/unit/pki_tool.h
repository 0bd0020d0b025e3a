/*
 * For the tests of pki and of the layers on it: keys, certificates, requests
 * and files. What fails here ends the test.
 */
#ifndef TESTS_PKI_TOOL_H
#define TESTS_PKI_TOOL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/cert_make.h"
#include "pki/crl.h"
#include "pki/pki_int.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))
#define NOW	INT64_C(1800000000)
#define DAY	86400
#define ERR_INIT { .reason = ERR_NONE }
/* A string literal's bytes, NULs inside it too. */
#define LIT(s)	bytes_make(s, sizeof(s) - 1)

#define KU_RA	(CERT_KU_DIGITAL_SIGNATURE | CERT_KU_KEY_ENCIPHERMENT)
#define KU_CA	(CERT_KU_KEY_CERT_SIGN | CERT_KU_CRL_SIGN)

/* A key and a certificate for it. */
struct who {
	struct key	*key;
	struct cert	*cert;
};

struct order {
	const char		*name;		/* as name_make() takes it */
	const char		*spec;		/* of who_make()'s key */
	const struct key	*key;		/* of tool_cert() */
	const struct who	*issuer;	/* NULL: self-signed with key */
	bool			 ca;
	unsigned		 ku;
	char *const		*eku;
	const struct bytes	*sans;		/* GeneralName DERs */
	size_t			 n_sans;
	int64_t			 from;		/* 0: NOW - 1 day */
	int64_t			 to;		/* 0: NOW + 365 days */
};

struct key	*tool_key(const char *spec);
struct cert	*tool_cert(const struct order *);
void		 who_make(struct who *, const struct order *);
void		 who_free(struct who *);

/* A parsed request; the last three as csr_make() takes them. */
struct csr	*tool_csr(const struct key *, const char *subject,
		    const char *sans, const char *challenge);

/* Bytes of hex; borrowed until the test program ends. */
struct bytes	 tool_hex(const char *);
/* Does the CRL list that serial number? Then *out has the facts. */
bool		 tool_listed(const struct crl *, struct bytes serial,
		    struct crl_entry *out);
/* How often needle stands in b; *at is where first. */
size_t		 tool_count(struct bytes b, struct bytes needle, size_t *at);
/* Replaces the only occurrence of a by b, which is as long. */
void		 tool_patch(struct buf *, struct bytes a, struct bytes b);

/* Whether this libcrypto makes keys of a type that younger ones know. */
bool		 tool_knows(const char *type);

/* A folder of this program's own, made on first use. */
const char	*tool_folder(void);
/* Path of a file in it; eight are remembered at a time. */
const char	*tool_path(const char *name);
/* Writes a file there, gives its path. */
const char	*tool_file(const char *name, struct bytes, unsigned mode);
const char	*tool_cert_file(const char *name, const struct cert *);
const char	*tool_key_file(const char *name, const struct key *);
void		 tool_clean(void);	/* removes folder and files */

/* The error is this one, and its text holds this; NULL: any. */
void		 assert_err(const struct err *, enum err_reason,
		    const char *text, const char *row);

#endif
