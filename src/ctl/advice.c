/*
 * What an operator can do about a refusal: one sentence for each reason of
 * err.def that a device's request ends with.
 */
#include "ctl/ctl_int.h"

static const struct {
	enum err_reason	 reason;
	const char	*text;
} advice[] = {
	{ ERR_DISABLED, "set enabled = true at the endpoint" },
	{ ERR_LOCKED, "wait, or end it with: scepctl lockout clear" },
	{ ERR_DIGEST, "have the device use SHA-256, or change the endpoint's "
	    "legacy or refuse" },
	{ ERR_SIGNATURE_ALG, "have the device sign with another algorithm, or "
	    "change the endpoint's legacy or refuse" },
	{ ERR_CIPHER, "have the device use AES, or change the endpoint's "
	    "legacy or refuse" },
	{ ERR_SIGNER_KEY, "have the device use another key, or add its type to "
	    "the profile's key_types" },
	{ ERR_CSR_SIGNATURE, "make the request anew: it was changed after it "
	    "was signed, or its key cannot be verified with" },
	{ ERR_CSR_KEY, "have the device make another key, or change the "
	    "profile's key_types, rsa_min, rsa_max, ec_curves or ku" },
	{ ERR_CHALLENGE_MISSING, "give the device a challenge of the endpoint, "
	    "or set approval = \"manual\" and decide yourself" },
	{ ERR_CHALLENGE_WRONG, "compare what was typed in at the device with "
	    "what it was given, or make it another one: scepctl challenge "
	    "add" },
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
	    "challenge takes, or make another challenge" },
	{ ERR_CHALLENGE_SUBJECT, "have the device ask for a name that the "
	    "challenge's subject patterns take, or make another challenge" },
	{ ERR_CHALLENGE_SAN, "have the device ask for names that the "
	    "challenge's san patterns take, or make another challenge" },
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
	{ ERR_SUBJECT_PATTERN, "have the device ask for another subject, or "
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
	{ ERR_TXN_REVOKED, "have the device ask anew" },
	{ ERR_REJECTED, "an operator said so; have the device ask anew" },
	{ ERR_PENDING_FULL, "decide about some that wait: scepctl pending "
	    "list" },
	{ ERR_PENDING_STRANGER, "decide about some that wait (scepctl pending "
	    "list), or give the device a challenge" },
	{ ERR_RENEWAL_SIGNER, "have the device enroll anew, with a challenge; "
	    "for one of another server, name its CA in renew.trusted" },
	{ ERR_RENEWAL_OFF, "set renew.allowed = true at the endpoint, or have "
	    "the device enroll anew" },
	{ ERR_RENEWAL_AUTHORITY, "have the device sign with its own "
	    "certificate" },
	{ ERR_RENEWAL_REVOKED, "find out why it was revoked, then have the "
	    "device enroll anew, with a challenge" },
	{ ERR_RENEWAL_SUCCESSOR, "find out why that one was revoked, then have "
	    "the device enroll anew, with a challenge" },
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
	    "or change the endpoint's renew.names" },
	{ ERR_VALIDATOR_REFUSED, "ask who runs the validator" },
	{ ERR_VALIDATOR, "see why the validator does not answer" },
	{ ERR_VALIDATOR_ANSWER, "mend the validator's answer" },
	{ ERR_ISSUER_REFUSED, "ask who runs the issuer" },
	{ ERR_ISSUER, "see why the issuer does not answer" },
	{ ERR_ISSUER_ANSWER, "mend what the issuer makes" },
	{ ERR_CA_EXPIRED, "issue that certificate again, or replace the CA: "
	    "scepctl ca rollover" },
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

const char *
advice_failinfo(enum err_reason reason)
{
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
