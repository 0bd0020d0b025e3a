/*
 * What a challenge allows, one of scepd.conf or one of the store.
 */
#include <stdlib.h>
#include <string.h>

#include "service/pipeline_int.h"
#include "util/clock.h"

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

int
matched_row(struct work *w, struct challenge *row, struct err *e)
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

void
matched_conf(struct work *w, const struct conf_challenge *c, bool elsewhere)
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
