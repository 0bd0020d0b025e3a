/*
 * The screen before libcrypto's CMS code, with the input as message and as
 * envelope.
 */
#include "fuzz.h"
#include "pki/screen_int.h"

static struct algs *algs;

static void
check(int rc, const struct err *e)
{
	if ((rc == 0) != (e->reason == ERR_NONE))
		fuzz_broken("a reason without failure, or none");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err e = { .reason = ERR_NONE };
	enum alg alg = ALG_COUNT;

	if (algs == NULL && algs_open(&algs, &e) == -1)
		fuzz_broken(err_text(&e));
	check(screen_signed(bytes_make(data, n), &alg, &e), &e);
	err_clear(&e);
	alg = ALG_NONE;
	check(screen_sealed(bytes_make(data, n), algs, false, &alg, &e), &e);
	if (e.reason == ERR_NONE && !algs_accept(algs, alg))
		fuzz_broken("a cipher that is not accepted");
	return 0;
}
