#include "waited_lab.h"

#include <unistd.h>

#include "pki/secret.h"
#include "scep/wrap.h"
#include "store/challenge.h"
#include "store/issued.h"

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

static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "transaction: { pending_per_address = 1; };\n"
    "endpoints = (\n"
    LAB_END("manual") "approval = \"manual\"; profile = \"%s\"; %s },\n"
    LAB_END("once") MANUAL LISTED "renew: { superseded = 0; }; },\n"
    LAB_END("named") LISTED "approval = \"manual\"; profile = \"t\"; },\n"
    LAB_END("moving") "approval = \"manual\"; profile = \"t\";\n"
    "    renew: { %s superseded = 0; }; },\n"
    LAB_END("grace") "profile = \"p\"; renew: { grace = 3600; }; },\n"
    LAB_END("told") MANUAL LISTED "validator = \"v\"; },\n"
    LAB_END("instead") "profile = \"p\"; validator = \"v\";\n"
    "    validator_challenge = \"instead\"; } );\n"
    "issuers = (" LAB_ISSUER " );\n"
    "profiles = ( { name = \"p\"; %s }, %s\n"
    "  { name = \"t\"; subject = \"%s\"; } );\n"
    "challenges = ( { name = \"c\"; secret = \"" SECRET "\"; },\n"
    "  { name = \"d\"; secret = \"" OTHER "\"; %s } );\n"
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

static const char *
or(const char *piece, const char *first)
{
	return piece == NULL ? first : piece;
}

#define SITE(f, t)							\
	f(text, or((t)->profile, "p"), or((t)->listed, LISTED),		\
	    or((t)->trusted, "trusted = [ \"old.pem\" ];"),		\
	    or((t)->p, ""), or((t)->x, "{ name = \"x\"; },"),		\
	    or((t)->template, "/O=Example/CN={CN}"),			\
	    or((t)->d, "profile = \"t\";"), validator())

void
waited_start(void)
{
	const struct waited_pieces	 none = { .p = NULL };

	SITE(lab_open, &none);
}

void
waited_reload(const struct waited_pieces *t)
{
	SITE(lab_reload, t);
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

/* ---- old certificates ---- */

struct cert *
waited_cert(const struct who *issuer, uint8_t serial, int64_t to)
{
	const struct cert_plan plan = {
		.serial = bytes_make(&serial, 1),
		.subject = lab.device.cert->subject,
		.spki = key_spki(lab.device.key), .not_before = lab.now - 90 *
		    DAY, .not_after = to, .ku = KU_RA, };
	struct err	 e = ERR_INIT;
	struct cert	*c;

	lab_ok(cert_make(&plan, issuer->cert, issuer->key, &c, &e), &e);
	return c;
}

void
waited_issue(const struct who *issuer, const char *endpoint, const char
    *profile, uint8_t serial, int64_t to, struct who *out) {
	struct cert		*c = waited_cert(issuer, serial, to);
	const struct txn	 t = {
		.endpoint = endpoint, .txid = "made", .peer = "test",
		.serial = c->serial, .signer_serial = c->serial,
		.msg_hash = { serial }, .csr_hash = { serial }, .when = lab.now
	};
	struct issued		 row = {
		.der = c->der, .serial = c->serial,
		.subject = c->subject_text, .sans = "", .endpoint = endpoint,
		.profile = profile, .issuer = "i", .txid = "made", .peer =
		    "test", .not_before = c->not_before, .not_after =
		    c->not_after, .issued_at = lab.now };
	struct issued_op	 op;
	struct txn_found	 found;
	struct err		 e = ERR_INIT;
	bool			 fresh;

	lab_ok(txn_reserve(lab.service->db, &t, &found, &fresh, &e), &e);
	row.txn = found.id;
	lab_ok(secret_sha256(c->issuer, row.issuer_hash, &e), &e);
	memcpy(row.key_hash, c->key.identity, ISSUED_HASH);
	issued_add_start(lab.service->db, &op, &row);
	lab_ok(issued_add_wait(lab.service->db, &op, &e), &e);
	*out = (struct who){ .key = lab.device.key, .cert = c };
}

/* ---- challenges ---- */

struct minted
waited_mint(const char *endpoint, const char *profile)
{
	const struct mint	 m = {
		.prefix = MINT_API, .endpoint = endpoint, .profile = profile,
		.subject = "", .san = "", .facts = "", .by = "test", .uses = 1,
		.ttl = DAY, .digits = 32
	};
	struct minted		 got = { .secret = BUF_INIT(100) };
	struct err		 e = ERR_INIT;

	lab_ok(mint_challenge(lab.service, &m, &got, &e), &e);
	return got;
}
