/*
 * A request under other names than it has: from text, as validators write it.
 */
#include "pki_tool.h"

#define HIDDEN	"hunter2-hunter2"

static const char *const none[] = { NULL };

static void
test_renamed(void **state)
{
	static const struct {
		const char	*text;
		const char	*want;		/* NULL: the same */
	} good[] = {
		{ "CN=device-1,O=Example,C=DE", NULL },
		{ "", NULL },
		{ "CN= a b , O=x", "CN=a b,O=x" },
		{ "CN=a\\,b\\+c\\\"d\\\\e", NULL },
		{ "CN=\\ a\\ ,O=x", "CN=\\ a\\ ,O=x" },
		{ "CN=M\\C3\\BCller", "CN=M\xc3\xbcller" },
		{ "CN=M\xc3\xbcller", NULL },
		{ "2.5.4.3=x", "CN=x" },
		{ "cn=x", "CN=x" },
		{ "UID=u,DC=example,DC=org", NULL },
		{ "CN=a,CN=b,CN=c", NULL },
		{ "serialNumber=1+CN=x,O=y", NULL },
		{ "O=a\\=b", "O=a=b" },
	};
	static const char *const bad[] = {
		"CN", "=x", "CN =x", "CN=", "CN=x,", "CN=x+", ",CN=x",
		"CN=x,,O=y", "CN=x;O=y", "CN=\"x\"", "CN=<x>", "CN=#0c0178",
		"CN=x\\", "CN=x\\4", "CN=x\\zz", "CN=x\\ff", "nosuch=x",
		"C=Germany", "CN= ", "/CN=x", "CN=x O=y,", "C N=x",
	};
	struct csr	*r, *named;
	struct key	*k = tool_key("ec:p256");
	struct err	 e = ERR_INIT;

	(void)state;
	r = tool_csr(k, "/CN=asked", "DNS:asked.example", HIDDEN);
	for (size_t i = 0; i < N(good); i++) {
		if (csr_renamed(r, good[i].text, NULL, &named, &e) == -1)
			fail_msg("%s: %s", good[i].text, err_text(&e));
		if (good[i].want == NULL || *good[i].want != '\0')
			assert_non_null(named->subject_text);
		if (strchr(good[i].text, '+') == NULL)
			assert_string_equal(named->subject_text,
			    good[i].want == NULL ? good[i].text :
			    good[i].want);
		assert_int_equal(named->subject_empty, *good[i].text == '\0');
		assert_ptr_equal(named->sans.v, r->sans.v);
		assert_ptr_equal(named->key.spki.p, r->key.spki.p);
		csr_renamed_free(named);
	}
	for (size_t i = 0; i < N(bad); i++) {
		err_clear(&e);
		if (csr_renamed(r, bad[i], NULL, &named, &e) != -1)
			fail_msg("%s is taken", bad[i]);
		assert_err(&e, ERR_SUBJECT, NULL, bad[i]);
	}
	assert_string_equal(r->subject_text, "CN=asked");
	csr_renamed_free(NULL);
	csr_free(r);
	key_free(k);
}

/* What a validator writes is what a request would have asked for. */
static void
test_other_sans(void **state)
{
	char		 dns[] = "dns:a.example", mail[] = "email:a@b.example",
	    uri[] = "uri:https://a.example/", v4[] = "ip:192.0.2.1",
	    v6[] = "ip:2001:db8::1", upn[] = "upn:a@b.example";
	char *const	 all[] = { dns, mail, uri, v4, v6, upn, NULL };
	static const char *const bad[] = {
		"a.example", "dns:", "DNS:a.example", "dns", "ip:a.example",
		"ip:192.0.2", "ip:192.0.2.1/24", "other:x", "sid:S-1-5",
		"dns:\xc3\xa4.example", "", ":", "upn:",
	};
	char		 text[64];
	char *const	 one[] = { text, NULL };
	struct csr	*r, *same, *named;
	struct key	*k = tool_key("ec:p256");
	struct err	 e = ERR_INIT;

	(void)state;
	r = tool_csr(k, "/CN=asked", "DNS:asked.example", NULL);
	same = tool_csr(k, "/CN=asked", "DNS:a.example,email:a@b.example,"
	    "URI:https://a.example/,IP:192.0.2.1,IP:2001:db8::1,"
	    "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:a@b.example", NULL);
	assert_int_equal(csr_renamed(r, NULL, all, &named, &e), 0);
	assert_int_equal(named->sans.n, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_true(bytes_eq(named->sans.v[i].der,
		    same->sans.v[i].der));
		assert_int_equal(named->sans.v[i].kind, same->sans.v[i].kind);
	}
	csr_renamed_free(named);
	assert_int_equal(csr_renamed(r, NULL, (char *const *)(uintptr_t)none,
	    &named, &e), 0);
	assert_int_equal(named->sans.n, 0);
	csr_renamed_free(named);
	/* Nor is an account left that the device named. */
	(void)snprintf(r->asked.sid, sizeof(r->asked.sid), "S-1-5-21-1-2-3-5");
	assert_int_equal(csr_renamed(r, "CN=x", NULL, &named, &e), 0);
	assert_string_equal(named->asked.sid, r->asked.sid);
	csr_renamed_free(named);
	assert_int_equal(csr_renamed(r, NULL, all, &named, &e), 0);
	assert_string_equal(named->asked.sid, "");
	csr_renamed_free(named);
	/* A URI that maps to an account is none. */
	(void)snprintf(text, sizeof(text), "uri:tag:microsoft.com,2022-09-14:"
	    "sid:S-1-5");
	assert_int_equal(csr_renamed(r, NULL, one, &named, &e), 0);
	assert_int_equal(named->sans.v[0].kind, SAN_SID);
	csr_renamed_free(named);
	for (size_t i = 0; i < N(bad); i++) {
		(void)snprintf(text, sizeof(text), "%s", bad[i]);
		err_clear(&e);
		if (csr_renamed(r, "CN=x", one, &named, &e) != -1)
			fail_msg("%s is taken", bad[i]);
		assert_err(&e, ERR_SAN, NULL, bad[i]);
	}
	csr_free(r);
	csr_free(same);
	key_free(k);
}

static void
test_other_sid(void **state)
{
	char		 uri[] = "uri:tag:microsoft.com,2022-09-14:sid:S-1-9";
	char *const	 own[] = { uri, NULL };
	static const char *const others[] = { "", "S-1-8", "9", "S-1-9:" };
	char		 longest[SID_TEXT + 1];
	struct csr	*r, *named;
	struct key	*k = tool_key("ec:p256");
	struct err	 e = ERR_INIT;

	(void)state;
	r = tool_csr(k, "/CN=x", "DNS:a,URI:x:y,DNS:b", NULL);
	r->sans.v[1].kind = SAN_SID;
	(void)snprintf(r->asked.sid, sizeof(r->asked.sid), "S-1-5-21-1-2-3-4");
	assert_int_equal(csr_renamed(r, NULL, NULL, &named, &e), 0);
	assert_int_equal(named->sans.n, 3);
	assert_int_equal(csr_set_sid(named, "S-1-5", &e), 0);
	assert_string_equal(named->asked.sid, "S-1-5");
	assert_int_equal(named->sans.n, 2);
	assert_string_equal(named->sans.v[1].text, "b");
	assert_int_equal(csr_set_sid(named, "", &e), 0);
	assert_string_equal(named->asked.sid, "");
	csr_renamed_free(named);
	assert_int_equal(r->sans.n, 3);
	/* Whoever names it as a URI too wants it so. */
	assert_int_equal(csr_renamed(r, "CN=y", own, &named, &e), 0);
	assert_int_equal(csr_set_sid(named, "S-1-9", &e), 0);
	assert_int_equal(named->sans.n, 1);
	memset(longest, '1', sizeof(longest));
	longest[SID_TEXT] = '\0';
	assert_int_equal(csr_set_sid(named, longest, &e), -1);
	assert_err(&e, ERR_SAN, "of 128 bytes", "long");
	assert_string_equal(named->asked.sid, "S-1-9");
	/* But not as two. */
	for (size_t i = 0; i < N(others); i++) {
		err_clear(&e);
		assert_int_equal(csr_set_sid(named, others[i], &e), -1);
		assert_err(&e, ERR_SAN, "another security identifier",
		    others[i]);
		assert_string_equal(named->asked.sid, "S-1-9");
	}
	csr_renamed_free(named);
	longest[SID_TEXT - 1] = '\0';
	assert_int_equal(csr_renamed(r, NULL, NULL, &named, &e), 0);
	assert_int_equal(csr_set_sid(named, longest, &e), 0);
	csr_renamed_free(named);
	csr_free(r);
	key_free(k);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_renamed),
		cmocka_unit_test(test_other_sans),
		cmocka_unit_test(test_other_sid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
