/*
 * scepctl challenge: secrets as scepd.conf(5) stores them.
 */
#include <stdio.h>

#include "ctl/ctl_int.h"
#include "pki/secret.h"

#define GENERATED	16	/* bytes of a secret that we draw */

enum { GENERATE, JSON };

static const struct ctl_opt hash_opts[] = {
	[GENERATE] = { "generate", NULL, "draw a random secret and show it" },
	[JSON] = { "json", NULL, "print JSON" },
};

/* Upper case, as NDES shows it. */
int
challenge_draw(struct buf *out, struct err *e)
{
	uint8_t	 random[GENERATED];
	size_t	 i;
	int	 rc = 0;

	if (secret_random(random, sizeof(random), e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < sizeof(random); i++)
		rc = buf_printf(out, "%02X", random[i]);
	explicit_bzero(random, sizeof(random));
	if (rc != 0)
		err_set(e, ERR_MEMORY, "secret");
	return rc;
}

void
challenge_warn_short(const struct ctl_call *call, struct bytes secret)
{
	if (secret.n < GENERATED)
		ctl_note(call, "a secret of %zu characters can be guessed; "
		    "better one of %d or more, or one that is drawn",
		    secret.n, GENERATED);
}

static int
print_hash(const char *hash, const char *secret, bool json, struct err *e)
{
	struct json	*d;

	if (!json) {
		if (secret != NULL)
			(void)printf("secret: %s\n", secret);
		(void)printf("hash = \"%s\";\n", hash);
		return 0;
	}
	d = json_new_object();
	if (secret != NULL)
		json_add_str(d, "secret", secret);
	json_add_str(d, "hash", hash);
	return ctl_print_json(d, e);
}

static enum ctl_exit
run_hash(const struct ctl_call *call)
{
	struct buf	 secret = BUF_INIT(CTL_SECRET_MAX);
	struct err	 e = { .reason = ERR_NONE };
	char		 hash[SECRET_HASH_MAX];
	bool		 made = call->opt[GENERATE] != NULL;
	int		 rc;

	rc = made ? challenge_draw(&secret, &e) : ctl_read_secret(&secret, &e);
	if (rc == 0 && !made)
		challenge_warn_short(call, buf_bytes(&secret));
	if (rc == 0)
		rc = secret_hash(buf_bytes(&secret), hash, &e);
	if (rc == 0)
		rc = print_hash(hash, made ? buf_cstr(&secret) : NULL,
		    call->opt[JSON] != NULL, &e);
	buf_wipe(&secret);
	return rc == 0 ? CTL_OK : ctl_fail(call, &e);
}

const struct ctl_cmd cmd_challenge_hash = {
	.noun = "challenge",
	.verb = "hash",
	.summary = "hash a challenge's secret for scepd.conf",
	.about =
	    "Reads a secret, one line, from standard input (from a terminal\n"
	    "twice, without echo) and prints the hash setting for a challenge\n"
	    "in scepd.conf.",
	.opts = hash_opts,
	.n_opts = sizeof(hash_opts) / sizeof(hash_opts[0]),
	.run = run_hash
};
