/*
 * The page on which NDES hands out challenges. The refusals that its readers
 * know are pages too, with status 200.
 */
#include <string.h>

#include "issuer/issuer.h"
#include "render/ndes.h"
#include "service/service_int.h"
#include "site/face.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/str.h"

#define PAGE_MAX	16384

static int
thumbprint(struct site *site, const struct site_endpoint *se,
    uint8_t out[NDES_THUMBPRINT], struct err *e)
{
	struct face *f = site_face(site, se);
	struct buf b = BUF_INIT(NDES_THUMBPRINT);
	char hex[CERT_FP_MAX];
	int rc;

	rc = cert_fingerprint(issuer_ca(f->gens[0].ca->issuer), "MD5", hex,
	    e);
	face_put(f);
	if (rc == -1)
		return -1;
	rc = -1;
	if (str_unhex(hex, &b) == 0 && b.n == NDES_THUMBPRINT) {
		memcpy(out, b.p, b.n);
		rc = 0;
	} else {
		err_set(e, ERR_CRYPTO, "MD5 of the CA certificate");
	}
	buf_wipe(&b);
	return rc;
}

static int
send_page(struct exchange *x, const struct ndes_facts *f, struct err *e)
{
	struct buf page = BUF_INIT(PAGE_MAX);

	if (ndes_render(f, &page, e) == -1) {
		buf_wipe(&page);
		return -1;
	}
	answer_put(x, 200, NDES_TYPE, &page);
	return 0;
}

static void
log_full(const struct exchange *x)
{
	struct log_line l;

	log_begin_limited(&l, LOG_L_WARN, "ndes_full");
	log_str(&l, "peer", x->peer);
	log_str(&l, "by", x->by->name);
	log_end(&l);
}

/* *full: nothing was made. One at a time, or the pool is passed. */
static int
mint_once(struct service *s, struct exchange *x, struct minted *out,
    bool *full, struct err *e)
{
	const struct conf *c = x->site->conf;
	const struct mint m = {
		.prefix = MINT_NDES, .endpoint = c->ndes_endpoint,
		.profile = "", .subject = "", .san = "", .facts = "",
		.by = x->by->name, .uses = 1, .ttl = c->ndes_validity,
		.digits = (size_t)c->ndes_length
	};
	int64_t n;
	int rc;

	pthread_mutex_lock(&s->ndes);
	rc = challenge_unused(s->db, MINT_NDES, clock_now(), &n, e);
	*full = rc == 0 && n >= c->ndes_pool;
	if (rc == 0 && !*full)
		rc = mint_challenge(s, &m, out, e);
	pthread_mutex_unlock(&s->ndes);
	if (rc == 0 && !*full)
		admin_log_made(x, &m, out);
	return rc;
}

/* HEAD: a page as long as GET's would be, and no challenge is spent on it, for
 * nobody would see it. */
static int
send_head(struct service *s, struct exchange *x, struct ndes_facts *f,
    struct err *e)
{
	const struct conf *c = x->site->conf;
	char zeros[NDES_PASSWORD + 1] = "";
	int64_t n;

	if (challenge_unused(s->db, MINT_NDES, clock_now(), &n, e) == -1)
		return -1;
	if (n >= c->ndes_pool)
		f->page = NDES_FULL;
	memset(zeros, '0', (size_t)c->ndes_length);
	f->password = zeros;
	return send_page(x, f, e);
}

static int
send_once(struct service *s, struct exchange *x, struct ndes_facts *f,
    struct err *e)
{
	struct minted made;
	bool full;
	int rc;

	if (x->head)
		return send_head(s, x, f, e);
	if (mint_once(s, x, &made, &full, e) == -1)
		return -1;
	if (full) {
		log_full(x);
		f->page = NDES_FULL;
		return send_page(x, f, e);
	}
	f->password = buf_cstr(&made.secret);
	rc = send_page(x, f, e);
	buf_wipe(&made.secret);
	return rc;
}

int
admin_ndes(struct service *s, struct exchange *x, const struct site_ca *ca,
    struct err *e)
{
	const struct conf *c = x->site->conf;
	struct ndes_facts f = {
		.page = NDES_ONCE, .minutes = c->ndes_validity / 60,
		.pool = c->ndes_pool
	};
	const struct site_endpoint *se = x->site->ndes;

	(void)ca;
	if (se == NULL) {
		err_set(e, ERR_NOT_FOUND, "ndes.endpoint is not set");
		return -1;
	}
	if (!account_may(x->by, RIGHT_NDES) ||
	    !account_may_for(x->by, c->ndes_endpoint)) {
		f.page = NDES_DENIED;
		return send_page(x, &f, e);
	}
	if (thumbprint(x->site, se, f.thumbprint, e) == -1)
		return -1;
	if (x->site->ndes_single == NULL)
		return send_once(s, x, &f, e);
	f.page = NDES_FIXED;
	f.password = x->site->ndes_single;
	return send_page(x, &f, e);
}
