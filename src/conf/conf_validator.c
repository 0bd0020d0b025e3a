/*
 * What makes no sense in one entry of validators.
 */
#include <string.h>

#include "conf/conf_int.h"

static int
refuse(struct conf_reader *r, size_t i, const char *path, const char *mend)
{
	struct conf_spot at = { CONF_PART_VALIDATORS, i, path };

	return conf_refuse(r, at, "%s", mend);
}

static int
check_exec(struct conf_reader *r, size_t i)
{
	const struct conf_validator *v = &r->conf->validators[i];
	const struct {
		const char	*path;
		const char	*value;
	} others[] = {
		{ "url", v->url }, { "ca_file", v->ca_file },
		{ "secret_file", v->secret_file },
		{ "client_cert", v->client_cert },
		{ "client_key", v->client_key }, { "proxy", v->proxy },
	};
	size_t k;

	for (k = 0; k < sizeof(others) / sizeof(others[0]); k++)
		if (*others[k].value != '\0')
			return refuse(r, i, others[k].path, "is for type "
			    "\"webhook\"; remove it, or change type");
	if (v->command.n == 0)
		return refuse(r, i, "command", "is missing; type \"exec\" "
		    "needs it");
	if (v->command.v[0][0] != '/')
		return refuse(r, i, "command", "does not begin with an "
		    "absolute path; give the program's");
	return 0;
}

static int
check_webhook(struct conf_reader *r, size_t i)
{
	const struct conf_validator *v = &r->conf->validators[i];

	if (v->command.n > 0)
		return refuse(r, i, "command", "is for type \"exec\"; remove "
		    "it, or change type");
	if (*v->url == '\0')
		return refuse(r, i, "url", "is missing; type \"webhook\" "
		    "needs it");
	if (*v->secret_file == '\0')
		return refuse(r, i, "secret_file", "is missing; type "
		    "\"webhook\" needs it");
	if ((*v->client_cert == '\0') != (*v->client_key == '\0'))
		return refuse(r, i, *v->client_cert == '\0' ? "client_cert" :
		    "client_key", "is missing; certificate and key go "
		    "together");
	if (*v->proxy != '\0' && strncmp(v->proxy, "http://", 7) != 0)
		return refuse(r, i, "proxy", "is not the URL of an HTTP "
		    "proxy; write it as in http://proxy.example:3128");
	return 0;
}

int
conf_check_validator(struct conf_reader *r, size_t i)
{
	return r->conf->validators[i].type == CONF_VALIDATOR_EXEC ?
	    check_exec(r, i) : check_webhook(r, i);
}
