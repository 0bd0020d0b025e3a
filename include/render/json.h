/*
 * JSON text for programs that read scepctl. Plain facts in, text out.
 *
 * Whatever the facts contain, the text is valid JSON in ASCII: it can be shown
 * on any terminal, and bytes that are not UTF-8 become U+FFFD.
 */
#ifndef RENDER_JSON_H
#define RENDER_JSON_H

#include <stdint.h>

#include "util/buf.h"
#include "util/err.h"

/*
 * An object or array that is being made. Lack of memory is remembered and
 * told once, by json_print(); until then every call takes NULL too.
 */
struct json;

struct json	*json_new_object(void);
struct json	*json_new_array(void);
/* Of strings; words: ends with NULL, or is NULL; lines: one each. */
struct json	*json_new_words(char *const *words);
struct json	*json_new_lines(const char *lines);
void		 json_free(struct json *);

/* Members of an object; in an array the key is NULL. value NULL: null. */
void		 json_add_str(struct json *, const char *key,
		    const char *value);
/* n bytes that may hold NULs. */
void		 json_add_bytes(struct json *, const char *key,
		    struct bytes value);
void		 json_add_bool(struct json *, const char *key, bool value);
void		 json_add_int(struct json *, const char *key, int64_t value);
/* RFC 3339 in UTC */
void		 json_add_time(struct json *, const char *key, int64_t when);
/* null where there is none */
void		 json_add_time_if(struct json *, const char *key, bool is,
		    int64_t when);
void		 json_add_take(struct json *, const char *key,
		    struct json *child);

/* An object of lines that are written NAME=text. */
void		 json_add_facts(struct json *, const char *key,
		    const char *lines);

/* Appends the text without a newline: indented, or all on one line. */
enum json_form { JSON_PRETTY, JSON_LINE };
int		 json_print(const struct json *, enum json_form,
		    struct buf *out, struct err *e);

/* A certificate of the ledger, as it is shown. */
struct json_cert {
	const char	*serial;	/* hex */
	const char	*subject;
	const char	*sans;		/* one a line, "" if none */
	const char	*endpoint;
	const char	*profile;
	const char	*issuer;
	const char	*role;		/* "client", "ra" */
	const char	*txid;
	const char	*challenge;	/* NULL if none */
	const char	*peer;
	int64_t		 not_before;
	int64_t		 not_after;
	int64_t		 issued_at;
	bool		 revoked;
	int64_t		 revoked_at;
	const char	*revoke_reason;	/* NULL if it is not revoked */
	const char	*supersedes;	/* serial in hex, NULL if none */
	const char	*superseded_by;	/* the last's, NULL if none */
	const char	*migrates;	/* of another server; NULL if none */
	const char	*sha256;	/* fingerprint; NULL leaves it out */
	const char	*pem;		/* NULL leaves it out */
};
struct json	*json_new_cert(const struct json_cert *);

/*
 * An array written item by item, so that a ledger of any size needs no memory:
 * nth counts from 0; the end is told how many there were.
 */
int		 json_list_item(size_t nth, const struct json *,
		    struct buf *out, struct err *e);
int		 json_list_end(size_t n, struct buf *out, struct err *e);

#endif
