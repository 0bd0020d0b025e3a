#include <string.h>

#include "policy/fact.h"
#include "policy/policy_int.h"
#include "util/str.h"

/* Bytes of a name that stand there. */
static size_t
name_length(const char *text)
{
	return *text < 'a' || *text > 'z' ? 0 :
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
}

bool
fact_is_word(const char *whose, const char *word)
{
	size_t n = strlen(whose), name;

	if (strncmp(word, whose, n) != 0)
		return false;
	name = name_length(word + n);
	return name > 0 && name <= FACT_NAME && word[n + name] == '\0';
}

/* Of the line that begins here, with its end. */
static size_t
line_length(const char *line)
{
	size_t n = strcspn(line, "\n");

	return n + (line[n] == '\n');
}

struct bytes
fact_find(const char *lines, const char *name)
{
	size_t n = strlen(name);

	for (; *lines != '\0'; lines += line_length(lines))
		if (strncmp(lines, name, n) == 0 && lines[n] == '=')
			return bytes_make(lines + n + 1,
			    strcspn(lines + n + 1, "\n"));
	return bytes_make(NULL, 0);
}

static size_t
count(const char *lines)
{
	size_t n;

	for (n = 0; *lines != '\0'; lines += line_length(lines))
		n++;
	return n;
}

/* What may stand in a name, and so in a fact; *why: what is wrong. */
static int
check_value(const char *value, struct err *e)
{
	struct name_value v = { .text = (char *)(uintptr_t)value,
	    .n = strlen(value) };
	struct err why = { .reason = ERR_NONE };

	if (!str_is_utf8(bytes_str(value)))
		err_set(e, ERR_CONFIG, "its value is not UTF-8");
	else if (policy_name_value(&v, &why) == -1)
		err_set(e, ERR_CONFIG, "its value%s", why.text);
	return e->reason == ERR_NONE ? 0 : -1;
}

static int
check(const char *lines, const char *name, const char *value, struct err *e)
{
	if (fact_find(lines, name).n > 0)
		err_set(e, ERR_CONFIG, "it is given twice");
	else if (count(lines) == FACTS_MAX)
		err_set(e, ERR_CONFIG, "there are more than %d", FACTS_MAX);
	else
		return check_value(value, e);
	return -1;
}

int
fact_add(struct buf *lines, const char *text, struct err *e)
{
	char name[FACT_NAME + 1];
	size_t n = name_length(text);

	if (n == 0 || n > FACT_NAME || text[n] != '=') {
		err_set(e, ERR_CONFIG, "a fact is written as in user=alice, "
		    "its name of a-z, 0-9 and _");
		return -1;
	}
	memcpy(name, text, n);
	name[n] = '\0';
	if (check(buf_cstr(lines), name, text + n + 1, e) == -1) {
		err_prefix(e, "fact %s", name);
		return -1;
	}
	if (buf_printf(lines, "%s%s", lines->n > 0 ? "\n" : "", text) == 0)
		return 0;
	err_set(e, ERR_MEMORY, "facts");
	return -1;
}

int
facts_of(const char *whose, const char *lines, struct buf *out,
    struct err *e)
{
	size_t n;

	for (; *lines != '\0'; lines += line_length(lines)) {
		n = strcspn(lines, "\n");
		if (buf_printf(out, "%s%s%.*s", out->n > 0 ? "\n" : "", whose,
		    (int)n, lines) == -1) {
			err_set(e, ERR_MEMORY, "facts");
			return -1;
		}
	}
	return 0;
}
