#include <openssl/crypto.h>

#include <stdio.h>
#include <string.h>

#include "pki/version.h"

const char *
version_running(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}

int
version_day(const char *text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char month[4];
	const char *at;
	int day, year;

	if (sscanf(text, "%*s %*s %2d %3s %4d", &day, month, &year) != 3 ||
	    strlen(month) != 3 || (at = strstr(months, month)) == NULL ||
	    (at - months) % 3 != 0 || day < 1 || year < 1000)
		return 0;
	return year * 10000 + ((int)(at - months) / 3 + 1) * 100 + day;
}
