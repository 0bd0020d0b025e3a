/*
 * scepctl why: how it came that a device got a certificate, or none.
 */
#include <stdlib.h>

#include "ctl/ctl_int.h"

enum { ENDPOINT, JSON, DB };

static const struct ctl_opt opts[] = {
	[ENDPOINT] = { "endpoint", "NAME", "only at this endpoint" },
	[JSON] = { "json", NULL, "print JSON" },
	[DB] = { "db", "FILE", "the store; otherwise the configuration's" },
};

/* A decision: a row of the audit trail, or a transaction that has none. */
struct entry {
	int64_t	 when;
	int64_t	 row;	/* 0: there is none */
	int64_t	 txn;	/* 0: it came to none */
};

struct search {
	const char	*endpoint;	/* NULL: all */
	struct db	*db;
	struct entry	*v;
	size_t		 n, size;
	int64_t		*txns;
	size_t		 n_txns, txns_size;
	bool		 has_row;	/* the transaction looked at */
	size_t		 n_malformed;	/* trails */
	bool		 by_serial;	/* a certificate was found so */
	struct err	*e;
};

/* One more place in an array of n; NULL: no memory. */
static void *
grow(void *v, size_t n, size_t *size, size_t each, struct err *e)
{
	size_t	 more = *size == 0 ? 16 : 2 * *size;
	void	*p = v;

	if (n < *size)
		return v;
	if ((p = reallocarray(v, more, each)) == NULL)
		err_set(e, ERR_MEMORY, "list of decisions");
	else
		*size = more;
	return p;
}

static int
add_entry(struct search *s, const struct entry *entry)
{
	struct entry	*v = grow(s->v, s->n, &s->size, sizeof(*v), s->e);

	if (v == NULL)
		return -1;
	s->v = v;
	s->v[s->n++] = *entry;
	return 0;
}

/* ---- finding ---- */

static int
on_txn(int64_t id, void *arg)
{
	struct search	*s = arg;
	int64_t		*v;
	size_t		 i;

	for (i = 0; i < s->n_txns; i++)
		if (s->txns[i] == id)
			return 0;
	v = grow(s->txns, s->n_txns, &s->txns_size, sizeof(*v), s->e);
	if (v == NULL)
		return -1;
	s->txns = v;
	s->txns[s->n_txns++] = id;
	return 0;
}

static int
on_issued(const struct issued *row, void *arg)
{
	struct search	*s = arg;

	if (s->endpoint != NULL && strcmp(s->endpoint, row->endpoint) != 0)
		return 0;
	s->by_serial = true;
	return on_txn(row->txn, s);
}

/* Rows of transactions are found by these. */
static int
on_refusal(const struct audit *a, void *arg)
{
	return a->txn != 0 ? 0 : add_entry(arg, &(struct entry){
	    .when = a->when, .row = a->id });
}

static int
on_row(const struct audit *a, void *arg)
{
	struct search	*s = arg;

	s->has_row = true;
	return add_entry(s, &(struct entry){ .when = a->when, .row = a->id,
	    .txn = a->txn });
}

static int
add_txn(struct search *s, int64_t txn)
{
	const struct audit_filter	 f = { .txn = txn };
	struct audit_fate		 fate;

	s->has_row = false;
	if (audit_each(s->db, &f, on_row, s, s->e) != 0)
		return -1;
	if (s->has_row)
		return 0;
	if (audit_fate(s->db, txn, &fate, s->e) != 0)
		return -1;
	return add_entry(s, &(struct entry){ .when = fate.created,
	    .txn = txn });
}

/* Oldest first. */
static int
compare(const void *a, const void *b)
{
	const struct entry	*x = a, *y = b;

	if (x->when != y->when)
		return x->when < y->when ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

static int
find(struct search *s, const char *operand)
{
	const struct audit_filter	 f = {
		.endpoint = s->endpoint, .txid = operand
	};
	struct buf			 serial = BUF_INIT(PKI_SERIAL_MAX + 1);
	int				 rc;
	size_t				 i;

	rc = audit_each(s->db, &f, on_refusal, s, s->e);
	if (rc == 0)
		rc = audit_txns(s->db, s->endpoint, operand, on_txn, s, s->e);
	if (rc == 0 && ledger_parse_serial(operand, &serial) == 0)
		rc = ledger_find(s->db, buf_bytes(&serial), on_issued, s,
		    s->e);
	for (i = 0; rc == 0 && i < s->n_txns; i++)
		rc = add_txn(s, s->txns[i]);
	buf_wipe(&serial);
	if (rc == 0 && s->n > 0)
		qsort(s->v, s->n, sizeof(*s->v), compare);
	return rc;
}

/* ---- showing ---- */

struct showing {
	struct search	*s;
	bool		 json;
	size_t		 nth;
	struct why	 y;
	struct buf	 out;
};

static int
show(struct showing *h)
{
	struct json	*d;
	int		 rc;

	if (!h->json) {
		if (h->nth++ > 0 && buf_putc(&h->out, '\n') != 0)
			return ctl_full(-1, h->s->e);
		return ctl_full(why_text(&h->y, &h->out), h->s->e);
	}
	d = why_json(&h->y);
	rc = json_list_item(h->nth++, d, &h->out, h->s->e);
	json_free(d);
	return rc;
}

static int
on_audit(const struct audit *a, void *arg)
{
	struct showing	*h = arg;
	int		 rc;

	if (why_read(&h->y, a, h->s->e) != 0)
		return -1;
	h->s->n_malformed += h->y.malformed;
	rc = show(h);
	trail_free(h->y.trail);
	return rc;
}

/* What a certificate signed belongs to its last decision. */
static bool
is_last(const struct search *s, const struct entry *entry)
{
	const struct entry	*next = entry + 1;

	for (; next < s->v + s->n; next++)
		if (next->txn == entry->txn)
			return false;
	return true;
}

static int
show_entry(struct showing *h, const struct entry *entry)
{
	struct search		*s = h->s;
	struct why_signed	 signs = { .n = 0 };
	int			 rc = 0;

	h->y = (struct why){ .txn = entry->txn };
	if (entry->txn != 0 &&
	    audit_fate(s->db, entry->txn, &h->y.fate, s->e) != 0)
		return -1;
	if (s->by_serial && h->y.fate.issued && is_last(s, entry)) {
		h->y.signs = &signs;
		rc = why_signed_read(s->db, h->y.fate.row, &signs, s->e);
		s->n_malformed += signs.n_malformed;
	}
	if (rc == 0)
		rc = entry->row == 0 ? show(h) :
		    audit_one(s->db, entry->row, on_audit, h, s->e);
	why_signed_free(&signs);
	return rc != 0 ? rc : ctl_flush(&h->out, s->e);
}

static int
show_all(struct search *s, bool json)
{
	struct showing	 h = {
		.s = s, .json = json, .out = BUF_INIT(CTL_TEXT_MAX)
	};
	int		 rc = 0;
	size_t		 i;

	for (i = 0; rc == 0 && i < s->n; i++)
		rc = show_entry(&h, &s->v[i]);
	if (rc == 0 && json)
		rc = ctl_list_end(h.nth, &h.out, s->e);
	if (rc == 0)
		rc = ctl_flush(&h.out, s->e);
	buf_wipe(&h.out);
	return rc;
}

static int
missing(const struct ctl_call *call, struct db *db, struct err *e)
{
	const char	*name = call->opt[ENDPOINT];
	bool		 known = true;

	if (name != NULL && ledger_has_endpoint(call, call->opt[DB], db, name,
	    &known, e) != 0)
		return -1;
	if (!known) {
		ctl_note(call, "no endpoint is named \"%s\"", name);
		return 0;
	}
	ctl_note(call, "nothing is kept of a transaction or a certificate %s: "
	    "a refusal shows a second or two later; see the log of scepd, for "
	    "old refusals too", call->operand);
	return stray_point(call, db, e);
}

static enum ctl_exit
run(const struct ctl_call *call)
{
	struct err	 e = { .reason = ERR_NONE };
	struct search	 s = { .endpoint = call->opt[ENDPOINT], .e = &e };
	int		 rc;

	rc = ledger_open(call, call->opt[DB], db_open_reader, &s.db, &e);
	if (rc == 0)
		rc = find(&s, call->operand);
	if (rc == 0 && s.n > 0)
		rc = show_all(&s, call->opt[JSON] != NULL);
	else if (rc == 0)
		rc = missing(call, s.db, &e);
	db_close(s.db);
	free(s.v);
	free(s.txns);
	if (rc != 0)
		return ctl_fail(call, &e);
	if (s.n_malformed > 0) {
		ctl_note(call, "of %zu decisions, %zu are malformed in the "
		    "store", s.n, s.n_malformed);
		return CTL_FAILED;
	}
	return s.n > 0 ? CTL_OK : CTL_NOT_FOUND;
}

const struct ctl_cmd cmd_why = {
	.noun = "why",
	.operand = "TXID|SERIAL",
	.reads_conf = true,
	.summary = "explain what was decided, and why",
	.about =
	    "Shows what was decided about the requests of this transactionID,\n"
	    "newest last, or what led to the certificate with this serial number\n"
	    "(hex): each rule that was asked, what it looked at, and the one that\n"
	    "refused; then what became of the requests that it signed, as renewals.\n"
	    "Exits 3 if nothing is known of it.",
	.opts = opts,
	.n_opts = sizeof(opts) / sizeof(opts[0]),
	.run = run
};
