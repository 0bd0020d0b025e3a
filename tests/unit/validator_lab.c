#include "validator_lab.h"

#include <unistd.h>

#include "scep/wrap.h"
#include "util/file.h"

static const char	 script[] =
    "#!/bin/sh\n"
    "cd \"${0%/*}\" || exit 9\n"
    "cat >told.$$\n"
    "if grep -q '\"event\": \"outcome\"' told.$$; then\n"
    "	mv told.$$ outcome; exit 0\n"
    "fi\n"
    "echo x >>asked\n"
    "mv told.$$ told\n"
    "[ ! -e slow ] || sleep 0.3\n"
    "cat words\n"
    "exit $(cat verdict)\n";

#define END(name)							\
	LAB_END(name) "profile = \"p\"; validator = \"v\";\n"

static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "pipeline: { workers = 32; };\n"
    "endpoints = (\n"
    END("also") "challenges = [ \"c\" ]; },\n"
    END("instead") "validator_challenge = \"instead\"; },\n"
    END("once") "challenges = [ \"c\" ]; validator_renewals = false; },\n"
    END("vouched") "validator_challenge = \"instead\";\n"
    "    validator_renewals = false;\n"
    "    renew = { challenge = \"required\"; }; },\n"
    END("limited") "challenges = [ \"d\" ]; },\n"
    END("manual") "challenges = [ \"c\" ]; approval = \"manual\"; } );\n"
    "issuers = (" LAB_ISSUER " );\n"
    "profiles = ( { name = \"p\"; san = [ \"dns\" ]; },\n"
    "  { name = \"q\"; validity = \"10d\"; san = [ \"dns\", \"upn\" ];\n"
    "    sid = \"allow\"; },\n"
    "  { name = \"held\"; approval = \"manual\"; },\n"
    "  { name = \"ec\"; key_types = [ \"ec\" ]; } );\n"
    "challenges = ( { name = \"c\"; secret = \"" SECRET "\"; },\n"
    "  { name = \"d\"; secret = \"" LIMITED "\"; profile = \"q\";\n"
    "    subject = [ \"CN glob dev*\" ]; } );\n"
    "validators = ( { name = \"v\"; command = [ \"%s\" ];\n"
    "  notify = true; } );\n";

void
vlab_write(const char *name, const char *what)
{
	(void)tool_file(name, bytes_str(what), 0600);
}

void
vlab_says(int verdict, const char *words)
{
	char	 code[16];

	(void)snprintf(code, sizeof(code), "%d", verdict);
	vlab_write("verdict", code);
	vlab_write("words", words);
}

int
vlab_begin(void **state)
{
	(void)state;
	(void)unlink(tool_path("slow"));
	(void)unlink(tool_path("outcome"));
	vlab_write("asked", "");
	vlab_write("told", "");
	vlab_says(0, "");
	lab_begin(text, tool_file("validate", bytes_str(script), 0700));
	return 0;
}

void
vlab_again(void)
{
	lab_close();
	(void)vlab_begin(NULL);
}

const char *
vlab_heard(const char *name)
{
	static struct buf	 b = BUF_INIT(FILE_MAX);
	struct err		 e = ERR_INIT;

	buf_reset(&b);
	if (access(tool_path(name), F_OK) == 0)
		lab_ok(file_read(tool_path(name), &b, &e), &e);
	return buf_cstr(&b);
}

size_t
vlab_asked(void)
{
	return strlen(vlab_heard("asked")) / 2;
}

void
vlab_assert_told(const char *what)
{
	if (strstr(vlab_heard("told"), what) == NULL)
		fail_msg("it was not told %s but %s", what,
		    vlab_heard("told"));
}

void
vlab_ask(const char *path, int type, const struct who *by, const char *txid,
    const char *challenge, struct scep_got *got)
{
	struct csr		*r = tool_csr(by->key, "/CN=device",
	    "DNS:device.example", challenge);
	const struct scep_ask	 q = lab_question(type, by, txid, r->der);

	lab_ask(path, &q, got);
	csr_free(r);
}

int
vlab_http(const char *path, int type, const struct who *by,
    const char *challenge)
{
	struct csr		*r = tool_csr(by->key, "/CN=device",
	    "DNS:device.example", challenge);
	const struct scep_ask	 q = lab_question(type, by, "status", r->der);
	struct exchange		 x;
	int			 status;

	lab_post(path, &q, &x);
	status = x.status;
	exchange_clear(&x);
	csr_free(r);
	return status;
}

int
vlab_try(const char *path, const char *challenge)
{
	return vlab_http(path, SCEP_PKCSREQ, &lab.device, challenge);
}
