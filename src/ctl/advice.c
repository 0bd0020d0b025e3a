/*
 * What an operator can do about a refusal: one sentence for each reason of
 * err.def that a device's request ends with. {FACT} in it is replaced by that
 * fact of the trail.
 */
#include <string.h>

#include "ctl/ctl_int.h"
#include "render/text.h"

#define LATER	"nothing: the device tries again; "
#define MESSAGE	"look at the device's software: its message is not as SCEP "	\
		"wants it"
#define FAULT	"see the log of scepd: the fault is here, and the device tries "\
		"again"

static const struct {
	enum err_reason	 reason;
	const char	*text;
} advice[] = {
	{ ERR_DISABLED, "set enabled = true at the endpoint" },
	{ ERR_BUSY, LATER "if it lasts, raise pipeline.workers or pipeline.queue" },
	{ ERR_LOCKED, "find out what guesses there; wait, or end it with: "
	    "scepctl lockout clear {peer}" },
	{ ERR_RATIONED, "nothing: it may guess again within abuse.delay_max, "
	    "and what it got by a certificate or a challenge that scepctl "
	    "made passes; find out what guesses at {peer}" },
	{ ERR_STOPPING, LATER "start scepd again" },
	{ ERR_NOT_CMS, MESSAGE },
	{ ERR_TRAILING, MESSAGE },
	{ ERR_STRUCTURE, MESSAGE },
	{ ERR_CMS_VERSION, MESSAGE },
	{ ERR_NO_DIGESTS, MESSAGE },
	{ ERR_SIGNERS, "have the device sign its message once: it has no "
	    "signer, or several" },
	{ ERR_NO_ATTRIBUTES, MESSAGE },
	{ ERR_NO_TXID, MESSAGE },
	{ ERR_ATTRIBUTE, MESSAGE },
	{ ERR_NO_SIGNER_CERT, "have the device send the certificate that it "
	    "signs with" },
	{ ERR_CONTENT_TYPE, MESSAGE },
	{ ERR_SIGNATURE, "see whether the device signs with the key of the "
	    "certificate that it sends, and whether a proxy changes its "
	    "messages" },
	{ ERR_MESSAGE_TYPE, "have the device ask with a PKCSReq or a "
	    "RenewalReq; for an UpdateReq, set update = true at the "
	    "endpoint" },
	{ ERR_DIGEST, "have the device use SHA-256, or change the endpoint's "
	    "legacy or refuse" },
	{ ERR_SIGNATURE_ALG, "have the device sign with another algorithm, or "
	    "change the endpoint's legacy or refuse" },
	{ ERR_CIPHER, "have the device use AES, or change the endpoint's "
	    "legacy or refuse" },
	{ ERR_SIGNER_KEY, "have the device use another key, or add its type to "
	    "the profile's key_types" },
	{ ERR_KEY_TRANSPORT, "have the device envelope its request another "
	    "way, or change the endpoint's legacy or refuse" },
	{ ERR_NOT_ENVELOPED, MESSAGE },
	{ ERR_RECIPIENT, "have the device fetch the certificates anew "
	    "(GetCACert): it kept an RA or CA certificate that is none any "
	    "more, or is of another endpoint" },
	{ ERR_RECIPIENT_KIND, "have the device envelope its request for the "
	    "RA's certificate, and for nothing else" },
	{ ERR_INTEGRITY, "have the device fetch the certificates anew "
	    "(GetCACert) and ask again; if it lasts, " MESSAGE },
	{ ERR_CSR_DER, "look at the device's software: what it enveloped is "
	    "no certificate request" },
	{ ERR_CSR, "look at the device's software: its certificate request "
	    "has parts that contradict each other, or are not accepted" },
	{ ERR_CSR_SIGNATURE, "make the request anew: it was changed after it "
	    "was signed, or its key cannot be verified with" },
	{ ERR_CSR_KEY, "have the device make another key, or change the "
	    "profile's key_types, rsa_min, rsa_max, ec_curves or ku" },
	{ ERR_CHALLENGE_MISSING, "give the device a challenge of the endpoint, "
	    "or set approval = \"manual\" and decide yourself" },
	{ ERR_CHALLENGE_WRONG, "compare what was typed in at the device with "
	    "what it was given; or it was removed, or belongs to another "
	    "endpoint (scepctl challenge list); or make another one: scepctl "
	    "challenge add" },
	{ ERR_CHALLENGE_ENDPOINT, "send the device to the challenge's own "
	    "endpoint, or add the challenge to this one" },
	{ ERR_CHALLENGE_DISABLED, "use it again with scepctl challenge enable, "
	    "or make another one" },
	{ ERR_CHALLENGE_NOT_YET, "wait, or make another one" },
	{ ERR_CHALLENGE_EXPIRED, "make another one: scepctl challenge add" },
	{ ERR_CHALLENGE_SPENT, "make another one, or one with more uses: "
	    "scepctl challenge add --uses" },
	{ ERR_CHALLENGE_PROFILE, "bring the profile back into scepd.conf, or "
	    "make a challenge with another" },
	{ ERR_CHALLENGE_KEY, "have the device make a key of a type that the "
	    "challenge takes, or make another challenge: scepctl challenge "
	    "show {challenge}" },
	{ ERR_CHALLENGE_SUBJECT, "have the device ask for a name that the "
	    "challenge's subject patterns take, or make another challenge: "
	    "scepctl challenge show {challenge}" },
	{ ERR_CHALLENGE_SAN, "have the device ask for names that the "
	    "challenge's san patterns take, or make another challenge: "
	    "scepctl challenge show {challenge}" },
	{ ERR_REPLY_SECRET, "give the device a challenge of 16 characters or "
	    "more, or have it sign with an RSA key" },
	{ ERR_KEY_TAKEN, "have the device make a key of its own" },
	{ ERR_KEY_COMPROMISED, "have the device make a new key" },
	{ ERR_KEY_MISMATCH, "have the device sign with the key of its request, "
	    "or set signer_key = \"any\" at the endpoint" },
	{ ERR_SUBJECT, "have the device ask for another subject, or change the "
	    "profile's subject or empty_subject" },
	{ ERR_SAN, "have the device ask for other names, or change the "
	    "profile's san" },
	{ ERR_FACT_MISSING, "make a challenge that has the fact (scepctl "
	    "challenge add --fact), have the validator answer it, or change "
	    "the profile's subject" },
	{ ERR_SUBJECT_PATTERN, "have the device ask for another subject, give "
	    "its challenge another name or fact if it is made of those, or "
	    "change the profile's subject_patterns" },
	{ ERR_SAN_PATTERN, "have the device ask for other names, or change the "
	    "profile's san_patterns" },
	{ ERR_SAN_REQUIRED, "have the device ask for a name of that kind, or "
	    "take it out of the profile's san_required" },
	{ ERR_SURPLUS, "have the device ask for less, or set surplus = \"drop\" "
	    "in the profile" },
	{ ERR_MAX_ACTIVE, "revoke one of the subject's certificates, or raise "
	    "the profile's max_active" },
	{ ERR_DUPLICATE_KEY, "have the device make a new key, or change the "
	    "profile's duplicate_key" },
	{ ERR_TXN_LIVE, "decide about the one that waits: scepctl pending "
	    "list" },
	{ ERR_TXN_UNKNOWN, "have the device ask anew: it polls for what was "
	    "never asked here, or is of another endpoint" },
	{ ERR_TXN_KEY, "have the device ask anew, with a transactionID of its "
	    "own: this one belongs to another key" },
	{ ERR_TXN_ENDED, "have the device ask anew; why it ended is told "
	    "above, or by: scepctl pending list" },
	{ ERR_TXN_REVOKED, "have the device ask anew" },
	{ ERR_REJECTED, "an operator said so; have the device ask anew" },
	{ ERR_PENDING_EXPIRED, "have the device ask anew, and decide sooner "
	    "(scepctl pending list), or raise "
	    "transaction.pending_expire" },
	{ ERR_PENDING_FULL, "decide about some that wait: scepctl pending "
	    "list" },
	{ ERR_PENDING_STRANGER, "decide about some that wait (scepctl pending "
	    "list), or give the device a challenge" },
	{ ERR_RENEWAL_SIGNER, "have the device enroll anew, with a challenge; "
	    "for one of another server, name its CA in renew.trusted" },
	{ ERR_RENEWAL_STRAY, "find out how the device came by what was made and "
	    "never issued (scepctl list --stray), and revoke it where it was "
	    "made; have the device enroll anew, with a challenge" },
	{ ERR_RENEWAL_OFF, "set renew.allowed = true at the endpoint, or have "
	    "the device enroll anew" },
	{ ERR_RENEWAL_AUTHORITY, "have the device sign with its own "
	    "certificate" },
	{ ERR_RENEWAL_REVOKED, "find out why it was revoked, then have the "
	    "device enroll anew, with a challenge" },
	{ ERR_RENEWAL_SUCCESSOR, "find out why that one was revoked, then have "
	    "the device enroll anew, with a challenge" },
	{ ERR_RENEWAL_MANY, "find out why it renews so often, then have the "
	    "device enroll anew, with a challenge" },
	{ ERR_RENEWAL_COMPROMISED, "have the device enroll anew, with a new key "
	    "and a challenge" },
	{ ERR_RENEWAL_NOT_YET, "compare the clocks" },
	{ ERR_RENEWAL_EXPIRED, "have the device enroll anew, with a challenge, "
	    "or raise the endpoint's renew.grace" },
	{ ERR_RENEWAL_SUPERSEDED, "have the device use the certificate that "
	    "took its place, or enroll anew" },
	{ ERR_RENEWAL_EARLY, "wait, or change the endpoint's renew.window" },
	{ ERR_RENEWAL_KEY_OLD, "have the device make a new key, or change the "
	    "endpoint's renew.key" },
	{ ERR_RENEWAL_KEY_NEW, "have the device keep its key, or change the "
	    "endpoint's renew.key" },
	{ ERR_RENEWAL_KEY_REUSE, "have the device make a new key, or raise the "
	    "endpoint's renew.key_reuse" },
	{ ERR_RENEWAL_PROFILE, "bring the profile back into scepd.conf, or "
	    "enroll the device anew with a challenge" },
	{ ERR_RENEWAL_NAMES, "have the device ask for the names that it has, "
	    "or, where it is \"as the validator wants it\", have the validator "
	    "answer in a renewal the names that the old certificate has, or "
	    "none; for a new name or subject it enrolls anew, with a challenge "
	    "(renew.names = \"subset\" only lets it leave names out)" },
	{ ERR_VALIDATOR_REFUSED, "ask who runs the validator" },
	{ ERR_VALIDATOR, "see why the validator does not answer" },
	{ ERR_VALIDATOR_ANSWER, "mend the validator's answer: it may not "
	    "change what waits for approval (approval = \"manual\"), facts "
	    "apart, so there let it answer no subject, names, sid, profile "
	    "or validity, or issue without an operator" },
	{ ERR_CERT_ID, "compare issuer and serial number with scepctl list" },
	{ ERR_NO_CRL, "see whether the issuer makes a CRL" },
	{ ERR_ISSUER_REFUSED, "ask who runs the issuer" },
	{ ERR_ISSUER, "see why the issuer does not answer: run its program by "
	    "hand as the user of scepd, and read what it says (runuser -u "
	    "scepd -- PROGRAM </dev/null; scepd.conf(5) tells what it is "
	    "given)" },
	{ ERR_ISSUER_CUT, "look at the CA for what it made at "
	    "{" TRAIL_MAYBE_AT "}, by the serial number {" TRAIL_MAYBE "}, "
	    "and, as it may have another one there, by the subject and that "
	    "time; revoke it there (scepctl list --stray); then have the "
	    "device ask anew, with another challenge where a use of its own "
	    "is gone" },
	{ ERR_ISSUER_ANSWER, "mend what the issuer makes" },
	{ ERR_CA_EXPIRED, "issue that certificate again, or replace the CA: "
	    "scepctl ca rollover" },
	{ ERR_STORE, FAULT },
	{ ERR_STORE_CONFLICT, FAULT },
	{ ERR_MEMORY, FAULT },
	{ ERR_CRYPTO, FAULT },
	{ ERR_INTERNAL, FAULT },
	{ ERR_CONFIG, "mend scepd.conf, or the challenge" },
};

const char *
advice_for(enum err_reason reason)
{
	size_t	 i;

	for (i = 0; i < sizeof(advice) / sizeof(advice[0]); i++)
		if (advice[i].reason == reason)
			return advice[i].text;
	return NULL;
}

/* The fact whose name stands between the braces at `at`; or NULL. */
static const char *
fact(const struct trail *t, const char *at, size_t n)
{
	const char	*key, *value;
	size_t		 i;

	for (i = 0; t != NULL && trail_get_fact(t, i, &key, &value); i++)
		if (strlen(key) == n && memcmp(key, at, n) == 0)
			return value;
	return NULL;
}

static int
put_filled(const char *text, const struct trail *t, struct buf *out)
{
	const char	*value;
	size_t		 n;

	while (*text != '\0') {
		n = strcspn(text, "{");
		if (buf_put(out, text, n) != 0)
			return -1;
		text += n;
		if (*text == '\0')
			break;
		n = strcspn(++text, "}");
		value = fact(t, text, n);
		if (value != NULL ? text_line(bytes_str(value), out) != 0 :
		    buf_puts(out, "...") != 0)
			return -1;
		text += n + 1;
	}
	return 0;
}

int
advice_put(enum err_reason reason, const struct trail *t, struct buf *out)
{
	const char	*text = advice_for(reason);

	if (reason == ERR_RENEWAL_SIGNER && fact(t, TRAIL_ELSEWHERE,
	    strlen(TRAIL_ELSEWHERE)) != NULL)
		text = "have the device renew where its certificate was "
		    "issued, at " CONF_SCEP "/{" TRAIL_ELSEWHERE "}";
	if (text == NULL)
		return 0;
	if (put_filled(text, t, out) != 0)
		return -1;
	if (fact(t, TRAIL_STRAY, strlen(TRAIL_STRAY)) != NULL &&
	    put_filled("; and revoke what was made where it was made (scepctl "
	    "list --stray): {" TRAIL_STRAY "}", t, out) != 0)
		return -1;
	if (reason == ERR_ISSUER_CUT ||
	    fact(t, TRAIL_MAYBE, strlen(TRAIL_MAYBE)) == NULL)
		return 0;
	return put_filled("; and look at the CA for what it may have made "
	    "(scepctl list --stray): {" TRAIL_MAYBE "}, or another serial "
	    "number that it gave", t, out);
}

int
advice_lines(enum err_reason reason, const struct trail *t, struct buf *out)
{
	struct buf	 text = BUF_INIT(CTL_TEXT_MAX);
	int		 rc = ctl_trail_put_renewal(t, out);

	if (rc == 0)
		rc = advice_put(reason, t, &text);
	if (rc == 0 && text.n > 0)
		rc = ctl_put_line(out, "what to do", buf_cstr(&text));
	buf_wipe(&text);
	return rc;
}

void
advice_add(struct json *d, enum err_reason reason, const struct trail *t)
{
	struct buf	 text = BUF_INIT(CTL_TEXT_MAX);

	json_add_str(d, "advice", advice_put(reason, t, &text) == 0 &&
	    text.n > 0 ? buf_cstr(&text) : NULL);
	buf_wipe(&text);
}

const char *
advice_failinfo(enum err_reason reason)
{
	/* So that the device comes again: see answer_failure() of the
	 * service. */
	if (err_http(reason) == 429)
		return NULL;
	switch (err_failinfo(reason)) {
	case FAIL_BADALG:
		return "badAlg";
	case FAIL_BADMESSAGECHECK:
		return "badMessageCheck";
	case FAIL_BADREQUEST:
		return "badRequest";
	case FAIL_BADTIME:
		return "badTime";
	case FAIL_BADCERTID:
		return "badCertId";
	default:
		return NULL;
	}
}
