/*
 * What scepctl policy test says: how the decision came about, and what would
 * come of it.
 */
#include "ctl/ctl_int.h"
#include "policy/profile.h"
#include "render/pki.h"
#include "scep/msg.h"
#include "service/rehearse.h"
#include "util/clock.h"

static const char *const ends[] = {
	[REHEARSAL_ISSUED] = "issued",
	[REHEARSAL_WAITS] = "pending",
	[REHEARSAL_REFUSED] = "refused",
};

/* ---- as text ---- */

/* One more behind what there is. */
static int
add_to(struct buf *out, const char *word)
{
	return out->n > 0 && buf_putc(out, ' ') != 0 ? -1 :
	    buf_puts(out, word);
}

static int
put_ku(struct buf *out, unsigned ku)
{
	unsigned	 bit;
	int		 rc = 0;

	for (bit = 1; rc == 0 && cert_ku_name(bit) != NULL; bit <<= 1)
		if ((ku & bit) != 0)
			rc = add_to(out, cert_ku_name(bit));
	return rc;
}

static int
put_eku(struct buf *out, char *const *eku)
{
	int	 rc = 0;

	for (; rc == 0 && eku != NULL && *eku != NULL; eku++)
		rc = add_to(out, *eku);
	return rc;
}

static int
put_exts(struct buf *out, const struct cert *c)
{
	struct cert_ext	 ext[CERT_EXTS_MAX];
	size_t		 i, n = cert_exts(c, ext, CERT_EXTS_MAX);
	int		 rc = 0;

	for (i = 0; rc == 0 && i < n; i++)
		rc = add_to(out, ext[i].name);
	return rc;
}

static int
put_words(struct buf *out, const char *name, struct buf *words)
{
	int	 rc = ctl_put_line(out, name, words->n == 0 ? "none" :
		    buf_cstr(words));

	buf_wipe(words);
	return rc;
}

static int
put_cert(const struct rehearsal *r, struct buf *out)
{
	struct buf	 sans = BUF_INIT(CTL_TEXT_MAX);
	struct buf	 ku = BUF_INIT(CTL_TEXT_MAX);
	struct buf	 eku = BUF_INIT(CTL_TEXT_MAX);
	struct buf	 ext = BUF_INIT(CTL_TEXT_MAX);
	int		 rc = 0;

	rc |= sans_put(&r->sans, " ", &sans);
	rc |= put_ku(&ku, r->cert->ku);
	rc |= put_eku(&eku, r->eku);
	rc |= put_exts(&ext, r->cert);
	rc |= ctl_put_line(out, "subject", r->awaits ? "made of facts that the "
	    "validator is to answer" : r->cert->subject_text);
	rc |= put_words(out, "sans", &sans);
	rc |= ctl_put_time(out, "not before", r->cert->not_before);
	rc |= ctl_put_time(out, "not after", r->cert->not_after);
	rc |= put_words(out, "key usage", &ku);
	rc |= put_words(out, "ext key usage", &eku);
	rc |= put_words(out, "extensions", &ext);
	if (*r->surplus != '\0')
		rc |= ctl_put_line(out, "left out", r->surplus);
	return rc;
}

static int
put_granted(const struct rehearsal *r, struct buf *out)
{
	int	 rc = 0;

	rc |= ctl_put_line(out, "profile", r->profile != NULL ? r->profile :
	    "gone; only if the validator names another, by which it goes");
	rc |= buf_printf(out, "%-14s %s%s\n", "issuer", r->issuer,
	    r->elsewhere ? ", whose program is asked and may refuse" : "");
	if (r->validator != NULL)
		rc |= buf_printf(out, "%-14s %s would be asked first, and may "
		    "refuse or change it\n", "validator", r->validator);
	rc |= ctl_put_line(out, "renews", r->renews ? "the certificate that "
	    "signs" : "nothing");
	rc |= ctl_put_line(out, "spends", r->spends ? "a use of its challenge" :
	    "nothing");
	return rc == 0 ? put_cert(r, out) : -1;
}

static int
put_refused(const struct rehearsal *r, struct buf *out)
{
	const char	*failinfo = advice_failinfo(r->why.reason);
	int		 rc = 0;

	rc |= ctl_put_line(out, "reason", err_slug(r->why.reason));
	rc |= ctl_put_line(out, "what is wrong", r->why.text);
	if (failinfo != NULL)
		rc |= buf_printf(out, "%-14s %s: %s\n", "client reads",
		    failinfo, err_what(r->why.reason));
	else
		rc |= buf_printf(out, "%-14s HTTP %d: %s\n", "client reads",
		    err_http(r->why.reason), err_what(r->why.reason));
	rc |= advice_lines(r->why.reason, r->trail, out);
	return rc;
}

static int
put_report(const struct policy_report *p, struct buf *out)
{
	static const char *const words[] = {
		[REHEARSAL_ISSUED] = "would be issued",
		[REHEARSAL_WAITS] = "would wait for an operator",
		[REHEARSAL_REFUSED] = "would be refused",
	};
	const struct rehearsal	*r = p->result;
	bool			 asks = r->end != REHEARSAL_REFUSED &&
				    r->validator != NULL;

	if (ctl_trail_facts(r->trail, out) != 0 ||
	    buf_putc(out, '\n') != 0 ||
	    ctl_trail_steps(r->trail, out) != 0 ||
	    buf_printf(out, "\n%-14s %s", "outcome", words[r->end]) != 0 ||
	    (asks && buf_printf(out, " if %s agrees", r->validator) != 0) ||
	    buf_putc(out, '\n') != 0)
		return -1;
	return r->end == REHEARSAL_REFUSED ? put_refused(r, out) :
	    put_granted(r, out);
}

int
policy_report_text(const struct policy_report *p, struct err *e)
{
	struct buf	 out = BUF_INIT(CTL_TEXT_MAX);

	return ctl_print(put_report(p, &out), &out, e);
}

/* ---- as JSON ---- */

static struct json *
exts_json(const struct cert *c)
{
	struct json	*a = json_new_array(), *d;
	struct cert_ext	 ext[CERT_EXTS_MAX];
	size_t		 i, n = cert_exts(c, ext, CERT_EXTS_MAX);

	for (i = 0; i < n; i++) {
		d = json_new_object();
		json_add_str(d, "oid", ext[i].oid);
		json_add_str(d, "name", ext[i].name);
		json_add_bool(d, "critical", ext[i].critical);
		json_add_take(a, NULL, d);
	}
	return a;
}

static struct json *
cert_json(const struct rehearsal *r)
{
	struct json	*d = json_new_object();

	json_add_str(d, "subject", r->awaits ? NULL : r->cert->subject_text);
	json_add_take(d, "sans", json_new_sans(&r->sans));
	json_add_time(d, "not_before", r->cert->not_before);
	json_add_time(d, "not_after", r->cert->not_after);
	json_add_take(d, "key_usage", json_new_ku(r->cert->ku));
	json_add_take(d, "extended_key_usage", json_new_words(r->eku));
	json_add_take(d, "extensions", exts_json(r->cert));
	json_add_int(d, "names_dropped", (int64_t)r->dropped);
	json_add_str(d, "surplus", r->surplus);
	return d;
}

static void
add_granted(struct json *d, const struct rehearsal *r)
{
	json_add_str(d, "profile", r->profile);
	json_add_str(d, "issuer", r->issuer);
	json_add_bool(d, "issuer_decides", r->elsewhere);
	json_add_str(d, "validator", r->validator);
	json_add_bool(d, "renews", r->renews);
	json_add_bool(d, "spends_challenge", r->spends);
	json_add_take(d, "certificate", cert_json(r));
}

static void
add_refused(struct json *d, const struct rehearsal *r)
{
	json_add_str(d, "reason", err_slug(r->why.reason));
	json_add_str(d, "what", err_what(r->why.reason));
	json_add_str(d, "detail", r->why.text);
	json_add_str(d, "step", r->step);
	json_add_str(d, "fail_info", advice_failinfo(r->why.reason));
	if (advice_failinfo(r->why.reason) == NULL)
		json_add_int(d, "http_status", err_http(r->why.reason));
	advice_add(d, r->why.reason, r->trail);
}

int
policy_report_json(const struct policy_report *p, struct err *e)
{
	const struct rehearsal	*r = p->result;
	struct json		*d = json_new_object();

	json_add_str(d, "outcome", ends[r->end]);
	json_add_str(d, "endpoint", p->endpoint);
	json_add_str(d, "message_type", scep_type_name(p->renewal ?
	    SCEP_RENEWALREQ : SCEP_PKCSREQ));
	json_add_time(d, "at", p->at);
	if (r->end == REHEARSAL_REFUSED)
		add_refused(d, r);
	else
		add_granted(d, r);
	json_add_take(d, "trail", trail_json(r->trail));
	return ctl_print_json(d, e);
}
