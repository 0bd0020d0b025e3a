#include <string.h>

#include "scep/op.h"
#include "util/str.h"

/* Operation names, exact; older names of the same thing are rows too. */
static const struct {
	const char	*name;
	enum scep_op	 op;
} ops[] = {
	{ "GetCACaps",	  SCEP_OP_CAPS },
	{ "GetCACert",	  SCEP_OP_CACERT },
	{ "GetCACertChain", SCEP_OP_CACERT },
	{ "GetNextCACert", SCEP_OP_NEXTCA },
	{ "PKIOperation", SCEP_OP_PKI },
};

const char *
scep_op_name(enum scep_op op)
{
	size_t i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (ops[i].op == op)
			return ops[i].name;
	return "unknown";
}

/* Percent-decodes; '+' stays '+', a NUL is refused. */
static int
decode(struct bytes in, struct buf *out, struct err *e)
{
	int c, hi, lo;
	size_t i;

	for (i = 0; i < in.n; i++) {
		c = in.p[i];
		if (c == '%') {
			if (in.n - i < 3 ||
			    (hi = str_hex_value(in.p[i + 1])) == -1 ||
			    (lo = str_hex_value(in.p[i + 2])) == -1) {
				err_set(e, ERR_QUERY, "%% without two hex "
				    "digits");
				return -1;
			}
			c = hi << 4 | lo;
			i += 2;
		}
		if (c == '\0') {
			err_set(e, ERR_QUERY, "NUL in a parameter");
			return -1;
		}
		if (buf_putc(out, c) == -1) {
			err_set(e, ERR_BODY_TOO_BIG, "message of more than "
			    "%zu bytes in the query", out->max);
			return -1;
		}
	}
	return 0;
}

/* The first parameter of this name, still encoded. */
static bool
find(const char *query, const char *name, struct bytes *value)
{
	size_t n, n_name = strlen(name);

	for (; query != NULL && *query != '\0';
	    query += n + (query[n] != '\0')) {
		n = strcspn(query, "&");
		if (n > n_name && query[n_name] == '=' &&
		    strncmp(query, name, n_name) == 0) {
			*value = bytes_make(query + n_name + 1,
			    n - n_name - 1);
			return true;
		}
	}
	return false;
}

static int
find_op(const char *query, bool post, enum scep_op *op, struct err *e)
{
	struct buf name = BUF_INIT(64);
	struct bytes value;
	size_t i;
	int rc = -1;

	if (!find(query, "operation", &value) || value.n == 0) {
		*op = SCEP_OP_PKI;
		if (post)
			return 0;
		err_set(e, ERR_OPERATION, "no operation in the query");
		return -1;
	}
	if (value.n <= name.max && decode(value, &name, e) == -1)
		goto out;
	for (i = 0; rc == -1 && i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strcmp(ops[i].name, buf_cstr(&name)) == 0) {
			*op = ops[i].op;
			rc = 0;
		}
	if (rc == -1)
		err_set(e, ERR_OPERATION, "operation %.64s", buf_cstr(&name));
out:
	buf_wipe(&name);
	return rc;
}

/* The other operations take any message, or none: clients send CA names,
 * "default" and counters. What makes no sense is none. */
static void
take_name(struct bytes value, struct scep_query *out)
{
	struct err e = { .reason = ERR_NONE };

	out->has_message = decode(value, &out->message, &e) == 0;
	if (!out->has_message)
		buf_reset(&out->message);
}

int
scep_query_parse(const char *query, bool post, size_t max_message,
    struct scep_query *out, struct err *e)
{
	struct bytes value;

	memset(out, 0, sizeof(*out));
	buf_init(&out->message, max_message);
	if (find_op(query, post, &out->op, e) == -1)
		return -1;
	if (!find(query, "message", &value))
		return 0;
	if (out->op != SCEP_OP_PKI) {
		take_name(value, out);
		return 0;
	}
	out->has_message = true;
	return decode(value, &out->message, e);
}

void
scep_query_clear(struct scep_query *q)
{
	buf_wipe(&q->message);
}

/* A message in DER or BER begins with a SEQUENCE; in base64 with 'M'. */
static int
unarmour(struct bytes in, struct buf *der, struct err *e)
{
	if (str_unbase64_lenient(in, der) == -1) {
		err_set(e, ERR_BASE64, "%zu bytes", in.n);
		return -1;
	}
	return 0;
}

int
scep_message(struct bytes body, const struct scep_query *q, struct buf *der,
    struct err *e)
{
	if (body.n > 0 && body.p[0] == 'M')
		return unarmour(body, der, e);
	if (body.n > 0) {
		if (buf_put(der, body.p, body.n) == 0)
			return 0;
		err_set(e, ERR_BODY_TOO_BIG, "%zu bytes", body.n);
		return -1;
	}
	if (q->message.n > 0)
		return unarmour(buf_bytes(&q->message), der, e);
	err_set(e, ERR_NO_MESSAGE, "%s", q->has_message ?
	    "message is empty" : "neither body nor message");
	return -1;
}
