/*
 * What a certificate signed: renewals that were refused, above all, for who has
 * the certificate of a device that does not renew.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_int.h"

#define INDENT	"    "

/* ---- reading ---- */

struct reading {
	struct db		*db;
	struct why_signed	*s;
	struct err		*e;
};

static int
on_row(const struct audit *a, void *arg)
{
	struct reading		*r = arg;
	struct why_signed	*s = r->s;
	struct why		*y = &s->v[s->n];

	if ((s->row[s->n] = audit_copy(a)) == NULL) {
		err_set(r->e, ERR_MEMORY, "list of decisions");
		return -1;
	}
	*y = (struct why){ .txn = a->txn };
	s->n++;
	if (a->txn != 0 && audit_fate(r->db, a->txn, &y->fate, r->e) != 0)
		return -1;
	if (why_read(y, s->row[s->n - 1], r->e) != 0)
		return -1;
	s->n_malformed += y->malformed;
	return s->n == WHY_SIGNED_MAX ? 1 : 0;
}

int
why_signed_read(struct db *db, int64_t row, struct why_signed *s,
    struct err *e)
{
	const struct audit_filter	 f = { .signer = row };
	struct reading			 r = { .db = db, .s = s, .e = e };
	int64_t				 n;

	*s = (struct why_signed){ .n = 0 };
	if (audit_each(db, &f, on_row, &r, e) == -1 ||
	    audit_signed(db, row, &n, e) == -1)
		return -1;
	/* The last ones of them may be gone by then. */
	if (n > (int64_t)s->n)
		s->more = n - (int64_t)s->n;
	return 0;
}

void
why_signed_free(struct why_signed *s)
{
	while (s->n > 0) {
		s->n--;
		trail_free(s->v[s->n].trail);
		free(s->row[s->n]);
	}
}

/* ---- showing ---- */

static int
put_one(const struct why *y, struct buf *out)
{
	if (why_headline(y, out) != 0 ||
	    ctl_put_line(out, "endpoint", y->row->endpoint) != 0 ||
	    ctl_put_line(out, "transaction_id", y->row->txid) != 0)
		return -1;
	/* Of the others, the headline says it. */
	return strcmp(y->row->outcome, AUDIT_PENDING) != 0 ? 0 :
	    why_state(y, out);
}

static int
put_indented(const char *text, struct buf *out)
{
	size_t	 n;

	for (; *text != '\0'; text += n) {
		n = strcspn(text, "\n");
		n += text[n] == '\n';
		if (buf_puts(out, INDENT) != 0 ||
		    buf_put(out, text, n) != 0)
			return -1;
	}
	return 0;
}

int
why_signed_text(const struct why_signed *s, struct buf *out)
{
	struct buf	 one = BUF_INIT(CTL_TEXT_MAX);
	int		 rc = 0;
	size_t		 i;

	if (s->n == 0)
		return buf_puts(out, "requests it signed: none that is "
		    "kept\n");
	rc = buf_puts(out, "requests it signed, the newest first; \"scepctl "
	    "why\" explains each\n");
	for (i = 0; rc == 0 && i < s->n; i++) {
		buf_reset(&one);
		rc = put_one(&s->v[i], &one);
		if (rc == 0)
			rc = put_indented(buf_cstr(&one), out);
	}
	if (rc == 0 && s->more > 0)
		rc = buf_printf(out, INDENT "(and %lld before)\n",
		    (long long)s->more);
	buf_wipe(&one);
	return rc;
}

void
why_signed_add(struct json *d, const struct why_signed *s)
{
	struct json	*a;
	size_t		 i;

	if (s == NULL) {
		json_add_str(d, "signed", NULL);
		json_add_str(d, "signed_more", NULL);
		return;
	}
	a = json_new_array();
	for (i = 0; i < s->n; i++)
		json_add_take(a, NULL, why_json(&s->v[i]));
	json_add_take(d, "signed", a);
	json_add_int(d, "signed_more", s->more);
}
