#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/conf_int.h"
#include "util/clock.h"

static struct conf_spot
spot(enum conf_part part, size_t i, const char *path)
{
	return (struct conf_spot){ .part = part, .i = i, .path = path };
}

/* A setting that makes no sense next to another one must be absent. */
static int
check_absent(struct conf_reader *r, struct conf_spot at, const char *value,
    const char *mend)
{
	return *value == '\0' ? 0 : conf_refuse(r, at, "%s", mend);
}

static int
check_given(struct conf_reader *r, struct conf_spot at, const char *value,
    const char *mend)
{
	return *value != '\0' ? 0 : conf_refuse(r, at, "%s", mend);
}

static int
check_unique_names(struct conf_reader *r)
{
	const struct conf *c = r->conf;
	enum conf_part p;
	const char *name;
	size_t i;

	for (p = CONF_PART_GLOBAL + 1; p < CONF_PART_COUNT; p++)
		for (i = 0; i < conf_count(c, p); i++) {
			name = conf_entry_name(c, p, i);
			if (conf_entry_find(c, p, name) !=
			    conf_entry_const(c, p, i))
				return conf_refuse(r, spot(p, i, "name"),
				    "\"%s\" is the name of an entry above; "
				    "choose another", name);
		}
	return 0;
}

static int
check_reference(struct conf_reader *r, struct conf_spot at, enum conf_part to,
    const char *name)
{
	if (conf_entry_find(r->conf, to, name) != NULL)
		return 0;
	return conf_refuse(r, at, "\"%s\" is not the name of an entry in %s; "
	    "add one or correct the name", name, conf_sections[to].name);
}

static int
check_references(struct conf_reader *r, size_t i)
{
	const struct conf_endpoint *ep = &r->conf->endpoints[i];
	enum conf_part p = CONF_PART_ENDPOINTS;
	size_t k;

	if (check_reference(r, spot(p, i, "issuer"), CONF_PART_ISSUERS,
	    ep->issuer) != 0 ||
	    check_reference(r, spot(p, i, "profile"), CONF_PART_PROFILES,
	    ep->profile) != 0)
		return -1;
	for (k = 0; k < ep->challenges.n; k++)
		if (check_reference(r, spot(p, i, "challenges"),
		    CONF_PART_CHALLENGES, ep->challenges.v[k]) != 0)
			return -1;
	return *ep->validator == '\0' ? 0 : check_reference(r, spot(p, i,
	    "validator"), CONF_PART_VALIDATORS, ep->validator);
}

/* Deny by default: somebody must vouch for a device. */
static int
check_vouched(struct conf_reader *r, size_t i)
{
	const struct conf_endpoint *ep = &r->conf->endpoints[i];
	enum conf_part p = CONF_PART_ENDPOINTS;

	if (ep->validator_challenge == CONF_CHALLENGE_INSTEAD) {
		if (*ep->validator == '\0')
			return conf_refuse(r, spot(p, i,
			    "validator_challenge"), "\"instead\" needs a "
			    "validator; name one");
		if (ep->challenges.n > 0)
			return conf_refuse(r, spot(p, i, "challenges"), "are "
			    "never looked at, for validator_challenge is "
			    "\"instead\"; remove one of the two");
	}
	return 0;
}

static int
check_mode_ra(struct conf_reader *r, size_t i)
{
	const struct conf_endpoint *ep = &r->conf->endpoints[i];
	enum conf_part p = CONF_PART_ENDPOINTS;

	if (check_given(r, spot(p, i, "ra_cert"), ep->ra_cert,
	    "is missing; mode \"ra\" needs it") != 0)
		return -1;
	if (check_given(r, spot(p, i, "ra_key"), ep->ra_key,
	    "is missing; mode \"ra\" needs it") != 0)
		return -1;
	if (*ep->ra_enc_cert != '\0')
		return check_given(r, spot(p, i, "ra_enc_key"),
		    ep->ra_enc_key, "is missing; ra_enc_cert needs it");
	if (check_absent(r, spot(p, i, "ra_enc_key"), ep->ra_enc_key,
	    "needs ra_enc_cert; add it, or remove this") != 0)
		return -1;
	return check_absent(r, spot(p, i, "ra_enc_key_passphrase"),
	    ep->ra_enc_key_passphrase, "needs ra_enc_cert; add it, or remove "
	    "this");
}

static int
check_mode_ca(struct conf_reader *r, size_t i)
{
	static const char mend[] = "is for mode \"ra\"; remove it, or change "
	    "mode";
	const struct conf_endpoint *ep = &r->conf->endpoints[i];
	enum conf_part p = CONF_PART_ENDPOINTS;

	const struct { const char *path, *value; } ra[] = {
		{ "ra_cert", ep->ra_cert },
		{ "ra_key", ep->ra_key },
		{ "ra_key_passphrase", ep->ra_key_passphrase },
		{ "ra_enc_cert", ep->ra_enc_cert },
		{ "ra_enc_key", ep->ra_enc_key },
		{ "ra_enc_key_passphrase", ep->ra_enc_key_passphrase },
		{ "ra_also", ep->ra_also.n == 0 ? "" : ep->ra_also.v[0] },
	};
	size_t k;

	for (k = 0; k < sizeof(ra) / sizeof(ra[0]); k++)
		if (check_absent(r, spot(p, i, ra[k].path), ra[k].value,
		    mend) != 0)
			return -1;
	if (conf_issuer(r->conf, ep->issuer)->type != CONF_ISSUER_LOCAL)
		return conf_refuse(r, spot(p, i, "mode"), "mode \"ca\" needs "
		    "the CA's key, so an issuer of type \"local\"; use mode "
		    "\"ra\"");
	return 0;
}

static int
check_endpoint(struct conf_reader *r, size_t i)
{
	if (check_references(r, i) != 0 || check_vouched(r, i) != 0)
		return -1;
	if ((r->conf->endpoints[i].mode == CONF_MODE_RA ?
	    check_mode_ra(r, i) : check_mode_ca(r, i)) != 0)
		return -1;
	return conf_check_paths(r, i);
}

static int
check_local(struct conf_reader *r, size_t i)
{
	const struct conf_issuer *is = &r->conf->issuers[i];
	enum conf_part p = CONF_PART_ISSUERS;

	if (is->command.n > 0)
		return conf_refuse(r, spot(p, i, "command"), "is for type "
		    "\"exec\"; remove it, or change type");
	if (is->decides.n > 0)
		return conf_refuse(r, spot(p, i, "decides"), "is for type "
		    "\"exec\"; remove it, or change type");
	if (is->crl_renew >= is->crl_validity)
		return conf_refuse(r, spot(p, i, "crl_renew"), "is not less "
		    "than crl_validity; a CRL would be outdated when it is "
		    "made");
	return check_given(r, spot(p, i, "key"), is->key,
	    "is missing; type \"local\" needs it");
}

static int
check_exec(struct conf_reader *r, size_t i)
{
	static const char mend[] = "is for type \"local\"; remove it, or "
	    "change type";
	const struct conf_issuer *is = &r->conf->issuers[i];
	enum conf_part p = CONF_PART_ISSUERS;

	if (check_absent(r, spot(p, i, "key"), is->key, mend) != 0 ||
	    check_absent(r, spot(p, i, "key_passphrase"), is->key_passphrase,
	    mend) != 0 ||
	    check_absent(r, spot(p, i, "crl_file"), is->crl_file, mend) != 0)
		return -1;
	if (is->command.n == 0)
		return conf_refuse(r, spot(p, i, "command"), "is missing; "
		    "type \"exec\" needs it");
	if (is->command.v[0][0] != '/')
		return conf_refuse(r, spot(p, i, "command"), "begins with "
		    "\"%s\"; give the program's absolute path",
		    is->command.v[0]);
	return 0;
}

static int
check_issuer(struct conf_reader *r, size_t i)
{
	return r->conf->issuers[i].type == CONF_ISSUER_LOCAL ?
	    check_local(r, i) : check_exec(r, i);
}

/* Devices that follow them find an unreachable server, not a wrong setting. */
static int
check_urls(struct conf_reader *r, size_t i, const char *path,
    const struct conf_strings *urls)
{
	size_t k;

	for (k = 0; k < urls->n; k++)
		if (strncmp(urls->v[k], "http://", 7) != 0 &&
		    strncmp(urls->v[k], "https://", 8) != 0 &&
		    strncmp(urls->v[k], "ldap://", 7) != 0)
			return conf_refuse(r, spot(CONF_PART_PROFILES, i,
			    path), "\"%s\" is no URL; write it as in "
			    "http://pki.example/ca.crl", urls->v[k]);
	return 0;
}

/* What must be there must not be left out: the first word of each. */
static int
check_required(struct conf_reader *r, size_t i, const char *path,
    const struct conf_strings *list)
{
	static const char *const kinds[] = { "dns", "email", "uri", "ip",
	    "upn" };
	const struct conf_profile *pr = &r->conf->profiles[i];
	struct conf_spot at = spot(CONF_PART_PROFILES, i, path);
	struct bytes kind;
	size_t k, j;

	for (k = 0; k < list->n; k++) {
		kind = bytes_make(list->v[k], strcspn(list->v[k], " "));
		if (bytes_eq(kind, bytes_str("sid")) &&
		    pr->sid != CONF_SID_ALLOW)
			return conf_refuse(r, at, "has \"sid\", which is left "
			    "out; set sid = \"allow\"");
		for (j = 0; j < sizeof(kinds) / sizeof(kinds[0]); j++)
			if (bytes_eq(kind, bytes_str(kinds[j])) &&
			    !conf_strings_has(&pr->san, kinds[j]))
				return conf_refuse(r, at, "has \"%s\", which "
				    "is left out; add it to san", kinds[j]);
	}
	return 0;
}

static int
check_profile(struct conf_reader *r, size_t i)
{
	const struct conf_profile *pr = &r->conf->profiles[i];
	enum conf_part p = CONF_PART_PROFILES;

	if (pr->rsa_min > pr->rsa_max)
		return conf_refuse(r, spot(p, i, "rsa_min"), "%" PRId64 " is "
		    "more than rsa_max, %" PRId64 "; lower it", pr->rsa_min,
		    pr->rsa_max);
	if (pr->key_types.n == 0)
		return conf_refuse(r, spot(p, i, "key_types"), "is empty; "
		    "give at least one type of key");
	if (pr->max_active > 0 && pr->empty_subject)
		return conf_refuse(r, spot(p, i, "max_active"), "counts by "
		    "subject, which empty_subject lets requests leave out; "
		    "remove one of them");
	if (check_required(r, i, "san_required", &pr->san_required) != 0 ||
	    check_required(r, i, "san_patterns", &pr->san_patterns) != 0 ||
	    check_urls(r, i, "crl_urls", &pr->crl_urls) != 0 ||
	    check_urls(r, i, "ca_issuers_urls", &pr->ca_issuers_urls) != 0)
		return -1;
	return check_urls(r, i, "ocsp_urls", &pr->ocsp_urls);
}

/*
 * A plain secret is as good as what guards this file. The group may read it:
 * that is how a file of root's is given to the daemon.
 */
static int
check_mode(struct conf_reader *r, size_t i)
{
	struct conf_spot at = spot(CONF_PART_CHALLENGES, i, "secret");
	const char *file = r->conf->file;
	struct stat st;

	if (stat(file, &st) != 0)
		return conf_refuse_as(r, at, ERR_FILE, "the file is gone");
	if ((st.st_mode & S_IRWXO) != 0)
		return conf_refuse_as(r, at, ERR_FILE_MODE, "others can open "
		    "the file with this secret; chmod o= %s", file);
	return 0;
}

static int
check_time(struct conf_reader *r, struct conf_spot at, const char *text,
    int64_t *when)
{
	if (*text == '\0' || clock_parse(text, when) == 0)
		return 0;
	return conf_refuse(r, at, "\"%s\" is no time; write it in UTC as "
	    "2030-01-31T08:00:00Z", text);
}

static int
check_times(struct conf_reader *r, size_t i)
{
	const struct conf_challenge *ch = &r->conf->challenges[i];
	struct conf_spot from = spot(CONF_PART_CHALLENGES, i, "not_before");
	struct conf_spot to = spot(CONF_PART_CHALLENGES, i, "expires");
	int64_t begin = INT64_MIN, end = INT64_MAX;

	if (check_time(r, from, ch->not_before, &begin) != 0 ||
	    check_time(r, to, ch->expires, &end) != 0)
		return -1;
	if (begin < end)
		return 0;
	return conf_refuse(r, to, "is not later than not_before; no request "
	    "could use the challenge");
}

static int
check_challenge(struct conf_reader *r, size_t i)
{
	const struct conf_challenge *ch = &r->conf->challenges[i];
	enum conf_part p = CONF_PART_CHALLENGES;

	if (*ch->hash == '\0' && *ch->secret == '\0')
		return conf_refuse(r, spot(p, i, ""), "has no secret; give a "
		    "hash, made by scepctl challenge hash");
	if (*ch->hash != '\0' && *ch->secret != '\0')
		return conf_refuse(r, spot(p, i, "secret"), "stands next to a "
		    "hash; keep only one of them");
	if (*ch->profile != '\0' && check_reference(r, spot(p, i, "profile"),
	    CONF_PART_PROFILES, ch->profile) != 0)
		return -1;
	if (check_times(r, i) != 0)
		return -1;
	return *ch->secret == '\0' ? 0 : check_mode(r, i);
}

int
conf_check(struct conf_reader *r)
{
	static int (*const check[])(struct conf_reader *, size_t) = {
		[CONF_PART_ISSUERS] = check_issuer,
		[CONF_PART_PROFILES] = check_profile,
		[CONF_PART_CHALLENGES] = check_challenge,
		[CONF_PART_VALIDATORS] = conf_check_validator,
		[CONF_PART_ENDPOINTS] = check_endpoint,
		[CONF_PART_ACCOUNTS] = conf_check_account
	};
	enum conf_part p;
	size_t i;

	if (conf_check_listeners(r) != 0 || check_unique_names(r) != 0)
		return -1;
	for (p = CONF_PART_GLOBAL + 1; p < CONF_PART_COUNT; p++)
		for (i = 0; i < conf_count(r->conf, p); i++)
			if (check[p](r, i) != 0)
				return -1;
	return 0;
}
