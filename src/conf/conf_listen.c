/*
 * Where the server listens. That administration never crosses a network in the
 * clear is decided here, before a socket is opened.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_int.h"

/* A listener that speaks TLS, and its settings. */
struct listener {
	const char	*spec, *spec_path;
	const char	*cert, *cert_path;
	const char	*key, *key_path;
	const char	*pass, *pass_path;
};

static struct conf_spot
global(const char *path)
{
	return (struct conf_spot){ .part = CONF_PART_GLOBAL, .path = path };
}

/* ADDRESS:PORT; who opens the socket judges the address. */
static int
check_spec(struct conf_reader *r, const char *path, const char *text,
    const char *mend)
{
	const char *port = strrchr(text, ':');

	if (port != NULL && port != text && port[1] != '\0' &&
	    strlen(port + 1) <= 5 &&
	    strspn(port + 1, "0123456789") == strlen(port + 1) &&
	    strtol(port + 1, NULL, 10) <= 65535)
		return 0;
	return conf_refuse(r, global(path), "\"%s\" is not ADDRESS:PORT; "
	    "write it as in %s", text, mend);
}

static int
check_tls(struct conf_reader *r, const struct listener *l, bool wanted)
{
	if (*l->cert == '\0' && *l->key != '\0')
		return conf_refuse(r, global(l->key_path), "has no "
		    "certificate beside it; give %s", l->cert_path);
	if (*l->cert != '\0' && *l->key == '\0')
		return conf_refuse(r, global(l->cert_path), "has no key "
		    "beside it; give %s", l->key_path);
	if (*l->pass != '\0' && *l->key == '\0')
		return conf_refuse(r, global(l->pass_path), "has no key "
		    "beside it; give %s or remove it", l->key_path);
	if (*l->cert != '\0' && !wanted)
		return conf_refuse(r, global(l->cert_path), "nothing listens "
		    "with it; give an address and port in %s or remove it",
		    l->spec_path);
	return 0;
}

static int
check_public(struct conf_reader *r)
{
	const struct conf *c = r->conf;
	const struct listener l = {
		c->tls_listen, "http.tls_listen", c->tls_cert, "http.tls_cert",
		c->tls_key, "http.tls_key",
		c->tls_key_passphrase, "http.tls_key_passphrase"
	};

	if (strcmp(c->listen, CONF_NONE) == 0 && *c->tls_listen == '\0')
		return conf_refuse(r, global("http.listen"), "nothing would "
		    "listen; give http.tls_listen or an address and port");
	if (strcmp(c->listen, CONF_NONE) != 0 &&
	    check_spec(r, "http.listen", c->listen,
	    "127.0.0.1:8080 or [::1]:8080") != 0)
		return -1;
	if (*c->tls_listen != '\0' && check_spec(r, "http.tls_listen",
	    c->tls_listen, "0.0.0.0:8443 or [::]:8443") != 0)
		return -1;
	if (*c->tls_listen != '\0' && *c->tls_cert == '\0')
		return conf_refuse(r, global("http.tls_listen"), "has no "
		    "certificate to show; give http.tls_cert and "
		    "http.tls_key");
	return check_tls(r, &l, *c->tls_listen != '\0');
}

/* Can only this machine reach "127.0.0.1:1" or "[::1]:1"? */
static bool
is_loopback(const char *spec)
{
	char host[INET6_ADDRSTRLEN + 2];
	size_t n = (size_t)(strrchr(spec, ':') - spec);
	struct in_addr in;
	struct in6_addr in6;

	if (n >= 2 && spec[0] == '[' && spec[n - 1] == ']') {
		spec++;
		n -= 2;
	}
	if (n >= sizeof(host))
		return false;
	memcpy(host, spec, n);
	host[n] = '\0';
	if (inet_pton(AF_INET, host, &in) == 1)
		return ntohl(in.s_addr) >> 24 == IN_LOOPBACKNET;
	return inet_pton(AF_INET6, host, &in6) == 1 &&
	    IN6_IS_ADDR_LOOPBACK(&in6);
}

static int
check_admin(struct conf_reader *r)
{
	const struct conf *c = r->conf;
	const char *spec = c->admin_listen;
	bool address = *spec != '\0' && *spec != '/';
	const struct listener l = {
		spec, "admin.listen", c->admin_tls_cert, "admin.tls_cert",
		c->admin_tls_key, "admin.tls_key",
		c->admin_tls_key_passphrase, "admin.tls_key_passphrase"
	};

	if (address && check_spec(r, "admin.listen", spec,
	    "127.0.0.1:8081, or as in /run/scepd/admin.sock") != 0)
		return -1;
	if (*c->admin_group != '\0' && *spec != '/')
		return conf_refuse(r, global("admin.group"), "is for a Unix "
		    "socket; remove it, or give the path of one in "
		    "admin.listen");
	if (*c->admin_client_ca != '\0' && *c->admin_tls_cert == '\0')
		return conf_refuse(r, global("admin.client_ca"), "is for TLS; "
		    "give admin.tls_cert and admin.tls_key, or remove it");
	if (*c->admin_client_crl != '\0' && *c->admin_client_ca == '\0')
		return conf_refuse(r, global("admin.client_crl"), "has no CA; "
		    "give admin.client_ca or remove it");
	if (check_tls(r, &l, address) != 0)
		return -1;
	if (address && *c->admin_tls_cert == '\0' && !is_loopback(spec))
		return conf_refuse(r, global("admin.listen"), "\"%s\" can be "
		    "reached from other machines, and passwords would cross "
		    "the network in the clear; give admin.tls_cert and "
		    "admin.tls_key, a loopback address, or the path of a "
		    "Unix socket", spec);
	return 0;
}

static int
check_ndes(struct conf_reader *r)
{
	const struct conf *c = r->conf;

	if (*c->ndes_endpoint == '\0')
		return *c->ndes_single == '\0' ? 0 : conf_refuse(r,
		    global("ndes.single"), "no page shows it; give "
		    "ndes.endpoint or remove it");
	if (conf_endpoint(c, c->ndes_endpoint) == NULL)
		return conf_refuse(r, global("ndes.endpoint"), "\"%s\" is not "
		    "the name of an entry in endpoints; add one or correct "
		    "the name", c->ndes_endpoint);
	if (conf_endpoint(c, c->ndes_endpoint)->validator_challenge ==
	    CONF_CHALLENGE_INSTEAD)
		return conf_refuse(r, global("ndes.endpoint"), "\"%s\" takes "
		    "no challenge of the page, for its validator judges them; "
		    "name another endpoint, or set its validator_challenge to "
		    "also", c->ndes_endpoint);
	if (*c->admin_listen == '\0')
		return conf_refuse(r, global("ndes.endpoint"), "the page is "
		    "served by admin.listen; give it or remove this");
	return 0;
}

int
conf_check_listeners(struct conf_reader *r)
{
	const struct conf *c = r->conf;

	if (check_public(r) != 0 || check_admin(r) != 0)
		return -1;
	if (*c->admin_listen != '\0' && c->n_accounts == 0)
		return conf_refuse(r, global("admin.listen"), "nobody could "
		    "use it; add an entry to accounts");
	return check_ndes(r);
}
