/*
 * scepctl policy test: what would become of a request. The daemon's own code
 * decides (service/rehearse.h); nothing is issued or written.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "ctl/ctl_int.h"
#include "pki/csr.h"
#include "service/rehearse.h"
#include "site/site.h"
#include "util/addr.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"
#include "util/str.h"

enum { ENDPOINT, CSR, CHALLENGE, SIGNER, RENEWAL, PEER, AT, JSON };

static const struct ctl_opt opts[] = {
	[ENDPOINT] = { "endpoint", "NAME", "where the request would arrive" },
	[CSR] = { "csr", "FILE", "certificate request, PEM or DER" },
	[CHALLENGE] = { "challenge", "FILE",
	    "its first line instead of the request's; - asks" },
	[SIGNER] = { "signer", "FILE",
	    "certificate that signs (self-signed)" },
	[RENEWAL] = { "renewal", NULL, "as a RenewalReq, not a PKCSReq" },
	[PEER] = { "peer", "ADDRESS", "that it would come from" },
	[AT] = { "at", "TIME", "when (now): 2027-01-31T00:00:00Z, or +30d" },
	[JSON] = { "json", NULL, "print JSON" },
};

/* What is tried, and with what. */
struct trial {
	const struct ctl_call	*call;
	struct csr		*csr;
	struct cert		*signer;
	int64_t			 now;
	struct site		*site;
	struct db		*db;
};

static void
trial_clear(struct trial *t)
{
	db_close(t->db);
	site_put(t->site);
	csr_free(t->csr);
	cert_free(t->signer);
}

/* ---- what the caller gives ---- */

static int
read_at(const struct ctl_call *call, int64_t *now)
{
	const char	*text = call->opt[AT];
	int64_t		 later;

	*now = clock_now();
	if (text == NULL || clock_parse(text, now) == 0)
		return 0;
	if (*text == '+' && str_duration(text + 1, &later) == 0 &&
	    later <= INT64_MAX - *now) {
		*now += later;
		return 0;
	}
	(void)ctl_usage(call, "--at: \"%s\" is neither a time such as "
	    "2027-01-31T00:00:00Z nor one from now such as +30d", text);
	return -1;
}

static int
check_peer(const struct ctl_call *call)
{
	uint8_t		 addr[ADDR_LEN];
	const char	*text = call->opt[PEER];

	if (text == NULL || addr_parse(text, addr) == 0)
		return 0;
	(void)ctl_usage(call, "--peer: \"%s\" is not an address", text);
	return -1;
}

/* The parser's own words are those that a device may read. */
static int
explain(const char *path, struct err *e)
{
	struct err	 why = { .reason = ERR_NONE };
	struct cert	*c = NULL;

	if (cert_load(path, &c, &why) == 0) {
		err_clear(e);
		err_set(e, ERR_ARGUMENT, "it is a certificate, not a request");
		cert_free(c);
	}
	err_prefix(e, "%s", path);
	return -1;
}

static int
read_csr(const char *path, struct csr **out, struct err *e)
{
	struct buf	 file = BUF_INIT(FILE_MAX);
	int		 rc;

	rc = file_read(path, &file, e);
	if (rc == 0 && csr_parse_file(buf_bytes(&file), out, e) != 0)
		rc = explain(path, e);
	buf_wipe(&file);
	return rc;
}

/* Whoever gives the challenge itself instead of a file shall not read it once
 * more in the refusal. */
static int
read_file(const char *path, struct buf *out, struct err *e)
{
	if (faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0)
		return file_read_secret(path, out, e);
	err_set(e, ERR_ARGUMENT, "--challenge takes a file whose first line is "
	    "the challenge, or - to ask for it; there is no such file");
	return -1;
}

/* The request with that challenge instead of its own. */
static int
read_challenge(const struct ctl_call *call, struct csr *csr, struct err *e)
{
	const char	*path = call->opt[CHALLENGE];

	if (path == NULL)
		return 0;
	buf_reset(&csr->challenge);
	csr->has_challenge = true;
	if (strcmp(path, "-") == 0)
		return ctl_read_known_secret(&csr->challenge, e);
	return read_file(path, &csr->challenge, e);
}

static int
read_given(struct trial *t, struct err *e)
{
	const struct ctl_call	*call = t->call;

	if (read_csr(call->opt[CSR], &t->csr, e) != 0 ||
	    read_challenge(call, t->csr, e) != 0)
		return -1;
	return call->opt[SIGNER] == NULL ? 0 :
	    cert_load(call->opt[SIGNER], &t->signer, e);
}

/* ---- what the daemon has ---- */

static int
open_site(struct trial *t, struct err *e)
{
	struct conf	*conf = NULL;
	const char	*store;

	if (ctl_conf(t->call, "name the configuration with -c", &conf,
	    e) != 0)
		return -1;
	store = conf->store_path;
	if (ctl_store_readable(conf, e) != 0 ||
	    ctl_become_owner(store, e) != 0 ||
	    site_open(conf, &t->site, e) != 0) {
		conf_free(conf);
		return -1;
	}
	return db_open_reader(store, &t->db, e);
}

/* ---- the outcome ---- */

static enum ctl_exit
show(const struct trial *t, const struct rehearsal *r)
{
	const struct policy_report	 p = {
		.endpoint = t->call->opt[ENDPOINT],
		.renewal = t->call->opt[RENEWAL] != NULL,
		.at = t->now, .result = r
	};
	struct err	 e = { .reason = ERR_NONE };
	int		 rc;

	rc = t->call->opt[JSON] != NULL ? policy_report_json(&p, &e) :
	    policy_report_text(&p, &e);
	if (rc != 0)
		return ctl_fail(t->call, &e);
	return r->end == REHEARSAL_REFUSED ? CTL_FAILED : CTL_OK;
}

static enum ctl_exit
try(struct trial *t)
{
	const struct ctl_call		*call = t->call;
	struct err			 e = { .reason = ERR_NONE };
	struct rehearsal		 result;
	struct rehearsal_request	 r = {
		.endpoint = call->opt[ENDPOINT],
		.renewal = call->opt[RENEWAL] != NULL,
		.peer = call->opt[PEER] == NULL ? "" : call->opt[PEER],
		.now = t->now
	};
	enum ctl_exit			 rc;

	if (read_given(t, &e) != 0 || open_site(t, &e) != 0)
		return ctl_fail(call, &e);
	r.csr = t->csr;
	r.signer = t->signer;
	if (rehearse(t->site, t->db, &r, &result, &e) != 0) {
		(void)ctl_fail(call, &e);
		return e.reason == ERR_NOT_FOUND ? CTL_NOT_FOUND : CTL_FAILED;
	}
	rc = show(t, &result);
	rehearsal_clear(&result);
	return rc;
}

static enum ctl_exit
run(const struct ctl_call *call)
{
	struct trial	 t = { .call = call };
	enum ctl_exit	 rc;

	if (call->opt[ENDPOINT] == NULL)
		return ctl_usage(call, "--endpoint is missing");
	if (call->opt[CSR] == NULL)
		return ctl_usage(call, "--csr is missing");
	if (read_at(call, &t.now) != 0 || check_peer(call) != 0)
		return CTL_USAGE;
	/* What the daemon warns of is not what was asked. */
	log_setup(LOG_L_ERR, 0);
	rc = try(&t);
	trial_clear(&t);
	return rc;
}

const struct ctl_cmd cmd_policy_test = {
	.noun = "policy",
	.verb = "test",
	.reads_conf = true,
	.summary = "say what would become of a request",
	.about =
	    "Says whether a request would be issued, would wait or be refused, by\n"
	    "which rule, and what to do about it. Nothing is issued or written, no\n"
	    "use of a challenge is spent, and no validator asked. Exits 1 if it\n"
	    "would be refused, 3 if there is no such endpoint.",
	.opts = opts,
	.n_opts = sizeof(opts) / sizeof(opts[0]),
	.run = run
};
