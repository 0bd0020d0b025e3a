#include <sys/resource.h>
#include <sys/stat.h>

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/file.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static char	 folder[512];
static char	 path[1024];

static const char *
in_folder(const char *name)
{
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int
make_folder(void **state)
{
	const char	*tmp = getenv("TMPDIR");

	(void)state;
	(void)snprintf(folder, sizeof(folder), "%s/t_file.XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	return mkdtemp(folder) == NULL ? -1 : 0;
}

/* Removes everything in the folder and tells how much that was. */
static int
empty_folder(void)
{
	DIR		*d = opendir(folder);
	struct dirent	*entry;
	int		 n = 0;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		assert_int_equal(remove(in_folder(entry->d_name)), 0);
		n++;
	}
	closedir(d);
	return n;
}

static int
remove_folder(void **state)
{
	(void)state;
	empty_folder();
	return rmdir(folder);
}

static void
put_file(const char *name, struct bytes b, mode_t mode)
{
	FILE	*f = fopen(in_folder(name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(b.p, 1, b.n, f), b.n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void
assert_refused(const struct err *e, enum err_reason r, const char *words)
{
	assert_int_equal(e->reason, r);
	if (strstr(e->text, words) == NULL ||
	    strncmp(e->text, folder, strlen(folder)) != 0)
		fail_msg("\"%s\" does not say \"%s\"", e->text, words);
}

static void
test_read(void **state)
{
	struct buf	 b = BUF_INIT(20000);
	struct err	 e = { 0 };
	char		 big[10000];

	(void)state;
	memset(big, 'x', sizeof(big));
	put_file("big", bytes_make(big, sizeof(big)), 0644);
	put_file("empty", bytes_str(""), 0644);
	assert_int_equal(buf_puts(&b, "pre"), 0);
	assert_int_equal(file_read(in_folder("empty"), &b, &e), 0);
	assert_string_equal(buf_cstr(&b), "pre");
	assert_int_equal(file_read(in_folder("big"), &b, &e), 0);
	assert_int_equal(b.n, 3 + sizeof(big));
	assert_memory_equal(b.p, "prex", 4);
	/* What is left is too little: nothing is appended. */
	assert_int_equal(file_read(in_folder("big"), &b, &e), -1);
	assert_refused(&e, ERR_FILE, "larger than 9997 bytes");
	assert_int_equal(b.n, 3 + sizeof(big));
	buf_wipe(&b);

	/* Exactly as large as allowed. */
	buf_init(&b, sizeof(big));
	err_clear(&e);
	assert_int_equal(file_read(in_folder("big"), &b, &e), 0);
	assert_int_equal(b.n, sizeof(big));
	buf_wipe(&b);
}

static void
test_read_refused(void **state)
{
	struct buf	 b = BUF_INIT(2 * FILE_MAX);
	struct err	 e = { 0 };

	(void)state;
	assert_int_equal(file_read(in_folder("missing"), &b, &e), -1);
	assert_refused(&e, ERR_FILE, "cannot open: No such file");
	err_clear(&e);
	assert_int_equal(file_read(in_folder("."), &b, &e), -1);
	assert_refused(&e, ERR_FILE, "name a file, not a folder");
	/* The limit of all files, not the buffer's. */
	err_clear(&e);
	put_file("sparse", bytes_str(""), 0600);
	assert_int_equal(truncate(path, FILE_MAX), 0);
	assert_int_equal(file_read(path, &b, &e), 0);
	buf_reset(&b);
	assert_int_equal(truncate(path, FILE_MAX + 1), 0);
	assert_int_equal(file_read(path, &b, &e), -1);
	assert_refused(&e, ERR_FILE, "larger than 1048576 bytes");
	assert_int_equal(b.n, 0);
	buf_wipe(&b);
}

static void
test_private(void **state)
{
	static const struct {
		mode_t		 mode;
		const char	*words;		/* NULL: accepted */
	} rows[] = {
		{ 0600, NULL },
		{ 0400, NULL },
		{ 0640, NULL },
		{ 0750, NULL },
		{ 0644, "mode 0644 lets others read it; chmod g-w,o= it" },
		{ 0604, "mode 0604 lets others read it; chmod g-w,o= it" },
		{ 0666, "mode 0666 lets others write it; chmod g-w,o= it" },
		{ 0602, "mode 0602 lets others write it; chmod g-w,o= it" },
		{ 0601, "mode 0601 lets others run it; chmod g-w,o= it" },
		{ 0660, "mode 0660 lets its group write it; chmod g-w,o= it" },
		{ 0620, "mode 0620 lets its group write it; chmod g-w,o= it" },
	};
	struct buf	 b = BUF_INIT(100);
	struct err	 e;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		put_file("key", bytes_str("secret"), rows[i].mode);
		err_clear(&e);
		buf_reset(&b);
		if (rows[i].words == NULL) {
			assert_int_equal(file_read_private(path, &b, &e), 0);
			assert_string_equal(buf_cstr(&b), "secret");
		} else {
			assert_int_equal(file_read_private(path, &b, &e), -1);
			assert_refused(&e, ERR_FILE_MODE, rows[i].words);
			assert_int_equal(b.n, 0);
		}
		/* It is no matter for what is not private. */
		err_clear(&e);
		assert_int_equal(file_read(path, &b, &e), 0);
		assert_int_equal(unlink(path), 0);
	}
	err_clear(&e);
	assert_int_equal(file_read_private(in_folder("none"), &b, &e), -1);
	assert_refused(&e, ERR_FILE, "No such file");
	buf_wipe(&b);
}

static void
test_private_owner(void **state)
{
	struct buf	 b = BUF_INIT(100);
	struct err	 e = { 0 };

	(void)state;
	if (geteuid() != 0)
		skip();
	put_file("key", bytes_str("secret"), 0600);
	assert_int_equal(chown(path, 4711, 0), 0);
	assert_int_equal(file_read_private(path, &b, &e), -1);
	assert_refused(&e, ERR_FILE_MODE, "owned by uid 4711");
	assert_int_equal(b.n, 0);
	buf_wipe(&b);
}

static void
assert_program(const char *name, enum err_reason r, const char *words)
{
	struct err	 e = { 0 };
	int		 rc = file_check_program(name, &e);

	if (words == NULL) {
		if (rc != 0)
			fail_msg("%s", e.text);
		return;
	}
	assert_int_equal(rc, -1);
	assert_refused(&e, r, words);
}

static void
test_program(void **state)
{
	static const struct {
		mode_t		 mode;
		const char	*words;		/* NULL: accepted */
	} rows[] = {
		{ 0700, NULL },
		{ 0755, NULL },
		{ 0750, NULL },
		{ 0777, "mode 0777 lets others write it; chmod go-w it" },
		{ 0702, "mode 0702 lets others write it; chmod go-w it" },
		{ 0775, "mode 0775 lets its group write it; chmod go-w it" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		put_file("program", bytes_str("x"), rows[i].mode);
		assert_program(path, ERR_FILE_MODE, rows[i].words);
		assert_int_equal(unlink(path), 0);
	}
	assert_program(in_folder("program"), ERR_FILE, "No such file");
	assert_program(in_folder("."), ERR_FILE, "is no file");
	put_file("program", bytes_str("x"), 0700);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 4711, 0), 0);
		assert_program(path, ERR_FILE_MODE, "owned by uid 4711");
		assert_int_equal(chown(path, 0, 0), 0);
	}
	/* A sticky folder lets others replace nothing that is not theirs. */
	assert_int_equal(chmod(folder, 01777), 0);
	assert_program(path, ERR_FILE_MODE, NULL);
	assert_int_equal(chmod(folder, 0777), 0);
	assert_program(path, ERR_FILE_MODE, "mode 0777 of its folder");
	/* Neither where a link leads to, nor where it stands. */
	assert_int_equal(symlink("/bin/sh", in_folder("link")), 0);
	assert_program(path, ERR_FILE_MODE, "mode 0777 of its folder");
	assert_int_equal(chmod(folder, 0700), 0);
	assert_program(path, ERR_FILE_MODE, NULL);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(in_folder("program")), 0);
}

static void
test_secret(void **state)
{
	static const struct {
		struct bytes	 file;
		const char	*want;		/* NULL: refused */
		const char	*words;
	} rows[] = {
		{ { (const uint8_t *)"pass", 4 },	"pass", NULL },
		{ { (const uint8_t *)"pass\n", 5 },	"pass", NULL },
		{ { (const uint8_t *)"pass\r\n", 6 },	"pass", NULL },
		{ { (const uint8_t *)"a b \nx", 6 },	"a b ", NULL },
		{ { (const uint8_t *)"12345678", 8 },	"12345678", NULL },
		{ { (const uint8_t *)"p\n\0", 3 },	"p", NULL },
		{ { (const uint8_t *)"123456789", 9 },	NULL, "longer than 8" },
		{ { (const uint8_t *)"", 0 },		NULL, "is empty" },
		{ { (const uint8_t *)"\n", 1 },		NULL, "is empty" },
		{ { (const uint8_t *)"\r\nx", 3 },	NULL, "is empty" },
		{ { (const uint8_t *)"a\0b\n", 4 },	NULL, "NUL byte" },
	};
	struct buf	 b = BUF_INIT(8);
	struct err	 e;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		put_file("pass", rows[i].file, 0600);
		err_clear(&e);
		buf_reset(&b);
		if (rows[i].want != NULL) {
			assert_int_equal(file_read_secret(path, &b, &e), 0);
			assert_string_equal(buf_cstr(&b), rows[i].want);
			continue;
		}
		assert_int_equal(file_read_secret(path, &b, &e), -1);
		assert_refused(&e, ERR_FILE, rows[i].words);
		assert_null(strstr(e.text, "1234"));
		assert_int_equal(b.n, 0);
	}
	put_file("pass", bytes_str("x"), 0644);
	err_clear(&e);
	assert_int_equal(file_read_secret(path, &b, &e), -1);
	assert_refused(&e, ERR_FILE_MODE, "others read");
	buf_wipe(&b);
}

static void
assert_content(const char *name, const char *want, mode_t mode)
{
	struct buf	 b = BUF_INIT(100);
	struct err	 e = { 0 };
	struct stat	 st;

	assert_int_equal(file_read(in_folder(name), &b, &e), 0);
	assert_string_equal(buf_cstr(&b), want);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
	buf_wipe(&b);
}

static void
test_write(void **state)
{
	struct err	 e = { 0 };
	mode_t		 mask = umask(027);

	(void)state;
	empty_folder();
	assert_int_equal(file_write(in_folder("a"), bytes_str("one"), 0644,
	    false, &e), 0);
	assert_content("a", "one", 0644);
	assert_int_equal(file_write(in_folder("a"), bytes_str("two"), 0600,
	    true, &e), 0);
	assert_content("a", "two", 0600);
	assert_int_equal(file_write(in_folder("b"), bytes_str(""), 0640, true,
	    &e), 0);
	assert_content("b", "", 0640);
	umask(mask);

	assert_int_equal(file_write(in_folder("a"), bytes_str("three"), 0600,
	    false, &e), -1);
	assert_refused(&e, ERR_EXISTS, "exists already");
	assert_content("a", "two", 0600);
	/* No temporary file stays. */
	assert_int_equal(empty_folder(), 2);
}

/* A dangling link is a name that exists; it is never written through. */
static void
test_write_link(void **state)
{
	struct err	 e = { 0 };
	struct stat	 st;

	(void)state;
	assert_int_equal(symlink("elsewhere", in_folder("link")), 0);
	assert_int_equal(file_write(path, bytes_str("x"), 0600, false, &e), -1);
	assert_refused(&e, ERR_EXISTS, "exists already");
	err_clear(&e);
	assert_int_equal(file_write(path, bytes_str("x"), 0600, true, &e), 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(empty_folder(), 1);
}

static void
test_write_refused(void **state)
{
	struct rlimit	 old, tiny;
	struct err	 e = { 0 };

	(void)state;
	assert_int_equal(file_write(in_folder("no/x"), bytes_str("x"), 0600,
	    true, &e), -1);
	assert_refused(&e, ERR_FILE, "/no/x: cannot create: No such file");
	err_clear(&e);
	assert_int_equal(file_check_folder(path, &e), -1);
	assert_refused(&e, ERR_FILE, "/no/x: cannot create: No such file");
	assert_int_equal(file_check_folder(in_folder("new"), &e), 0);
	assert_int_equal(file_check_folder("new", &e), 0);

	err_clear(&e);
	assert_int_equal(mkdir(in_folder("sub"), 0700), 0);
	assert_int_equal(file_write(path, bytes_str("x"), 0600, true, &e), -1);
	assert_refused(&e, ERR_FILE, "name a file, not a folder");
	err_clear(&e);
	assert_int_equal(file_check_folder(path, &e), -1);
	assert_refused(&e, ERR_FILE, "name a file, not a folder");
	assert_int_equal(empty_folder(), 1);

	/* The disk is full in the middle. */
	err_clear(&e);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tiny = (struct rlimit){ .rlim_cur = 2, .rlim_max = old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
	assert_int_equal(file_write(in_folder("a"), bytes_str("abc"), 0600,
	    true, &e), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_refused(&e, ERR_FILE, "/a: cannot write: File too large");
	assert_int_equal(empty_folder(), 0);
}

static void
test_beside(void **state)
{
	static const struct {
		const char	*base, *name, *want;
	} rows[] = {
		{ "/etc/scepd/scepd.conf", "ca.pem", "/etc/scepd/ca.pem" },
		{ "/etc/scepd/scepd.conf", "/srv/ca.pem", "/srv/ca.pem" },
		{ "/etc/scepd/scepd.conf", "a/b", "/etc/scepd/a/b" },
		{ "/scepd.conf", "ca.pem", "/ca.pem" },
		{ "scepd.conf", "ca.pem", "ca.pem" },
		{ "./scepd.conf", "ca.pem", "./ca.pem" },
		{ "conf/", "ca.pem", "conf/ca.pem" },
	};
	char	*s;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		s = file_beside(rows[i].base, rows[i].name);
		assert_string_equal(s, rows[i].want);
		free(s);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_refused),
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_private_owner),
		cmocka_unit_test(test_program),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_write_link),
		cmocka_unit_test(test_write_refused),
		cmocka_unit_test(test_beside),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
