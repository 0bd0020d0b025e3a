#include "pki/ber_int.h"

/* Identifier and length of an element. */
struct head {
	uint8_t	 tag;
	bool	 open;		/* of indefinite length */
	size_t	 n;		/* octets of both */
	size_t	 length;	/* of the content, unless open */
};

/* False unless a whole element, or the begin of an open one, is there. */
static bool
read_head(struct bytes in, struct head *h)
{
	size_t i, octets;

	if (in.n < 2 || (in.p[0] & 0x1f) == 0x1f || in.p[0] == 0)
		return false;
	*h = (struct head){ .tag = in.p[0], .n = 2 };
	if (in.p[1] == 0x80) {
		h->open = true;
		return (h->tag & BER_CONSTRUCTED) != 0;
	}
	if (in.p[1] < 0x80) {
		h->length = in.p[1];
		return h->length <= in.n - 2;
	}
	octets = in.p[1] & 0x7fu;
	if (octets > 4 || octets > in.n - 2)
		return false;
	for (i = 0; i < octets; i++)
		h->length = h->length << 8 | in.p[2 + i];
	h->n += octets;
	return h->length <= in.n - h->n;
}

static bool
is_end(struct bytes in)
{
	return in.n >= 2 && in.p[0] == 0 && in.p[1] == 0;
}

/* The elements around the place where the walk is. */
struct nest {
	struct {
		bool	open;
		size_t	end;	/* it cannot reach further than this */
	} v[BER_MAX_DEPTH];
	size_t	n;
};

/* Leaves the elements that end at `at`; the new place. */
static size_t
leave(struct nest *in, struct bytes all, size_t at)
{
	while (in->n > 0) {
		if (!in->v[in->n - 1].open) {
			if (at != in->v[in->n - 1].end)
				break;
		} else {
			if (!is_end(bytes_make(all.p + at,
			    in->v[in->n - 1].end - at)))
				break;
			at += 2;
		}
		in->n--;
	}
	return at;
}

int
ber_check(struct bytes all, enum err_reason malformed,
    enum err_reason trailing, struct err *e)
{
	struct nest in = { .n = 0 };
	size_t at = 0, elements = 0, end;
	struct head h;

	if (all.n == 0) {
		err_set(e, malformed, "nothing");
		return -1;
	}
	do {
		end = in.n > 0 ? in.v[in.n - 1].end : all.n;
		if (!read_head(bytes_make(all.p + at, end - at), &h)) {
			err_set(e, malformed, "no ASN.1 at octet %zu", at);
			return -1;
		}
		if (++elements > BER_MAX_ELEMENTS || (in.n == BER_MAX_DEPTH &&
		    (h.tag & BER_CONSTRUCTED))) {
			err_set(e, ERR_STRUCTURE, "%s at octet %zu",
			    in.n == BER_MAX_DEPTH ? "too deep" :
			    "too many elements", at);
			return -1;
		}
		at += h.n;
		if (h.tag & BER_CONSTRUCTED) {
			in.v[in.n].open = h.open;
			in.v[in.n].end = h.open ? end : at + h.length;
			in.n++;
		} else
			at += h.length;
		at = leave(&in, all, at);
	} while (in.n > 0);
	if (at != all.n) {
		err_set(e, trailing, "%zu bytes behind it", all.n - at);
		return -1;
	}
	return 0;
}

/* The octets up to the end mark of an open element; false if there is none. */
static bool
find_end(struct bytes in, size_t *length)
{
	size_t at = 0, open = 1;
	struct head h;

	for (;;) {
		if (is_end(bytes_make(in.p + at, in.n - at))) {
			if (--open == 0)
				break;
			at += 2;
			continue;
		}
		if (!read_head(bytes_make(in.p + at, in.n - at), &h))
			return false;
		at += h.n;
		if (h.open)
			open++;
		else
			at += h.length;
	}
	*length = at;
	return true;
}

bool
ber_next(struct bytes *at, struct ber *out)
{
	struct bytes in = *at;
	struct head h;
	size_t mark = 0;

	if (!read_head(in, &h))
		return false;
	if (h.open) {
		if (!find_end(bytes_make(in.p + h.n, in.n - h.n), &h.length))
			return false;
		mark = 2;
	}
	out->tag = h.tag;
	out->body = bytes_make(in.p + h.n, h.length);
	mark += h.n + h.length;
	*at = bytes_make(in.p + mark, in.n - mark);
	return true;
}

bool
ber_take(struct bytes *at, uint8_t tag, struct ber *out)
{
	return at->n > 0 && at->p[0] == tag && ber_next(at, out);
}
