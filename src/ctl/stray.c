/*
 * scepctl list --stray: what a CA elsewhere made and was not issued, or may have
 * made, for whoever is to revoke it there.
 */
#include <string.h>

#include "ctl/ctl_int.h"
#include "pki/cert.h"
#include "render/text.h"
#include "store/stray.h"
#include "util/clock.h"

/* c NULL: nobody knows whether there is one. */
static int
put_json(const struct stray *s, const struct cert *c, struct ctl_list *l)
{
	struct json	*d = json_new_object();
	struct buf	 pem = BUF_INIT(CTL_TEXT_MAX);
	char		 serial[LEDGER_SERIAL];
	int		 rc = c == NULL ? 0 : cert_pem(c, &pem, l->e);

	ledger_serial(s->serial, serial);
	json_add_bool(d, "possible", c == NULL);
	json_add_str(d, "serial", serial);
	json_add_str(d, "subject", c == NULL ? s->subject : c->subject_text);
	json_add_time_if(d, "not_before", c != NULL, c == NULL ? 0 :
	    c->not_before);
	json_add_time_if(d, "not_after", c != NULL, c == NULL ? 0 :
	    c->not_after);
	json_add_time(d, "made_at", s->when);
	json_add_str(d, "why", s->why);
	json_add_str(d, "issuer", s->issuer);
	json_add_str(d, "endpoint", s->endpoint);
	json_add_str(d, "transaction_id", s->txid);
	json_add_str(d, "challenge", s->challenge);
	json_add_str(d, "peer", s->peer);
	if (c != NULL)
		json_add_bytes(d, "pem", buf_bytes(&pem));
	else
		json_add_str(d, "pem", NULL);
	if (rc == 0)
		rc = ctl_list_json(l, d);
	else
		json_free(d);
	buf_wipe(&pem);
	return rc;
}

/* The second line: what to find it by where its number is not known. */
static int
put_asked(const struct stray *s, bool possible, struct buf *out)
{
	char	 when[CLOCK_TEXT_MAX];

	clock_text(s->when, when);
	if (buf_printf(out, "    asked for %s, transaction ", when) != 0 ||
	    text_line(bytes_str(s->txid), out) != 0)
		return -1;
	return buf_puts(out, possible ? "; may have another serial number at "
	    "the CA\n" : "\n");
}

static int
put_row(const struct stray *s, const struct cert *c, struct buf *out)
{
	char	 serial[LEDGER_SERIAL], until[CLOCK_TEXT_MAX] = "possible";
	int	 rc;

	ledger_serial(s->serial, serial);
	if (c != NULL)
		clock_text(c->not_after, until);
	rc = buf_printf(out, "%-40s  %-20s  %-15s  ", serial, until,
	    s->issuer);
	if (rc == 0)
		rc = text_line(bytes_str(c == NULL ? s->subject :
		    c->subject_text), out);
	if (rc == 0)
		rc = buf_puts(out, "  ");
	if (rc == 0)
		rc = text_line(bytes_str(s->why), out);
	if (rc == 0)
		rc = buf_putc(out, '\n');
	return rc == 0 ? put_asked(s, c == NULL, out) : rc;
}

static int
on_stray(const struct stray *s, void *arg)
{
	struct ctl_list	*l = arg;
	struct cert	*c = NULL;
	int		 rc;

	if (s->der.n > 0 && cert_parse(s->der, &c, l->e) != 0)
		return -1;
	rc = l->json ? put_json(s, c, l) :
	    ctl_list_text(l, put_row(s, c, &l->out));
	cert_free(c);
	return rc;
}

int
stray_print(struct db *db, bool json, struct err *e)
{
	struct ctl_list	 l = {
		.json = json, .out = BUF_INIT(CTL_TEXT_MAX), .e = e
	};
	int		 rc = 0;

	if (!json)
		rc = ctl_full(buf_printf(&l.out, "%-40s  %-20s  %-15s  %s\n",
		    "SERIAL", "NOT AFTER", "ISSUER", "SUBJECT, WHY"), e);
	if (rc == 0)
		rc = stray_each(db, on_stray, &l, e);
	return ctl_list_close(&l, rc);
}

struct wanted {
	char	 serial[LEDGER_SERIAL];
	bool	 found;
};

static int
on_wanted(const struct stray *s, void *arg)
{
	struct wanted	*w = arg;
	char		 serial[LEDGER_SERIAL];

	ledger_serial(s->serial, serial);
	w->found = w->found || strcmp(serial, w->serial) == 0;
	return 0;
}

int
stray_point(const struct ctl_call *call, struct db *db, struct err *e)
{
	struct buf	 serial = BUF_INIT(PKI_SERIAL_MAX + 1);
	struct wanted	 w = { .found = false };
	int		 rc = 0;

	if (ledger_parse_serial(call->operand, &serial) == 0) {
		ledger_serial(buf_bytes(&serial), w.serial);
		rc = stray_each(db, on_wanted, &w, e);
	}
	if (w.found)
		ctl_note(call, "a CA elsewhere made it, or may have, and it "
		    "was not issued: see scepctl list --stray");
	buf_wipe(&serial);
	return rc;
}
