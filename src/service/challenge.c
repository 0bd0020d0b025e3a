/*
 * Which challenge a request holds: of those that were drawn by us, one look-up
 * by MAC tells; the others must be stretched. Of what stands in the store, all
 * goes through the MAC first: a copy of the store alone lets nobody guess.
 */
#include <stdlib.h>
#include <string.h>

#include "service/pipeline_int.h"
#include "util/clock.h"
#include "util/log.h"

/* ---- the key of the MACs ---- */

static int
warn_lost(struct service *s, struct err *e)
{
	int64_t n;

	if (challenge_lost(s->db, s->mac_key.name, &n, e) == -1)
		return -1;
	if (n > 0)
		log_msg(LOG_L_WARN, "challenges_lost", "%lld challenges were "
		    "made with another key than the one beside the store, and "
		    "match no more: restore it, or make them anew",
		    (long long)n);
	return 0;
}

int
challenge_open_key(struct service *s, const char *store, struct err *e)
{
	char *path = mac_key_path(store, e);
	struct err why = { .reason = ERR_NONE };
	int rc;

	if (path == NULL)
		return -1;
	rc = mac_key_make(path, &s->mac_key, &why);
	if (rc == -1 && why.reason == ERR_EXISTS)
		rc = mac_key_load(path, &s->mac_key, e);
	else if (rc == -1)
		err_set(e, why.reason, "%s", why.text);
	free(path);
	return rc == -1 ? -1 : warn_lost(s, e);
}

/* ---- limits ---- */

int
challenge_limits(const struct conf *conf, const struct conf_challenge *c,
    struct policy_limits *out, struct err *e)
{
	const struct policy_written w = {
		c->subject.v, c->san.v, c->key_types.v, c->facts.v
	};

	*out = (struct policy_limits){
		.profile = *c->profile == '\0' ? NULL :
		    conf_profile(conf, c->profile),
		.uses = c->uses,
	};
	/* conf_load() proved that they are times. */
	if (*c->not_before != '\0')
		(void)clock_parse(c->not_before, &out->not_before);
	if (*c->expires != '\0')
		(void)clock_parse(c->expires, &out->expires);
	return policy_limits_read(&w, out, e);
}

/* Makes of lines an array that ends with NULL; the text is its memory. */
static int
split_lines(char *text, char **out, size_t max, struct err *e)
{
	size_t n = 0;
	char *line;

	while ((line = strsep(&text, "\n")) != NULL) {
		if (*line == '\0')
			continue;
		if (n == max) {
			err_set(e, ERR_CONFIG, "too many entries");
			return -1;
		}
		out[n++] = line;
	}
	out[n] = NULL;
	return 0;
}

static bool
has_line(const char *text, const char *line)
{
	size_t n = strlen(line), k;

	for (; *text != '\0'; text += k + (text[k] == '\n')) {
		k = strcspn(text, "\n");
		if (k == n && memcmp(text, line, n) == 0)
			return true;
	}
	return false;
}

/* Takes the row. */
static int
take_row(struct work *w, struct challenge *row, struct err *e)
{
	const struct conf *conf = w->x->site->conf;
	char *subject[PATTERNS_MAX + 1], *san[PATTERNS_MAX + 1], *keys[9],
	    *facts[FACTS_MAX + 1];
	const struct policy_written wr = { subject, san, keys, facts };
	struct matched *m = &w->challenge;

	m->row = *row;
	memset(row, 0, sizeof(*row));
	row = &m->row;
	m->name = row->name;
	m->id = row->id;
	m->limits = (struct policy_limits){
		.uses = row->uses, .not_before = row->not_before,
		.expires = row->expires, .disabled = row->disabled,
		.elsewhere = !has_line(row->endpoints, w->se->conf->name),
	};
	if (*row->profile != '\0')
		m->limits.profile = conf_profile(conf, row->profile);
	m->limits.unknown_profile = *row->profile != '\0' &&
	    m->limits.profile == NULL;
	if (split_lines(row->subject, subject, PATTERNS_MAX, e) == 0 &&
	    split_lines(row->san, san, PATTERNS_MAX, e) == 0 &&
	    split_lines(row->key_types, keys, 8, e) == 0 &&
	    split_lines(row->facts, facts, FACTS_MAX, e) == 0 &&
	    policy_limits_read(&wr, &m->limits, e) == 0)
		return 0;
	err_prefix(e, "challenge %s", row->name);
	return -1;
}

static void
take_conf(struct work *w, const struct conf_challenge *c, bool elsewhere)
{
	const struct site *site = w->x->site;

	w->challenge.name = c->name;
	w->challenge.limits = site->limits[c - site->conf->challenges];
	w->challenge.limits.elsewhere = elsewhere;
}

void
matched_clear(struct matched *m)
{
	/* What is of scepd.conf belongs to the site. */
	if (m->row.name != NULL)
		policy_limits_clear(&m->limits);
	challenge_clear(&m->row);
}

/* ---- finding ---- */

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
	return found ? take_row(s->w, &row, e) : 0;
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

/* proven_match() or proven_recall() */
typedef int match_fn(struct proven *, const struct conf_challenge *const *,
    size_t, struct bytes, const struct conf_challenge **, struct err *);

static int
match_conf(struct search *s, match_fn *match, struct err *e)
{
	const struct site_endpoint *se = s->w->se;
	const struct conf_challenge *c = NULL;

	if (match(s->w->s->proven, se->challenges, se->n_challenges,
	    s->presented, &c, e) == -1)
		return -1;
	if (c != NULL)
		take_conf(s->w, c, false);
	return 0;
}

static int
match_given(struct search *s, match_fn *match, struct err *e)
{
	const struct conf_challenge *c = NULL;

	if (match(s->w->s->proven, s->list, s->n, bytes_make(s->mac,
	    SECRET_MAC), &c, e) == -1)
		return -1;
	return c == NULL ? 0 : take_row(s->w, &s->rows[c - s->as_conf], e);
}

static int
recall_conf(struct search *s, struct err *e)
{
	return match_conf(s, proven_recall, e);
}

static int
recall_given(struct search *s, struct err *e)
{
	return collect(s, e) == -1 ? -1 : match_given(s, proven_recall, e);
}

static int
stretch_conf(struct search *s, struct err *e)
{
	return match_conf(s, proven_match, e);
}

static int
stretch_given(struct search *s, struct err *e)
{
	return match_given(s, proven_match, e);
}

/* For the log alone, so only what costs nothing is looked at. */
static int
find_elsewhere(struct search *s, struct err *e)
{
	const struct conf *conf = s->w->x->site->conf;
	const struct conf_challenge *c, *match = NULL;
	size_t i;

	for (i = 0; i < conf->n_challenges && match == NULL; i++) {
		c = &conf->challenges[i];
		if (proven_recall(s->w->s->proven, &c, 1, s->presented, &match,
		    e) == -1)
			return -1;
	}
	if (match != NULL)
		take_conf(s->w, match, true);
	return 0;
}

/* Whoever was proven once never stands in the line of those who guess. */
static int (*const finds[])(struct search *, struct err *) = {
	find_drawn, recall_conf, recall_given, stretch_conf, stretch_given,
	find_elsewhere,
};

static int
find(struct work *w, struct err *e)
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
	for (i = 0; rc == 0 && w->challenge.name == NULL &&
	    i < sizeof(finds) / sizeof(finds[0]); i++)
		rc = finds[i](s, e);
	for (i = 0; i < s->n; i++)
		challenge_clear(&s->rows[i]);
	explicit_bzero(s->mac, sizeof(s->mac));
	free(s);
	return rc;
}

int
challenge_match(struct work *w, enum policy_challenge *out, struct err *e)
{
	struct challenge_use u;

	*out = POLICY_CHALLENGE_ABSENT;
	if (!w->csr->has_challenge || w->csr->challenge.n == 0)
		return 0;
	if (find(w, e) == -1)
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
