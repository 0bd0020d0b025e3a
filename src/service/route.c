/*
 * What lies behind a path, for those whom a listener serves. The first row that
 * fits has it; the last public one has all that is left, for the endpoints.
 */
#include <string.h>

#include "service/service_int.h"
#include "site/crls.h"
#include "site/face.h"
#include "util/clock.h"
#include "util/log.h"

#define GET	(1u << SERVICE_GET)
#define POST	(1u << SERVICE_POST)

static int
send_document(struct exchange *x, struct document *d)
{
	struct log_line l;

	document_answer(x, d, clock_now());
	log_begin(&l, LOG_L_DEBUG, "document");
	log_str(&l, "path", x->path);
	log_str(&l, "peer", x->peer);
	log_int(&l, "status", x->status);
	log_end(&l);
	return 0;
}

static int
route_crl(struct service *s, struct exchange *x, const struct site_ca *ca,
    struct err *e)
{
	struct document *d = crls_get(s->crls, ca);

	if (d != NULL)
		return send_document(x, d);
	err_set(e, ERR_NO_CRL, "issuer %s", ca->conf->name);
	return -1;
}

static int
route_crt(struct service *s, struct exchange *x, const struct site_ca *ca,
    struct err *e)
{
	(void)s;
	(void)e;
	return send_document(x, document_get(ca->crt));
}

static int
route_pem(struct service *s, struct exchange *x, const struct site_ca *ca,
    struct err *e)
{
	(void)s;
	(void)e;
	return send_document(x, document_get(ca->pem));
}

static int
route_scep(struct service *s, struct exchange *x, const struct site_ca *ca,
    struct err *e)
{
	(void)ca;
	return exchange_scep(s, x, e);
}

/* The chain of the first endpoint's current CA. */
static int
route_chain(struct service *s, struct exchange *x, const struct site_ca *ca,
    struct err *e)
{
	struct face *f = site_face(x->site, &x->site->endpoints[0]);
	struct document *d = document_get(f->gens[0].ca->pem);

	(void)s;
	(void)ca;
	(void)e;
	face_put(f);
	return send_document(x, d);
}

static const struct route {
	enum service_who whom;		/* it is for */
	const char	*begin;		/* of the path; NULL: any path */
	const char	*end;		/* behind an issuer's name; NULL: the
					 * path is all of it */
	unsigned	 methods;
	const char	*allow;		/* the same in words */
	int		(*run)(struct service *, struct exchange *,
			    const struct site_ca *, struct err *);
} routes[] = {
	{ SERVICE_PUBLIC, "/crl/",	  ".crl", GET,	      "GET, HEAD",
	    route_crl },
	{ SERVICE_PUBLIC, "/ca/",	  ".crt", GET,	      "GET, HEAD",
	    route_crt },
	{ SERVICE_PUBLIC, "/ca/",	  ".pem", GET,	      "GET, HEAD",
	    route_pem },
	{ SERVICE_PUBLIC, "/ca/chain.pem", NULL,  GET,	      "GET, HEAD",
	    route_chain },
	{ SERVICE_PUBLIC, NULL,		  NULL,	  GET | POST, "GET, HEAD, POST",
	    route_scep },
#define ADMIN(path, methods, allow, run)				\
	{ SERVICE_ADMIN, (path), NULL, (methods), (allow), (run) },
	ADMIN("/metrics", GET, "GET, HEAD", admin_metrics)
	ADMIN("/api/challenge", POST, "POST", admin_challenge)
	ADMIN("/certsrv/mscep_admin", GET | POST, "GET, HEAD, POST",
	    admin_ndes)
	ADMIN("/certsrv/mscep_admin/", GET | POST, "GET, HEAD, POST",
	    admin_ndes)
	ADMIN("/certsrv/mscep_admin/mscep.dll", GET | POST,
	    "GET, HEAD, POST", admin_ndes)
#undef ADMIN
};

#define N_ROUTES	(sizeof(routes) / sizeof(routes[0]))

/* Is the path begin, name, end? */
static bool
is_path(const char *path, const struct route *r, const char *name)
{
	size_t begin = strlen(r->begin), n = strlen(name);

	return strncmp(path, r->begin, begin) == 0 &&
	    strncmp(path + begin, name, n) == 0 &&
	    strcmp(path + begin + n, r->end) == 0;
}

/* An issuer's name is that of the CA it is configured with, whoever is in
 * charge; by the identifier of its key each CA is found. */
static const struct site_ca *
find_ca(const struct site_ca *ca, const struct route *r, const char *path)
{
	for (; ca != NULL; ca = ca->next)
		if ((!ca->follows && is_path(path, r, ca->conf->name)) ||
		    is_path(path, r, ca->id))
			return ca;
	return NULL;
}

/* Whether the row has the path; *ca is the issuer it names. */
static bool
fits(const struct route *r, const struct exchange *x,
    const struct site_ca **ca)
{
	const struct site *site = x->site;
	size_t i;

	*ca = NULL;
	if (r->whom != x->who)
		return false;
	if (r->begin == NULL)
		return true;
	/* IIS ignores case. */
	if (r->end == NULL)
		return (r->whom == SERVICE_ADMIN ? strcasecmp : strcmp)(
		    x->path, r->begin) == 0;
	for (i = 0; i < site->conf->n_issuers; i++)
		if ((*ca = find_ca(&site->cas[i], r, x->path)) != NULL)
			return true;
	return false;
}

int
route_begin(struct service *s, struct exchange *x, struct err *e)
{
	const struct route *r = routes, *end = routes + N_ROUTES;
	const struct site_ca *ca;

	while (r < end && !fits(r, x, &ca))
		r++;
	if (r == end) {
		err_set(e, ERR_NOT_FOUND, "nothing has this path here");
		return -1;
	}
	if ((r->methods & (1u << x->method)) != 0) {
		x->route = r;
		/* Passwords are stretched: that is for the workers. */
		return r->whom == SERVICE_ADMIN ? exchange_queue(s, x, e) :
		    r->run(s, x, ca, e);
	}
	x->allow = r->allow;
	err_set(e, ERR_METHOD, "%s is for %s", x->path, r->allow);
	return -1;
}

int
route_run(struct service *s, struct exchange *x, struct err *e)
{
	return x->route->run(s, x, NULL, e);
}
