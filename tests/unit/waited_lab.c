#include "waited_lab.h"

#include <unistd.h>

#include "scep/wrap.h"

/* Holds what is called so, and keeps what it is told. */
static const char	 script[] =
    "#!/bin/sh\n"
    "cd \"${0%/*}\" || exit 9\n"
    "cat >told.$$\n"
    "if grep -q '\"event\": \"outcome\"' told.$$; then\n"
    "	{ cat told.$$; echo; } >>outcomes; exit 0\n"
    "fi\n"
    "if grep -q 'CN=held' told.$$; then exit 41; fi\n";

#define MANUAL	"    approval = \"manual\"; profile = \"p\";\n"

/* With what the endpoint "manual" lists, and the template of profile t. */
static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "transaction: { pending_per_address = 1; };\n"
    "endpoints = (\n"
    LAB_END("manual") MANUAL "%s },\n"
    LAB_END("once") MANUAL LISTED "renew: { superseded = 0; }; },\n"
    LAB_END("named") LISTED "approval = \"manual\"; profile = \"t\"; },\n"
    LAB_END("moving") "approval = \"manual\"; profile = \"t\";\n"
    "    renew: { trusted = [ \"old.pem\" ]; superseded = 0; }; },\n"
    LAB_END("grace") "profile = \"p\"; renew: { grace = 3600; }; },\n"
    LAB_END("told") MANUAL LISTED "validator = \"v\"; },\n"
    LAB_END("instead") "profile = \"p\"; validator = \"v\";\n"
    "    validator_challenge = \"instead\"; } );\n"
    "issuers = (" LAB_ISSUER " );\n"
    "profiles = ( { name = \"p\"; },\n"
    "  { name = \"t\"; subject = \"%s\"; } );\n"
    "challenges = ( { name = \"c\"; secret = \"" SECRET "\"; },\n"
    "  { name = \"d\"; secret = \"another-" SECRET "\"; } );\n"
    "validators = ( { name = \"v\"; command = [ \"%s\" ];\n"
    "  notify = true; } );\n";

struct who	 old_ca;

int
waited_setup(void **state)
{
	int	 rc = lab_setup(state);

	lab_who(&old_ca, "Old", "ec:p256", KU_CA, NULL);
	(void)tool_cert_file("old.pem", old_ca.cert);
	return rc;
}

int
waited_teardown(void **state)
{
	who_free(&old_ca);
	return lab_teardown(state);
}

static const char *
validator(void)
{
	return tool_file("validate", bytes_str(script), 0700);
}

void
waited_start(void)
{
	lab_open(text, LISTED, "/O=Example/CN={CN}", validator());
}

void
waited_reload(const char *listed, const char *template)
{
	lab_reload(text, listed, template, validator());
}

int
waited_begin(void **state)
{
	(void)state;
	(void)unlink(tool_path("scepd.db"));
	(void)unlink(tool_path("outcomes"));
	waited_start();
	return 0;
}

struct waited
waited_request(const char *path, const struct who *by, const char *txid,
    const char *subject, const char *challenge)
{
	struct csr	*r = tool_csr(lab.device.key, subject, NULL,
	    challenge);

	return (struct waited){ .path = path, .r = r,
	    .q = lab_question(SCEP_PKCSREQ, by, txid, r->der) };
}

enum scep_status
waited_answer(const struct waited *w)
{
	return lab_status(w->path, &w->q);
}

int64_t
waited_hold(const struct waited *w)
{
	assert_int_equal(waited_answer(w), SCEP_PENDING);
	return store_number("SELECT max(id) FROM txn WHERE state = 'pending'");
}

void
waited_decide(int64_t id, enum waiting_word word)
{
	struct err	 e = ERR_INIT;

	lab_ok(waiting_decide(lab.service->db, id, word, lab.now, "op", &e),
	    &e);
}

void
waited_assert_end(int64_t id, const char *want)
{
	char	 sql[100];

	(void)snprintf(sql, sizeof(sql), "SELECT coalesce(reason, state)"
	    " FROM txn WHERE id = %lld", (long long)id);
	store_assert(sql, want);
}

void
waited_take(const struct waited *w, struct who *out)
{
	out->key = lab.device.key;
	out->cert = lab_cert(w->path, &w->q);
}

void
waited_enroll(const char *path, const char *txid, struct who *out)
{
	struct waited	 a = waited_request(path, &lab.device, txid,
	    "/CN=device", SECRET);

	waited_decide(waited_hold(&a), WAITING_APPROVE);
	waited_take(&a, out);
	csr_free(a.r);
}
