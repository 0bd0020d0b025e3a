#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/doors_int.h"
#include "service/figures_int.h"
#include "service/flight_int.h"
#include "service/guard_int.h"
#include "service/pool_int.h"
#include "service/refusals_int.h"
#include "service/teller_int.h"
#include "service/thin_int.h"
#include "site/crls.h"
#include "site/faces.h"
#include "site/succession.h"
#include "store/ends.h"
#include "store/handed.h"
#include "store/txn.h"
#include "util/clock.h"
#include "util/log.h"

#define WORKERS_PER_CPU	4	/* they wait for the disk more than they compute */
#define WORKERS_AUTO_MAX 32
#define ADMIN_WORKERS	2	/* whom no device's request keeps waiting */
#define FORGET_EVERY	600		/* seconds */
#define FORGET_AFTER	86400		/* that they expired or were spent:
					 * until then scepctl shows them */

static size_t
count_workers(const struct conf *c)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n;

	if (c->workers > 0)
		return (size_t)c->workers;
	n = WORKERS_PER_CPU * (size_t)(cpus < 1 ? 1 : cpus);
	return n > WORKERS_AUTO_MAX ? WORKERS_AUTO_MAX : n;
}

/* Whatever becomes of the store, this is what to look for. */
static int
log_handed(const struct handed *h, void *arg)
{
	struct log_line l;
	char when[CLOCK_TEXT_MAX];

	(void)arg;
	clock_text(h->when, when);
	log_begin(&l, LOG_L_ERR, "stray_possible");
	log_str(&l, "endpoint", h->endpoint);
	log_str(&l, "txid", h->txid);
	log_str(&l, "issuer", h->issuer);
	log_hex(&l, "serial", h->serial);
	log_str(&l, "subject", h->subject);
	log_str(&l, "asked_at", when);
	log_str(&l, "reason", err_slug(ERR_ISSUER_CUT));
	log_str(&l, "detail", h->why);
	log_str(&l, "advice", "look at the CA for it, also by its subject and "
	    "the time, as it may have another serial number there, and revoke "
	    "it there");
	log_end(&l);
	return 0;
}

static int
open_store(struct service *s, const struct conf *c, struct err *e)
{
	int64_t abandoned;

	if (db_open(c->store_path, &s->db, e) == -1 ||
	    handed_each(s->db, log_handed, NULL, e) == -1 ||
	    txn_recover(s->db, clock_now(), &abandoned, e) == -1) {
		conf_blame(c, "store.path", e);
		return -1;
	}
	if (abandoned > 0)
		log_msg(LOG_L_WARN, "recovered", "%lld transactions were cut "
		    "short by a crash; none of their certificates was sent",
		    (long long)abandoned);
	return 0;
}

int
service_open(struct site *site, struct service **out, struct err *e)
{
	const struct conf *c = site->conf;
	struct service *s;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		err_set(e, ERR_MEMORY, "service");
		return -1;
	}
	pthread_mutex_init(&s->lock, NULL);
	atomic_init(&s->draining, false);
	atomic_init(&s->stopping, false);
	pthread_mutex_init(&s->ndes, NULL);
	if (proven_new(&s->proven, e) == -1 ||
	    proven_new(&s->admins, e) == -1 || tries_new(&s->tries, e) == -1 ||
	    flight_new(&s->flight, e) == -1 || ends_new(&s->ends, e) == -1 ||
	    crls_new(&s->crls, e) == -1 ||
	    figures_new(clock_now(), &s->figures, e) == -1 ||
	    doors_new(count_workers(c), &s->doors, e) == -1 ||
	    doors_beside(s->doors, "issuers", "the same request or renewal",
	    &s->issuing, e) == -1 ||
	    teller_new(&s->teller, e) == -1 ||
	    refusals_new(&s->refusals, e) == -1 ||
	    open_store(s, c, e) == -1 ||
	    succession_recall(s->db, site, e) == -1 ||
	    challenge_open_key(s, c->store_path, e) == -1 ||
	    guard_new(s->db, c, &s->guard, e) == -1 ||
	    pool_new(count_workers(c), (size_t)c->queue, service_run, s,
	    &s->pool, e) == -1 ||
	    pool_new(ADMIN_WORKERS, (size_t)c->queue, service_run, s,
	    &s->admin_pool, e) == -1) {
		service_close(s);
		return -1;
	}
	s->site = site;
	/* Before anybody can ask for one. */
	service_tick(s);
	*out = s;
	return 0;
}

enum service_when
service_run(struct exchange *x, void *service)
{
	if (x->who != SERVICE_ADMIN)
		return guard_run(x, service);
	admin_run(service, x);
	return SERVICE_NOW;
}

/* Challenges that nobody will come with any more. */
static void
forget_over(struct service *s, int64_t now)
{
	static const char *const prefixes[] = { MINT_NDES, MINT_API };
	struct err e = { .reason = ERR_NONE };
	size_t i;

	if (now >= s->forgot && now - s->forgot < FORGET_EVERY)
		return;
	s->forgot = now;
	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (challenge_forget(s->db, prefixes[i], now - FORGET_AFTER,
		    now, &e) == -1)
			log_msg(LOG_L_WARN, "forget_failed", "%s",
			    err_text(&e));
}

/* Who waits for one that repeats such a transaction sees it end. */
static void
retry_ends(struct service *s)
{
	/* Each try may wait for the store's lock: one that fails is enough. */
	while (ends_retry(s->ends, s->db))
		flight_end(s->flight);
}

void
service_tick(struct service *s)
{
	int64_t now = clock_now();

	retry_ends(s);
	crls_tick(s->crls, s->site, s->db, now);
	faces_tick(s->site, s->db, s->ends, now);
	guard_tick(s->guard, s->db, s->site->conf, now);
	figures_tick(s->figures, s, now);
	forget_over(s, now);
	refusals_flush(s->refusals, s->db, s->site->conf->audit_refusals);
	s->thinned = thin_trails(s->db, s->site->conf->audit_keep, now,
	    s->thinned);
	told_tick(s, s->site, now);
}

int
service_replace(struct service *s, struct site *site, struct err *e)
{
	struct site *old;

	if (succession_recall(s->db, site, e) == -1)
		return -1;
	/* Before anybody sees it. */
	faces_tick(site, s->db, s->ends, clock_now());
	pthread_mutex_lock(&s->lock);
	old = s->site;
	s->site = site;
	pthread_mutex_unlock(&s->lock);
	site_put(old);
	return 0;
}

int
service_drain(struct service *s, int timeout_ms)
{
	int64_t left, began = clock_mono_us();

	atomic_store(&s->draining, true);
	delays_end(s->guard->delays);
	if (pool_drain(s->pool, timeout_ms) == -1)
		return -1;
	left = timeout_ms - (clock_mono_us() - began) / 1000;
	return pool_drain(s->admin_pool, left < 0 ? 0 : (int)left);
}

void
service_give_up(struct service *s)
{
	atomic_store(&s->stopping, true);
	if (s->flight != NULL)
		flight_end(s->flight);	/* wakes who waits for a copy */
	doors_stop(s->doors);
	doors_stop(s->issuing);
}

void
service_close(struct service *s)
{
	if (s == NULL)
		return;
	service_give_up(s);
	pool_free(s->pool);
	pool_free(s->admin_pool);
	/* The last chance: what was made elsewhere would be forgotten. */
	if (s->ends != NULL && s->db != NULL)
		retry_ends(s);
	ends_free(s->ends);
	/* The last ones; without a site there were none. */
	if (s->site != NULL)
		refusals_flush(s->refusals, s->db,
		    s->site->conf->audit_refusals);
	guard_free(s->guard);
	teller_free(s->teller);
	refusals_free(s->refusals);
	doors_free(s->issuing);
	doors_free(s->doors);
	db_close(s->db);
	crls_free(s->crls);
	figures_free(s->figures);
	flight_free(s->flight);
	proven_free(s->proven);
	proven_free(s->admins);
	tries_free(s->tries);
	pthread_mutex_destroy(&s->ndes);
	explicit_bzero(&s->mac_key, sizeof(s->mac_key));
	site_put(s->site);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
