/*
 * The certificate that a TLS listener shows. One that clients refuse stops no
 * start: devices that come in plain HTTP do not care. But it is said, until
 * somebody mends it.
 */
#include <stdlib.h>
#include <string.h>

#include "http/http_int.h"
#include "util/clock.h"
#include "util/log.h"

#define EXPIRY_WARNING	(30 * 86400)	/* seconds ahead */
#define NAME_MAX_LENGTH	1024

/* Clients look for the host among the subjectAltNames alone (RFC 9110,
 * 4.3.4). */
static bool
has_name(gnutls_x509_crt_t leaf)
{
	char		 name[NAME_MAX_LENGTH];
	size_t		 size;
	unsigned	 i, type = 0;
	int		 r;

	for (i = 0;; i++) {
		size = sizeof(name);
		r = gnutls_x509_crt_get_subject_alt_name2(leaf, i, name,
		    &size, &type, NULL);
		if (r < 0)
			return r == GNUTLS_E_SHORT_MEMORY_BUFFER;
		if (type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_IPADDRESS)
			return true;
	}
}

int
tls_own_read(struct tls_own *own, const char *path, gnutls_x509_crt_t leaf,
    struct err *e)
{
	time_t	 from = gnutls_x509_crt_get_activation_time(leaf);
	time_t	 until = gnutls_x509_crt_get_expiration_time(leaf);

	if ((own->path = strdup(path)) == NULL) {
		err_set(e, ERR_MEMORY, "TLS");
		return -1;
	}
	own->from = from == (time_t)-1 ? INT64_MIN : from;
	own->until = until == (time_t)-1 ? INT64_MAX : until;
	own->names = has_name(leaf);
	own->serves = gnutls_x509_crt_check_key_purpose(leaf,
	    GNUTLS_KP_TLS_WWW_SERVER, 0) != 0;
	return 0;
}

int
http_tls_check(const struct http_tls *t, struct err *e)
{
	char	 when[CLOCK_TEXT_MAX];
	int64_t	 now = clock_now();

	if (now >= t->own.from && now <= t->own.until)
		return 0;
	clock_text(now < t->own.from ? t->own.from : t->own.until, when);
	err_set(e, ERR_CERT_FILE, now < t->own.from ? "%s: the TLS "
	    "certificate is not valid before %s; clients refuse it" :
	    "%s: the TLS certificate has expired, at %s; clients refuse it: "
	    "have it issued again", t->own.path, when);
	return -1;
}

void
http_tls_tell(const struct http_tls *t)
{
	const struct tls_own	*own = &t->own;
	struct err		 e = { .reason = ERR_NONE };
	char			 when[CLOCK_TEXT_MAX];

	if (http_tls_check(t, &e) == -1) {
		log_msg(LOG_L_ERR, "tls_expired", "%s", err_text(&e));
	} else if (own->until - clock_now() <= EXPIRY_WARNING) {
		clock_text(own->until, when);
		log_msg(LOG_L_WARN, "expires_soon", "%s: the TLS certificate "
		    "expires %s; have it issued again", own->path, when);
	}
	if (!own->names)
		log_msg(LOG_L_WARN, "tls_unfit", "%s: the TLS certificate has "
		    "neither a DNS name nor an address among its "
		    "subjectAltNames, and most clients refuse it; have it "
		    "issued again", own->path);
	if (!own->serves)
		log_msg(LOG_L_WARN, "tls_unfit", "%s: the TLS certificate has "
		    "extended key usages, and serverAuth is none of them: "
		    "clients refuse it; have it issued again", own->path);
}
