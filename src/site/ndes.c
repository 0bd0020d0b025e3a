/*
 * The page of NDES: its endpoint, and what it shows where that is always the
 * same.
 */
#include <stdlib.h>
#include <string.h>

#include "pki/secret.h"
#include "render/ndes.h"
#include "site/site_int.h"
#include "util/file.h"
#include "util/str.h"

/* The page says that it can be used multiple times and does not expire. */
static int
check_lasting(const struct conf_challenge *c, struct err *e)
{
	if (c->uses == 0 && *c->not_before == '\0' && *c->expires == '\0')
		return 0;
	err_set(e, ERR_CONFIG, "is challenge %s, which does not last as the "
	    "page says; take its uses, not_before and expires away", c->name);
	return -1;
}

/* What the page shows must be of use to who reads it. */
static int
check_single(const struct site_endpoint *se, struct bytes single,
    struct err *e)
{
	const struct conf_challenge *c = NULL;
	bool match = false;
	size_t i;

	if (!ndes_is_password((const char *)single.p)) {
		err_set(e, ERR_CONFIG, "readers of the page know upper-case "
		    "hex digits alone, %d to %d; choose such a challenge",
		    NDES_PASSWORD_MIN, NDES_PASSWORD);
		return -1;
	}
	for (i = 0; i < se->n_challenges && !match; i++) {
		c = se->challenges[i];
		if (*c->hash == '\0')
			match = str_equal_secret(single, bytes_str(c->secret));
		else if (secret_verify(single, c->hash, &match, e) == -1)
			return -1;
	}
	if (match)
		return check_lasting(c, e);
	err_set(e, ERR_CONFIG, "is none of the challenges of endpoint %s; "
	    "add its hash to them", se->conf->name);
	return -1;
}

static int
open_single(struct site *s, struct err *e)
{
	struct buf single = BUF_INIT(FILE_MAX);
	int rc = -1;

	if (file_read_secret(s->conf->ndes_single, &single, e) == -1 ||
	    check_single(s->ndes, buf_bytes(&single), e) == -1)
		conf_blame(s->conf, "ndes.single", e);
	else if ((s->ndes_single = strdup(buf_cstr(&single))) == NULL)
		err_set(e, ERR_MEMORY, "ndes.single");
	else
		rc = 0;
	buf_wipe(&single);
	return rc;
}

int
ndes_open(struct site *s, struct err *e)
{
	const struct conf *c = s->conf;

	if (*c->ndes_endpoint == '\0')
		return 0;
	s->ndes = &s->endpoints[conf_endpoint(c, c->ndes_endpoint) -
	    c->endpoints];
	return *c->ndes_single == '\0' ? 0 : open_single(s, e);
}

void
ndes_clear(struct site *s)
{
	if (s->ndes_single != NULL)
		explicit_bzero(s->ndes_single, strlen(s->ndes_single));
	free(s->ndes_single);
}
