/*
 * What endpoints show, kept up to date: the RA certificates that there are, and
 * the CA that is in charge.
 */
#include "site/faces.h"
#include "site/ra_int.h"
#include "site/succession.h"

#define LOOK_EVERY	3600	/* seconds: what the store has may change */

static int
gather(struct ra_look *l, struct err *e)
{
	if (pairs_add(&l->all, &l->se->ra->files, e) == -1)
		return -1;
	return kept_recall(l->db, l->conf, l->se, l->now, &l->all, e);
}

/* What devices will meet, before they do. Who was followed needs no more: no
 * device is shown it. */
static int
keep_ra(struct ra_look *l, struct err *e)
{
	const struct site_ca *ca = l->se->ca, *now = site_ca_current(ca,
	    l->now);

	if (l->se->conf->mode == CONF_MODE_CA)
		return 0;
	if (gather(l, e) == -1)
		return -1;
	ra_renew(l, now);
	if (ca->next != NULL && now != ca->next)
		ra_renew(l, ca->next);
	return 0;
}

static int
make_face(const struct ra_look *l, struct face **out, struct err *e)
{
	const struct pairs kept = {
		l->all.v + l->se->ra->files.n,
		l->all.n - l->se->ra->files.n
	};
	const struct pairs none = { .n = 0 };

	return face_new(l->se, l->all.n > 0 ? &kept : &none, l->now, out, e);
}

static int
show(struct site *site, struct ra_look *l, struct err *e)
{
	struct face *f;

	if (make_face(l, &f, e) == -1)
		return -1;
	site_show(site, l->se, f);
	return 0;
}

int
faces_foresee(struct site *site, struct db *db, struct site_endpoint *se,
    int64_t now, struct face **out, struct err *e)
{
	struct ra_look l = {
		.db = db, .conf = site->conf, .se = se, .now = now
	};
	int rc = 0;

	if (se->conf->mode != CONF_MODE_CA)
		rc = gather(&l, e);
	if (rc == 0)
		rc = make_face(&l, out, e);
	pairs_clear(&l.all);
	return rc;
}

static void
look(struct site *site, struct ra_look *l)
{
	const struct site_ca *ca = l->se->ca;
	struct err e = { .reason = ERR_NONE };

	if (ca->next != NULL && ca->from > l->now)
		ra_look_again(l, ca->from);
	if (keep_ra(l, &e) == -1 || show(site, l, &e) == -1)
		ra_look_failed(l, &e);
	pairs_clear(&l->all);
	l->se->look = l->next;
}

void
faces_tick(struct site *site, struct db *db, struct ends *ends, int64_t now)
{
	struct site_endpoint *se;
	size_t i;

	succession_tick(db, site, now);
	for (i = 0; i < site->conf->n_endpoints; i++) {
		struct ra_look l = {
			.db = db, .ends = ends, .conf = site->conf,
			.now = now, .next = now + LOOK_EVERY
		};

		se = &site->endpoints[i];
		l.se = se;
		/* The second half: a clock put back delays nothing. */
		if (now >= se->look || se->look - now > LOOK_EVERY)
			look(site, &l);
	}
}
