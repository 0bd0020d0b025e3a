#include <string.h>

#include "service/window_int.h"

static void
shift(uint32_t v[WINDOW_SLICES], size_t n)
{
	memmove(v + n, v, (WINDOW_SLICES - n) * sizeof(v[0]));
	memset(v, 0, n * sizeof(v[0]));
}

void
window_move(struct window *w, int64_t length, int64_t now)
{
	int64_t slice = length / WINDOW_SLICES, n;

	if (now < w->begin)
		w->begin = now;
	n = (now - w->begin) / slice;
	if (n >= WINDOW_SLICES) {
		memset(w, 0, sizeof(*w));
		w->begin = now;
		return;
	}
	shift(w->failed, (size_t)n);
	shift(w->fine, (size_t)n);
	w->begin += n * slice;
}

int64_t
window_sum(const uint32_t v[WINDOW_SLICES])
{
	int64_t n = 0;
	size_t i;

	for (i = 0; i < WINDOW_SLICES; i++)
		n += v[i];
	return n;
}
