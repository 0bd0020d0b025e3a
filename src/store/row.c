/*
 * What a statement found, copied: into one piece of memory, or into what the
 * caller has.
 */
#include <stdlib.h>
#include <string.h>

#include "store/store_int.h"

/* A text is read as its bytes, here and below: that takes no memory, so that
 * only the copy can fail. */
static const void *
column(sqlite3_stmt *st, int i, size_t *n)
{
	const void *p = sqlite3_column_blob(st, i);

	*n = (size_t)sqlite3_column_bytes(st, i);
	return p;
}

static size_t
size_of(sqlite3_stmt *st)
{
	size_t n = 0;
	int i, type;

	for (i = 0; i < sqlite3_column_count(st); i++) {
		type = sqlite3_column_type(st, i);
		if (type == SQLITE_TEXT || type == SQLITE_BLOB)
			n += (size_t)sqlite3_column_bytes(st, i);
		n++;	/* the NUL behind it */
	}
	return n;
}

int
row_begin(struct row *r, sqlite3_stmt *st, const char *what, struct err *e)
{
	uint8_t *mem = malloc(size_of(st));

	if (mem == NULL) {
		err_set(e, ERR_MEMORY, "%s", what);
		return -1;
	}
	*r = (struct row){ .st = st, .mem = mem, .at = mem };
	return 0;
}

static uint8_t *
copy(struct row *r, int i, size_t *n)
{
	const void *p = column(r->st, i, n);
	uint8_t *start = r->at;

	if (*n > 0)
		memcpy(start, p, *n);
	start[*n] = '\0';
	r->at += *n + 1;
	return start;
}

char *
row_text(struct row *r, int i)
{
	size_t n;

	if (sqlite3_column_type(r->st, i) == SQLITE_NULL)
		return NULL;
	return (char *)copy(r, i, &n);
}

struct bytes
row_blob(struct row *r, int i)
{
	size_t n;
	const uint8_t *p = copy(r, i, &n);

	return bytes_make(p, n);
}

int
row_put_text(sqlite3_stmt *st, int i, char *out, size_t size)
{
	size_t n, most = size - 1;
	const void *p = column(st, i, &n);

	if (n > 0)
		memcpy(out, p, n < most ? n : most);
	out[n < most ? n : most] = '\0';
	return n > most ? -1 : 0;
}

size_t
row_put_bytes(sqlite3_stmt *st, int i, uint8_t *out, size_t size)
{
	size_t n;
	const void *p = column(st, i, &n);

	if (n > size)
		n = size;
	if (n > 0)
		memcpy(out, p, n);
	return n;
}

int
row_put_buf(sqlite3_stmt *st, int i, struct buf *out)
{
	size_t n;
	const void *p = column(st, i, &n);

	return buf_put(out, p, n);
}
