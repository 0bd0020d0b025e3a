/*
 * Requests that wait for an operator, at a service that is whole: what counts
 * when an approved one is issued, and who hears of one that is not. And old
 * certificates of any age, which no client could be given in time.
 */
#include <time.h>
#include <unistd.h>

#include "pki/secret.h"
#include "pki_tool.h"
#include "scep/wrap.h"
#include "service_ask.h"
#include "store_ask.h"
#include "service/service_int.h"
#include "store/challenge.h"
#include "store/issued.h"
#include "store/waiting.h"
#include "util/clock.h"
#include "util/file.h"

#define SECRET	"8CE317021F690069"

/* Holds what is called so, and keeps what it is told. */
static const char	 script[] =
    "#!/bin/sh\n"
    "cd \"${0%/*}\" || exit 9\n"
    "cat >told.$$\n"
    "if grep -q '\"event\": \"outcome\"' told.$$; then\n"
    "	{ cat told.$$; echo; } >>outcomes; exit 0\n"
    "fi\n"
    "if grep -q 'CN=held' told.$$; then exit 41; fi\n";

#define END(name)							\
	"  { name = \"" name "\"; paths = [ \"/" name "\" ];\n"		\
	"    ra_cert = \"ra.pem\"; ra_key = \"ra.key\"; issuer = \"i\";\n"
#define MANUAL	"    approval = \"manual\"; profile = \"p\";\n"
#define LISTED	"    challenges = [ \"c\" ];\n"
#define OTHER	"another-" SECRET

/* What a reload changes, in the order in which it stands in the text; NULL: as it
 * was at the start. */
struct pieces {
	const char	*profile, *listed;	/* of the endpoint "manual" */
	const char	*trusted;		/* of "moving" */
	const char	*p;			/* of profile p */
	const char	*x;			/* profile x */
	const char	*template;		/* of profile t */
	const char	*d;			/* of challenge d */
};

static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "transaction: { pending_per_address = 1; };\n"
    "endpoints = (\n"
    END("manual") "approval = \"manual\"; profile = \"%s\"; %s },\n"
    END("once") MANUAL LISTED "renew: { superseded = 0; }; },\n"
    END("named") LISTED "approval = \"manual\"; profile = \"t\"; },\n"
    END("moving") "approval = \"manual\"; profile = \"t\";\n"
    "    renew: { %s superseded = 0; }; },\n"
    END("grace") "profile = \"p\"; renew: { grace = 3600; }; },\n"
    END("told") MANUAL LISTED "validator = \"v\"; },\n"
    END("instead") "profile = \"p\"; validator = \"v\";\n"
    "    validator_challenge = \"instead\"; } );\n"
    "issuers = ( { name = \"i\"; cert = \"ca.pem\"; key = \"ca.key\"; } );\n"
    "profiles = ( { name = \"p\"; %s }, %s\n"
    "  { name = \"t\"; subject = \"%s\"; } );\n"
    "challenges = ( { name = \"c\"; secret = \"" SECRET "\"; },\n"
    "  { name = \"d\"; secret = \"" OTHER "\"; %s } );\n"
    "validators = ( { name = \"v\"; command = [ \"%s\" ];\n"
    "  notify = true; } );\n";

static struct who	 ca, ra, device, old_ca;
static struct algs	*algs;
static struct service	*service;
static int64_t		 now;

static void
ok(int rc, const struct err *e)
{
	if (rc != 0)
		fail_msg("%s", err_text(e));
}

static const char *
or(const char *piece, const char *first)
{
	return piece == NULL ? first : piece;
}

static struct site *
site(const struct pieces *t)
{
	struct buf	 b = BUF_INIT(FILE_MAX);
	struct err	 e = ERR_INIT;
	struct conf	*c;
	struct site	*s;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	assert_int_equal(buf_printf(&b, text, or(t->profile, "p"),
	    or(t->listed, LISTED),
	    or(t->trusted, "trusted = [ \"old.pem\" ];"), or(t->p, ""),
	    or(t->x, "{ name = \"x\"; },"),
	    or(t->template, "/O=Example/CN={CN}"),
	    or(t->d, "profile = \"t\";"), tool_file("validate", bytes_str(script), 0700)), 0);
#pragma GCC diagnostic pop
	(void)tool_file("scepd.conf", buf_bytes(&b), 0600);
	buf_wipe(&b);
	ok(conf_load(tool_path("scepd.conf"), &c, &e), &e);
	ok(site_open(c, &s, &e), &e);
	return s;
}

static void
start(void)
{
	struct err	 e = ERR_INIT;

	ok(service_open(site(&(struct pieces){ NULL }), &service, &e), &e);
}

static void
reload_to(const struct pieces *t)
{
	struct err	 e = ERR_INIT;

	ok(service_replace(service, site(t), &e), &e);
}

static void
reload(const char *listed, const char *template)
{
	reload_to(&(struct pieces){ .listed = listed, .template = template });
}

/* Tells what is left to tell, too. */
static void
stop(void)
{
	service_close(service);
	service = NULL;
}

static int
begin(void **state)
{
	(void)state;
	(void)unlink(tool_path("scepd.db"));
	(void)unlink(tool_path("outcomes"));
	start();
	return 0;
}

static int
end(void **state)
{
	(void)state;
	stop();
	return 0;
}

static void
make(struct who *out, const char *name, const struct who *issuer, unsigned ku)
{
	const struct order	 o = {
		.name = name, .spec = ku == KU_CA ? "ec:p256" : "rsa:2048",
		.ca = ku == KU_CA, .ku = ku, .issuer = issuer,
		.from = now - 100 * DAY, .to = now + 1000 * DAY
	};

	who_make(out, &o);
}

static int
setup(void **state)
{
	(void)state;
	now = time(NULL);
	make(&ca, "CA", NULL, KU_CA);
	make(&ra, "RA", &ca, KU_RA);
	make(&device, "device", NULL, KU_RA);
	make(&old_ca, "Old", NULL, KU_CA);
	(void)tool_cert_file("ca.pem", ca.cert);
	(void)tool_key_file("ca.key", ca.key);
	(void)tool_cert_file("ra.pem", ra.cert);
	(void)tool_key_file("ra.key", ra.key);
	(void)tool_cert_file("old.pem", old_ca.cert);
	return algs_open(&algs, &(struct err)ERR_INIT);
}

static int
teardown(void **state)
{
	(void)state;
	algs_free(algs);
	who_free(&ca);
	who_free(&ra);
	who_free(&device);
	who_free(&old_ca);
	tool_clean();
	return 0;
}

/* ---- requests ---- */

/* One that is sent again as it is. */
struct asked {
	const char	*path;
	struct csr	*r;
	struct scep_ask	 q;
};

static struct asked
request(const char *path, const struct who *by, const char *txid,
    const char *subject, const char *challenge)
{
	struct csr	*r = tool_csr(device.key, subject, NULL, challenge);

	return (struct asked){ .path = path, .r = r, .q = {
		.type = SCEP_PKCSREQ, .txid = txid, .nonce = bytes_str(txid),
		.content = r->der, .key = by->key, .cert = by->cert,
		.to = ra.cert, .digest = ALG_SHA256,
		.suite = { .cipher = ALG_AES128_CBC,
		    .transport = ALG_RSA_PKCS1 } } };
}

static enum scep_status
send(const struct asked *a, struct scep_got *got)
{
	service_ask(service, a->path, &a->q, algs, ra.cert, got);
	return got->status;
}

static enum scep_status
answer(const struct asked *a)
{
	struct scep_got	 got;

	(void)send(a, &got);
	scep_got_clear(&got);
	return got.status;
}

/* It waits now; its id. */
static int64_t
held(const struct asked *a)
{
	assert_int_equal(answer(a), SCEP_PENDING);
	return store_number("SELECT max(id) FROM txn WHERE state = 'pending'");
}

static void
decide(int64_t id, enum waiting_word word)
{
	struct err	 e = ERR_INIT;

	ok(waiting_decide(service->db, id, word, now, "op", &e), &e);
}

/* What its end is in the store: "issued", or the reason. */
static void
assert_end(int64_t id, const char *want)
{
	char	 sql[100], got[STORE_TEXT];

	(void)snprintf(sql, sizeof(sql), "SELECT coalesce(reason, state)"
	    " FROM txn WHERE id = %lld", (long long)id);
	store_text(sql, got);
	assert_string_equal(got, want);
}

/* The certificate that it gets, and who has it. */
static void
take(const struct asked *a, struct who *out)
{
	struct err	 e = ERR_INIT;
	struct scep_got	 got;

	assert_int_equal(send(a, &got), SCEP_SUCCESS);
	out->key = device.key;
	ok(cert_parse(got.certs.v[0]->der, &out->cert, &e), &e);
	scep_got_clear(&got);
}

/* Enrolls, with an operator's approval. */
static void
enroll(const char *path, const char *txid, struct who *out)
{
	struct asked	 a = request(path, &device, txid, "/CN=device",
	    SECRET);

	decide(held(&a), WAITING_APPROVE);
	take(&a, out);
	csr_free(a.r);
}

/* ---- old certificates ---- */

static struct cert *
device_cert(const struct who *issuer, uint8_t serial, int64_t to)
{
	const struct cert_plan plan = {
		.serial = bytes_make(&serial, 1),
		.subject = device.cert->subject,
		.spki = key_spki(device.key), .not_before = now - 90 * DAY,
		.not_after = to, .ku = KU_RA,
	};
	struct err	 e = ERR_INIT;
	struct cert	*c;

	ok(cert_make(&plan, issuer->cert, issuer->key, &c, &e), &e);
	return c;
}

/* One that the endpoint issued, valid until then. */
static void
issue_by(const struct who *issuer, const char *endpoint, const char *profile,
    uint8_t serial, int64_t to, struct who *out)
{
	struct cert		*c = device_cert(issuer, serial, to);
	const struct txn	 t = {
		.endpoint = endpoint, .txid = "made", .peer = "test",
		.serial = c->serial, .signer_serial = c->serial,
		.msg_hash = { serial }, .csr_hash = { serial }, .when = now
	};
	struct issued		 row = {
		.der = c->der, .serial = c->serial,
		.subject = c->subject_text, .sans = "", .endpoint = endpoint,
		.profile = profile, .issuer = "i", .txid = "made", .peer = "test",
		.not_before = c->not_before, .not_after = c->not_after,
		.issued_at = now
	};
	struct issued_op	 op;
	struct txn_found	 found;
	struct err		 e = ERR_INIT;
	bool			 fresh;

	ok(txn_reserve(service->db, &t, &found, &fresh, &e), &e);
	row.txn = found.id;
	ok(secret_sha256(c->issuer, row.issuer_hash, &e), &e);
	memcpy(row.key_hash, c->key.identity, ISSUED_HASH);
	issued_add_start(service->db, &op, &row);
	ok(issued_add_wait(service->db, &op, &e), &e);
	*out = (struct who){ .key = device.key, .cert = c };
}

static void
issue(const char *endpoint, uint8_t serial, int64_t to, struct who *out)
{
	issue_by(&ca, endpoint, "p", serial, to, out);
}

/* An old certificate that expired renews as long as renew.grace says. */
static void
test_grace(void **state)
{
	static const struct {
		int64_t			 to;	/* added to now */
		enum scep_status	 status;
	} rows[] = {
		{ -5, SCEP_SUCCESS },
		{ -3500, SCEP_SUCCESS },
		{ -3601, SCEP_FAILURE },
		{ -80 * DAY, SCEP_FAILURE },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct asked	 a;
		struct who	 old;
		char		 txid[8];

		issue("grace", (uint8_t)(i + 1), now + rows[i].to, &old);
		(void)snprintf(txid, sizeof(txid), "g%zu", i);
		a = request("/grace", &old, txid, "/CN=device", NULL);
		if (answer(&a) != rows[i].status)
			fail_msg("row %zu", i);
		csr_free(a.r);
		cert_free(old.cert);
	}
	/* Without, not a second longer. */
	for (int late = 0; late < 2; late++) {
		struct asked	 a;
		struct who	 old;

		issue("manual", (uint8_t)(late + 9), late ? now - 1 :
		    now + DAY, &old);
		a = request("/manual", &old, late ? "l" : "e", "/CN=device",
		    NULL);
		assert_int_equal(answer(&a), late ? SCEP_FAILURE :
		    SCEP_PENDING);
		csr_free(a.r);
		cert_free(old.cert);
	}
}

/* ---- what has changed meanwhile ---- */

/* Two renewals of one certificate, both approved. */
static void
test_superseded(void **state)
{
	static const char *const paths[] = { "/once", "/manual" };

	(void)state;
	for (size_t i = 0; i < N(paths); i++) {
		struct who	 old, new;
		struct asked	 a, b;
		int64_t		 first, second;

		enroll(paths[i], "first", &old);
		a = request(paths[i], &old, "a", "/CN=device", NULL);
		b = request(paths[i], &old, "b", "/CN=device", NULL);
		first = held(&a);
		second = held(&b);
		decide(first, WAITING_APPROVE);
		decide(second, WAITING_APPROVE);
		take(&a, &new);
		/* renew.superseded is 0 here, and 30 days there. */
		assert_int_equal(answer(&b), i == 0 ? SCEP_FAILURE :
		    SCEP_SUCCESS);
		assert_end(second, i == 0 ? "renewal_superseded" : "issued");
		csr_free(a.r);
		csr_free(b.r);
		cert_free(old.cert);
		cert_free(new.cert);
	}
}

/* A migration is superseded like any renewal. */
static void
test_migrated_twice(void **state)
{
	struct who	 old = {
		device.key, device_cert(&old_ca, 3, now + DAY)
	};
	struct asked	 a = request("/moving", &old, "a", "/CN=device",
			    NULL);
	struct asked	 b = request("/moving", &old, "b", "/CN=device",
			    NULL);
	int64_t		 first = held(&a), second = held(&b);

	(void)state;
	decide(first, WAITING_APPROVE);
	decide(second, WAITING_APPROVE);
	assert_int_equal(answer(&a), SCEP_SUCCESS);
	assert_int_equal(answer(&b), SCEP_FAILURE);
	assert_end(second, "renewal_superseded");
	csr_free(a.r);
	csr_free(b.r);
	cert_free(old.cert);
}

/* It was in time when it came: ours, and one of another server. */
static void
test_expired_meanwhile(void **state)
{
	(void)state;
	for (int foreign = 0; foreign < 2; foreign++) {
		int64_t		 id, to = time(NULL) + 2;
		struct who	 old = device;
		struct asked	 a;

		if (foreign)
			old.cert = device_cert(&old_ca, 1, to);
		else
			issue("manual", 1, to, &old);
		a = request(foreign ? "/moving" : "/manual", &old, "a",
		    "/CN=device", NULL);
		id = held(&a);
		while (clock_now() <= to)
			(void)usleep(20000);
		decide(id, WAITING_APPROVE);
		assert_int_equal(answer(&a), SCEP_SUCCESS);
		assert_end(id, "issued");
		csr_free(a.r);
		cert_free(old.cert);
	}
}

/* What is revoked once it is reserved, or claimed, counts in the step that
 * records, with and without an operator. */
static void
test_while_made(void **state)
{
	static const struct {
		const char	*path, *sql, *end;
	} rows[] = {
		{ "/grace", "id = NEW.renews", "renewal_revoked" },
		{ "/grace", "id = 1", "renewal_compromised" },
		{ "/manual", "id = NEW.renews", "renewal_revoked" },
		{ "/manual", "id = 1", "renewal_compromised" },
	};
	struct key	*fresh = tool_key("rsa:2048");
	char		 sql[400], none[STORE_TEXT];

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		bool		 waits = strcmp(rows[i].path, "/manual") == 0;
		struct who	 other, old;
		struct scep_got	 got;
		struct asked	 a;

		(void)end(NULL);
		(void)begin(NULL);
		issue(rows[i].path + 1, 1, now + DAY, &other);
		issue(rows[i].path + 1, 2, now + DAY, &old);
		a = request(rows[i].path, &old, "a", "/CN=device", NULL);
		csr_free(a.r);
		a.r = tool_csr(fresh, "/CN=device", NULL, NULL);
		a.q.content = a.r->der;
		if (waits)
			decide(held(&a), WAITING_APPROVE);
		(void)snprintf(sql, sizeof(sql), "CREATE TRIGGER meanwhile"
		    " AFTER %s ON txn WHEN NEW.state = 'reserved' BEGIN"
		    " UPDATE issued SET revoked_at = 1, revoke_reason = 1"
		    " WHERE %s; END", waits ? "UPDATE OF state" : "INSERT",
		    rows[i].sql);
		store_text(sql, none);
		assert_int_equal(send(&a, &got), SCEP_FAILURE);
		assert_int_equal(got.failinfo, FAIL_BADREQUEST);
		assert_end(3, rows[i].end);
		assert_int_equal(store_number("SELECT count(*) FROM issued"),
		    2);
		scep_got_clear(&got);
		csr_free(a.r);
		cert_free(other.cert);
		cert_free(old.cert);
	}
	key_free(fresh);
}

/* ---- challenges ---- */

enum deed { NOTHING, DISABLE, ENABLE, REMOVE, EXPIRE };

static void
act(enum deed what, const char *name)
{
	char		 none[STORE_TEXT];
	struct err	 e = ERR_INIT;
	bool		 found = true;

	switch (what) {
	case NOTHING:
		break;
	case DISABLE:
	case ENABLE:
		ok(challenge_disable(service->db, name, what == DISABLE, now,
		    &found, &e), &e);
		break;
	case REMOVE:
		ok(challenge_remove(service->db, name, now, &found, &e), &e);
		break;
	case EXPIRE:
		store_text("UPDATE challenge SET expires = 1", none);
		break;
	}
	assert_true(found);
}

static struct minted
mint(const char *endpoint, const char *profile)
{
	const struct mint	 m = {
		.prefix = MINT_API, .endpoint = endpoint, .profile = profile,
		.subject = "", .san = "", .facts = "", .by = "test", .uses = 1,
		.ttl = DAY, .digits = 32
	};
	struct minted		 got = { .secret = BUF_INIT(100) };
	struct err		 e = ERR_INIT;

	ok(mint_challenge(service, &m, &got, &e), &e);
	return got;
}

/* Whoever takes a challenge out of use stops what waits under it, unless he
 * approves it afterwards. */
static void
test_challenge_gone(void **state)
{
	static const struct {
		enum deed	 before, after;	/* the approval */
		const char	*end;
	} rows[] = {
		{ NOTHING, NOTHING, "issued" },
		{ NOTHING, DISABLE, "challenge_disabled" },
		{ NOTHING, REMOVE, "challenge_disabled" },
		{ NOTHING, EXPIRE, "issued" },
		{ DISABLE, NOTHING, "issued" },
		{ REMOVE, NOTHING, "issued" },
		{ DISABLE, REMOVE, "issued" },
		{ DISABLE, ENABLE, "issued" },
		{ EXPIRE, DISABLE, "challenge_disabled" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct minted	 m = mint("manual", "");
		char		 txid[8];
		struct asked	 a;
		int64_t		 id;

		(void)snprintf(txid, sizeof(txid), "c%zu", i);
		a = request("/manual", &device, txid, "/CN=device",
		    buf_cstr(&m.secret));
		id = held(&a);
		act(rows[i].before, m.name);
		decide(id, WAITING_APPROVE);
		act(rows[i].after, m.name);
		assert_int_equal(answer(&a), strcmp(rows[i].end, "issued") ==
		    0 ? SCEP_SUCCESS : SCEP_FAILURE);
		assert_end(id, rows[i].end);
		buf_wipe(&m.secret);
		csr_free(a.r);
	}
}

/* The same of scepd.conf, of which the store knows the name alone. */
static void
test_challenge_unlisted(void **state)
{
	static const struct {
		const char		*listed;
		enum waiting_word	 word;
		const char		*end;
	} rows[] = {
		{ LISTED, WAITING_APPROVE, "issued" },
		{ "challenges = [ \"d\" ];", WAITING_APPROVE,
		    "challenge_disabled" },
		{ "", WAITING_APPROVE, "challenge_disabled" },
		{ "", WAITING_APPROVE_DESPITE, "issued" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		char		 txid[8];
		struct asked	 a;
		int64_t		 id;

		reload(LISTED, "");
		(void)snprintf(txid, sizeof(txid), "u%zu", i);
		a = request("/manual", &device, txid, "/CN=device", SECRET);
		id = held(&a);
		reload(rows[i].listed, "");
		decide(id, rows[i].word);
		assert_int_equal(answer(&a), strcmp(rows[i].end, "issued") ==
		    0 ? SCEP_SUCCESS : SCEP_FAILURE);
		assert_end(id, rows[i].end);
		csr_free(a.r);
	}
}

/* ---- settings ---- */

enum how { BY_C, BY_D, BY_STORE, BY_OLD, BY_OLD_X, BY_FORMER, BY_FOREIGN };

/* One that waits, allowed by that; what it was signed with is *by. */
static struct asked
ask_by(enum how how, const char *txid, struct who *by)
{
	struct minted	 m;
	struct asked	 a;

	*by = device;
	switch (how) {
	case BY_C:
	case BY_D:
		return request("/manual", &device, txid, "/CN=device",
		    how == BY_C ? SECRET : OTHER);
	case BY_STORE:
		m = mint("manual", "t");
		a = request("/manual", &device, txid, "/CN=device",
		    buf_cstr(&m.secret));
		buf_wipe(&m.secret);
		return a;
	case BY_OLD:
	case BY_OLD_X:
		issue_by(&ca, "manual", how == BY_OLD ? "p" : "x",
		    (uint8_t)txid[1], now + DAY, by);
		return request("/manual", by, txid, "/CN=device", NULL);
	case BY_FORMER:
		issue_by(&old_ca, "moving", "p", (uint8_t)txid[1], now + DAY,
		    by);
		return request("/moving", by, txid, "/CN=device", NULL);
	case BY_FOREIGN:
		by->cert = device_cert(&old_ca, (uint8_t)txid[1], now + DAY);
		return request("/moving", by, txid, "/CN=device", NULL);
	}
	fail();
	return (struct asked){ .path = NULL };
}

/* A reload while it waits counts as the manual says, approved or not. */
static void
test_settings(void **state)
{
#define BOTH	"challenges = [ \"c\", \"d\" ];"
#define RENEW(x) BOTH "renew: { " x " };"
	static const struct {
		const char		*name;
		enum how		 how;
		struct pieces		 then;
		enum waiting_word	 word;
		const char		*end;
	} rows[] = {
		{ "nothing", BY_OLD, { NULL }, WAITING_APPROVE, "issued" },
		{ "no renewals", BY_OLD,
		    { .listed = RENEW("allowed = false;") }, WAITING_APPROVE,
		    "renewal_off" },
		{ "no renewals, enrolls", BY_C,
		    { .listed = RENEW("allowed = false;") }, WAITING_APPROVE,
		    "issued" },
		{ "later renewals", BY_OLD,
		    { .listed = RENEW("window = 60;") }, WAITING_APPROVE,
		    "issued" },

		{ "nothing, foreign", BY_FOREIGN, { NULL }, WAITING_APPROVE,
		    "issued" },
		{ "trusted no more", BY_FOREIGN, { .trusted = "" },
		    WAITING_APPROVE, "renewal_signer" },
		{ "another is", BY_FOREIGN,
		    { .trusted = "trusted = [ \"ca.pem\" ];" },
		    WAITING_APPROVE, "renewal_signer" },

		{ "nothing, of a former CA", BY_FORMER, { NULL },
		    WAITING_APPROVE, "issued" },
		{ "that is trusted no more", BY_FORMER, { .trusted = "" },
		    WAITING_APPROVE, "renewal_signer" },

		{ "other keys", BY_C,
		    { .p = "key_types = [ \"ec\" ];" }, WAITING_APPROVE,
		    "csr_key" },
		{ "other keys, renews", BY_OLD,
		    { .p = "key_types = [ \"ec\" ];" }, WAITING_APPROVE,
		    "csr_key" },
		{ "other keys, of another profile", BY_D,
		    { .listed = BOTH, .p = "key_types = [ \"ec\" ];" },
		    WAITING_APPROVE, "issued" },
		{ "other names", BY_C,
		    { .p = "subject_patterns = [ \"CN exact a\" ];" },
		    WAITING_APPROVE, "subject_pattern" },
		{ "other names, renews", BY_OLD,
		    { .p = "subject_patterns = [ \"CN exact a\" ];" },
		    WAITING_APPROVE, "subject_pattern" },
		{ "names needed", BY_C,
		    { .p = "san_required = [ \"dns\" ];" }, WAITING_APPROVE,
		    "san_required" },

		{ "another profile", BY_C, { .profile = "x" },
		    WAITING_APPROVE, "transaction_ended" },
		{ "another profile, foreign", BY_FOREIGN,
		    { .profile = "x" }, WAITING_APPROVE, "issued" },
		{ "another profile, renews", BY_OLD,
		    { .profile = "x" }, WAITING_APPROVE, "issued" },
		{ "that is gone, renews", BY_OLD_X, { .x = "" },
		    WAITING_APPROVE, "renewal_profile" },
		{ "another, the challenge's counts", BY_D,
		    { .listed = BOTH, .profile = "x" }, WAITING_APPROVE,
		    "issued" },
		{ "the challenge has another", BY_D,
		    { .listed = BOTH, .d = "profile = \"x\";" },
		    WAITING_APPROVE, "transaction_ended" },
		{ "the challenge has none", BY_D,
		    { .listed = BOTH, .d = "" }, WAITING_APPROVE,
		    "transaction_ended" },
		{ "the challenge is gone", BY_D, { NULL },
		    WAITING_APPROVE, "challenge_disabled" },
		{ "as is known", BY_D, { NULL }, WAITING_APPROVE_DESPITE,
		    "issued" },
		{ "another, the store's counts", BY_STORE,
		    { .profile = "x" }, WAITING_APPROVE, "issued" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		char		 txid[8];
		struct asked	 a;
		struct who	 by;
		int64_t		 id;

		reload_to(&(struct pieces){ .listed = BOTH });
		(void)snprintf(txid, sizeof(txid), "s%c", 'A' + (int)i);
		a = ask_by(rows[i].how, txid, &by);
		id = held(&a);
		reload_to(&rows[i].then);
		decide(id, rows[i].word);
		if ((answer(&a) == SCEP_SUCCESS) !=
		    (strcmp(rows[i].end, "issued") == 0))
			fail_msg("%s", rows[i].name);
		assert_end(id, rows[i].end);
		csr_free(a.r);
		if (by.cert != device.cert)
			cert_free(by.cert);
	}
}

/* ---- names ---- */

/* A renewal keeps the subject that was granted, however it is made today. */
static void
test_template(void **state)
{
	struct who	 old, new;
	struct asked	 a;

	(void)state;
	enroll("/named", "first", &old);
	assert_string_equal(old.cert->subject_text, "CN=device,O=Example");
	reload(LISTED, "/O=Other/CN={CN}");
	a = request("/named", &old, "second", "/O=Example/CN=device", NULL);
	decide(held(&a), WAITING_APPROVE);
	take(&a, &new);
	assert_string_equal(new.cert->subject_text, "CN=device,O=Example");
	assert_int_equal(store_number("SELECT count(*) FROM issued"
	    " WHERE supersedes = 1"), 1);
	cert_free(new.cert);
	cert_free(old.cert);
	csr_free(a.r);

	old.cert = device_cert(&old_ca, 3, now + DAY);
	a = request("/moving", &old, "third", "/CN=device", NULL);
	decide(held(&a), WAITING_APPROVE);
	take(&a, &new);
	assert_string_equal(new.cert->subject_text, "CN=device");
	/* Kept for as long as it waits. */
	assert_int_equal(store_number("SELECT count(*) FROM txn"
	    " WHERE old IS NOT NULL"), 0);
	cert_free(new.cert);
	cert_free(old.cert);
	csr_free(a.r);
}

/* ---- validators ---- */

/* All that it was told, so far. */
static const char *
outcomes(void)
{
	static struct buf	 b = BUF_INIT(FILE_MAX);
	struct err		 e = ERR_INIT;

	buf_reset(&b);
	if (access(tool_path("outcomes"), F_OK) == 0)
		ok(file_read(tool_path("outcomes"), &b, &e), &e);
	return buf_cstr(&b);
}

#define OUTCOME(txid, reason)						\
	"{\"version\": 1, \"event\": \"outcome\", \"endpoint\": "	\
	"\"told\", \"transaction_id\": \"" txid "\", \"peer\": \"\", "	\
	"\"outcome\": \"refused\", \"reason\": \"" reason "\"}\n"

static void
test_rejected_told(void **state)
{
	struct asked	 a = request("/told", &device, "a", "/CN=x", SECRET);
	struct asked	 b = request("/told", &device, "b", "/CN=x", SECRET);
	struct asked	 c = request("/manual", &device, "c", "/CN=x",
			    SECRET);
	char		 none[STORE_TEXT];
	int64_t		 first = held(&a), second = held(&b);
	struct scep_got	 got;

	(void)state;
	decide(held(&c), WAITING_REJECT);	/* which it knows nothing of */
	decide(first, WAITING_REJECT);
	service_tick(service);
	service_tick(service);
	stop();
	assert_string_equal(outcomes(), OUTCOME("a", "rejected"));
	/* What has expired in the meantime, too. */
	store_text("UPDATE txn SET created = 1", none);
	start();
	assert_int_equal(send(&b, &got), SCEP_PENDING);	/* a new one */
	scep_got_clear(&got);
	assert_end(second, "expired");
	stop();
	assert_string_equal(outcomes(), OUTCOME("a", "rejected")
	    OUTCOME("b", "pending_expired"));
	start();
	/* What is issued is told as ever, and no more than that. */
	decide(store_number("SELECT max(id) FROM txn"), WAITING_APPROVE);
	assert_int_equal(answer(&b), SCEP_SUCCESS);
	service_tick(service);
	stop();
	assert_non_null(strstr(outcomes(), "\"outcome\": \"issued\""));
	assert_null(strstr(strstr(outcomes(), "\"issued\""),
	    "\"refused\""));
	start();
	csr_free(a.r);
	csr_free(b.r);
	csr_free(c.r);
}

/* Nobody is told of what it was not asked about, or does not ask to hear. */
static void
test_not_told(void **state)
{
	struct asked	 a = request("/told", &device, "a", "/CN=x", SECRET);
	char		 none[STORE_TEXT];
	int64_t		 id = held(&a);

	(void)state;
	store_text("UPDATE txn SET asked = 'gone'", none);
	decide(id, WAITING_REJECT);
	service_tick(service);
	stop();
	assert_string_equal(outcomes(), "");
	assert_int_equal(store_number("SELECT count(*) FROM txn"
	    " WHERE asked IS NOT NULL"), 0);
	start();
	csr_free(a.r);
}

/* What has waited too long is told so, if its device asks. */
static void
test_expired_polled(void **state)
{
	struct asked	 a = request("/manual", &device, "a", "/CN=x",
			    SECRET);
	char		 none[STORE_TEXT];
	int64_t		 id = held(&a);

	(void)state;
	store_text("UPDATE txn SET created = 1", none);
	service->expired = 0;
	service_tick(service);
	assert_end(id, "expired");
	csr_free(a.r);
}

/* What a validator leaves to an operator is no stranger's: one of those may
 * wait here from one address. But it proves no secret. */
static void
test_room(void **state)
{
	struct asked	 a = request("/instead", &device, "a", "/CN=held",
			    "one");
	struct asked	 b = request("/instead", &device, "b", "/CN=held",
			    "two");
	struct buf	 message = BUF_INIT(CMS_MAX_DER);
	struct err	 e = ERR_INIT;
	struct exchange	 x;

	(void)state;
	(void)held(&a);
	ok(scep_client_request(&b.q, algs, &message, &e), &e);
	service_post(service, "/instead", buf_bytes(&message), &x);
	assert_int_equal(x.status, 200);
	assert_int_equal(x.proof, PROOF_NONE);
	assert_int_equal(store_number("SELECT count(*) FROM txn"
	    " WHERE state = 'pending' AND vouched AND asked = 'v'"), 2);
	exchange_clear(&x);
	buf_wipe(&message);
	csr_free(a.r);
	csr_free(b.r);
	/* One that nothing vouches for. */
	a = request("/manual", &device, "c", "/CN=x", NULL);
	(void)held(&a);
	assert_int_equal(store_number("SELECT count(*) FROM txn"
	    " WHERE NOT vouched AND asked IS NULL"), 1);
	csr_free(a.r);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_grace),
		TEST(test_superseded),
		TEST(test_migrated_twice),
		TEST(test_expired_meanwhile),
		TEST(test_while_made),
		TEST(test_challenge_gone),
		TEST(test_challenge_unlisted),
		TEST(test_settings),
		TEST(test_template),
		TEST(test_rejected_told),
		TEST(test_not_told),
		TEST(test_expired_polled),
		TEST(test_room),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
