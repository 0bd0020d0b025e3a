/*
 * What a validator answers is what the certificate has, or there is none: each
 * member of an answer, for an enrollment, a renewal, and what an operator
 * approves. The validator is a script that says what stands in a file.
 */
#include "csr_craft.h"
#include "scep/wrap.h"
#include "service_lab.h"
#include "store/waiting.h"
#include "util/file.h"

#define SECRET	"8CE317021F690069"
#define SID	"S-1-5-21-1-2-3-1107"
#define OTHER	"S-1-5-21-1-2-3-1108"
#define GROUP	"S-1-5-32-544"
#define URI	"tag:microsoft.com,2022-09-14:sid:"
#define DNS	"dns:x.example"
#define BOTH	"sid:" URI SID " " DNS

static const char	 script[] =
    "#!/bin/sh\n"
    "cd \"${0%/*}\" || exit 9\n"
    "cat >told\n"
    "cat words\n"
    "exit $(cat verdict)\n";

#define END(name)	LAB_END(name)						\
	"    profile = \"p\"; validator = \"v\"; challenges = [ \"c\" ];\n"

static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "endpoints = (\n"
    END("same") "},\n"
    END("subset") "renew = { names = \"subset\"; }; },\n"
    END("manual") "approval = \"manual\"; } );\n"
    "issuers = (" LAB_ISSUER " );\n"
    "profiles = ( { name = \"p\"; san = [ \"dns\" ]; sid = \"allow\"; },\n"
    "  { name = \"q\"; san = [ \"dns\" ]; validity = \"10d\"; },\n"
    "  { name = \"made\"; san = [ \"dns\" ]; sid = \"allow\";\n"
    "    subject = \"/O=Example/CN={CN}\"; },\n"
    "  { name = \"fixed\"; san = [ \"dns\" ]; sid = \"allow\";\n"
    "    subject = \"/CN={challenge}\"; },\n"
    "  { name = \"facts\"; san = [ \"dns\" ]; sid = \"allow\";\n"
    "    subject = \"/CN={validator.user}\"; } );\n"
    "challenges = ( { name = \"c\"; secret = \"" SECRET "\"; } );\n"
    "validators = ( { name = \"v\"; command = [ \"%s\" ]; } );\n";

static struct buf	 plain = BUF_INIT(CSR_MAX_DER);

static void
will_say(int verdict, const char *words)
{
	char	 code[16];

	(void)snprintf(code, sizeof(code), "%d", verdict);
	(void)tool_file("verdict", bytes_str(code), 0600);
	(void)tool_file("words", bytes_str(words), 0600);
}

static int
begin(void **state)
{
	(void)state;
	lab_begin(text, tool_file("validate", bytes_str(script), 0700));
	return 0;
}

/* A request for CN=x, a DNS name and an account, in both of its forms. */
static void
make_request(void)
{
	char			 ext[160] = "1.3.6.1.4.1.311.25.2=DER:3025"
	    "A023060A2B060104018237190201A0150413";
	struct csr_craft	 c = {
		.key = lab.device.key, .challenge_tag = V_ASN1_PRINTABLESTRING,
		.challenge = bytes_str(SECRET), .more = ext,
	};
	struct buf		 sans = BUF_INIT(256);
	uint8_t			 head[4] = { 0x30, 0, 0x86, 0 };
	const char		 tail[] = "\x82\x09" "x.example";

	for (const char *p = SID; *p != '\0'; p++)
		(void)snprintf(ext + strlen(ext), 3, "%02X", (uint8_t)*p);
	head[3] = (uint8_t)strlen(URI SID);
	head[1] = (uint8_t)(2 + head[3] + strlen(tail));
	assert_int_equal(buf_put(&sans, head, sizeof(head)), 0);
	assert_int_equal(buf_puts(&sans, URI SID), 0);
	assert_int_equal(buf_puts(&sans, tail), 0);
	c.sans = buf_bytes(&sans);
	csr_craft(&c, &plain);
	buf_wipe(&sans);
}

static int
setup(void **state)
{
	int	 rc = lab_setup(state);

	make_request();
	return rc;
}

static int
teardown(void **state)
{
	buf_wipe(&plain);
	return lab_teardown(state);
}

/* ---- asking ---- */

/* Each with a transactionID of its own. */
static struct scep_ask
question(int type, const struct who *by)
{
	static char	 txid[16];
	static int	 n;

	(void)snprintf(txid, sizeof(txid), "t-%d", ++n);
	return lab_question(type, by, txid, buf_bytes(&plain));
}

/* The certificate; NULL: there is none. */
static struct cert *
answer_to(const char *path, const struct scep_ask *q, enum scep_status *status)
{
	struct err	 e = ERR_INIT;
	struct cert	*c = NULL;
	struct scep_got	 got;
	struct exchange	 x;

	*status = SCEP_FAILURE;
	lab_post(path, q, &x);
	if (x.status == 200) {
		lab_read(&x, q, lab.ra.cert, &got);
		*status = got.status;
		if (got.status == SCEP_SUCCESS)
			lab_ok(cert_parse(got.certs.v[0]->der, &c, &e), &e);
		scep_got_clear(&got);
	}
	exchange_clear(&x);
	return c;
}

static struct cert *
enroll(const char *path, const char *words)
{
	const struct scep_ask	 q = question(SCEP_PKCSREQ, &lab.device);
	enum scep_status	 status;

	will_say(0, words);
	return answer_to(path, &q, &status);
}

static struct cert *
renew(const char *path, const struct cert *old, const char *words)
{
	/* Its certificate is only read. */
	const struct who	 by = { lab.device.key,
	    (struct cert *)(uintptr_t)old };
	const struct scep_ask	 q = question(SCEP_RENEWALREQ, &by);
	enum scep_status	 status;

	will_say(0, words);
	return answer_to(path, &q, &status);
}

/* Held by the validator, or by the endpoint, and approved by an operator; a
 * renewal, if there is an old one. */
static struct cert *
approve(const char *path, int verdict, const char *words,
    const struct cert *old)
{
	const struct who	 by = { lab.device.key, old == NULL ? lab.device.cert :
	    (struct cert *)(uintptr_t)old };
	const struct scep_ask	 q = question(old == NULL ? SCEP_PKCSREQ :
	    SCEP_RENEWALREQ, &by);
	struct err		 e = ERR_INIT;
	enum scep_status	 status;

	will_say(verdict, words);
	assert_null(answer_to(path, &q, &status));
	if (status != SCEP_PENDING)
		return NULL;
	lab_ok(waiting_decide(lab.service->db, store_number("SELECT max(id) FROM txn"),
	    WAITING_APPROVE, lab.now, "op", &e), &e);
	/* It is not asked again. */
	will_say(40, "");
	return answer_to(path, &q, &status);
}

/* ---- what comes of it ---- */

struct want {
	const char	*subject;	/* NULL: there is no certificate */
	const char	*sans;
	const char	*sid;
	int		 days;		/* 0: 365 */
};

#define NOTHING	{ NULL, NULL, NULL, 0 }
#define AS_WAS	{ "CN=x", BOTH, SID, 0 }

static void
assert_made(struct cert *c, const struct want *want, const char *where,
    const char *words)
{
	struct buf	 names = BUF_INIT(4096);
	struct err	 e = ERR_INIT;
	struct sans	 sans;
	char		 sid[SID_TEXT];

	if ((c != NULL) != (want->subject != NULL))
		fail_msg("%s: %s is %s", where, words, c == NULL ? "refused" :
		    "issued");
	if (c == NULL)
		return;
	lab_ok(cert_sans(c, &sans, &e), &e);
	lab_ok(sans_put(&sans, " ", &names), &e);
	cert_sid(c, sid);
	if (strcmp(c->subject_text, want->subject) != 0 ||
	    strcmp(buf_cstr(&names), want->sans) != 0 ||
	    strcmp(sid, want->sid) != 0 ||
	    (c->not_after - c->not_before) / DAY - 1 !=
	    (want->days == 0 ? 365 : want->days))
		fail_msg("%s: %s makes %s, %s, %s", where, words,
		    c->subject_text, buf_cstr(&names), sid);
	sans_free(&sans);
	buf_wipe(&names);
	cert_free(c);
}

static const struct row {
	const char	*words;
	struct want	 enrolls;
	struct want	 renews;
	struct want	 subset;	/* where renew.names says so */
	struct want	 approved;
} rows[] = {
	{ "", AS_WAS, AS_WAS, AS_WAS, AS_WAS },
	{ "{\"reason\": \"known\"}", AS_WAS, AS_WAS, AS_WAS, AS_WAS },
	{ "{\"facts\": {\"user\": \"alice\"}}", AS_WAS, AS_WAS, AS_WAS,
	    AS_WAS },
	{ "{\"subject\": null, \"sans\": null, \"sid\": null}", AS_WAS,
	    AS_WAS, AS_WAS, AS_WAS },

	{ "{\"subject\": \"CN=x\"}", AS_WAS, AS_WAS, AS_WAS, NOTHING },
	{ "{\"subject\": \"CN=y\"}", { "CN=y", BOTH, SID, 0 }, NOTHING,
	    NOTHING, NOTHING },
	{ "{\"subject\": \"CN=X\"}", { "CN=X", BOTH, SID, 0 },
	    { "CN=X", BOTH, SID, 0 }, { "CN=X", BOTH, SID, 0 }, NOTHING },

	{ "{\"sans\": [\"" DNS "\"]}", { "CN=x", DNS, "", 0 },
	    { "CN=x", DNS, "", 0 }, { "CN=x", DNS, "", 0 }, NOTHING },
	{ "{\"sans\": [\"dns:y.example\"]}",
	    { "CN=x", "dns:y.example", "", 0 }, NOTHING, NOTHING, NOTHING },
	{ "{\"sans\": [\"" DNS "\", \"dns:y.example\"]}",
	    { "CN=x", DNS " dns:y.example", "", 0 }, NOTHING, NOTHING,
	    NOTHING },
	{ "{\"sans\": []}", { "CN=x", "", "", 0 }, NOTHING,
	    { "CN=x", "", "", 0 }, NOTHING },
	{ "{\"sans\": [\"email:a@b.example\", \"" DNS "\"]}", NOTHING,
	    NOTHING, NOTHING, NOTHING },
	{ "{\"sans\": [\"uri:" URI SID "\", \"" DNS "\"]}",
	    { "CN=x", BOTH, "", 0 }, { "CN=x", BOTH, "", 0 },
	    { "CN=x", BOTH, "", 0 }, NOTHING },
	{ "{\"sans\": [\"uri:" URI OTHER "\"]}",
	    { "CN=x", "sid:" URI OTHER, "", 0 }, NOTHING, NOTHING, NOTHING },

	{ "{\"sid\": \"\"}", { "CN=x", DNS, "", 0 },
	    { "CN=x", DNS, "", 0 }, { "CN=x", DNS, "", 0 }, NOTHING },
	{ "{\"sid\": \"" SID "\"}", { "CN=x", DNS, SID, 0 },
	    { "CN=x", DNS, SID, 0 }, { "CN=x", DNS, SID, 0 }, NOTHING },
	{ "{\"sid\": \"" OTHER "\"}", { "CN=x", DNS, OTHER, 0 }, NOTHING,
	    NOTHING, NOTHING },
	{ "{\"sid\": \"" GROUP "\"}", NOTHING, NOTHING, NOTHING, NOTHING },
	{ "{\"sans\": [\"" DNS "\"], \"sid\": \"" SID "\"}",
	    { "CN=x", DNS, SID, 0 }, { "CN=x", DNS, SID, 0 },
	    { "CN=x", DNS, SID, 0 }, NOTHING },
	{ "{\"sans\": [\"uri:" URI SID "\", \"" DNS "\"], \"sid\": \""
	    SID "\"}", AS_WAS, AS_WAS, AS_WAS, NOTHING },
	{ "{\"sans\": [\"uri:" URI SID "\", \"" DNS "\"], \"sid\": \"\"}",
	    NOTHING, NOTHING, NOTHING, NOTHING },
	{ "{\"sans\": [\"uri:" URI OTHER "\"], \"sid\": \"" SID "\"}",
	    NOTHING, NOTHING, NOTHING, NOTHING },

	{ "{\"validity\": \"2d\"}", { "CN=x", BOTH, SID, 2 },
	    { "CN=x", BOTH, SID, 2 }, { "CN=x", BOTH, SID, 2 }, NOTHING },
	{ "{\"profile\": \"q\"}", { "CN=x", DNS, "", 10 },
	    { "CN=x", DNS, "", 10 }, { "CN=x", DNS, "", 10 }, NOTHING },
	{ "{\"profile\": \"q\", \"sid\": \"" SID "\"}", NOTHING, NOTHING,
	    NOTHING, NOTHING },

	/* Of what a template makes, a renewal keeps what it had. */
	{ "{\"profile\": \"made\"}", { "CN=x,O=Example", BOTH, SID, 0 },
	    AS_WAS, AS_WAS, NOTHING },
	{ "{\"profile\": \"made\", \"subject\": \"CN=y,OU=z\"}",
	    { "CN=y,O=Example", BOTH, SID, 0 }, NOTHING, NOTHING, NOTHING },
	{ "{\"profile\": \"fixed\", \"subject\": \"CN=c\"}",
	    { "CN=c", BOTH, SID, 0 }, NOTHING, NOTHING, NOTHING },
	{ "{\"profile\": \"fixed\", \"subject\": \"CN=y\"}", NOTHING, NOTHING,
	    NOTHING, NOTHING },
	{ "{\"profile\": \"facts\", \"facts\": {\"user\": \"alice\"}}",
	    { "CN=alice", BOTH, SID, 0 }, AS_WAS, AS_WAS, NOTHING },
	{ "{\"profile\": \"facts\"}", NOTHING, AS_WAS, AS_WAS, NOTHING },
};

static void
test_rows(void **state)
{
	struct cert	*same = enroll("/same", "");
	struct cert	*subset = enroll("/subset", "");

	(void)state;
	for (const struct row *r = rows; r < rows + N(rows); r++) {
		assert_made(enroll("/same", r->words), &r->enrolls,
		    "enrollment", r->words);
		assert_made(renew("/same", same, r->words), &r->renews,
		    "renewal", r->words);
		assert_made(renew("/subset", subset, r->words), &r->subset,
		    "renewal of less", r->words);
	}
	cert_free(same);
	cert_free(subset);
}

static void
test_approved(void **state)
{
	struct cert	*old = enroll("/same", "");

	(void)state;
	for (const struct row *r = rows; r < rows + N(rows); r++) {
		assert_made(approve("/same", 41, r->words, NULL),
		    &r->approved, "held", r->words);
		assert_made(approve("/same", 41, r->words, old),
		    &r->approved, "held renewal", r->words);
		assert_made(approve("/manual", 0, r->words, NULL),
		    &r->approved, "approval", r->words);
	}
	cert_free(old);
}

/* A renewal of what a template made. */
static void
test_templates(void **state)
{
	static const struct {
		const char	*first;
		const char	*words;
		struct want	 renews;
	} made[] = {
		{ "made", "{\"subject\": \"CN=x\"}",
		    { "CN=x,O=Example", BOTH, SID, 0 } },
		{ "made", "{\"subject\": \"CN=X\"}",
		    { "CN=X,O=Example", BOTH, SID, 0 } },
		{ "made", "{\"subject\": \"CN=x,O=EXAMPLE\"}",
		    { "CN=x,O=EXAMPLE", BOTH, SID, 0 } },
		{ "made", "{\"subject\": \"CN=y\"}", NOTHING },
		{ "fixed", "{}", { "CN=c", BOTH, SID, 0 } },
		{ "fixed", "{\"subject\": \"CN=C\"}",
		    { "CN=C", BOTH, SID, 0 } },
		{ "fixed", "{\"subject\": \"CN=y\"}", NOTHING },
	};
	char		 words[64];
	struct cert	*old;

	(void)state;
	for (size_t i = 0; i < N(made); i++) {
		(void)snprintf(words, sizeof(words), "{\"profile\": \"%s\"}",
		    made[i].first);
		old = enroll("/same", words);
		assert_made(renew("/same", old, made[i].words),
		    &made[i].renews, made[i].first, made[i].words);
		cert_free(old);
	}
}

/* Facts are kept for the operator, whatever the profile takes so far. */
static void
test_facts(void **state)
{
	static const char	 words[] = "{\"facts\": {\"user\": \"alice\"}}";
	static const struct {
		const char	*path;
		int		 verdict;
	} held[] = { { "/same", 41 }, { "/manual", 0 } };
	enum scep_status	 status;

	(void)state;
	for (size_t i = 0; i < N(held); i++) {
		const struct scep_ask	 q = question(SCEP_PKCSREQ, &lab.device);

		will_say(held[i].verdict, words);
		assert_null(answer_to(held[i].path, &q, &status));
		assert_int_equal(status, SCEP_PENDING);
		store_assert("SELECT facts FROM txn ORDER BY id DESC LIMIT 1",
		    "validator.user=alice");
	}
}

/* It is told of the account that a renewal would keep unasked. */
static void
test_told(void **state)
{
	struct buf	 told = BUF_INIT(FILE_MAX);
	struct cert	*old = enroll("/same", "");
	struct err	 e = ERR_INIT;

	(void)state;
	cert_free(renew("/same", old, ""));
	cert_free(old);
	lab_ok(file_read(tool_path("told"), &told, &e), &e);
	assert_non_null(strstr(buf_cstr(&told), "\"sid\": \"" SID "\", "
	    "\"issued_here\": true"));
	buf_wipe(&told);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, lab_end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_rows),
		TEST(test_approved),
		TEST(test_templates),
		TEST(test_facts),
		TEST(test_told),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
