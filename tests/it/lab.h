/*
 * Bad input against a real server: a client with its key, what it sends, and
 * what must come of it. Everything here fails the test that calls it.
 */
#ifndef IT_LAB_H
#define IT_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "craft.h"
#include "http.h"
#include "scep/client.h"
#include "server.h"

#define LAB_PATH	"/scep"
#define LAB_POST	LAB_PATH "?operation=PKIOperation"
#define LAB_REQUEST_MAX	(8u * 1024 * 1024)

/* What the lab's messages carry unless a test wants it otherwise. */
#define LAB_TXID	"5A3E9C1D"
#define LAB_NONCE	"sixteen octets.."

struct lab {
	struct server	 server;
	struct algs	*algs;
	struct cert	*ra;
	struct key	*key;
	struct cert	*cert;		/* self-signed, the signer's */
	EVP_PKEY	*pkey;		/* the same key */
	struct buf	 csr;		/* a good request for it */
	struct buf	 sealed;	/* enveloped for the RA */
	struct craft_signer signer;
	int		 fd;		/* kept alive; -1 */
	unsigned	 n_good;

	/* since lab_mark() */
	size_t		 log;
	struct server_rows rows;
};

/* settings: for the group http; replay as server_start() takes it */
void	 lab_open(struct lab *, const char *settings, int replay);
void	 lab_close(struct lab *);

/*
 * What an answer must be. HTTP 200 is a CertRep: with a failInfo it is FAILURE,
 * with -1 SUCCESS. slug: of the one line in the log.
 */
struct want {
	int		 http;
	int		 failinfo;
	const char	*slug;
};
#define WANT_ISSUED		{ 200, -1, NULL }
#define WANT_HTTP(code, slug)	{ code, -1, slug }
#define WANT_FAIL(info, slug)	{ 200, info, slug }
enum { BAD_ALG, BAD_MESSAGE_CHECK, BAD_REQUEST, BAD_TIME, BAD_CERT_ID };

/* Remembers log and ledger: what comes behind is the next request's. */
void	 lab_mark(struct lab *);
/* Sends the octets of a whole request on the kept connection. */
void	 lab_exchange(struct lab *, struct bytes request,
	    struct http_answer *);
/*
 * The answer is as wanted, the log has one line more, which tells the reason,
 * and the ledger what SUCCESS demands: one more of each, else nothing.
 */
void	 lab_check(struct lab *, const char *name, const struct http_answer *,
	    struct want);
/* mark, exchange and check of a request, and of a message by POST */
void	 lab_request(struct lab *, const char *name, struct bytes request,
	    struct want);
void	 lab_post(struct lab *, const char *name, struct bytes message,
	    struct want);
/* A CertRep signed by the RA; cleared by the caller. */
void	 lab_reply(const struct lab *, const char *name,
	    const struct http_answer *, struct scep_got *);

/* 200, with exactly this type and a length; no redirect. */
void	 lab_answer(const char *name, const struct http_answer *,
	    const char *type);

/* A good message, each with a transactionID of its own. */
void	 lab_message(struct lab *, struct buf *out);
/* Base64 of one that has all that clients write differently: + / = */
void	 lab_base64(struct lab *, struct buf *out);
/* The server is alive: it enrolls. */
void	 lab_good(struct lab *);

/* The same key for libcrypto; to be freed. */
EVP_PKEY	*lab_pkey(const struct key *);
/* Signs content as the lab's client, as PKCSReq. */
void	 lab_sign(const struct lab *, struct bytes content, struct buf *out);
/* Envelopes content for the RA and signs that. */
void	 lab_wrap(const struct lab *, struct bytes content, struct buf *out);
/* The three attributes that all of the lab's messages have. */
extern const struct craft_attr	 lab_attrs[3];
enum { LAB_ATTR_TYPE, LAB_ATTR_TXID, LAB_ATTR_NONCE };

#endif
