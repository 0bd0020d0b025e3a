/*
 * TLS, as GnuTLS below libmicrohttpd speaks it.
 *
 * libmicrohttpd takes one certificate for its life. So each connection gets its
 * credentials from us when it is accepted: after a reload new ones show the new
 * certificate, and those that live keep what they began with.
 */
#include <stdlib.h>

#include <gnutls/abstract.h>

#include "http/http_int.h"
#include "util/file.h"

/*
 * TLS 1.3 and 1.2 alone, whatever the system's defaults are; and no key
 * exchange in which the client encrypts to our key: who gets that key later
 * reads all that was said, and its padding has been an oracle often enough.
 */
#define PRIORITIES	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA"

struct http_tls *
tls_get(struct http_tls *t)
{
	atomic_fetch_add(&t->refs, 1);
	return t;
}

void
http_tls_put(struct http_tls *t)
{
	if (t == NULL || atomic_fetch_sub(&t->refs, 1) != 1)
		return;
	if (t->cred != NULL)
		gnutls_certificate_free_credentials(t->cred);
	free(t->own.path);
	free(t);
}

static gnutls_datum_t
datum(struct buf *b)
{
	return (gnutls_datum_t){ .data = b->p, .size = (unsigned)b->n };
}

/* Why GnuTLS does not take a certificate and its key, and the mend. */
static void
set_pair_err(const struct http_tls_files *f, int error, struct err *e)
{
	switch (error) {
	case GNUTLS_E_CERTIFICATE_KEY_MISMATCH:
		err_set(e, ERR_KEY_FILE, "%s: is not the key of %s; name the "
		    "two that belong together", f->key, f->cert);
		return;
	case GNUTLS_E_DECRYPTION_FAILED:
		err_set(e, ERR_PASSPHRASE, "%s: %s", f->key,
		    *f->passphrase == '\0' ? "is encrypted; name the file "
		    "with its passphrase" : "the passphrase is wrong");
		return;
	default:
		err_set(e, ERR_KEY_FILE, "%s: %s; give its private key in PEM",
		    f->key, gnutls_strerror(error));
		return;
	}
}

/* Reads the chain only to tell a bad certificate from a bad key. */
static int
check_chain(struct http_tls *t, const char *path, struct buf *pem,
    struct err *e)
{
	gnutls_x509_crt_t	 chain[TLS_CHAIN];
	gnutls_datum_t		 d = datum(pem);
	unsigned		 n = TLS_CHAIN, i;
	int			 r;

	r = gnutls_x509_crt_list_import(chain, &n, &d, GNUTLS_X509_FMT_PEM,
	    GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED |
	    GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
	if (r == GNUTLS_E_CERTIFICATE_LIST_UNSORTED) {
		err_set(e, ERR_CERT_FILE, "%s: each certificate must be "
		    "followed by that of its issuer, the server's own first",
		    path);
		return -1;
	}
	if (r <= 0) {
		err_set(e, ERR_CERT_FILE, "%s: no certificates in PEM, at "
		    "most %d: %s", path, TLS_CHAIN, gnutls_strerror(r));
		return -1;
	}
	n = (unsigned)r;
	r = tls_own_read(&t->own, path, chain[0], e);
	for (i = 0; i < n; i++)
		gnutls_x509_crt_deinit(chain[i]);
	return r;
}

static int
load_pair(struct http_tls *t, const struct http_tls_files *f, struct err *e)
{
	struct buf	 cert = BUF_INIT(FILE_MAX), key = BUF_INIT(FILE_MAX),
			 pass = BUF_INIT(FILE_MAX);
	gnutls_datum_t	 c, k;
	int		 r = -1;

	if (file_read(f->cert, &cert, e) == -1 ||
	    check_chain(t, f->cert, &cert, e) == -1 ||
	    file_read_private(f->key, &key, e) == -1 ||
	    (*f->passphrase != '\0' &&
	    file_read_secret(f->passphrase, &pass, e) == -1))
		goto out;
	c = datum(&cert);
	k = datum(&key);
	r = gnutls_certificate_set_x509_key_mem2(t->cred, &c, &k,
	    GNUTLS_X509_FMT_PEM, *f->passphrase == '\0' ? NULL :
	    buf_cstr(&pass), 0);
	if (r < 0)
		set_pair_err(f, r, e);
out:
	buf_wipe(&cert);
	buf_wipe(&key);
	buf_wipe(&pass);
	return r < 0 ? -1 : 0;
}

static int
read_cas(struct http_tls *t, struct buf *pem, const char *path, struct err *e)
{
	gnutls_datum_t	 d;

	if (file_read(path, pem, e) == -1)
		return -1;
	d = datum(pem);
	if (gnutls_certificate_set_x509_trust_mem(t->cred, &d,
	    GNUTLS_X509_FMT_PEM) > 0)
		return 0;
	err_set(e, ERR_CERT_FILE, "%s: no CA certificates in PEM", path);
	return -1;
}

/* GnuTLS would take any, whoever made it and however old it is. */
static int
take_crl(struct http_tls *t, gnutls_x509_crl_t crl, const gnutls_x509_crt_t *cas,
    unsigned n_cas)
{
	time_t	 next = gnutls_x509_crl_get_next_update(crl);
	unsigned status = 0;

	if (gnutls_x509_crl_verify(crl, cas, (int)n_cas, 0, &status) != 0 ||
	    (status & (GNUTLS_CERT_SIGNER_NOT_FOUND |
	    GNUTLS_CERT_SIGNATURE_FAILURE | GNUTLS_CERT_SIGNER_NOT_CA |
	    GNUTLS_CERT_INSECURE_ALGORITHM)) != 0)
		return -1;
	if (next != (time_t)-1 && next < t->crl_until)
		t->crl_until = next;
	return gnutls_certificate_set_x509_crl(t->cred, &crl, 1) > 0 ? 0 : -1;
}

static int
take_crls(struct http_tls *t, struct buf *crl_pem, struct buf *ca_pem)
{
	gnutls_datum_t		 c = datum(crl_pem), a = datum(ca_pem);
	gnutls_x509_crl_t	*crls = NULL;
	gnutls_x509_crt_t	*cas = NULL;
	unsigned		 n = 0, n_cas = 0, i;
	int			 r = -1;

	if (gnutls_x509_crt_list_import2(&cas, &n_cas, &a,
	    GNUTLS_X509_FMT_PEM, 0) >= 0 &&
	    gnutls_x509_crl_list_import2(&crls, &n, &c,
	    GNUTLS_X509_FMT_PEM, 0) >= 0 && n > 0)
		r = 0;
	for (i = 0; r == 0 && i < n; i++)
		r = take_crl(t, crls[i], cas, n_cas);
	for (i = 0; i < n; i++)
		gnutls_x509_crl_deinit(crls[i]);
	for (i = 0; i < n_cas; i++)
		gnutls_x509_crt_deinit(cas[i]);
	gnutls_free(crls);
	gnutls_free(cas);
	return r;
}

static int
load_client_ca(struct http_tls *t, const struct http_tls_files *f,
    struct err *e)
{
	struct buf	 ca = BUF_INIT(FILE_MAX), crl = BUF_INIT(FILE_MAX);
	int		 r = -1;

	if (read_cas(t, &ca, f->client_ca, e) == -1 || (*f->client_crl !=
	    '\0' && file_read(f->client_crl, &crl, e) == -1))
		goto out;
	if (*f->client_crl != '\0' && take_crls(t, &crl, &ca) == -1) {
		err_set(e, ERR_CERT_FILE, "%s: not CRLs in PEM, each of a CA "
		    "in %s", f->client_crl, f->client_ca);
		goto out;
	}
	t->asks = true;
	r = 0;
out:
	buf_wipe(&ca);
	buf_wipe(&crl);
	return r;
}

int
http_tls_load(const struct http_tls_files *f, struct http_tls **out,
    struct err *e)
{
	struct http_tls	*t;

	if ((t = calloc(1, sizeof(*t))) == NULL ||
	    gnutls_certificate_allocate_credentials(&t->cred) != 0) {
		free(t);
		err_set(e, ERR_MEMORY, "TLS");
		return -1;
	}
	atomic_init(&t->refs, 1);
	t->crl_until = INT64_MAX;
	if (load_pair(t, f, e) == -1 || (*f->client_ca != '\0' &&
	    load_client_ca(t, f, e) == -1)) {
		http_tls_put(t);
		return -1;
	}
	*out = t;
	return 0;
}

gnutls_session_t
tls_session(struct MHD_Connection *con)
{
	const union MHD_ConnectionInfo	*info;

	info = MHD_get_connection_info(con,
	    MHD_CONNECTION_INFO_GNUTLS_SESSION);
	return info == NULL ? NULL : (gnutls_session_t)info->tls_session;
}

int
tls_begin(struct http_tls *t, struct MHD_Connection *con)
{
	gnutls_session_t	 session = tls_session(con);

	if (session == NULL || gnutls_credentials_set(session,
	    GNUTLS_CRD_CERTIFICATE, t->cred) != GNUTLS_E_SUCCESS)
		return -1;
	gnutls_certificate_server_set_request(session,
	    t->asks ? GNUTLS_CERT_REQUEST : GNUTLS_CERT_IGNORE);
	if (t->asks)
		tls_client_begin(t, session);
	return 0;
}

/* Asked only where tls_begin() did not run: that connection shows nothing. */
static int
no_certificate(gnutls_session_t session, const gnutls_datum_t *issuers,
    int n_issuers, const gnutls_pk_algorithm_t *algs, int n_algs,
    gnutls_pcert_st **pcert, unsigned *n_pcert, gnutls_privkey_t *key)
{
	(void)session;
	(void)issuers;
	(void)n_issuers;
	(void)algs;
	(void)n_algs;
	(void)pcert;
	(void)n_pcert;
	(void)key;
	return -1;
}

void
tls_options(struct MHD_OptionItem out[TLS_OPTIONS])
{
	out[0] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0,
	    (void *)(uintptr_t)PRIORITIES };
	out[1] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_CERT_CALLBACK, 0,
	    (void *)(uintptr_t)no_certificate };
	out[2] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
}
