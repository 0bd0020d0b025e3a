/*
 * The certificate that an administrator shows. It is judged in the handshake,
 * and again with each request: connections live longer than trust does.
 */
#include <sys/socket.h>

#include <string.h>

#include "http/http_int.h"
#include "util/clock.h"
#include "util/log.h"

/* Why a certificate is no good; the first that fits is told. */
static const struct {
	unsigned	 status;
	const char	*why;
} faults[] = {
	{ GNUTLS_CERT_REVOKED,		"is revoked in admin.client_crl" },
	{ GNUTLS_CERT_SIGNER_NOT_FOUND,
	  "does not chain to a CA in admin.client_ca" },
	{ GNUTLS_CERT_SIGNER_NOT_CA,	"was issued by what is no CA" },
	{ GNUTLS_CERT_EXPIRED,		"it, or a CA of it, has expired" },
	{ GNUTLS_CERT_NOT_ACTIVATED,	"it, or a CA of it, is not valid yet" },
	{ GNUTLS_CERT_PURPOSE_MISMATCH,
	  "is not for TLS clients, by its extended key usage" },
	{ GNUTLS_CERT_INSECURE_ALGORITHM,
	  "is signed with, or has a key of, a weak algorithm" },
	{ GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE,
	  "is not of those that its CA may issue" },
	{ GNUTLS_CERT_SIGNATURE_FAILURE, "its signature is wrong" },
};

/* Somewhere to keep what was shown, leaf first. */
struct shown {
	gnutls_x509_crt_t	 v[TLS_CHAIN];
	unsigned		 n;
};

static void
shown_clear(struct shown *s)
{
	while (s->n > 0)
		gnutls_x509_crt_deinit(s->v[--s->n]);
}

/* -1: there is something, and it cannot be read. */
static int
shown_read(gnutls_session_t session, struct shown *s)
{
	const gnutls_datum_t	*certs;
	unsigned		 n = 0, i;

	certs = gnutls_certificate_get_peers(session, &n);
	if (certs == NULL || n == 0)
		return 0;
	if (n > TLS_CHAIN)
		return -1;
	for (i = 0; i < n; i++) {
		if (gnutls_x509_crt_init(&s->v[i]) != 0)
			return -1;
		s->n = i + 1;
		if (gnutls_x509_crt_import(s->v[i], &certs[i],
		    GNUTLS_X509_FMT_DER) != 0)
			return -1;
	}
	return 0;
}

/* RFC 4514, as scepd.conf(5) has it; what does not fit is nobody's. */
static void
copy_name(gnutls_x509_crt_t leaf, char out[CLIENT_MAX])
{
	gnutls_datum_t	 name = { NULL, 0 };

	memcpy(out, "?", 2);
	if (gnutls_x509_crt_get_dn3(leaf, &name, 0) != 0)
		return;
	if (name.size > 0 && name.size < CLIENT_MAX &&
	    memchr(name.data, '\0', name.size) == NULL) {
		memcpy(out, name.data, name.size);
		out[name.size] = '\0';
	}
	gnutls_free(name.data);
}

/* NULL: it is good, and of an administrator's kind. */
static const char *
fault(gnutls_certificate_credentials_t cred, struct shown *s)
{
	gnutls_typed_vdata_st	 purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT
	};
	gnutls_x509_trust_list_t cas = NULL;
	unsigned		 status = 0;
	size_t			 i;

	gnutls_certificate_get_trust_list(cred, &cas);
	if (cas == NULL || gnutls_x509_trust_list_verify_crt2(cas, s->v, s->n,
	    &purpose, 1, 0, &status, NULL) != 0)
		return "cannot be verified";
	if (status == 0)
		return NULL;
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if ((status & faults[i].status) != 0)
			return faults[i].why;
	return "is not valid";
}

/* The connection's other end, which GnuTLS knows by its descriptor. */
static void
peer_of(gnutls_session_t session, char out[PEER_MAX])
{
	union {
		struct sockaddr		 sa;
		struct sockaddr_storage	 ss;
	}		 at = { .sa = { .sa_family = AF_UNSPEC } };
	socklen_t	 len = sizeof(at);

	out[0] = '\0';
	if (getpeername(gnutls_transport_get_int(session), &at.sa, &len) == 0)
		peer_text(&at.sa, out);
}

static void
log_refused(gnutls_session_t session, const char *who, const char *why)
{
	struct log_line	 l;
	char		 peer[PEER_MAX];

	peer_of(session, peer);
	log_begin_limited(&l, LOG_L_WARN, "client_refused");
	log_str(&l, "peer", peer);
	log_str(&l, "subject", who);
	log_str(&l, "detail", why);
	log_end(&l);
}

/* stale: who was revoked since is in a CRL that we do not have. */
static int
judge(gnutls_certificate_credentials_t cred, bool stale,
    gnutls_session_t session, char out[CLIENT_MAX])
{
	struct shown	 s = { .n = 0 };
	const char	*why = NULL;
	int		 r = shown_read(session, &s);

	out[0] = '\0';
	if (s.n > 0)
		copy_name(s.v[0], out);
	if (r == -1)
		why = "cannot be read";
	else if (s.n > 0)
		why = stale ? "admin.client_crl is past its nextUpdate; renew "
		    "it and send SIGHUP" : fault(cred, &s);
	shown_clear(&s);
	if (why == NULL)
		return 0;
	log_refused(session, out, why);
	return -1;
}

/* ---- in the handshake: who shows none goes on, and proves himself later ---- */

static int
handshake(gnutls_session_t session, bool stale)
{
	void	*cred = NULL;
	char	 who[CLIENT_MAX];

	if (gnutls_credentials_get(session, GNUTLS_CRD_CERTIFICATE, &cred) !=
	    0 || judge(cred, stale, session, who) == -1)
		return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
	return 0;
}

static int
handshake_good(gnutls_session_t session)
{
	return handshake(session, false);
}

static int
handshake_stale(gnutls_session_t session)
{
	return handshake(session, true);
}

static bool
is_stale(const struct http_tls *t)
{
	return clock_now() >= t->crl_until;
}

/* The session's own pointer is libmicrohttpd's: a function for each case. */
void
tls_client_begin(const struct http_tls *t, gnutls_session_t session)
{
	gnutls_session_set_verify_function(session, is_stale(t) ?
	    handshake_stale : handshake_good);
}

/* ---- with a request ---- */

int
tls_client(const struct http_tls *t, struct MHD_Connection *con,
    char out[CLIENT_MAX])
{
	gnutls_session_t	 session;

	out[0] = '\0';
	if (t == NULL || !t->asks || (session = tls_session(con)) == NULL)
		return 0;
	return judge(t->cred, is_stale(t), session, out);
}
