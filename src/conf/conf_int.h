/*
 * Inside conf: the rows of conf.def as data, and the reader that walks them.
 */
#ifndef CONF_CONF_INT_H
#define CONF_CONF_INT_H

#include <stddef.h>

#include <libconfig.h>

#include "conf/conf.h"

#define CONF_PATH_LEN		4095	/* longest file name */
#define CONF_ITEM_LEN		1024	/* longest string in a list */
#define CONF_ENTRIES_MAX	1024	/* entries of one list */

enum conf_kind {
	CONF_KIND_STR, CONF_KIND_PATH, CONF_KIND_INT, CONF_KIND_DUR,
	CONF_KIND_BOOL, CONF_KIND_ENUM, CONF_KIND_LIST
};

/* One row of conf.def; what a kind does not use is 0 or NULL. */
struct conf_row {
	enum conf_kind	 kind;
	const char	*path;
	size_t		 at;		/* of the field in its struct */
	const char	*text;		/* default of STR, PATH, ENUM, LIST */
	int64_t		 num;		/* default of INT, DUR, BOOL */
	int64_t		 min;
	int64_t		 max;		/* value, length or number of items */
	const char	*words;		/* "a|b"; NULL or "" means any */
	unsigned	 flags;
	const char	*help;
};

enum conf_part {
	CONF_PART_GLOBAL, CONF_PART_ENDPOINTS, CONF_PART_ISSUERS,
	CONF_PART_PROFILES, CONF_PART_CHALLENGES, CONF_PART_ACCOUNTS,
	CONF_PART_VALIDATORS,
	CONF_PART_COUNT
};

/* A section of conf.def: the global settings, or a list of groups. */
struct conf_section {
	const char		*name;		/* in the file; "" global */
	const char		*help;
	const struct conf_row	*rows;
	size_t			 n;
	size_t			 size;		/* of one struct */
	bool			 optional;	/* there may be no entry */
	/* In lists: where struct conf has pointer and number, entries line. */
	size_t			 entries_at;
	size_t			 count_at;
	size_t			 line_at;
};

extern const struct conf_section conf_sections[CONF_PART_COUNT];

/* conf_row.c */

/* The structs of a section: the conf itself, or its entries. Borrowed. */
size_t		 conf_count(const struct conf *, enum conf_part);
void		*conf_entry(struct conf *, enum conf_part, size_t i);
const void	*conf_entry_const(const struct conf *, enum conf_part,
		    size_t i);
const char	*conf_entry_name(const struct conf *, enum conf_part,
		    size_t i);
/* NULL if there is none. */
const void	*conf_entry_find(const struct conf *, enum conf_part,
		    const char *name);

/* The field of a row in the struct at base. */
char		**conf_row_text(const struct conf_row *, void *base);
int64_t		*conf_row_num(const struct conf_row *, void *base);
bool		*conf_row_bool(const struct conf_row *, void *base);
int		*conf_row_enum(const struct conf_row *, void *base);
struct conf_strings *conf_row_list(const struct conf_row *, void *base);
const void	*conf_row_at(const struct conf_row *, const void *base);

const struct conf_row *conf_row_find(enum conf_part, const char *path);
/* Whether settings of the section stand in a group of that name. */
bool		 conf_row_is_group(enum conf_part, const char *name);
/* Zeroed base -> every row at its default; -1 when memory is short. */
int		 conf_rows_default(enum conf_part, void *base);
void		 conf_rows_free(enum conf_part, void *base);
bool		 conf_row_equal(const struct conf_row *, const void *base1,
		    const void *base2);

/* Index of a word in "a|b|c" or -1; the word with that index, or n = 0. */
int		 conf_word_index(const char *words, const char *word);
struct bytes	 conf_word(const char *words, int i);

int		 conf_strings_add(struct conf_strings *, struct bytes);
void		 conf_strings_clear(struct conf_strings *);	/* n = 0 */
void		 conf_strings_free(struct conf_strings *);

/* conf_text.c */

/*
 * Makes of a file's text (appended to out) what every libconfig reads alike:
 * no NUL, no @include, and integers beyond 32 bits marked as such.
 */
int	 conf_text(const char *file, struct bytes text, struct buf *out,
	    struct err *e);

/* conf_read.c */

struct conf_reader {
	struct conf	*conf;		/* being filled */
	char		*base;		/* the file's absolute name */
	config_t	 tree;
	struct err	*e;
};

/* What a complaint is about; it finds its line in the tree. */
struct conf_spot {
	enum conf_part	 part;
	size_t		 i;		/* CONF_NO_ENTRY: the section */
	const char	*path;		/* "": the entry */
};

#define CONF_NO_ENTRY	SIZE_MAX

/* Records "FILE:LINE: SETTING: ..."; returns -1. */
int	 conf_refuse(struct conf_reader *, struct conf_spot, const char *, ...)
	    __attribute__((format(printf, 3, 4)));
int	 conf_refuse_as(struct conf_reader *, struct conf_spot,
	    enum err_reason, const char *, ...)
	    __attribute__((format(printf, 4, 5)));

/* conf_value.c */

/* Checks a value and stores it in the struct at base. */
int	 conf_value_set(struct conf_reader *, struct conf_spot,
	    const struct conf_row *, const config_setting_t *, void *base);

/* conf_check.c */

/* What needs more than one setting to be judged. */
int	 conf_check(struct conf_reader *);

/* conf_paths.c */

/* An endpoint's name and paths, next to those of the endpoints above it. */
int	 conf_check_paths(struct conf_reader *, size_t i);

/* conf_listen.c */

/* http.*listen and admin.listen, and what belongs to them. */
int	 conf_check_listeners(struct conf_reader *);
int	 conf_check_account(struct conf_reader *, size_t i);

/* conf_validator.c */

int	 conf_check_validator(struct conf_reader *, size_t i);

/* conf_print.c */

#define CONF_DURATION_LEN	26

/* As str_duration_print(), with a unit always. */
void	 conf_duration(int64_t seconds, char out[CONF_DURATION_LEN]);
/* Appends a value as libconfig text. */
int	 conf_print_value(const struct conf_row *, const void *base,
	    struct buf *out);
/* Appends "a number, 1..5" and the like; a list's words, lengths. */
int	 conf_print_form(const struct conf_row *, struct buf *out);
/* Appends text in lines of up to 76 columns, each behind prefix. */
int	 conf_print_wrapped(struct buf *out, const char *prefix,
	    const char *text);

/*
 * Prints rows one after the other through each(), with the braces of their
 * groups around them.
 */
struct conf_printer {
	int		(*each)(const struct conf_printer *,
			    const struct conf_row *, const char *indent,
			    struct buf *out);
	const char	*air;		/* goes before a group */
	enum conf_part	 part;
	const void	*base;
};
int	 conf_print_rows(const struct conf_printer *, const char *indent,
	    struct buf *out);

#endif
