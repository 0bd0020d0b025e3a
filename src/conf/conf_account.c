/*
 * Who may administrate: each account has one way to say who it is, and no more.
 */
#include <string.h>

#include "conf/conf_int.h"

static struct conf_spot
spot(size_t i, const char *path)
{
	return (struct conf_spot){ .part = CONF_PART_ACCOUNTS, .i = i,
	    .path = path };
}

static int
check_hash(struct conf_reader *r, size_t i)
{
	const struct conf_account *a = &r->conf->accounts[i];

	if (a->auth == CONF_ACCOUNT_BASIC && strchr(a->name, ':') != NULL)
		return conf_refuse(r, spot(i, "name"), "\"%s\" has a colon in "
		    "it, which HTTP Basic cannot send; leave it out", a->name);
	if (*a->certificate != '\0')
		return conf_refuse(r, spot(i, "certificate"), "is for auth = "
		    "\"certificate\"; set that, or remove it");
	if (*a->hash == '\0')
		return conf_refuse(r, spot(i, ""), "has no hash; make one "
		    "with scepctl challenge hash");
	return 0;
}

static int
check_certificate(struct conf_reader *r, size_t i)
{
	const struct conf_account *a = &r->conf->accounts[i], *b;

	if (*a->hash != '\0')
		return conf_refuse(r, spot(i, "hash"), "is not for auth = "
		    "\"certificate\"; remove it, or make another account");
	if (*a->certificate == '\0')
		return conf_refuse(r, spot(i, ""), "has no certificate; give "
		    "the subject of its own");
	if (*r->conf->admin_client_ca == '\0')
		return conf_refuse(r, spot(i, "certificate"), "is never asked "
		    "for; give admin.client_ca");
	for (b = r->conf->accounts; b < a; b++)
		if (strcmp(a->certificate, b->certificate) == 0)
			return conf_refuse(r, spot(i, "certificate"), "is that "
			    "of account %s too; give each its own", b->name);
	return 0;
}

static int
check_names(struct conf_reader *r, size_t i)
{
	const struct conf_account *a = &r->conf->accounts[i];
	size_t k;

	for (k = 0; k < a->endpoints.n; k++)
		if (conf_endpoint(r->conf, a->endpoints.v[k]) == NULL)
			return conf_refuse(r, spot(i, "endpoints"), "\"%s\" "
			    "is not the name of an entry in endpoints; add "
			    "one or correct the name", a->endpoints.v[k]);
	for (k = 0; k < a->profiles.n; k++)
		if (conf_profile(r->conf, a->profiles.v[k]) == NULL)
			return conf_refuse(r, spot(i, "profiles"), "\"%s\" "
			    "is not the name of an entry in profiles; add one "
			    "or correct the name", a->profiles.v[k]);
	return 0;
}

int
conf_check_account(struct conf_reader *r, size_t i)
{
	if ((r->conf->accounts[i].auth == CONF_ACCOUNT_CERTIFICATE ?
	    check_certificate : check_hash)(r, i) != 0)
		return -1;
	return check_names(r, i);
}
