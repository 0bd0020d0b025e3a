/*
 * What validators are told of the requests they were asked about: how one ended
 * here, and how one did that waited for an operator.
 */
#include <string.h>

#include "service/teller_int.h"
#include "service/validate_int.h"
#include "util/log.h"

/* When it came, if an operator approved it; the name may be another's now. */
static bool
was_asked(const struct work *w)
{
	return validate_name(w) != NULL || (w->approved &&
	    strcmp(w->claim.asked, w->se->conf->validator) == 0);
}

/* Only what it knows of and what has come to an end here. */
static bool
is_news(const struct work *w, const struct err *failed)
{
	if (w->se->validator == NULL || !validate_conf(w)->notify)
		return false;
	return was_asked(w) && (failed->reason != ERR_NONE || w->recorded);
}

void
told_outcome(struct work *w, const struct err *failed)
{
	struct buf news = BUF_INIT(TOLD_MAX);
	struct err e = { .reason = ERR_NONE };

	if (!is_news(w, failed))
		return;
	/* Without memory it is lost, as any other may be. */
	if (facts_outcome(w, failed, &news, &e) == 0)
		teller_put(w->s->teller, w->x->site, w->se, &news);
	buf_wipe(&news);
}

/* ---- what came to an end while it waited ---- */

#define EXPIRE_EVERY	60	/* seconds */
#define TELL_AT_ONCE	16	/* outcomes; the others a second later */

static const struct site_endpoint *
endpoint_named(const struct site *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->conf->n_endpoints; i++)
		if (strcmp(s->conf->endpoints[i].name, name) == 0)
			return &s->endpoints[i];
	return NULL;
}

/* Whoever was asked may be gone, or not want to know any more. */
static const struct site_endpoint *
who_asked(const struct site *s, const struct waiting_end *end)
{
	const struct site_endpoint *se = endpoint_named(s, end->endpoint);

	return se != NULL && se->validator != NULL &&
	    strcmp(se->conf->validator, end->asked) == 0 &&
	    conf_validator(s->conf, end->asked)->notify ? se : NULL;
}

/* Marked first: each is told at most once, as any other is. */
static int
tell_end(struct service *s, struct site *site, const struct waiting_end *end,
    struct err *e)
{
	const struct site_endpoint *se = who_asked(site, end);
	struct buf news = BUF_INIT(TOLD_MAX);
	int rc = waiting_told(s->db, end->id, e);

	if (rc == 0 && se != NULL && (rc = facts_end(end, &news, e)) == 0)
		teller_put(s->teller, site, se, &news);
	buf_wipe(&news);
	return rc;
}

static int
tell_ends(struct service *s, struct site *site, struct err *e)
{
	struct waiting_end end;
	bool found = true;
	int i, rc = 0;

	for (i = 0; rc == 0 && i < TELL_AT_ONCE; i++) {
		if (waiting_ended(s->db, &end, &found, e) == -1)
			return -1;
		if (!found)
			break;
		rc = tell_end(s, site, &end, e);
		waiting_end_clear(&end);
	}
	return rc;
}

void
told_tick(struct service *s, struct site *site, int64_t now)
{
	struct err e = { .reason = ERR_NONE };
	struct log_line l;
	int rc = 0;

	if (now < s->expired || now - s->expired >= EXPIRE_EVERY) {
		s->expired = now;
		rc = waiting_expire(s->db, now - site->conf->pending_expire,
		    now, &e);
	}
	if (rc == 0)
		rc = tell_ends(s, site, &e);
	if (rc == 0)
		return;
	log_begin_limited(&l, LOG_L_WARN, "ends_failed");
	log_err(&l, &e);
	log_end(&l);
}
