/*
 * Which challenge a request holds: of those that were drawn by us, one look-up
 * by MAC tells; the others must be stretched. Of what stands in the store, all
 * goes through the MAC first: a copy of the store alone lets nobody guess.
 */
#include <stdlib.h>
#include <string.h>

#include "service/pipeline_int.h"

/* What a request holds, and those of the store's challenges for its endpoint
 * that have a hash. */
struct search {
	struct work			*w;
	struct bytes			 presented;
	uint8_t				 mac[SECRET_MAC];
	struct challenge		 rows[CHALLENGE_HASHED_MAX];
	struct conf_challenge		 as_conf[CHALLENGE_HASHED_MAX];
	const struct conf_challenge	*list[CHALLENGE_HASHED_MAX];
	size_t				 n;
};

static int
find_drawn(struct search *s, struct err *e)
{
	struct challenge row;
	bool found;

	if (challenge_by_mac(s->w->s->db, s->mac, &row, &found, e) == -1)
		return -1;
	return found ? matched_row(s->w, &row, e) : 0;
}

static int
collect(struct search *s, struct err *e)
{
	static char none[] = "";
	struct challenge *row;
	int64_t id = 0;
	bool found;

	while (s->n < CHALLENGE_HASHED_MAX) {
		row = &s->rows[s->n];
		if (challenge_hashed(s->w->s->db, s->w->se->conf->name, id,
		    row, &found, e) == -1)
			return -1;
		if (!found)
			break;
		id = row->id;
		s->as_conf[s->n] = (struct conf_challenge){
			.name = row->name, .hash = row->hash, .secret = none
		};
		s->list[s->n] = &s->as_conf[s->n];
		s->n++;
	}
	return 0;
}

static int
match_conf(struct search *s, const char *who, struct err *e)
{
	const struct site_endpoint *se = s->w->se;
	const struct conf_challenge *c = NULL;

	if (proven_match(s->w->s->proven, se->challenges, se->n_challenges,
	    s->presented, who, &c, e) == -1)
		return -1;
	if (c != NULL)
		matched_conf(s->w, c, false);
	return 0;
}

static int
match_given(struct search *s, const char *who, struct err *e)
{
	const struct conf_challenge *c = NULL;

	if (proven_match(s->w->s->proven, s->list, s->n, bytes_make(s->mac,
	    SECRET_MAC), who, &c, e) == -1)
		return -1;
	return c == NULL ? 0 : matched_row(s->w, &s->rows[c - s->as_conf], e);
}

static int
recall_conf(struct search *s, struct err *e)
{
	return match_conf(s, NULL, e);
}

static int
recall_given(struct search *s, struct err *e)
{
	return collect(s, e) == -1 ? -1 : match_given(s, NULL, e);
}

static int
stretch_conf(struct search *s, struct err *e)
{
	return match_conf(s, s->w->x->peer, e);
}

static int
stretch_given(struct search *s, struct err *e)
{
	return match_given(s, s->w->x->peer, e);
}

int
challenge_anywhere(const struct work *w, const char *peer,
    const struct conf_challenge **out, struct err *e)
{
	const struct conf *conf = w->x->site->conf;
	const struct conf_challenge *c, *match = NULL;
	size_t i;

	for (i = 0; i < conf->n_challenges && match == NULL; i++) {
		c = &conf->challenges[i];
		if (proven_match(w->s->proven, &c, 1,
		    buf_bytes(&w->csr->challenge), peer, &match, e) == -1)
			return -1;
	}
	*out = match;
	return 0;
}

/* For the log alone, so only what costs nothing is looked at. */
static int
find_elsewhere(struct search *s, struct err *e)
{
	const struct conf_challenge *match;

	if (challenge_anywhere(s->w, NULL, &match, e) == -1)
		return -1;
	if (match != NULL)
		matched_conf(s->w, match, true);
	return 0;
}

/* Whoever was proven once never stands in the line of those who guess; what was
 * drawn is found by the first alone. */
#define DRAWN	1
static int (*const finds[])(struct search *, struct err *) = {
	find_drawn, recall_conf, recall_given, stretch_conf, stretch_given,
	find_elsewhere,
};

/* The first n ways to find it. */
static int
find(struct work *w, size_t n, struct err *e)
{
	struct search *s = calloc(1, sizeof(*s));
	int rc = -1;
	size_t i;

	if (s == NULL) {
		err_set(e, ERR_MEMORY, "challenges");
		return -1;
	}
	s->w = w;
	s->presented = buf_bytes(&w->csr->challenge);
	rc = secret_mac(w->s->mac_key.key, s->presented, s->mac, e);
	for (i = 0; rc == 0 && w->challenge.name == NULL && i < n; i++)
		rc = finds[i](s, e);
	for (i = 0; i < s->n; i++)
		challenge_clear(&s->rows[i]);
	explicit_bzero(s->mac, sizeof(s->mac));
	free(s);
	return rc;
}

int
challenge_drawn(struct work *w, struct err *e)
{
	return find(w, DRAWN, e);
}

int
challenge_match(struct work *w, enum policy_challenge *out, struct err *e)
{
	struct err held = { .reason = ERR_NONE };
	struct challenge_use u;

	*out = POLICY_CHALLENGE_ABSENT;
	if (!w->csr->has_challenge || w->csr->challenge.n == 0)
		return 0;
	if (admit_guess(w, &held) == -1) {
		if (admit_drawn(w) && challenge_drawn(w, e) == -1)
			return -1;
		if (w->challenge.name == NULL) {
			w->unseen = true;
			return admit_unseen(w) ? 0 : admit_guess(w, e);
		}
	} else if (find(w, sizeof(finds) / sizeof(finds[0]), e) == -1)
		return -1;
	*out = POLICY_CHALLENGE_WRONG;
	if (w->challenge.name == NULL)
		return 0;
	*out = POLICY_CHALLENGE_MATCH;
	if (challenge_used(w->s->db, w->challenge.name, w->challenge.id, &u,
	    e) == -1)
		return -1;
	w->challenge.used = u.used;
	return 0;
}
