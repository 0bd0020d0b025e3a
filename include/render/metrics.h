/*
 * Figures in the text format that Prometheus reads (version 0.0.4). All append
 * to out; -1 when it is full.
 */
#ifndef RENDER_METRICS_H
#define RENDER_METRICS_H

#include <stdint.h>

#include "util/buf.h"

enum metrics_kind { METRICS_COUNTER, METRICS_GAUGE };

struct metrics_label {
	const char	*name;
	const char	*value;		/* any text: made valid UTF-8, escaped */
};

/* What the samples behind it are: once for each name, before its first. */
int	 metrics_family(const char *name, enum metrics_kind, const char *help,
	    struct buf *out);
int	 metrics_sample(const char *name, const struct metrics_label *,
	    size_t n, int64_t value, struct buf *out);

#endif
