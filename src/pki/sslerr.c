#include <openssl/err.h>

#include "pki/pki_int.h"

void
set_ssl(struct err *e, enum err_reason reason, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *why = code == 0 ? NULL : ERR_reason_error_string(code);

	if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE && code != 0)
		reason = ERR_MEMORY;
	if (why != NULL)
		err_set(e, reason, "%s: %s", what, why);
	else
		err_set(e, reason, "%s", what);
	ERR_clear_error();
}
