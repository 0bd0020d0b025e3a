#include "pki_tool.h"

#include <sqlite3.h>

#include "store_ask.h"

static int
take_text(void *arg, int n, char **value, char **name)
{
	(void)n;
	(void)name;
	(void)snprintf(arg, STORE_TEXT, "%s", value[0]);
	return 0;
}

void
store_text(const char *sql, char out[STORE_TEXT])
{
	sqlite3	*h;

	*out = '\0';
	assert_int_equal(sqlite3_open(tool_path("scepd.db"), &h), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h, sql, take_text, out, NULL),
	    SQLITE_OK);
	sqlite3_close(h);
}

long
store_number(const char *sql)
{
	char	 text[STORE_TEXT];

	store_text(sql, text);
	assert_string_not_equal(text, "");
	return strtol(text, NULL, 10);
}

void
store_do(const char *sql)
{
	char	 nothing[STORE_TEXT];

	store_text(sql, nothing);
}

void
store_assert(const char *sql, const char *want)
{
	char	 got[STORE_TEXT];

	store_text(sql, got);
	assert_string_equal(got, want);
}
