/*
 * A request target and, behind a newline, a body: taken apart as http and scep
 * do.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "http/target.h"
#include "scep/op.h"

#define MESSAGE_MAX	4096

static void
read_message(const struct scep_query *q, struct bytes body)
{
	struct buf der = BUF_INIT(MESSAGE_MAX);
	struct err e = { .reason = ERR_NONE };

	if ((scep_message(body, q, &der, &e) == -1) !=
	    (e.reason != ERR_NONE) || der.n > MESSAGE_MAX)
		fuzz_broken("message");
	buf_wipe(&der);
}

static void
read_query(const char *query, bool post, struct bytes body)
{
	struct err e = { .reason = ERR_NONE };
	struct scep_query q;
	int rc = scep_query_parse(query, post, MESSAGE_MAX, &q, &e);

	if ((rc == -1) != (e.reason != ERR_NONE) ||
	    q.message.n > MESSAGE_MAX)
		fuzz_broken("query");
	if (rc == 0)
		read_message(&q, body);
	scep_query_clear(&q);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *end = n == 0 ? NULL : memchr(data, '\n', n);
	size_t n_target = end == NULL ? n : (size_t)(end - data);
	struct bytes body = bytes_make("", 0);
	struct err e = { .reason = ERR_NONE };
	struct http_target t;
	char *text;

	if ((text = malloc(n_target + 1)) == NULL)
		return 0;
	if (n_target > 0)
		memcpy(text, data, n_target);
	text[n_target] = '\0';
	if (end != NULL)
		body = bytes_make(end + 1, n - n_target - 1);
	if (http_target_parse(text, &t, &e) == 0) {
		if (t.path[0] != '/')
			fuzz_broken("path");
		read_query(t.query, false, body);
		read_query(t.query, true, body);
	}
	free(text);
	return 0;
}
