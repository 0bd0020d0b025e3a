/*
 * What is foretold of a request is what then becomes of it: each is rehearsed,
 * which must write nothing, and then sent to a service on the same store.
 */
#include <sqlite3.h>
#include <time.h>
#include <unistd.h>

#include "pki_tool.h"
#include "policy/profile.h"
#include "scep/wrap.h"
#include "service/rehearse.h"
#include "service/service_int.h"
#include "service_ask.h"
#include "store/lockout.h"
#include "store/revoked.h"
#include "store_ask.h"

#define SECRET	"8CE317021F690069"
#define OTHERS	"Sesame-0F2D5B9A77C3"

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
    "issuers = ( { name = \"i\"; cert = \"ca.pem\"; key = \"ca.key\"; } );\n"
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

static struct who	 ca, ra, thief;
static struct key	*key, *key2, *ec;
static struct algs	*algs;
static struct service	*service;
static struct db	*reader;
static int64_t		 expired;	/* the CA's end, and a second */

/* Certificates of the device, as they were issued; by endpoint. */
#define OLDS	16
static struct { const char *endpoint; struct cert *cert; } olds[OLDS];

static void
ok(int rc, const struct err *e)
{
	if (rc != 0)
		fail_msg("%s", err_text(e));
}

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

static int
setup(void **state)
{
	struct order	 o = { .name = "CA", .spec = "ec:p256", .ca = true,
	    .ku = KU_CA };
	struct err	 e = ERR_INIT;

	(void)state;
	o.from = time(NULL) - DAY;
	o.to = o.from + 1000 * DAY;
	expired = o.to + 1;
	who_make(&ca, &o);
	o.ca = false;
	o.spec = "rsa:2048";
	o.ku = KU_RA;
	o.name = "thief";
	who_make(&thief, &o);
	o.issuer = &ca;
	o.name = "RA";
	who_make(&ra, &o);
	key = tool_key("rsa:2048");
	key2 = tool_key("rsa:2048");
	ec = tool_key("ec:p256");
	(void)tool_cert_file("ca.pem", ca.cert);
	(void)tool_key_file("ca.key", ca.key);
	(void)tool_cert_file("ra.pem", ra.cert);
	(void)tool_key_file("ra.key", ra.key);
	return algs_open(&algs, &e);
}

static int
teardown(void **state)
{
	(void)state;
	algs_free(algs);
	who_free(&ca);
	who_free(&ra);
	who_free(&thief);
	key_free(key);
	key_free(key2);
	key_free(ec);
	tool_clean();
	return 0;
}

/* With more key types, as a list goes on. */
static int
begin_with(const char *types)
{
	char		 hash[SECRET_HASH_MAX], *conf_text = NULL;
	struct err	 e = ERR_INIT;
	struct conf	*conf;
	struct site	*site;

	(void)unlink(tool_path("scepd.db"));
	ok(secret_hash(bytes_str("hashed-" OTHERS), hash, &e), &e);
	assert_true(asprintf(&conf_text, text, types, hash) > 0);
	(void)tool_file("scepd.conf", bytes_str(conf_text), 0600);
	free(conf_text);
	ok(conf_load(tool_path("scepd.conf"), &conf, &e), &e);
	ok(site_open(conf, &site, &e), &e);
	ok(service_open(site, &service, &e), &e);
	ok(db_open_reader(tool_path("scepd.db"), &reader, &e), &e);
	return 0;
}

static int
begin(void **state)
{
	(void)state;
	return begin_with(", \"ec\"");
}

static int
begin_rsa(void **state)
{
	(void)state;
	return begin_with("");
}

static int
end(void **state)
{
	(void)state;
	for (size_t i = 0; i < OLDS; i++) {
		cert_free(olds[i].cert);
		olds[i].cert = NULL;
	}
	db_close(reader);
	service_close(service);
	return 0;
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

static void
watch_end(void)
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

enum by { SELF, STRANGER, RA, OLD };

struct row {
	const char	*name;
	const char	*endpoint;
	enum by		 by;
	int		 type;
	struct key	*const *key;
	const char	*subject;
	const char	*sans;
	const char	*challenge;
	enum err_reason	 want;		/* ERR_NONE: issued, or it waits */
	bool		 waits;
};

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
signer(const struct row *r, struct cert **self)
{
	struct err	 e = ERR_INIT;

	switch (r->by) {
	case STRANGER:
		return thief;
	case RA:
		return ra;
	case OLD:
		return (struct who){ key, *old_of(r->endpoint) };
	case SELF:
		break;
	}
	ok(scep_client_self(*r->key, "/CN=device", time(NULL), self, &e), &e);
	return (struct who){ *r->key, *self };
}

static void
foretell(const struct row *r, struct csr *csr, int64_t now,
    struct rehearsal *out)
{
	const struct rehearsal_request	 q = {
		.endpoint = r->endpoint, .csr = csr,
		.signer = r->by == OLD ? *old_of(r->endpoint) :
		    r->by == STRANGER ? thief.cert :
		    r->by == RA ? ra.cert : NULL,
		.renewal = r->type == SCEP_RENEWALREQ, .peer = "",
		.now = now,
	};
	struct err	 e = ERR_INIT;

	if (rehearse(service->site, reader, &q, out, &e) != 0)
		fail_msg("%s: %s", r->name, err_text(&e));
}

/* As the pipeline tells it. */
static void
send_request(const struct row *r, const struct csr *csr, unsigned n,
    struct cert **issued)
{
	struct cert	*self = NULL;
	struct who	 by = signer(r, &self);
	struct buf	 der = BUF_INIT(CMS_MAX_DER);
	struct err	 e = ERR_INIT;
	char		 path[64], txid[16];
	struct scep_got	 got;
	struct exchange	 x;

	(void)snprintf(path, sizeof(path), "/scep/%s", r->endpoint);
	(void)snprintf(txid, sizeof(txid), "txid-%u", n);
	const struct scep_ask q = { .type = r->type, .txid = txid,
	    .nonce = bytes_str(txid), .content = csr->der, .key = by.key,
	    .cert = by.cert, .to = ra.cert, .digest = ALG_SHA256,
	    .suite = { .cipher = ALG_AES128_CBC,
	    .transport = ALG_RSA_PKCS1 },
	    .password = by.cert->key.type == KEY_EC && r->challenge != NULL ?
	    bytes_str(r->challenge) : bytes_make(NULL, 0) };

	told = ERR_COUNT;
	ok(scep_client_request(&q, algs, &der, &e), &e);
	service_post(service, path, buf_bytes(&der), &x);
	if (issued != NULL && x.status == 200 && strcmp(outcome,
	    "issued") == 0) {
		ok(scep_client_reply(buf_bytes(&x.reply), &q, algs, ra.cert,
		    &got, &e), &e);
		ok(cert_parse(got.certs.v[0]->der, issued, &e), &e);
		scep_got_clear(&got);
	}
	exchange_clear(&x);
	buf_wipe(&der);
	cert_free(self);
}

static void
assert_same_cert(const struct row *r, const struct rehearsal *f,
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
	ok(cert_sans(c, &sans, &e), &e);
	assert_int_equal(sans.n, f->sans.n);
	for (size_t i = 0; i < sans.n; i++)
		assert_string_equal(sans.v[i].text, f->sans.v[i].text);
	sans_free(&sans);
}

/* The trail ends with the step that refused. */
static void
assert_trail(const struct row *r, const struct rehearsal *f)
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
assert_told(const struct row *r, const struct rehearsal *f)
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

static void
play(const struct row *r, unsigned n)
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

/* ---- every kind of refusal, in this order on one store ---- */

#define D	"/CN=device"
#define PKCS	SCEP_PKCSREQ
#define RENEW	SCEP_RENEWALREQ

static const struct row rows[] = {
	{ "issued", "auto", SELF, PKCS, &key, D, "DNS:a.example", SECRET,
	    ERR_NONE, false },
	{ "no challenge", "auto", SELF, PKCS, &key2, D, NULL, NULL,
	    ERR_CHALLENGE_MISSING, false },
	{ "wrong one", "auto", SELF, PKCS, &key2, D, NULL, "guess",
	    ERR_CHALLENGE_WRONG, false },
	{ "of others", "auto", SELF, PKCS, &key2, D, NULL, OTHERS,
	    ERR_CHALLENGE_ENDPOINT, false },
	{ "expired", "auto", SELF, PKCS, &key2, D, NULL, SECRET "-late",
	    ERR_CHALLENGE_EXPIRED, false },
	{ "not yet", "auto", SELF, PKCS, &key2, D, NULL, SECRET "-soon",
	    ERR_CHALLENGE_NOT_YET, false },
	{ "its subject", "auto", SELF, PKCS, &key2, "/CN=x", NULL,
	    SECRET "-names", ERR_CHALLENGE_SUBJECT, false },
	{ "its names", "auto", SELF, PKCS, &key2, D, "DNS:x",
	    SECRET "-names", ERR_CHALLENGE_SAN, false },
	{ "its key", "auto", SELF, PKCS, &ec, D, NULL, SECRET "-names",
	    ERR_CHALLENGE_KEY, false },
	{ "its use", "auto", SELF, PKCS, &key2, D, NULL, SECRET "-names",
	    ERR_NONE, false },
	{ "spent", "auto", SELF, PKCS, &key2, D, NULL, SECRET "-names",
	    ERR_CHALLENGE_SPENT, false },
	{ "key of the CA", "auto", SELF, PKCS, &ca.key, D, NULL, SECRET,
	    ERR_KEY_TAKEN, false },
	{ "name of the CA", "auto", SELF, PKCS, &key2, "/CN=CA", NULL, SECRET,
	    ERR_SUBJECT, false },
	{ "nameless", "auto", SELF, PKCS, &key2, "/", NULL, SECRET,
	    ERR_SUBJECT, false },
	{ "strange signer", "auto", STRANGER, PKCS, &key2, D, NULL, SECRET,
	    ERR_KEY_MISMATCH, false },
	{ "any signer", "any", STRANGER, PKCS, &key2, D, NULL, SECRET,
	    ERR_NONE, false },
	{ "reply secret", "auto", SELF, PKCS, &ec, D, NULL, NULL,
	    ERR_CHALLENGE_MISSING, false },
	{ "EC key", "auto", SELF, PKCS, &ec, D, NULL, SECRET, ERR_NONE,
	    false },
	{ "signer's key type", "strict", SELF, PKCS, &ec, D, "DNS:a", SECRET,
	    ERR_CSR_KEY, false },
	{ "too small", "big", SELF, PKCS, &key2, D, NULL, SECRET,
	    ERR_CSR_KEY, false },
	{ "no dns", "strict", SELF, PKCS, &key2, D, NULL, SECRET,
	    ERR_SAN_REQUIRED, false },
	{ "surplus", "strict", SELF, PKCS, &key2, D,
	    "DNS:a,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:a@b", SECRET,
	    ERR_SURPLUS, false },
	{ "strict", "strict", SELF, PKCS, &key2, D, "DNS:a", SECRET, ERR_NONE,
	    false },
	{ "subject pattern", "names", SELF, PKCS, &key2, D, NULL, SECRET,
	    ERR_SUBJECT_PATTERN, false },
	{ "san pattern", "names", SELF, PKCS, &key2, "/CN=dev-1",
	    "DNS:a.test", SECRET, ERR_SAN_PATTERN, false },
	{ "names", "names", SELF, PKCS, &key2, "/CN=dev-1", "DNS:a.example",
	    SECRET, ERR_NONE, false },
	{ "template", "made", SELF, PKCS, &key2, D, NULL, SECRET, ERR_SUBJECT,
	    false },
	{ "bad name", "auto", SELF, PKCS, &key2, D, "DNS:a\001b", SECRET, ERR_SAN,
	    false },
	{ "by the template", "made", SELF, PKCS, &key2, D, "DNS:a.example",
	    SECRET, ERR_NONE, false },
	/* renewals */
	{ "by itself", "auto", SELF, RENEW, &key, D, NULL, SECRET,
	    ERR_RENEWAL_SIGNER, false },
	{ "by the RA", "auto", RA, RENEW, &key, D, NULL, SECRET,
	    ERR_RENEWAL_SIGNER, false },
	{ "first", "fixed", SELF, PKCS, &key, D, NULL, SECRET, ERR_NONE,
	    false },
	{ "renewal off", "fixed", OLD, PKCS, &key2, D, NULL, NULL,
	    ERR_RENEWAL_OFF, false },
	{ "but enrolled", "fixed", OLD, PKCS, &key, D, NULL, SECRET, ERR_NONE,
	    false },
	{ "first, early", "early", SELF, PKCS, &key, D, NULL, SECRET, ERR_NONE,
	    false },
	{ "too early", "early", OLD, RENEW, &key, D, NULL, NULL,
	    ERR_RENEWAL_EARLY, false },
	{ "first, new", "new", SELF, PKCS, &key, D, NULL, SECRET, ERR_NONE,
	    false },
	{ "old key", "new", OLD, RENEW, &key, D, NULL, NULL,
	    ERR_RENEWAL_KEY_OLD, false },
	{ "other names", "new", OLD, RENEW, &key2, "/CN=x", NULL, NULL,
	    ERR_RENEWAL_NAMES, false },
	{ "first, same", "same", SELF, PKCS, &key, D, NULL, SECRET, ERR_NONE,
	    false },
	{ "new key", "same", OLD, RENEW, &key2, D, NULL, NULL,
	    ERR_RENEWAL_KEY_NEW, false },
	{ "again", "same", OLD, RENEW, &key, D, NULL, NULL,
	    ERR_RENEWAL_KEY_REUSE, false },
	{ "first, asks", "asks", SELF, PKCS, &key, D, NULL, SECRET, ERR_NONE,
	    false },
	{ "without", "asks", OLD, RENEW, &key, D, NULL, NULL,
	    ERR_CHALLENGE_MISSING, false },
	{ "with a wrong one", "asks", OLD, RENEW, &key, D, NULL, "guess",
	    ERR_CHALLENGE_WRONG, false },
	{ "renewed", "asks", OLD, RENEW, &key, D, NULL, SECRET, ERR_NONE,
	    false },
	/* what the reservation counts */
	{ "first of one", "one", SELF, PKCS, &key, "/CN=only", NULL, SECRET,
	    ERR_NONE, false },
	{ "second of one", "one", SELF, PKCS, &key2, "/CN=only", NULL, SECRET,
	    ERR_MAX_ACTIVE, false },
	{ "its renewal", "one", OLD, RENEW, &key, "/CN=only", NULL, NULL,
	    ERR_NONE, false },
	{ "key again", "alone", SELF, PKCS, &key, D, NULL, SECRET,
	    ERR_DUPLICATE_KEY, false },
	/* what waits */
	{ "waits", "manual", SELF, PKCS, &key, D, NULL, SECRET, ERR_NONE,
	    true },
	{ "waits, unknown", "manual", SELF, PKCS, &key2, D, NULL, NULL,
	    ERR_NONE, true },
	{ "no room for one more", "manual", SELF, PKCS, &key2, "/CN=y", NULL,
	    NULL, ERR_PENDING_STRANGER, false },
	{ "waits too", "manual", SELF, PKCS, &key2, "/CN=z", NULL, SECRET,
	    ERR_NONE, true },
	{ "the last", "manual", SELF, PKCS, &key2, "/CN=zz", NULL, SECRET,
	    ERR_NONE, true },
	{ "no room", "manual", SELF, PKCS, &key2, "/CN=zzz", NULL, SECRET,
	    ERR_PENDING_FULL, false },
};

static void
test_rows(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N(rows); i++)
		play(&rows[i], i);
	watch_end();
}

/* ---- challenges made at run time ---- */

/* Of one use; drawn by us, or thought up by somebody and hashed. */
static void
make_challenge(const char *value, const char *endpoint, const char *profile,
    bool drawn)
{
	static char		 none[] = "", by[] = "test";
	char			 hash[SECRET_HASH_MAX];
	uint8_t			 mac[SECRET_MAC];
	struct challenge	 row = {
		.name = strdup(value), .endpoints = strdup(endpoint),
		.profile = strdup(profile), .subject = none, .san = none,
		.key_types = none, .facts = none,
		.uses = 1, .created_by = by,
	};
	const struct challenge_mac m = { drawn ? mac : NULL,
	    service->mac_key.name };
	struct err		 e = ERR_INIT;

	ok(secret_mac(service->mac_key.key, bytes_str(value), mac, &e), &e);
	if (!drawn) {
		ok(secret_hash(bytes_make(mac, sizeof(mac)), hash, &e), &e);
		row.hash = hash;
	}
	ok(challenge_add(service->db, &row, &m, &e), &e);
	free(row.name);
	free(row.endpoints);
	free(row.profile);
}

static void
test_stored(void **state)
{
	static const struct row	 stored[] = {
		{ "drawn", "auto", SELF, PKCS, &key, D, NULL, "drawn-1",
		    ERR_NONE, false },
		{ "spent", "auto", SELF, PKCS, &key2, D, NULL, "drawn-1",
		    ERR_CHALLENGE_SPENT, false },
		{ "hashed", "auto", SELF, PKCS, &key, D, "DNS:h", "hashed-1",
		    ERR_NONE, false },
		{ "hashed, spent", "auto", SELF, PKCS, &key, D, "DNS:hh",
		    "hashed-1", ERR_CHALLENGE_SPENT, false },
		{ "elsewhere", "auto", SELF, PKCS, &key2, D, NULL, "drawn-2",
		    ERR_CHALLENGE_ENDPOINT, false },
		{ "its profile", "auto", SELF, PKCS, &key2, D, NULL, "drawn-3",
		    ERR_CHALLENGE_PROFILE, false },
		{ "disabled", "auto", SELF, PKCS, &key2, D, NULL, "drawn-4",
		    ERR_CHALLENGE_DISABLED, false },
	};
	struct err	 e = ERR_INIT;
	bool		 found = false;

	(void)state;
	make_challenge("drawn-1", "auto", "", true);
	make_challenge("hashed-1", "auto", "", false);
	make_challenge("drawn-2", "any", "", true);
	make_challenge("drawn-3", "auto", "gone", true);
	make_challenge("drawn-4", "auto", "", true);
	ok(challenge_disable(service->db, "drawn-4", true, 1, &found, &e), &e);
	assert_true(found);
	for (unsigned i = 0; i < N(stored); i++)
		play(&stored[i], i);
	watch_end();
}

/* Where no profile takes such a key, messages are not even opened. */
static void
test_signer(void **state)
{
	static const struct row	 r = { "key of no profile", "auto", SELF, PKCS,
	    &ec, D, NULL, SECRET, ERR_SIGNER_KEY, false };

	(void)state;
	play(&r, 0);
	watch_end();
}

/* ---- what no message can show ---- */

static void
assert_foretold(const struct row *r, int64_t now, const char *peer,
    enum err_reason want, const char *step)
{
	struct csr	*csr = tool_csr(*r->key, r->subject, r->sans,
			    r->challenge);
	const struct rehearsal_request q = { .endpoint = r->endpoint,
	    .csr = csr, .peer = peer, .now = now };
	struct err	 e = ERR_INIT;
	struct rehearsal f;

	ok(rehearse(service->site, reader, &q, &f, &e), &e);
	if (f.why.reason != want)
		fail_msg("%s: %s %s", r->name, err_slug(f.why.reason),
		    f.why.text);
	if (want != ERR_NONE)
		assert_string_equal(f.step, step);
	rehearsal_clear(&f);
	csr_free(csr);
}

static void
test_alone(void **state)
{
	const struct row good = { "good", "auto", SELF, PKCS, &key, D, NULL,
	    SECRET, ERR_NONE, false }, off = { "off", "off", SELF, PKCS, &key,
	    D, NULL, SECRET, ERR_DISABLED, false }, hashed = { "hashed", "auto",
	    SELF, PKCS, &key, D, NULL, "hashed-" OTHERS, ERR_NONE, false };
	const struct lockout lock = { .address = "192.0.2.7",
	    .since = time(NULL), .until = time(NULL) + 1000, .failures = 9,
	    .endpoint = "auto" };
	struct err	 e = ERR_INIT;

	(void)state;
	ok(lockout_put(service->db, &lock, 1, time(NULL), &e), &e);
	assert_foretold(&good, time(NULL), "", ERR_NONE, NULL);
	assert_foretold(&good, time(NULL), "192.0.2.8", ERR_NONE, NULL);
	assert_foretold(&good, time(NULL), "192.0.2.7", ERR_LOCKED,
	    "unwrap");
	assert_foretold(&good, time(NULL) + 1001, "192.0.2.7", ERR_NONE, NULL);
	assert_foretold(&good, expired, "", ERR_CA_EXPIRED, "authorize");
	assert_foretold(&off, time(NULL), "", ERR_DISABLED, "endpoint");
	/* A daemon knows it once it was used at its own endpoint. */
	assert_foretold(&hashed, time(NULL), "", ERR_CHALLENGE_ENDPOINT,
	    "authorize");
}

static void
test_proof(void **state)
{
	struct csr	*r = tool_csr(key, D, NULL, SECRET), *bad = NULL;
	struct buf	 der = BUF_INIT(CSR_MAX_DER);
	struct rehearsal_request q = { .endpoint = "auto", .peer = "",
	    .now = time(NULL) };
	struct err	 e = ERR_INIT;
	struct rehearsal f;

	(void)state;
	assert_int_equal(buf_put(&der, r->der.p, r->der.n), 0);
	der.p[der.n - 1] ^= 1;
	ok(csr_parse(buf_bytes(&der), &bad, &e), &e);
	q.csr = bad;
	ok(rehearse(service->site, reader, &q, &f, &e), &e);
	assert_int_equal(f.why.reason, ERR_CSR_SIGNATURE);
	assert_string_equal(f.step, "unwrap");
	rehearsal_clear(&f);
	csr_free(bad);
	csr_free(r);
	buf_wipe(&der);
}

/* Nobody can tell: no such endpoint, no key to the challenges. */
static void
test_faults(void **state)
{
	struct csr	*r = tool_csr(key, D, NULL, SECRET);
	struct rehearsal_request q = { .endpoint = "none", .csr = r,
	    .peer = "", .now = time(NULL) };
	struct err	 e = ERR_INIT;
	struct rehearsal f;

	(void)state;
	assert_int_equal(rehearse(service->site, reader, &q, &f, &e), -1);
	assert_err(&e, ERR_NOT_FOUND, "none", "endpoint");
	err_clear(&e);
	q.endpoint = "auto";
	(void)tool_file("scepd.db.key", bytes_str("not hex\n"), 0600);
	assert_int_equal(rehearse(service->site, reader, &q, &f, &e), -1);
	assert_err(&e, ERR_KEY_FILE, "scepd.db.key", "key");
	assert_int_equal(unlink(tool_path("scepd.db.key")), 0);
	err_clear(&e);
	assert_int_equal(rehearse(service->site, reader, &q, &f, &e), -1);
	assert_err(&e, ERR_FILE, "scepd.db.key", "key");
	csr_free(r);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(test_rows, begin, end),
		cmocka_unit_test_setup_teardown(test_stored, begin, end),
		cmocka_unit_test_setup_teardown(test_signer, begin_rsa, end),
		cmocka_unit_test_setup_teardown(test_alone, begin, end),
		cmocka_unit_test_setup_teardown(test_proof, begin, end),
		cmocka_unit_test_setup_teardown(test_faults, begin, end),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
