#include "rehearse_lab.h"

#include <sqlite3.h>
#include <time.h>
#include <unistd.h>

#include "policy/profile.h"
#include "scep/wrap.h"

#define ENDPOINT(name, profile, more)					\
    "  { name = \"" name "\"; ra_cert = \"ra.pem\"; ra_key = \"ra.key\";\n" \
    "    issuer = \"i\"; profile = \"" profile "\";\n"			\
    "    challenges = [ \"c\", \"late\", \"soon\", \"names\" ]; " more " }"

static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "abuse: { lock_after = 1000; delay_max = 0; };\n"
    "transaction: { pending_max = 4; pending_per_address = 1; };\n"
    "endpoints = (\n"
    ENDPOINT("auto", "p", "") ",\n"
    ENDPOINT("off", "p", "enabled = false;") ",\n"
    ENDPOINT("any", "p", "signer_key = \"any\";") ",\n"
    ENDPOINT("manual", "p", "approval = \"manual\";") ",\n"
    ENDPOINT("fixed", "p", "renew: { allowed = false; };") ",\n"
    ENDPOINT("early", "p", "renew: { window = \"1d\"; };") ",\n"
    ENDPOINT("new", "p", "renew: { key = \"new\"; superseded = 0; };") ",\n"
    ENDPOINT("same", "p", "renew: { key = \"same\"; key_reuse = 1; };") ",\n"
    ENDPOINT("asks", "p", "renew: { challenge = \"required\"; };") ",\n"
    ENDPOINT("strict", "strict", "") ",\n"
    ENDPOINT("names", "names", "") ",\n"
    ENDPOINT("made", "made", "") ",\n"
    ENDPOINT("one", "one", "renew: { superseded = 0; };") ",\n"
    ENDPOINT("alone", "alone", "") ",\n"
    ENDPOINT("big", "big", "") ",\n"
    "  { name = \"else\"; ra_cert = \"ra.pem\"; ra_key = \"ra.key\";\n"
    "    issuer = \"i\"; profile = \"p\"; challenges = [ \"o\", \"h\" ]; }\n"
    ");\n"
    "issuers = (" LAB_ISSUER " );\n"
    "profiles = (\n"
    "  { name = \"p\"; key_types = [ \"rsa\"%s ]; },\n"
    "  { name = \"strict\"; key_types = [ \"rsa\" ];\n"
    "    surplus = \"refuse\"; san_required = [ \"dns\" ];\n"
    "    template_oid = \"1.3.6.1.4.1.311.21.8.1\";\n"
    "    crl_urls = [ \"http://crl.example/i.crl\" ]; },\n"
    "  { name = \"names\"; subject_patterns = [ \"CN glob dev-*\" ];\n"
    "    san_patterns = [ \"dns suffix .example\" ]; },\n"
    "  { name = \"made\"; subject = \"/O=Example/CN={dns}\"; },\n"
    "  { name = \"big\"; rsa_min = 3072; },\n"
    "  { name = \"one\"; max_active = 1; },\n"
    "  { name = \"alone\"; duplicate_key = \"refuse\"; } );\n"
    "challenges = ( { name = \"c\"; secret = \"" SECRET "\"; },\n"
    "  { name = \"late\"; secret = \"" SECRET "-late\";\n"
    "    expires = \"2020-01-01T00:00:00Z\"; },\n"
    "  { name = \"soon\"; secret = \"" SECRET "-soon\";\n"
    "    not_before = \"2090-01-01T00:00:00Z\"; },\n"
    "  { name = \"names\"; secret = \"" SECRET "-names\"; uses = 1;\n"
    "    subject = [ \"CN exact device\" ]; san = [ \"none\" ];\n"
    "    key_types = [ \"rsa\" ]; },\n"
    "  { name = \"o\"; secret = \"" OTHERS "\"; },\n"
    "  { name = \"h\"; hash = \"%s\"; } );\n";

struct key		*key, *key2, *ec;
struct db		*reader;

static struct who	 thief;

/* Certificates of the device, as they were issued; by endpoint. */
#define OLDS	16
static struct { const char *endpoint; struct cert *cert; } olds[OLDS];

/* ---- what the pipeline tells of a request at its end ---- */

static enum err_reason	 told;
static char		 outcome[16];

void	 __real_figures_count(struct figures *, const char *, const char *,
	    const char *, enum err_reason);
void	 __wrap_figures_count(struct figures *, const char *, const char *,
	    const char *, enum err_reason);

void
__wrap_figures_count(struct figures *f, const char *endpoint,
    const char *type, const char *what, enum err_reason reason)
{
	told = reason;
	(void)snprintf(outcome, sizeof(outcome), "%s", what);
	__real_figures_count(f, endpoint, type, what, reason);
}

/* ---- the service and its store ---- */

int
rehearse_setup(void **state)
{
	int	 rc = lab_setup(state);

	lab_who(&thief, "thief", "rsa:2048", KU_RA, NULL);
	key = tool_key("rsa:2048");
	key2 = tool_key("rsa:2048");
	ec = tool_key("ec:p256");
	return rc;
}

int
rehearse_teardown(void **state)
{
	who_free(&thief);
	key_free(key);
	key_free(key2);
	key_free(ec);
	return lab_teardown(state);
}

/* With more key types, as a list goes on. */
static int
begin_with(const char *types)
{
	char		 hash[SECRET_HASH_MAX];
	struct err	 e = ERR_INIT;

	lab_ok(secret_hash(bytes_str("hashed-" OTHERS), hash, &e), &e);
	lab_begin(text, types, hash);
	lab_ok(db_open_reader(tool_path("scepd.db"), &reader, &e), &e);
	return 0;
}

int
rehearse_begin(void **state)
{
	(void)state;
	return begin_with(", \"ec\"");
}

int
rehearse_begin_rsa(void **state)
{
	(void)state;
	return begin_with("");
}

int
rehearse_end(void **state)
{
	for (size_t i = 0; i < OLDS; i++) {
		cert_free(olds[i].cert);
		olds[i].cert = NULL;
	}
	db_close(reader);
	return lab_end(state);
}

/* ---- nothing is written ---- */

static const char	 everything[] =
    "SELECT (SELECT count(*) FROM txn) + 1000 * (SELECT count(*) FROM issued)"
    " + 1000000 * (SELECT count(*) FROM lockout)"
    " + 100000000 * (SELECT coalesce(sum(used), 0) FROM challenge_use)";

static sqlite3		*watcher;

static void
watch(void)
{
	if (watcher == NULL)
		assert_int_equal(sqlite3_open(tool_path("scepd.db"), &watcher),
		    SQLITE_OK);
}

void
rehearse_played(void)
{
	(void)sqlite3_close(watcher);
	watcher = NULL;
}

static int
on_version(void *arg, int n, char **v, char **names)
{
	(void)n;
	(void)names;
	*(long *)arg = strtol(v[0], NULL, 10);
	return 0;
}

/* Changes with every commit of another connection. */
static long
version(void)
{
	long	 v = -1;

	assert_int_equal(sqlite3_exec(watcher, "PRAGMA data_version",
	    on_version, &v, NULL), SQLITE_OK);
	return v;
}

/* ---- one request ---- */

static struct cert **
old_of(const char *endpoint)
{
	size_t	 i;

	for (i = 0; i < OLDS && olds[i].cert != NULL; i++)
		if (strcmp(olds[i].endpoint, endpoint) == 0)
			return &olds[i].cert;
	assert_true(i < OLDS);
	olds[i].endpoint = endpoint;
	return &olds[i].cert;
}

/* Who signs; *self is made where that is the request's own key. */
static struct who
signer(const struct rehearse_row *r, struct cert **self)
{
	struct err	 e = ERR_INIT;

	switch (r->by) {
	case STRANGER:
		return thief;
	case RA:
		return lab.ra;
	case OLD:
		return (struct who){ key, *old_of(r->endpoint) };
	case SELF:
		break;
	}
	lab_ok(scep_client_self(*r->key, "/CN=device", time(NULL), self, &e),
	    &e);
	return (struct who){ *r->key, *self };
}

static void
foretell(const struct rehearse_row *r, struct csr *csr, int64_t now,
    struct rehearsal *out)
{
	const struct rehearsal_request	 q = {
		.endpoint = r->endpoint, .csr = csr,
		.signer = r->by == OLD ? *old_of(r->endpoint) :
		    r->by == STRANGER ? thief.cert :
		    r->by == RA ? lab.ra.cert : NULL,
		.renewal = r->type == SCEP_RENEWALREQ, .peer = "",
		.now = now,
	};
	struct err	 e = ERR_INIT;

	if (rehearse(lab.service->site, reader, &q, out, &e) != 0)
		fail_msg("%s: %s", r->name, err_text(&e));
}

/* As the pipeline tells it. */
static void
send_request(const struct rehearse_row *r, const struct csr *csr, unsigned n,
    struct cert **issued)
{
	struct cert	*self = NULL;
	struct who	 by = signer(r, &self);
	struct err	 e = ERR_INIT;
	char		 path[64], txid[16];
	struct scep_ask	 q;
	struct scep_got	 got;
	struct exchange	 x;

	(void)snprintf(path, sizeof(path), "/scep/%s", r->endpoint);
	(void)snprintf(txid, sizeof(txid), "txid-%u", n);
	q = lab_question(r->type, &by, txid, csr->der);
	if (by.cert->key.type == KEY_EC && r->challenge != NULL)
		q.password = bytes_str(r->challenge);
	told = ERR_COUNT;
	lab_post(path, &q, &x);
	if (issued != NULL && x.status == 200 && strcmp(outcome,
	    "issued") == 0) {
		lab_read(&x, &q, lab.ra.cert, &got);
		lab_ok(cert_parse(got.certs.v[0]->der, issued, &e), &e);
		scep_got_clear(&got);
	}
	exchange_clear(&x);
	cert_free(self);
}

static void
assert_same_cert(const struct rehearse_row *r, const struct rehearsal *f,
    const struct cert *c)
{
	struct cert_ext	 a[CERT_EXTS_MAX], b[CERT_EXTS_MAX];
	size_t		 n = cert_exts(c, a, CERT_EXTS_MAX);
	struct err	 e = ERR_INIT;
	struct sans	 sans;

	if (!bytes_eq(c->subject, f->cert->subject) ||
	    !bytes_eq(c->issuer, f->cert->issuer) ||
	    !bytes_eq(c->key.spki, f->cert->key.spki) ||
	    c->ku != f->cert->ku || c->not_after < f->cert->not_after ||
	    c->not_after > f->cert->not_after + 60)
		fail_msg("%s: another certificate", r->name);
	assert_int_equal(n, cert_exts(f->cert, b, CERT_EXTS_MAX));
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(a[i].oid, b[i].oid);
		assert_int_equal(a[i].critical, b[i].critical);
	}
	lab_ok(cert_sans(c, &sans, &e), &e);
	assert_int_equal(sans.n, f->sans.n);
	for (size_t i = 0; i < sans.n; i++)
		assert_string_equal(sans.v[i].text, f->sans.v[i].text);
	sans_free(&sans);
}

/* The trail ends with the step that refused. */
static void
assert_trail(const struct rehearse_row *r, const struct rehearsal *f)
{
	struct trail_step	 s = { .reason = NULL };
	size_t			 n;

	for (n = 0; trail_get_step(f->trail, n, &s); n++)
		continue;
	if (f->end != REHEARSAL_REFUSED) {
		assert_null(s.reason);
		assert_true(n > 10);
		return;
	}
	if (s.reason == NULL || strcmp(s.reason,
	    err_slug(f->why.reason)) != 0 || f->step == NULL)
		fail_msg("%s: the trail ends with %s", r->name, s.step);
}

static void
assert_told(const struct rehearse_row *r, const struct rehearsal *f)
{
	static const char *const words[] = {
		[REHEARSAL_ISSUED] = "issued", [REHEARSAL_WAITS] = "pending",
		[REHEARSAL_REFUSED] = "refused",
	};

	if (f->why.reason != r->want)
		fail_msg("%s: foretold %s %s, wanted %s", r->name,
		    err_slug(f->why.reason), f->why.text, err_slug(r->want));
	if (r->want == ERR_NONE &&
	    f->end != (r->waits ? REHEARSAL_WAITS : REHEARSAL_ISSUED))
		fail_msg("%s: end %d", r->name, (int)f->end);
	if (told != f->why.reason || strcmp(outcome, words[f->end]) != 0)
		fail_msg("%s: foretold %s %s, told %s %s", r->name,
		    words[f->end], err_slug(f->why.reason), outcome,
		    err_slug(told));
}

void
rehearse_play(const struct rehearse_row *r, unsigned n)
{
	struct csr	*csr = tool_csr(*r->key, r->subject, r->sans,
			    r->challenge);
	struct cert	*issued = NULL;
	struct rehearsal f;
	long		 before, all;

	watch();
	before = version();
	all = store_number(everything);
	foretell(r, csr, time(NULL), &f);
	if (version() != before || store_number(everything) != all)
		fail_msg("%s: something was written", r->name);
	send_request(r, csr, n, &issued);
	assert_told(r, &f);
	assert_trail(r, &f);
	if (issued != NULL) {
		assert_same_cert(r, &f, issued);
		cert_free(*old_of(r->endpoint));
		*old_of(r->endpoint) = issued;
	}
	rehearsal_clear(&f);
	csr_free(csr);
}
