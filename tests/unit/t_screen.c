#include "ber_craft.h"
#include "pki_tool.h"

#include "pki/ber_int.h"
#include "pki/cms.h"
#include "pki/screen_int.h"

static struct algs	*algs;

static int
setup(void **state)
{
	struct err	 e = ERR_INIT;

	(void)state;
	return algs_open(&algs, &e);
}

static int
teardown(void **state)
{
	(void)state;
	algs_free(algs);
	return 0;
}

/* ---- BER ---- */

static const struct {
	const char	*name;
	const char	*hex;
	enum err_reason	 want;
} bers[] = {
	{ "primitive", "0500", ERR_NONE },
	{ "empty sequence", "3000", ERR_NONE },
	{ "nested", "30063004020101" "00", ERR_NOT_CMS },
	{ "nested, exact", "300530030201" "01", ERR_NONE },
	{ "indefinite", "30800201010000", ERR_NONE },
	{ "indefinite in definite", "3006" "308005000000", ERR_NONE },
	{ "indefinite twice", "30803080020101" "00000000", ERR_NONE },
	{ "parts of octets", "2480" "040161" "040162" "0000", ERR_NONE },
	{ "long form", "308103020101", ERR_NONE },
	{ "longest form", "308400000003020101", ERR_NONE },
	{ "length of five octets", "30850000000003020101", ERR_NOT_CMS },
	{ "nothing", "", ERR_NOT_CMS },
	{ "one octet", "30", ERR_NOT_CMS },
	{ "length cut", "3082", ERR_NOT_CMS },
	{ "content cut", "30030201", ERR_NOT_CMS },
	{ "child larger than parent", "30030202" "0101", ERR_NOT_CMS },
	{ "huge length", "30847fffffff00", ERR_NOT_CMS },
	{ "largest length", "3084ffffffff00", ERR_NOT_CMS },
	{ "reserved length", "30ff00", ERR_NOT_CMS },
	{ "indefinite primitive", "0480610000", ERR_NOT_CMS },
	{ "no end mark", "3080020101", ERR_NOT_CMS },
	{ "half an end mark", "308002010100", ERR_NOT_CMS },
	{ "end mark of the parent's", "3005" "3080020101" "0000",
	    ERR_NOT_CMS },
	{ "end mark alone", "0000", ERR_NOT_CMS },
	{ "end mark in definite", "30020000", ERR_NOT_CMS },
	{ "high tag number", "1f810100", ERR_NOT_CMS },
	{ "behind it", "050000", ERR_TRAILING },
	{ "behind the end mark", "30800000" "00", ERR_TRAILING },
	{ "two", "05000500", ERR_TRAILING },
};

static void
test_ber(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(bers); i++) {
		struct bytes	 in = tool_hex(bers[i].hex), at = in;
		struct err	 e = ERR_INIT;
		struct ber	 b;
		int		 rc;

		rc = ber_check(in, ERR_NOT_CMS, ERR_TRAILING, &e);
		if (bers[i].want != ERR_NONE) {
			assert_int_equal(rc, -1);
			assert_err(&e, bers[i].want, NULL, bers[i].name);
			continue;
		}
		if (rc != 0 || !ber_next(&at, &b) || at.n != 0)
			fail_msg("%s: %s", bers[i].name, err_text(&e));
	}
}

static void
put_nest(struct buf *out, int depth, bool open)
{
	for (int i = 0; i < depth; i++) {
		struct buf	 in = BUF_INIT(BER_CRAFT_MAX);

		buf_move(&in, out);
		buf_init(out, BER_CRAFT_MAX);
		if (!open) {
			assert_int_equal(der_put(out, 0x30, buf_bytes(&in)),
			    0);
		} else {
			assert_int_equal(buf_put(out, "\x30\x80", 2), 0);
			assert_int_equal(buf_put(out, in.p, in.n), 0);
			assert_int_equal(buf_put(out, "\0\0", 2), 0);
		}
		buf_wipe(&in);
	}
}

static void
test_limits(void **state)
{
	struct buf	 b = BUF_INIT(BER_CRAFT_MAX);
	struct err	 e = ERR_INIT;

	(void)state;
	for (int open = 0; open < 2; open++) {
		put_nest(&b, BER_MAX_DEPTH, open);
		assert_int_equal(ber_check(buf_bytes(&b), ERR_NOT_CMS,
		    ERR_TRAILING, &e), 0);
		put_nest(&b, 1, open);
		assert_int_equal(ber_check(buf_bytes(&b), ERR_NOT_CMS,
		    ERR_TRAILING, &e), -1);
		assert_err(&e, ERR_STRUCTURE, "too deep", "depth");
		err_clear(&e);
		buf_wipe(&b);
	}
	for (int i = 1; i < BER_MAX_ELEMENTS; i++)
		assert_int_equal(buf_put(&b, "\x05\0", 2), 0);
	put_nest(&b, 1, true);
	assert_int_equal(ber_check(buf_bytes(&b), ERR_NOT_CMS, ERR_TRAILING,
	    &e), 0);
	b.n -= 2;
	assert_int_equal(buf_put(&b, "\x05\0\0\0", 4), 0);
	assert_int_equal(ber_check(buf_bytes(&b), ERR_NOT_CMS, ERR_TRAILING,
	    &e), -1);
	assert_err(&e, ERR_STRUCTURE, "too many", "elements");
	buf_wipe(&b);
}

/* ---- SignedData ---- */

#define SHA256	"30{06(608648016503040201)05()}"
#define ID_DATA	"06(2a864886f70d010701)"
#define ENCAP	"30{" ID_DATA "a0{04(00)}}"
#define RSA	"30{06(2a864886f70d010101)05()}"
#define SID	"30{30{}02(01)}"
#define SIGNER(version, sid, sig) \
	"30{02(" version ")" sid SHA256 "a0{}" sig "04(00)}"
#define SI	SIGNER("01", SID, RSA)
#define SIGNED(version, digests, encap, certs, signers) \
	"30{06(2a864886f70d010702)a0{30{02(" version ")31{" digests "}" \
	encap certs "31{" signers "}}}}"

static const struct {
	const char	*name;
	const char	*text;
	enum err_reason	 want;
	enum alg	 signature;
} signeds[] = {
	{ "plain", SIGNED("01", SHA256, ENCAP, "a0{}", SI), ERR_NONE,
	    ALG_RSA },
	{ "version 3, by key identifier", SIGNED("03", SHA256, ENCAP, "",
	    SIGNER("03", "80(6964)", RSA)), ERR_NONE, ALG_RSA },
	{ "all lengths indefinite", "30<06(2a864886f70d010702)a0<30<02(01)"
	    "31<30<06(608648016503040201)05()>>30<" ID_DATA "a0<24<04(00)"
	    "04(00)>>>a0<>31<30<02(01)30<30<>02(01)>30<06(608648016503040201)"
	    ">a0<>30<06(2a864886f70d010101)>04(00)>>>>>", ERR_NONE, ALG_RSA },
	{ "with crls", SIGNED("01", SHA256, ENCAP, "a0{}a1{}", SI), ERR_NONE,
	    ALG_RSA },
	{ "without content", SIGNED("01", SHA256, "30{" ID_DATA "}", "", SI),
	    ERR_NONE, ALG_RSA },
	{ "unsigned attributes", SIGNED("01", SHA256, ENCAP, "", "30{02(01)"
	    SID SHA256 RSA "04(00)a1{}}"), ERR_NONE, ALG_RSA },
	{ "sha256WithRSA", SIGNED("01", SHA256, ENCAP, "", SIGNER("01", SID,
	    "30{06(2a864886f70d01010b)}")), ERR_NONE, ALG_RSA_SHA256 },
	{ "Ed25519", SIGNED("01", SHA256, ENCAP, "", SIGNER("01", SID,
	    "30{06(2b6570)}")), ERR_NONE, ALG_ED25519 },
	{ "RSASSA-PSS", SIGNED("01", SHA256, ENCAP, "", SIGNER("01", SID,
	    "30{06(2a864886f70d01010a)}")), ERR_NONE, ALG_NONE },
	{ "four digests", SIGNED("01", SHA256 SHA256 SHA256 SHA256, ENCAP,
	    "", SI), ERR_NONE, ALG_RSA },
	{ "five digests", SIGNED("01", SHA256 SHA256 SHA256 SHA256 SHA256,
	    ENCAP, "", SI), ERR_NO_DIGESTS, 0 },
	{ "no digests", SIGNED("01", "", ENCAP, "", SI), ERR_NO_DIGESTS, 0 },
	{ "digest without OID", SIGNED("01", "30{}", ENCAP, "", SI),
	    ERR_NOT_CMS, 0 },
	{ "digest is no sequence", SIGNED("01", "05()", ENCAP, "", SI),
	    ERR_NOT_CMS, 0 },
	{ "version 0", SIGNED("00", SHA256, ENCAP, "", SI), ERR_CMS_VERSION,
	    0 },
	{ "version 4", SIGNED("04", SHA256, ENCAP, "", SI), ERR_CMS_VERSION,
	    0 },
	{ "version 5", SIGNED("05", SHA256, ENCAP, "", SI), ERR_CMS_VERSION,
	    0 },
	{ "version -1", SIGNED("ff", SHA256, ENCAP, "", SI), ERR_CMS_VERSION,
	    0 },
	{ "version 257", SIGNED("0101", SHA256, ENCAP, "", SI),
	    ERR_CMS_VERSION, 0 },
	{ "version of nothing", SIGNED("", SHA256, ENCAP, "", SI),
	    ERR_CMS_VERSION, 0 },
	{ "signer of version 0", SIGNED("01", SHA256, ENCAP, "",
	    SIGNER("00", SID, RSA)), ERR_CMS_VERSION, 0 },
	{ "no signer", SIGNED("01", SHA256, ENCAP, "", ""), ERR_SIGNERS, 0 },
	{ "two signers", SIGNED("01", SHA256, ENCAP, "", SI SI), ERR_SIGNERS,
	    0 },
	{ "signer is no sequence", SIGNED("01", SHA256, ENCAP, "", "05()"),
	    ERR_NOT_CMS, 0 },
	{ "signer is empty", SIGNED("01", SHA256, ENCAP, "", "30{}"),
	    ERR_NOT_CMS, 0 },
	{ "signer by text", SIGNED("01", SHA256, ENCAP, "", SIGNER("01",
	    "0c(61)", RSA)), ERR_NOT_CMS, 0 },
	{ "signature is a bit string", SIGNED("01", SHA256, ENCAP, "",
	    "30{02(01)" SID SHA256 RSA "03(00)}"), ERR_NOT_CMS, 0 },
	{ "signer with more", SIGNED("01", SHA256, ENCAP, "", "30{02(01)" SID
	    SHA256 RSA "04(00)a2{}}"), ERR_NOT_CMS, 0 },
	{ "content without wrap", SIGNED("01", SHA256, "30{" ID_DATA
	    "04(00)}", "", SI), ERR_NOT_CMS, 0 },
	{ "content is no octets", SIGNED("01", SHA256, "30{" ID_DATA
	    "a0{30{}}}", "", SI), ERR_NOT_CMS, 0 },
	{ "content twice", SIGNED("01", SHA256, "30{" ID_DATA
	    "a0{04()04()}}", "", SI), ERR_NOT_CMS, 0 },
	{ "content without type", SIGNED("01", SHA256, "30{a0{04(00)}}", "",
	    SI), ERR_NOT_CMS, 0 },
	{ "certificates behind crls", SIGNED("01", SHA256, ENCAP,
	    "a1{}a0{}", SI), ERR_NOT_CMS, 0 },
	{ "behind the signers", "30{06(2a864886f70d010702)a0{30{02(01)31{"
	    SHA256 "}" ENCAP "31{" SI "}05()}}}", ERR_NOT_CMS, 0 },
	{ "EnvelopedData", "30{06(2a864886f70d010703)a0{30{02(00)}}}",
	    ERR_NOT_CMS, 0 },
	{ "without content info", "30{02(01)31{" SHA256 "}}", ERR_NOT_CMS,
	    0 },
	{ "content info with more", "30{06(2a864886f70d010702)a0{30{}}05()}",
	    ERR_NOT_CMS, 0 },
	{ "two contents", "30{06(2a864886f70d010702)a0{30{}30{}}}",
	    ERR_NOT_CMS, 0 },
	{ "OID of nothing", "30{06()a0{30{}}}", ERR_NOT_CMS, 0 },
	{ "text", "0c(61)", ERR_NOT_CMS, 0 },
};

static void
test_signed(void **state)
{
	struct buf	 in = BUF_INIT(BER_CRAFT_MAX);

	(void)state;
	for (size_t i = 0; i < N(signeds); i++) {
		struct err	 e = ERR_INIT;
		enum alg	 got = ALG_MD5;
		int		 rc;

		buf_reset(&in);
		ber_craft(signeds[i].text, &in);
		rc = screen_signed(buf_bytes(&in), &got, &e);
		if (signeds[i].want != ERR_NONE) {
			assert_int_equal(rc, -1);
			assert_err(&e, signeds[i].want, NULL,
			    signeds[i].name);
			assert_int_equal(got, ALG_MD5);
		} else if (rc != 0 || got != signeds[i].signature)
			fail_msg("%s: %s", signeds[i].name, err_text(&e));
	}
	buf_wipe(&in);
}

/* ---- EnvelopedData ---- */

#define RID	"30{30{}02(01)}"
#define PKCS1	"30{06(2a864886f70d010101)05()}"
#define OAEP(params)	"30{06(2a864886f70d010107)" params "}"
#define KTRI(version, rid, alg)	"30{02(" version ")" rid alg "04(00)}"
#define KT	KTRI("00", RID, PKCS1)
#define KARI(alg) \
	"a1{02(03)a0{a1{30{06(2a8648ce3d0201)}03(00)}}a1{04(00)}" alg \
	"30{30{" RID "04(00)}}}"
#define ECDH	"30{06(2b8104010b01)30{06(60864801650304012d)}}"
#define IV	"000102030405060708090a0b0c0d0e0f"
#define AES	"30{06(60864801650304010204" ")04(" IV ")}"
#define AES128	"30{06(608648016503040102)04(" IV ")}"
#define ECI(alg, content)	"30{" ID_DATA alg content "}"
#define DATA	ECI(AES128, "80(00)")
#define SEALED(version, originator, recipients, eci) \
	"30{06(2a864886f70d010703)a0{30{02(" version ")" originator "31{" \
	recipients "}" eci "}}}"
#define SHA1_ID	"30{06(2b0e03021a)}"
#define MGF1	"06(2a864886f70d010108)"

static const struct {
	const char	*name;
	const char	*text;
	enum err_reason	 want;
} sealeds[] = {
	{ "plain", SEALED("00", "", KT, DATA), ERR_NONE },
	{ "by key identifier", SEALED("02", "", KTRI("02", "80(6964)", PKCS1),
	    DATA), ERR_NONE },
	{ "three recipients", SEALED("02", "", KT KT KARI(ECDH), DATA),
	    ERR_NONE },
	{ "originator, attributes", "30{06(2a864886f70d010703)a0{30{02(02)"
	    "a0{}31{" KT "}" DATA "a1{}}}}", ERR_NONE },
	{ "all lengths indefinite", "30<06(2a864886f70d010703)a0<30<02(00)"
	    "31<30<02(00)30<30<>02(01)>30<06(2a864886f70d010101)05()>24<"
	    "04(00)>>>30<" ID_DATA "30<06(608648016503040102)04(" IV ")>"
	    "a0<04(00)04(00)>>>>>", ERR_NONE },
	{ "OAEP by defaults", SEALED("00", "", KTRI("00", RID, OAEP("30{}")),
	    DATA), ERR_NONE },
	{ "OAEP spelled out", SEALED("00", "", KTRI("00", RID, OAEP("30{a0{"
	    SHA256 "}a1{30{" MGF1 SHA256 "}}a2{30{06(2a864886f70d010109)"
	    "04()}}}")), DATA), ERR_NONE },
	{ "OAEP without parameters", SEALED("00", "", KTRI("00", RID,
	    OAEP("")), DATA), ERR_KEY_TRANSPORT },
	{ "OAEP with NULL", SEALED("00", "", KTRI("00", RID, OAEP("05()")),
	    DATA), ERR_KEY_TRANSPORT },
	{ "OAEP with a label of nothing", SEALED("00", "", KTRI("00", RID,
	    OAEP("30{a2{30{06(2a864886f70d010109)}}}")), DATA),
	    ERR_KEY_TRANSPORT },
	{ "OAEP with MD5", SEALED("00", "", KTRI("00", RID, OAEP("30{a0{30{"
	    "06(2a864886f70d0205)}}}")), DATA), ERR_KEY_TRANSPORT },
	{ "OAEP, mask of nothing", SEALED("00", "", KTRI("00", RID,
	    OAEP("30{a1{30{" MGF1 "}}}")), DATA), ERR_KEY_TRANSPORT },
	{ "OAEP, mask with MD5", SEALED("00", "", KTRI("00", RID,
	    OAEP("30{a1{30{" MGF1 "30{06(2a864886f70d0205)}}}}")), DATA),
	    ERR_KEY_TRANSPORT },
	{ "OAEP, parameters disordered", SEALED("00", "", KTRI("00", RID,
	    OAEP("30{a1{30{" MGF1 SHA1_ID "}}a0{" SHA1_ID "}}")), DATA),
	    ERR_KEY_TRANSPORT },
	{ "RSA-KEM", SEALED("00", "", KTRI("00", RID,
	    "30{06(2a864886f70d010910030e)}"), DATA), ERR_KEY_TRANSPORT },
	{ "one of two is RSA-KEM", SEALED("00", "", KT KTRI("00", RID,
	    "30{06(2a864886f70d010910030e)}"), DATA), ERR_KEY_TRANSPORT },
	{ "agreement without wrap", SEALED("02", "",
	    KARI("30{06(2b8104010b01)}"), DATA), ERR_KEY_TRANSPORT },
	{ "cofactor agreement", SEALED("02", "",
	    KARI("30{06(2b8104010e01)30{06(60864801650304012d)}}"), DATA),
	    ERR_KEY_TRANSPORT },
	{ "agreement without keys", SEALED("02", "", "a1{02(03)a0{}" ECDH
	    "}", DATA), ERR_NOT_ENVELOPED },
	{ "agreement without originator", SEALED("02", "", "a1{02(03)" ECDH
	    "30{}}", DATA), ERR_NOT_ENVELOPED },
	{ "key encryption key", SEALED("02", "", "a2{02(04)}", DATA),
	    ERR_RECIPIENT_KIND },
	{ "password", SEALED("03", "", "a3{02(00)}", DATA),
	    ERR_RECIPIENT_KIND },
	{ "password beside ours", SEALED("03", "", KT "a3{02(00)}", DATA),
	    ERR_RECIPIENT_KIND },
	{ "other kind", SEALED("03", "", "a4{06(2a)}", DATA),
	    ERR_RECIPIENT_KIND },
	{ "recipient is text", SEALED("00", "", "0c(61)", DATA),
	    ERR_RECIPIENT_KIND },
	{ "no recipient", SEALED("00", "", "", DATA), ERR_RECIPIENT },
	{ "16 recipients", SEALED("00", "", KT KT KT KT KT KT KT KT KT KT KT
	    KT KT KT KT KT, DATA), ERR_NONE },
	{ "17 recipients", SEALED("00", "", KT KT KT KT KT KT KT KT KT KT KT
	    KT KT KT KT KT KT, DATA), ERR_STRUCTURE },
	{ "recipient of version 1", SEALED("00", "", KTRI("01", RID, PKCS1),
	    DATA), ERR_CMS_VERSION },
	{ "recipient with more", SEALED("00", "", "30{02(00)" RID PKCS1
	    "04(00)05()}", DATA), ERR_NOT_ENVELOPED },
	{ "version 1", SEALED("01", "", KT, DATA), ERR_CMS_VERSION },
	{ "version 4", SEALED("04", "", KT, DATA), ERR_CMS_VERSION },
	{ "AES-GCM in EnvelopedData", SEALED("00", "", KT, ECI("30{"
	    "06(608648016503040106)30{04(000102030405060708090a0b)}}",
	    "80(00)")), ERR_CIPHER },
	{ "single DES", SEALED("00", "", KT, ECI("30{06(2b0e030207)"
	    "04(0001020304050607)}", "80(00)")), ERR_CIPHER },
	{ "AES, OID too long", SEALED("00", "", KT, ECI(AES, "80(00)")),
	    ERR_CIPHER },
	{ "IV too short", SEALED("00", "", KT, ECI("30{"
	    "06(608648016503040102)04(00)}", "80(00)")), ERR_CIPHER },
	{ "IV too long", SEALED("00", "", KT, ECI("30{06(608648016503040102)"
	    "04(" IV IV ")}", "80(00)")), ERR_CIPHER },
	{ "IV in parts", SEALED("00", "", KT, ECI("30{06(608648016503040102)"
	    "24{04(" IV ")}}", "80(00)")), ERR_CIPHER },
	{ "no IV", SEALED("00", "", KT, ECI("30{06(608648016503040102)}",
	    "80(00)")), ERR_CIPHER },
	{ "3DES with its own IV", SEALED("00", "", KT, ECI("30{"
	    "06(2a864886f70d0307)04(0001020304050607)}", "80(00)")),
	    ERR_NONE },
	{ "encrypted SignedData", SEALED("00", "", KT, "30{06("
	    "2a864886f70d010702)" AES128 "80(00)}"), ERR_NOT_ENVELOPED },
	{ "no encrypted content", SEALED("00", "", KT, ECI(AES128, "")),
	    ERR_NOT_ENVELOPED },
	{ "encrypted content twice", SEALED("00", "", KT, ECI(AES128,
	    "80(00)80(00)")), ERR_NOT_ENVELOPED },
	{ "nothing behind the recipients", SEALED("00", "", KT, ""),
	    ERR_NOT_ENVELOPED },
	{ "behind the attributes", SEALED("00", "", KT, DATA "a1{}a1{}"),
	    ERR_NOT_ENVELOPED },
	{ "AuthEnvelopedData", "30{06(2a864886f70d0109100117)a0{30{02(00)}}}",
	    ERR_CIPHER },
	{ "SignedData", SIGNED("01", SHA256, ENCAP, "", SI),
	    ERR_NOT_ENVELOPED },
	{ "a request", "30{30{02(00)}" RSA "03(00)}", ERR_NOT_ENVELOPED },
};

static void
test_sealed(void **state)
{
	struct buf	 in = BUF_INIT(BER_CRAFT_MAX);

	(void)state;
	for (size_t i = 0; i < N(sealeds); i++) {
		struct err	 e = ERR_INIT;
		enum alg	 got = ALG_MD5;
		int		 rc;

		buf_reset(&in);
		ber_craft(sealeds[i].text, &in);
		rc = screen_sealed(buf_bytes(&in), algs, false, &got, &e);
		if (sealeds[i].want != ERR_NONE) {
			if (rc != -1)
				fail_msg("accepted: %s", sealeds[i].name);
			assert_err(&e, sealeds[i].want, NULL,
			    sealeds[i].name);
			assert_int_equal(got, ALG_MD5);
		} else if (rc != 0 || !algs_accept(algs, got))
			fail_msg("%s: %s", sealeds[i].name, err_text(&e));
	}
	buf_wipe(&in);
}

/* Only who waits for such a reply may be sent one. */
static void
test_password(void **state)
{
	struct buf	 in = BUF_INIT(BER_CRAFT_MAX);
	struct err	 e = ERR_INIT;
	enum alg	 got;

	(void)state;
	ber_craft(SEALED("03", "", "a3{02(00)}", DATA), &in);
	assert_int_equal(screen_sealed(buf_bytes(&in), algs, true, &got, &e),
	    0);
	assert_int_equal(got, ALG_AES128_CBC);
	buf_wipe(&in);
}

/* What an endpoint accepts is what the screen lets through. OAEP keeps SHA-1,
 * Windows knows no other, and never gets MD5. */
static void
test_endpoint(void **state)
{
	static const struct {
		const char	*text;
		enum err_reason	 want;
	} rows[] = {
#define OLD(oid) ECI("30{06(" oid ")04(0001020304050607)}", "80(00)")
#define WITH(params) SEALED("00", "", KTRI("00", RID, OAEP(params)), DATA)
		{ SEALED("00", "", KT, OLD("2b0e030207")), ERR_NONE },
		{ SEALED("00", "", KT, OLD("2a864886f70d0307")), ERR_CIPHER },
		{ WITH("30{}"), ERR_NONE },
		{ WITH("30{a0{" SHA1_ID "}}"), ERR_NONE },
		{ WITH("30{a1{30{" MGF1 SHA1_ID "}}}"), ERR_NONE },
		{ WITH("30{a0{30{06(2a864886f70d0205)}}}"),
		    ERR_KEY_TRANSPORT },
	};
	char		 a[] = "des", b[] = "md5", c[] = "3des", d[] = "sha1";
	char		*legacy[] = { a, b, NULL }, *refuse[] = { c, d, NULL };
	struct buf	 in = BUF_INIT(BER_CRAFT_MAX);
	struct algs	*old = NULL;
	enum alg	 got;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct err e = ERR_INIT;

		if (i == 0)
			assert_int_equal(algs_open_with(legacy, refuse, &old,
			    &e), 0);
		buf_reset(&in);
		ber_craft(rows[i].text, &in);
		(void)screen_sealed(buf_bytes(&in), old, false, &got, &e);
		assert_err(&e, rows[i].want, NULL, rows[i].text);
	}
	assert_int_equal(got, ALG_AES128_CBC);
	algs_free(old);
	buf_wipe(&in);
}

static void
test_sizes(void **state)
{
	uint8_t		*big = calloc(1, CMS_MAX_DER + 1);
	struct err	 e = ERR_INIT;
	enum alg	 got;

	(void)state;
	assert_int_equal(screen_signed(bytes_make(big, CMS_MAX_DER + 1), &got,
	    &e), -1);
	assert_err(&e, ERR_BODY_TOO_BIG, NULL, "signed");
	err_clear(&e);
	assert_int_equal(screen_sealed(bytes_make(big, CMS_MAX_DER + 1), algs,
	    false, &got, &e), -1);
	assert_err(&e, ERR_NOT_ENVELOPED, NULL, "sealed");
	free(big);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_ber),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_sealed),
		cmocka_unit_test(test_password),
		cmocka_unit_test(test_endpoint),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
