#include <stdlib.h>
#include <string.h>

#include "conf/conf_int.h"

void
conf_free(struct conf *c)
{
	enum conf_part part;
	size_t i;

	if (c == NULL)
		return;
	for (part = CONF_PART_GLOBAL; part < CONF_PART_COUNT; part++) {
		for (i = 0; i < conf_count(c, part); i++)
			conf_rows_free(part, conf_entry(c, part, i));
	}
	free(c->endpoints);
	free(c->issuers);
	free(c->profiles);
	free(c->challenges);
	free(c->accounts);
	free(c->validators);
	free(c->lines);
	free(c->file);
	free(c);
}

bool
conf_strings_has(const struct conf_strings *list, const char *word)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (strcmp(list->v[i], word) == 0)
			return true;
	return false;
}

const struct conf_issuer *
conf_issuer(const struct conf *c, const char *name)
{
	return conf_entry_find(c, CONF_PART_ISSUERS, name);
}

const struct conf_profile *
conf_profile(const struct conf *c, const char *name)
{
	return conf_entry_find(c, CONF_PART_PROFILES, name);
}

const struct conf_challenge *
conf_challenge(const struct conf *c, const char *name)
{
	return conf_entry_find(c, CONF_PART_CHALLENGES, name);
}

const struct conf_endpoint *
conf_endpoint(const struct conf *c, const char *name)
{
	return conf_entry_find(c, CONF_PART_ENDPOINTS, name);
}

const struct conf_validator *
conf_validator(const struct conf *c, const char *name)
{
	return conf_entry_find(c, CONF_PART_VALIDATORS, name);
}

/* Who comes with it would be asked about by the validator, which does not know
 * it, or be let in whatever it says. */
int
conf_takes_challenges(const struct conf_endpoint *ep, struct err *e)
{
	if (ep->validator_challenge != CONF_CHALLENGE_INSTEAD)
		return 0;
	err_set(e, ERR_NO_CHALLENGES, "validator %s judges those of endpoint "
	    "%s; ask it for one, or set validator_challenge to also",
	    ep->validator, ep->name);
	return -1;
}

const char *
conf_needs_restart(const struct conf *old, const struct conf *new)
{
	const struct conf_section *s = &conf_sections[CONF_PART_GLOBAL];
	const struct conf_row *row;

	for (row = s->rows; row < s->rows + s->n; row++)
		if ((row->flags & CONF_RELOAD) == 0 &&
		    !conf_row_equal(row, old, new))
			return row->path;
	return NULL;
}

void
conf_blame(const struct conf *c, const char *path, struct err *e)
{
	const struct conf_section *s = &conf_sections[CONF_PART_GLOBAL];
	const struct conf_row *row = conf_row_find(CONF_PART_GLOBAL, path);
	int line = row == NULL ? 0 : c->lines[row - s->rows];

	if (line > 0)
		err_prefix(e, "%s:%d: %s", c->file, line, path);
	else
		err_prefix(e, "%s: %s", c->file, path);
}
