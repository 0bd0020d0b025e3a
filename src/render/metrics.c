#include <inttypes.h>
#include <string.h>

#include "render/metrics.h"
#include "render/text.h"

#define VALUE_MAX	1024	/* a label's text; the rest is left out */

int
metrics_family(const char *name, enum metrics_kind kind, const char *help,
    struct buf *out)
{
	return buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help,
	    name, kind == METRICS_COUNTER ? "counter" : "gauge");
}

/* Between its quotes; the three characters that cannot stand there. */
static int
put_escaped(struct bytes text, struct buf *out)
{
	static const char special[] = "\\\"\n", letter[] = "\\\"n";
	const char *s;
	size_t i;
	int rc = 0;

	for (i = 0; i < text.n && rc == 0; i++) {
		s = text.p[i] == '\0' ? NULL : strchr(special, text.p[i]);
		rc = s == NULL ? buf_put(out, &text.p[i], 1) :
		    buf_printf(out, "\\%c", letter[s - special]);
	}
	return rc;
}

static int
put_label(const struct metrics_label *l, const char *before, struct buf *out)
{
	struct buf clean = BUF_INIT(3 * VALUE_MAX);
	int rc;

	rc = buf_printf(out, "%s%s=\"", before, l->name) == 0 &&
	    text_utf8(bytes_make(l->value, strnlen(l->value, VALUE_MAX)),
	    &clean) == 0 && put_escaped(buf_bytes(&clean), out) == 0 &&
	    buf_printf(out, "\"") == 0 ? 0 : -1;
	buf_wipe(&clean);
	return rc;
}

int
metrics_sample(const char *name, const struct metrics_label *labels, size_t n,
    int64_t value, struct buf *out)
{
	size_t i;

	if (buf_printf(out, "%s", name) == -1)
		return -1;
	for (i = 0; i < n; i++)
		if (put_label(&labels[i], i == 0 ? "{" : ",", out) == -1)
			return -1;
	return buf_printf(out, "%s %" PRId64 "\n", n > 0 ? "}" : "", value);
}
