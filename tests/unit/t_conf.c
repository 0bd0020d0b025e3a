/*
 * conf: what is read from a configuration, and what is printed of it.
 */
#include "conf_file.h"

static void
test_defaults(void **state)
{
	const struct conf_endpoint *ep;
	const struct conf_profile *pr;
	struct conf *c;

	(void)state;
	c = load_part(G, "");
	assert_string_equal(c->file, file);
	assert_string_equal(c->user, "");
	assert_string_equal(c->listen, "127.0.0.1:8080");
	assert_int_equal(c->max_body, 65536);
	assert_int_equal(c->max_url, 65536);
	assert_int_equal(c->replay, 600);
	assert_int_equal(c->request_timeout, 60);
	assert_string_equal(c->store_path, CONF_DEFAULT_STORE);
	assert_int_equal(c->log_level, CONF_LOG_INFO);
	ep = &c->endpoints[0];
	assert_int_equal(c->n_endpoints, 1);
	assert_int_equal(ep->line, 2);
	assert_int_equal(ep->paths.n, 3);
	assert_string_equal(ep->paths.v[2], "/certsrv/mscep");
	assert_null(ep->paths.v[3]);
	assert_true(ep->enabled);
	assert_int_equal(ep->mode, CONF_MODE_RA);
	assert_string_equal(ep->ra_key_passphrase, "");
	assert_int_equal(ep->signer_key, CONF_SIGNER_SAME);
	assert_int_equal(ep->approval, CONF_APPROVAL_AUTO);
	assert_int_equal(ep->legacy.n, 0);
	assert_false(ep->reply_chain || ep->update);
	assert_int_equal(c->issuers[0].line, 5);
	assert_int_equal(c->issuers[0].type, CONF_ISSUER_LOCAL);
	assert_int_equal(c->issuers[0].command.n, 0);
	assert_null(c->issuers[0].command.v[0]);
	pr = conf_profile(c, "p");
	assert_ptr_equal(pr, &c->profiles[0]);
	assert_int_equal(pr->validity, 31536000);
	assert_int_equal(pr->backdate, 86400);
	assert_int_equal(pr->eku.n, 1);
	assert_string_equal(pr->eku.v[0], "clientAuth");
	assert_int_equal(pr->approval, CONF_APPROVAL_AUTO);
	assert_int_equal(pr->san.n, 4);
	assert_false(pr->empty_subject);
	assert_null(conf_profile(c, "x"));
	assert_ptr_equal(conf_issuer(c, "i"), &c->issuers[0]);
	assert_ptr_equal(conf_challenge(c, "c"), &c->challenges[0]);
	conf_free(c);
}

static void
test_values(void **state)
{
	struct conf *c;

	(void)state;
	c = load_part(G, "# 4294968320 @include \" \n"
	    "user = \"o\" \"ne\"; // \"\n"
	    "http: { max_body = 2048L; max_url = 0x1000; idle_timeout = 7;\n"
	    "  request_timeout = \"15m\"; listen = \"[::1]:0\"; };\n"
	    "/* @include \"x\" \" */ pipeline: { workers = 0; };\n"
	    "log: { level = \"debug\"; rate = +0; };\n");
	assert_string_equal(c->user, "one");
	assert_int_equal(c->max_body, 2048);
	assert_int_equal(c->max_url, 4096);
	assert_int_equal(c->idle_timeout, 7);
	assert_int_equal(c->request_timeout, 900);
	assert_string_equal(c->listen, "[::1]:0");
	assert_int_equal(c->log_level, CONF_LOG_DEBUG);
	conf_free(c);
	/* More than 32 bits, with and without the mark of libconfig. */
	c = load_part(P, PROF "validity = 3000000000; eku = (\"1.2.3\");"
	    "rsa_max = 4096; rsa_min = 4096; san = [];");
	assert_int_equal(c->profiles[0].validity, 3000000000);
	assert_string_equal(c->profiles[0].eku.v[0], "1.2.3");
	assert_int_equal(c->profiles[0].san.n, 0);
	conf_free(c);
	c = load_part(P, PROF "validity = 3000000000L;");
	assert_int_equal(c->profiles[0].validity, 3000000000);
	conf_free(c);
	c = load_part(E, EP "mode = \"ca\"; signer_key = \"any\";");
	assert_int_equal(c->endpoints[0].mode, CONF_MODE_CA);
	assert_int_equal(c->endpoints[0].signer_key, CONF_SIGNER_ANY);
	assert_int_equal(c->endpoints[0].ec_reply, CONF_EC_REPLY_PASSWORD);
	assert_int_equal(c->endpoints[0].legacy.n, 0);
	assert_int_equal(c->endpoints[0].refuse.n, 0);
	conf_free(c);
	c = load_part(E, EP "mode = \"ca\"; ec_reply = \"kari\";"
	    "legacy = [\"md5\", \"des\"]; refuse = [\"3des\", \"sha1\"];");
	assert_int_equal(c->endpoints[0].ec_reply, CONF_EC_REPLY_KARI);
	assert_string_equal(c->endpoints[0].legacy.v[0], "md5");
	assert_string_equal(c->endpoints[0].legacy.v[1], "des");
	assert_string_equal(c->endpoints[0].refuse.v[1], "sha1");
	conf_free(c);
	conf_free(NULL);
}

/* Lists that need no entries, and endpoints without challenges. */
static void
test_validators(void **state)
{
	static const char *const part[N_PARTS] = {
		[G] = "validators = (\n"
		    "{ name = \"v\"; command = [\"/bin/v\", \"-x\"]; },\n"
		    "{ name = \"w\"; type = \"webhook\"; auth = \"bearer\";\n"
		    "  url = \"https://x/\"; secret_file = \"s\";\n"
		    "  timeout = 3; notify = true; } );",
		[E] = "name = \"e\"; issuer = \"i\"; profile = \"p\"; " RA
		    "validator = \"w\"; validator_challenge = \"instead\";"
		    "validator_renewals = false;",
		[I] = LOCAL, [P] = PROF, [C] = CHAL
	};
	char expected[128];
	const struct conf_validator *v;
	struct conf *c;

	(void)state;
	c = load_part(G, "");
	assert_int_equal(c->n_validators, 0);
	assert_string_equal(c->endpoints[0].validator, "");
	assert_int_equal(c->endpoints[0].validator_challenge,
	    CONF_CHALLENGE_ALSO);
	assert_true(c->endpoints[0].validator_renewals);
	conf_free(c);
	c = load_part(G, "validators = ( );");
	assert_int_equal(c->n_validators, 0);
	assert_null(conf_validator(c, "v"));
	conf_free(c);
	write_conf(part, 0640);
	c = load();
	assert_int_equal(c->n_validators, 2);
	assert_int_equal(c->endpoints[0].challenges.n, 0);
	assert_false(c->endpoints[0].validator_renewals);
	v = conf_validator(c, "v");
	assert_ptr_equal(v, &c->validators[0]);
	assert_int_equal(v->line, 2);
	assert_int_equal(v->type, CONF_VALIDATOR_EXEC);
	assert_int_equal(v->timeout, 10);
	assert_false(v->notify);
	v = conf_validator(c, "w");
	assert_int_equal(v->type, CONF_VALIDATOR_WEBHOOK);
	assert_int_equal(v->auth, CONF_AUTH_BEARER);
	snprintf(expected, sizeof(expected), "%s/s", folder);
	assert_string_equal(v->secret_file, expected);
	assert_true(v->notify);
	conf_free(c);
}

static void
test_paths(void **state)
{
	char expected[128], here[4096];
	struct conf *c = NULL;
	struct err e = { .reason = ERR_NONE };

	(void)state;
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/run/cred", 1), 0);
	c = load_part(I, LOCAL "chain = \"/abs/chain.pem\";"
	    "key_passphrase = \"credential:ca-pw\";");
	snprintf(expected, sizeof(expected), "%s/ca.pem", folder);
	assert_string_equal(c->issuers[0].cert, expected);
	assert_string_equal(c->issuers[0].chain, "/abs/chain.pem");
	assert_string_equal(c->issuers[0].key_passphrase, "/run/cred/ca-pw");
	conf_free(c);

	/* The items of a list of files */
	c = load_part(E, EP RA "ra_also = [\"old.pem\", \"/abs/older.pem\","
	    " \"credential:oldest\"];");
	snprintf(expected, sizeof(expected), "%s/old.pem", folder);
	assert_int_equal(c->endpoints[0].ra_also.n, 3);
	assert_string_equal(c->endpoints[0].ra_also.v[0], expected);
	assert_string_equal(c->endpoints[0].ra_also.v[1], "/abs/older.pem");
	assert_string_equal(c->endpoints[0].ra_also.v[2],
	    "/run/cred/oldest");
	conf_free(c);
	c = load_part(E, EP RA "renew: { trusted = [\"old.pem\", "
	    "\"/abs/older.pem\", \"credential:oldest\"]; window = \"2w\"; "
	    "names = \"subset\"; };");
	snprintf(expected, sizeof(expected), "%s/old.pem", folder);
	assert_int_equal(c->endpoints[0].renew_trusted.n, 3);
	assert_string_equal(c->endpoints[0].renew_trusted.v[0], expected);
	assert_string_equal(c->endpoints[0].renew_trusted.v[1],
	    "/abs/older.pem");
	assert_string_equal(c->endpoints[0].renew_trusted.v[2],
	    "/run/cred/oldest");
	assert_int_equal(c->endpoints[0].renew_window, 14 * 86400);
	assert_int_equal(c->endpoints[0].renew_names,
	    CONF_RENEW_NAMES_SUBSET);
	assert_true(c->endpoints[0].renew_allowed);
	conf_free(c);
	c = load_part(I, LOCAL);
	snprintf(expected, sizeof(expected), "%s/ca.pem", folder);
	conf_free(c);

	/* A relative name of the file itself gives absolute names too. */
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(conf_load("scepd.conf", &c, &e), 0);
	assert_int_equal(chdir(here), 0);
	assert_string_equal(c->issuers[0].cert, expected);
	assert_string_equal(c->file, "scepd.conf");
	conf_free(c);
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

/* The first endpoint alone has paths that were not given. */
static void
test_url_paths(void **state)
{
	struct conf *c = load_part(E, EP RA "}, { name = \"f\"; " REFS RA
	    "}, { name = \"g\"; " REFS RA
	    "paths = [\"/g\", \"/scep/g/x\", \"/scep/e2\"];");

	(void)state;
	assert_int_equal(c->endpoints[0].paths.n, 3);
	assert_string_equal(c->endpoints[0].paths.v[0], "/scep");
	assert_int_equal(c->endpoints[1].paths.n, 0);
	assert_null(c->endpoints[1].paths.v[0]);
	assert_int_equal(c->endpoints[2].paths.n, 3);
	conf_free(c);
	c = load_part(E, EP RA "paths = [];");
	assert_int_equal(c->endpoints[0].paths.n, 0);
	conf_free(c);
	assert_true(conf_is_suffix(bytes_str("")));
	assert_true(conf_is_suffix(bytes_str("PKIClient.EXE")));
	assert_false(conf_is_suffix(bytes_str("pkiclient.exe.bak")));
	assert_false(conf_is_suffix(bytes_str("pki")));
}

static void
test_secrets_stay(void **state)
{
	static const char *const bad[] = {
		"name = \"c\"; secret = \"hidden\"; hash = \"hidden\";",
		"name = \"hidden\" = \"hidden\"",
		"name = \"c\"; secret = [\"hidden\"];",
		"name = \"c\"; hash = \"hidden\"; secret: { a = \"hidden\"; };",
		"name = \"c\"; secret = \"hidden\" hidden",
		"name = \"c\"; secrte = \"hidden\";",
	};
	struct buf out = BUF_INIT(FILE_MAX);
	struct conf *c = NULL;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e = (struct err){ .reason = ERR_NONE };
		write_part(C, bad[i]);
		assert_int_equal(conf_load(file, &c, &e), -1);
		assert_null(strstr(e.text, "hidden"));
	}
	c = load_part(C, "name = \"c\"; secret = \"hidden\"; }, {"
	    "name = \"d\"; hash = \"hidden\";");
	assert_int_equal(conf_dump(c, &out), 0);
	assert_null(strstr(buf_cstr(&out), "hidden"));
	assert_non_null(strstr(buf_cstr(&out), "# secret = (secret)\n"));
	assert_non_null(strstr(buf_cstr(&out), "# hash = (secret)\n"));
	buf_wipe(&out);
	conf_free(c);
}

static void
assert_same(const struct conf *a, const struct conf *b)
{
	const struct conf_section *s;
	enum conf_part p;
	size_t i, k;

	for (p = CONF_PART_GLOBAL; p < CONF_PART_COUNT; p++) {
		s = &conf_sections[p];
		assert_int_equal(conf_count(a, p), conf_count(b, p));
		for (i = 0; i < conf_count(a, p); i++)
			for (k = 0; k < s->n; k++)
				if (!(s->rows[k].flags & CONF_SECRET) &&
				    !conf_row_equal(&s->rows[k],
				    conf_entry_const(a, p, i),
				    conf_entry_const(b, p, i)))
					fail_msg("%s[%zu] %s differs", s->name,
					    i, s->rows[k].path);
	}
}

/* The text with the redacted line replaced, so that it loads. */
static void
write_dump(const struct buf *dump)
{
	static const char redacted[] = "# hash = (secret)";
	const char *text = buf_cstr(dump), *p = strstr(text, redacted);
	struct buf whole = BUF_INIT(FILE_MAX);

	assert_non_null(p);
	assert_int_equal(buf_printf(&whole, "%.*s" HASH "%s", (int)(p - text),
	    text, p + strlen(redacted)), 0);
	write_raw(buf_bytes(&whole), 0640);
	buf_wipe(&whole);
}

static void
test_dump_loads(void **state)
{
	static const char *const part[N_PARTS] = {
		[G] = "http: { max_body = 4096; idle_timeout = \"90s\"; };"
		    "log: { level = \"crit\"; };"
		    "store: { path = \"a\\\"b\"; };",
		[E] = EP RA "paths = [\"/a\", \"/b\"]; enabled = false;"
		    "}, { name = \"f.2-_~\"; mode = \"ca\";" REFS,
		[I] = LOCAL "}, { name = \"x\"; type = \"exec\"; "
		    "cert = \"x\"; command = [\"/x\", \"-y\", \"\\\"z\\\"\"];",
		[P] = PROF "validity = 3000000001L; san = []; backdate = 0;",
		[C] = CHAL
	};
	struct buf first = BUF_INIT(FILE_MAX), second = BUF_INIT(FILE_MAX);
	struct conf *a, *b;

	(void)state;
	write_conf(part, 0640);
	a = load();
	assert_int_equal(conf_dump(a, &first), 0);
	write_dump(&first);
	b = load();
	assert_same(a, b);
	assert_int_equal(conf_dump(b, &second), 0);
	assert_string_equal(buf_cstr(&first), buf_cstr(&second));
	buf_wipe(&first);
	buf_wipe(&second);
	conf_free(a);
	conf_free(b);
}

static void
test_sample(void **state)
{
	struct buf out = BUF_INIT(FILE_MAX);
	struct conf *c, *all;
	char path[128];
	size_t i;

	(void)state;
	assert_int_equal(conf_sample(&out), 0);
	write_raw(buf_bytes(&out), 0644);
	c = load();
	assert_string_equal(c->endpoints[0].name, "default");
	assert_string_equal(c->issuers[0].name, "local");
	snprintf(path, sizeof(path), "%s/ca/ra.pem", folder);
	assert_string_equal(c->endpoints[0].ra_cert, path);
	/* What stands behind "#" is a setting too, at its default. */
	for (i = 0; i + 1 < out.n; i++)
		if (out.p[i] == '#' && out.p[i + 1] >= 'a' &&
		    out.p[i + 1] <= 'z')
			out.p[i] = ' ';
	write_raw(buf_bytes(&out), 0640);
	all = load();
	assert_same(c, all);
	conf_free(all);
	/* So are the lists that two lines keep out of use. */
	for (i = 0; i + 1 < out.n; i++)
		if ((out.p[i] == '/' && out.p[i + 1] == '*') ||
		    (out.p[i] == '*' && out.p[i + 1] == '/'))
			out.p[i] = out.p[i + 1] = ' ';
	write_raw(buf_bytes(&out), 0640);
	all = load();
	assert_string_equal(all->accounts[0].name, "mdm");
	assert_string_equal(all->validators[0].name, "inventory");
	conf_free(all);
	conf_free(c);
	buf_wipe(&out);
}

static void
test_manual(void **state)
{
	struct buf out = BUF_INIT(FILE_MAX);
	enum conf_part p;
	char item[128];
	size_t i;

	(void)state;
	assert_int_equal(conf_manual(&out), 0);
	for (p = CONF_PART_GLOBAL; p < CONF_PART_COUNT; p++)
		for (i = 0; i < conf_sections[p].n; i++) {
			snprintf(item, sizeof(item), ".It Va %s\n",
			    conf_sections[p].rows[i].path);
			assert_non_null(strstr(buf_cstr(&out), item));
		}
	assert_non_null(strstr(buf_cstr(&out), "Form: number, 1024..1048576; "
	    "default 65536.\n"));
	buf_wipe(&out);
	/* A limit is told, not passed. */
	buf_init(&out, 100);
	assert_int_equal(conf_manual(&out), -1);
	assert_int_equal(conf_sample(&out), -1);
	buf_wipe(&out);
}

static void
test_needs_restart(void **state)
{
	static const struct {
		enum part	 part;
		const char	*text;
		const char	*path;
	} row[] = {
		{ G, "", NULL },
		{ G, "http: { max_body = 2000; };", NULL },
		{ G, "log: { level = \"debug\"; };", NULL },
		{ G, "user = \"scepd\";", "user" },
		{ G, "http: { listen = \"127.0.0.1:1\"; };", "http.listen" },
		{ G, "http: { idle_timeout = 9; };", "http.idle_timeout" },
		{ G, "store: { path = \"/x\"; };", "store.path" },
		{ E, EP RA "enabled = false; }, { name = \"f\"; " REFS RA
		  "paths = [\"/f\"];", NULL },
		{ P, PROF "validity = \"30d\"; }, { name = \"q\";", NULL },
	};
	struct conf *old, *new;
	const char *path;
	size_t i;

	(void)state;
	old = load_part(G, "");
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		new = load_part(row[i].part, row[i].text);
		path = conf_needs_restart(old, new);
		if (row[i].path == NULL)
			assert_null(path);
		else
			assert_string_equal(path, row[i].path);
		conf_free(new);
	}
	conf_free(old);
}

/* What conf.def promises about its rows. */
static void
test_table(void **state)
{
	const struct conf_row *row;
	enum conf_part p;
	const char *dot;
	size_t i;

	(void)state;
	for (p = CONF_PART_GLOBAL; p < CONF_PART_COUNT; p++) {
		if (p != CONF_PART_GLOBAL)
			assert_string_equal(conf_sections[p].rows[0].path,
			    "name");
		for (i = 0; i < conf_sections[p].n; i++) {
			row = &conf_sections[p].rows[i];
			assert_ptr_equal(conf_row_find(p, row->path), row);
			dot = strchr(row->path, '.');
			if (dot != NULL)
				assert_null(strchr(dot + 1, '.'));
			if (p != CONF_PART_GLOBAL)
				assert_true(row->flags & CONF_RELOAD);
			if (row->kind == CONF_KIND_ENUM)
				assert_true(conf_word_index(row->words,
				    row->text) >= 0);
			if (row->kind == CONF_KIND_INT ||
			    row->kind == CONF_KIND_DUR)
				assert_true(row->num >= row->min &&
				    row->num <= row->max);
		}
	}
}

/* All of them are in the store. */
static void
test_no_challenges(void **state)
{
	struct conf *c;

	(void)state;
	write_raw(bytes_str("endpoints = ( { name = \"e\"; issuer = \"i\";"
	    " profile = \"p\"; " RA " } ); issuers = ( { " LOCAL " } );"
	    " profiles = ( { " PROF " } );"), 0644);
	c = load();
	assert_int_equal(c->n_challenges, 0);
	assert_int_equal(c->endpoints[0].challenges.n, 0);
	assert_null(conf_challenge(c, "c"));
	conf_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_validators),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_url_paths),
		cmocka_unit_test(test_secrets_stay),
		cmocka_unit_test(test_dump_loads),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_manual),
		cmocka_unit_test(test_no_challenges),
		cmocka_unit_test(test_needs_restart),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
