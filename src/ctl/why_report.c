/*
 * One decision, for people or programs: what came of it and why, what was known
 * and asked, and what became of it later.
 */
#include <stdio.h>

#include "ctl/ctl_int.h"
#include "pki/crl.h"
#include "render/text.h"
#include "util/clock.h"

#define MALFORMED	"malformed in the store: how it came to that cannot "	\
			"be told"

int
why_read(struct why *y, const struct audit *row, struct err *e)
{
	struct err	 why = { .reason = ERR_NONE };

	y->row = row;
	if (row->trail == NULL ||
	    trail_read(bytes_str(row->trail), &y->trail, &why) == 0)
		return 0;
	y->malformed = why.reason == ERR_STORE;
	if (y->malformed)
		return 0;
	err_set(e, why.reason, "%s", why.text);
	return -1;
}

/* The step that refused, where one did. */
static bool
refusal(const struct trail *t, struct trail_step *out)
{
	struct trail_step	 s;
	bool			 found = false;
	size_t			 i;

	for (i = 0; t != NULL && trail_get_step(t, i, &s); i++)
		if (s.reason != NULL) {
			*out = s;
			found = true;
		}
	return found;
}

static const char *
serial_of(const struct why *y, char out[LEDGER_SERIAL])
{
	ledger_serial(bytes_make(y->fate.serial, y->fate.n_serial), out);
	return out;
}

/* ---- as text ---- */

/* The reason in words, what was wrong in detail, and its name in the log. */
static int
put_reason(const struct why *y, struct buf *out)
{
	struct trail_step	 s;
	enum err_reason		 reason = err_named(y->row->reason);

	if (buf_printf(out, ": %s", err_what(reason)) != 0 ||
	    (refusal(y->trail, &s) && *s.detail != '\0' &&
	    (buf_puts(out, ": ") != 0 ||
	    text_line(bytes_str(s.detail), out) != 0)))
		return -1;
	return buf_printf(out, " (%s)", err_slug(reason));
}

static int
put_untold(const struct why *y, struct buf *out)
{
	char	 serial[LEDGER_SERIAL];

	if (y->fate.issued)
		return buf_printf(out, "issued %s; how it came to that was "
		    "not kept", serial_of(y, serial));
	if (*y->fate.reason != '\0')
		return buf_printf(out, "%s: %s (%s); how it came to that was "
		    "not kept", y->fate.state,
		    err_what(err_named(y->fate.reason)), y->fate.reason);
	return buf_printf(out, "%s; how it came to that was not kept",
	    y->fate.state);
}

static int
put_told(const struct why *y, struct buf *out)
{
	const struct audit	*a = y->row;
	char			 serial[LEDGER_SERIAL];

	if (strcmp(a->outcome, AUDIT_ISSUED) == 0)
		return buf_printf(out, "issued %s", serial_of(y, serial));
	if (strcmp(a->outcome, AUDIT_PENDING) == 0)
		return buf_puts(out, "waits for an operator");
	if (a->reason != NULL)
		return buf_printf(out, "%s", a->outcome) != 0 ? -1 :
		    put_reason(y, out);
	if (buf_printf(out, "%s by operator ", a->outcome) != 0)
		return -1;
	return text_line(bytes_str(a->who), out);
}

static int
put_headline(const struct why *y, struct buf *out)
{
	char	 when[CLOCK_TEXT_MAX];

	clock_text(y->row != NULL ? y->row->when : y->fate.created, when);
	if (buf_printf(out, "%s  ", when) != 0 ||
	    (y->row != NULL ? put_told(y, out) : put_untold(y, out)) != 0)
		return -1;
	return buf_putc(out, '\n');
}

static int
put_advice(const struct why *y, struct buf *out)
{
	if (y->row == NULL || y->row->reason == NULL)
		return 0;
	return advice_lines(err_named(y->row->reason), y->trail, out);
}

int
why_headline(const struct why *y, struct buf *out)
{
	if (put_headline(y, out) != 0 || put_advice(y, out) != 0)
		return -1;
	return y->malformed ? ctl_put_line(out, "trail", MALFORMED) : 0;
}

/* Where no trail has them. */
static int
put_facts(const struct why *y, struct buf *out)
{
	const struct audit	*a = y->row;

	if (ctl_put_line(out, "endpoint", a != NULL ? a->endpoint :
	    y->fate.endpoint) != 0 ||
	    ctl_put_line(out, "transaction_id", a != NULL ? a->txid :
	    y->fate.txid) != 0)
		return -1;
	return a != NULL ? 0 : ctl_put_line(out, "peer", y->fate.peer);
}

static int
put_certificate(const struct why *y, struct buf *out)
{
	const struct audit_fate	*f = &y->fate;
	char			 serial[LEDGER_SERIAL];

	if (!f->issued)
		return 0;
	if (ctl_put_line(out, "certificate", serial_of(y, serial)) != 0 ||
	    ctl_put_time(out, "issued at", f->issued_at) != 0 ||
	    ctl_put_time(out, "not after", f->not_after) != 0)
		return -1;
	if (f->revoked && (ctl_put_time(out, "revoked at",
	    f->revoked_at) != 0 || ctl_put_line(out, "revoked for",
	    crl_reason_name(f->revoke_reason)) != 0))
		return -1;
	if (f->n_next == 0)
		return 0;
	ledger_serial(bytes_make(f->next, f->n_next), serial);
	return ctl_put_line(out, "superseded by", serial) != 0 ? -1 :
	    ctl_put_time(out, "superseded at", f->next_at);
}

int
why_state(const struct why *y, struct buf *out)
{
	const char	*state = y->fate.state;
	char		 text[96];

	if (strcmp(state, "pending") == 0)
		(void)snprintf(text, sizeof(text), "waits: scepctl pending "
		    "approve %lld, or reject", (long long)y->txn);
	else if (strcmp(state, "approved") == 0)
		(void)snprintf(text, sizeof(text), "approved; issued when the "
		    "device asks again");
	else
		(void)snprintf(text, sizeof(text), "%s", state);
	return ctl_put_line(out, "state now", text);
}

static int
put_fate(const struct why *y, struct buf *out)
{
	if (y->txn == 0)
		return 0;
	if (why_state(y, out) != 0)
		return -1;
	return put_certificate(y, out);
}

int
why_text(const struct why *y, struct buf *out)
{
	if (why_headline(y, out) != 0 || (y->trail == NULL ?
	    put_facts(y, out) : ctl_trail_facts(y->trail, out)) != 0 ||
	    put_fate(y, out) != 0 ||
	    (y->trail != NULL && ctl_trail_steps(y->trail, out) != 0))
		return -1;
	return y->signs == NULL ? 0 : why_signed_text(y->signs, out);
}

/* ---- as JSON ---- */

static struct json *
certificate(const struct why *y)
{
	const struct audit_fate	*f = &y->fate;
	struct json		*d = json_new_object();
	char			 serial[LEDGER_SERIAL];

	json_add_str(d, "serial", serial_of(y, serial));
	json_add_time(d, "issued_at", f->issued_at);
	json_add_time(d, "not_after", f->not_after);
	json_add_time_if(d, "revoked_at", f->revoked, f->revoked_at);
	json_add_str(d, "revoke_reason", f->revoked ?
	    crl_reason_name(f->revoke_reason) : NULL);
	ledger_serial(bytes_make(f->next, f->n_next), serial);
	json_add_str(d, "superseded_by", f->n_next > 0 ? serial : NULL);
	json_add_time_if(d, "superseded_at", f->n_next > 0, f->next_at);
	why_signed_add(d, y->signs);
	return d;
}

static struct json *
transaction(const struct why *y)
{
	const struct audit_fate	*f = &y->fate;
	struct json		*d = json_new_object();

	json_add_int(d, "id", y->txn);
	json_add_str(d, "state", f->state);
	json_add_str(d, "reason", *f->reason != '\0' ? f->reason : NULL);
	json_add_time(d, "created", f->created);
	json_add_time_if(d, "finished", f->finished != 0, f->finished);
	return d;
}

static void
add_row(struct json *d, const struct audit *a, const struct trail *t)
{
	enum err_reason	 reason = err_named(a->reason);
	bool		 bad = a->reason != NULL;

	json_add_time(d, "at", a->when);
	json_add_str(d, "endpoint", a->endpoint);
	json_add_str(d, "transaction_id", a->txid);
	json_add_str(d, "outcome", a->outcome);
	json_add_str(d, "reason", a->reason);
	json_add_str(d, "what", bad ? err_what(reason) : NULL);
	advice_add(d, bad ? reason : ERR_NONE, t);
	json_add_str(d, "who", a->who);
}

static void
add_untold(struct json *d, const struct audit_fate *f)
{
	json_add_time(d, "at", f->created);
	json_add_str(d, "endpoint", f->endpoint);
	json_add_str(d, "transaction_id", f->txid);
	json_add_str(d, "outcome", NULL);
	json_add_str(d, "reason", NULL);
	json_add_str(d, "what", NULL);
	json_add_str(d, "advice", NULL);
	json_add_str(d, "who", f->peer);
}

struct json *
why_json(const struct why *y)
{
	struct json	*d = json_new_object();

	if (y->row != NULL)
		add_row(d, y->row, y->trail);
	else
		add_untold(d, &y->fate);
	if (y->trail != NULL)
		json_add_take(d, "trail", trail_json(y->trail));
	else
		json_add_str(d, "trail", NULL);
	json_add_bool(d, "trail_malformed", y->malformed);
	if (y->txn != 0)
		json_add_take(d, "transaction", transaction(y));
	else
		json_add_str(d, "transaction", NULL);
	if (y->fate.issued)
		json_add_take(d, "certificate", certificate(y));
	else
		json_add_str(d, "certificate", NULL);
	return d;
}
