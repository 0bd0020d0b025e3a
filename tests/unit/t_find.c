/*
 * Which endpoint a path leads to, and which one a CA's name. Endpoints are
 * only pointed at: a site without keys will do.
 */
#include "conf_file.h"

#include "site/find.h"

#define MORE(name, issuer)	"}, { name = \"" name "\"; issuer = \"" issuer \
	"\"; profile = \"p\"; challenges = [\"c\"]; " RA

static void
site_make(struct site *s, const char *endpoints, const char *issuers)
{
	const char	*part[N_PARTS];
	size_t		 i;

	memcpy(part, good, sizeof(part));
	part[E] = endpoints;
	part[I] = issuers;
	write_conf(part, 0640);
	memset(s, 0, sizeof(*s));
	s->conf = load();
	s->endpoints = calloc(s->conf->n_endpoints,
	    sizeof(*s->endpoints));
	assert_non_null(s->endpoints);
	for (i = 0; i < s->conf->n_endpoints; i++)
		s->endpoints[i].conf = &s->conf->endpoints[i];
}

static void
site_end(struct site *s)
{
	free(s->endpoints);
	conf_free(s->conf);
}

struct row {
	const char	*path;
	const char	*endpoint;	/* NULL: none */
};

static void
assert_rows(const struct site *s, const struct row *rows, size_t n)
{
	const struct site_endpoint	*se;

	for (size_t i = 0; i < n; i++) {
		se = site_find(s, rows[i].path);
		if ((se == NULL) != (rows[i].endpoint == NULL) ||
		    (se != NULL && strcmp(se->conf->name,
		    rows[i].endpoint) != 0))
			fail_msg("%s: %s", rows[i].path, se == NULL ? "none" :
			    se->conf->name);
	}
}
#define ASSERT_ROWS(s, rows)						\
	assert_rows(s, rows, sizeof(rows) / sizeof((rows)[0]))

/* Two endpoints as the defaults have them, and one with paths. */
static void
test_paths(void **state)
{
	static const struct row	 rows[] = {
		{ "/scep", "e" }, { "/scep/", "e" }, { "/SCEP", "e" },
		{ "/Scep/pkiclient.exe", "e" }, { "/scep/PKIClient.EXE", "e" },
		{ "/scep/pkiclient.exe/x/y", "e" }, { "/scep/mscep", "e" },
		{ "/scep/mscep/mscep.dll", "e" }, { "/scep/mscep.dll", "e" },
		{ "/scep/cgi-bin/pkiclient.exe", "e" },
		{ "/cgi-bin/pkiclient.exe", "e" },
		{ "/cgi-bin/pkiclient.exe/x", "e" },
		{ "/cgi-bin/PKIClient.EXE", "e" },
		{ "/certsrv/mscep", "e" }, { "/certsrv/mscep/x", "e" },
		{ "/certsrv/mscep/mscep.dll", "e" },
		{ "/CertSrv/MSCEP/mscep.dll/pkiclient.exe", "e" },
		/* by name, whatever the paths */
		{ "/scep/e", "e" }, { "/scep/E/pkiclient.exe", "e" },
		{ "/scep/two", "two" }, { "/scep/two/", "two" },
		{ "/SCEP/Two/pkiclient.exe", "two" }, { "/scep/two/e", "two" },
		{ "/scep/three", "three" }, { "/scep/three/x/y/z", "three" },
		/* by a path of its own; the longest wins */
		{ "/slash", "three" }, { "/slash/", "three" },
		{ "/SLASH/x", "three" }, { "/slash/deep", "two" },
		{ "/slash/deep/x", "two" }, { "/slash/deeper", "three" },
		{ "/scep/old", "three" }, { "/scep/old/x", "three" },
		{ "/scep/mscep/three", "three" },
		/* a name that no endpoint has */
		{ "/scep/four", NULL }, { "/scep/four/", NULL },
		{ "/scep/four/pkiclient.exe", NULL },
		{ "/SCEP/four/PKIClient.exe", NULL }, { "/scep/tw", NULL },
		{ "/scep/twox", NULL }, { "/scep/two.exe", NULL },
		{ "/scep/olds", NULL }, { "/scep/pkiclient.exe2", NULL },
		{ "/scep/..", NULL }, { "/scep/x/two", NULL },
		/* any path to the program, but for what was said */
		{ "/pkiclient.exe", "e" }, { "/a/b/PkiClient.exe", "e" },
		{ "/two/pkiclient.exe", "e" }, { "/scepx/pkiclient.exe", "e" },
		{ "/slash/pkiclient.exe", "three" },
		{ "pkiclient.exe", "e" }, { "/a/pkiclient.exe/b", NULL },
		{ "/a/pkiclient.exe/", NULL }, { "/a/xpkiclient.exe", NULL },
		/* nothing */
		{ "/scepx", NULL }, { "/sce", NULL }, { "/scep.exe", NULL },
		{ "/xscep", NULL }, { "/", NULL }, { "", NULL },
		{ "scep", NULL }, { "//scep", NULL }, { "/two", NULL },
		{ "/e", NULL }, { "/cgi-bin", NULL }, { "/cgi-bin/", NULL },
		{ "/certsrv/mscep_admin", NULL }, { "/certsrv", NULL },
		{ "/slashx", NULL }, { "/x/scep/two", NULL },
	};
	struct site		 s;

	(void)state;
	site_make(&s, EP RA MORE("two", "i") "paths = [\"/slash/deep\"];"
	    MORE("three", "i") "paths = [\"/slash/\", \"/scep/old\", "
	    "\"/scep/mscep/three\"];", LOCAL);
	ASSERT_ROWS(&s, rows);
	site_end(&s);
}

/* "/" has all but what names an unknown endpoint. */
static void
test_root(void **state)
{
	static const struct row	 rows[] = {
		{ "/", "two" }, { "/anything", "two" }, { "/e", "two" },
		{ "/scep", "two" }, { "/scep/", "two" },
		{ "/scep/pkiclient.exe", "two" }, { "/scep/e", "e" },
		{ "/scep/none", NULL }, { "/scep/none/pkiclient.exe", NULL },
		{ "/a/pkiclient.exe", "two" }, { "/scepx/none", "two" },
		{ "", NULL }, { "x", NULL },
	};
	struct site		 s;

	(void)state;
	site_make(&s, EP RA "paths = [];" MORE("two", "i") "paths = [\"/\"];",
	    LOCAL);
	ASSERT_ROWS(&s, rows);
	site_end(&s);
}

/* No paths at all: names, and the program at the first endpoint. */
static void
test_bare(void **state)
{
	static const struct row	 rows[] = {
		{ "/scep", NULL }, { "/scep/", NULL }, { "/", NULL },
		{ "/scep/e", "e" }, { "/scep/two/x", "two" },
		{ "/scep/pkiclient.exe", "e" }, { "/pkiclient.exe", "e" },
		{ "/scep/mscep/mscep.dll", NULL }, { "/scep/x", NULL },
		{ "/scep/mscep/mscep.dll/pkiclient.exe", "e" },
		{ "/scep/x/pkiclient.exe", NULL },
	};
	struct site		 s;

	(void)state;
	site_make(&s, EP RA "paths = [];" MORE("two", "i"), LOCAL);
	ASSERT_ROWS(&s, rows);
	site_end(&s);
}

#define ISSUER(name)	"}, { name = \"" name "\"; cert = \"ca.pem\"; " \
			"key = \"ca.key\";"

/* Asked at endpoint "two" of issuer "j". */
static void
test_named(void **state)
{
	static const struct {
		struct bytes	 name;
		const char	*endpoint;
	} rows[] = {
		{ { NULL, 0 }, "two" },
#define NAME(s, e)	{ { (const uint8_t *)(s), sizeof(s) - 1 }, e }
		NAME("", "two"), NAME("i", "e"), NAME("j", "two"),
		NAME("I", "two"), NAME("i ", "two"), NAME("i\0", "two"),
		NAME("i\0x", "two"), NAME("x", "two"), NAME("e", "two"),
		/* disabled where it comes first, used by none, never a name */
		NAME("k", "five"), NAME("idle", "two"), NAME("ca", "two"),
		NAME("CA", "two"), NAME("default", "two"), NAME("0", "two"),
		NAME("1", "two"), NAME("32", "two"),
		NAME("CAIdentifier", "two"),
	};
	struct site			 s;
	const struct site_endpoint	*se;

	(void)state;
	site_make(&s, EP RA MORE("two", "j") MORE("three", "j")
	    MORE("four", "k") "enabled = false;" MORE("five", "k")
	    MORE("six", "ca") MORE("seven", "1") MORE("eight", "default"),
	    LOCAL ISSUER("j") ISSUER("k") ISSUER("idle") ISSUER("ca")
	    ISSUER("1") ISSUER("default"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		se = site_named(&s, &s.endpoints[1], rows[i].name);
		if (strcmp(se->conf->name, rows[i].endpoint) != 0)
			fail_msg("row %zu: %s", i, se->conf->name);
	}
	/* Its own keys, not those of the first with the same issuer. */
	se = site_named(&s, &s.endpoints[2], bytes_str("j"));
	assert_string_equal(se->conf->name, "three");
	site_end(&s);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_bare),
		cmocka_unit_test(test_named),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
