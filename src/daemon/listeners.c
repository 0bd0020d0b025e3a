/*
 * Where the server is reached: a table of listeners, each with its settings.
 */
#include <grp.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/daemon_int.h"
#include "util/log.h"

#define DAY	86400

/* A listener as scepd.conf(5) tells of it. */
struct plan {
	const char		*path;		/* the setting */
	const char		*spec;		/* "": none */
	enum service_who	 who;
	bool			 tls;
	struct http_tls_files	 files;
	const char		*cert_path;	/* setting, for complaints */
};

static struct plan
plan(const struct conf *c, enum listener_id id)
{
	switch (id) {
	case LISTENER_PLAIN:
		return (struct plan){ .path = "http.listen",
		    .spec = strcmp(c->listen, CONF_NONE) == 0 ? "" :
		    c->listen, .who = SERVICE_PUBLIC };
	case LISTENER_TLS:
		return (struct plan){ .path = "http.tls_listen",
		    .spec = c->tls_listen, .who = SERVICE_PUBLIC,
		    .tls = *c->tls_cert != '\0',
		    .files = { c->tls_cert, c->tls_key,
		    c->tls_key_passphrase, "", "" },
		    .cert_path = "http.tls_cert" };
	default:
		return (struct plan){ .path = "admin.listen",
		    .spec = c->admin_listen, .who = SERVICE_ADMIN,
		    .tls = *c->admin_tls_cert != '\0',
		    .files = { c->admin_tls_cert, c->admin_tls_key,
		    c->admin_tls_key_passphrase, c->admin_client_ca,
		    c->admin_client_crl },
		    .cert_path = "admin.tls_cert" };
	}
}

void
listeners_init(struct listeners *ls)
{
	size_t	 i;

	*ls = (struct listeners){ .socket = "" };
	for (i = 0; i < LISTENER_COUNT; i++)
		ls->one[i].fd = -1;
}

static int
check_all(const struct conf *c, int (*check)(const char *, struct err *),
    struct err *e)
{
	struct plan	 p;
	size_t		 i;

	for (i = 0; i < LISTENER_COUNT; i++) {
		p = plan(c, (enum listener_id)i);
		if (*p.spec != '\0' && check(p.spec, e) == -1) {
			conf_blame(c, p.path, e);
			return -1;
		}
	}
	return 0;
}

int
listeners_check(const struct conf *c, struct err *e)
{
	return check_all(c, http_listen_check, e);
}

int
listeners_try(const struct conf *c, struct err *e)
{
	if (check_all(c, http_listen_try, e) == -1)
		return -1;
	if (priv_check_group(c->admin_group, e) == 0)
		return 0;
	conf_blame(c, "admin.group", e);
	return -1;
}

static int
open_one(struct listeners *ls, const struct conf *c, enum listener_id id,
    struct err *e)
{
	struct plan	 p = plan(c, id);

	if (*p.spec == '\0')
		return 0;
	if (http_listen(p.spec, &ls->one[id].fd, e) == -1)
		goto blame;
	if (*p.spec != '/')
		return 0;
	/* What listens is ours to remove. */
	memcpy(ls->socket, p.spec, strlen(p.spec) + 1);
	if (priv_share(p.spec, c->user, c->admin_group, e) == 0)
		return 0;
blame:
	conf_blame(c, p.path, e);
	return -1;
}

int
listeners_open(struct listeners *ls, const struct conf *c, struct err *e)
{
	size_t	 i;

	for (i = 0; i < LISTENER_COUNT; i++)
		if (open_one(ls, c, (enum listener_id)i, e) == -1)
			return -1;
	return 0;
}

int64_t
listeners_files(const struct conf *c)
{
	int64_t	 n = 0;
	size_t	 i;

	for (i = 0; i < LISTENER_COUNT; i++)
		if (*plan(c, (enum listener_id)i).spec != '\0')
			n += c->max_connections;
	return n;
}

void
listener_tls_put(struct listener_tls *t)
{
	size_t	 i;

	for (i = 0; i < LISTENER_COUNT; i++) {
		http_tls_put(t->of[i]);
		t->of[i] = NULL;
	}
}

int
listener_tls_load(const struct conf *c, struct listener_tls *out,
    struct err *e)
{
	struct listener_tls	 t = { .of = { NULL } };
	struct plan		 p;
	size_t			 i;

	for (i = 0; i < LISTENER_COUNT; i++) {
		p = plan(c, (enum listener_id)i);
		if (p.tls && http_tls_load(&p.files, &t.of[i], e) == -1) {
			conf_blame(c, p.cert_path, e);
			listener_tls_put(&t);
			return -1;
		}
	}
	*out = t;
	return 0;
}

void
listener_tls_tell(const struct listener_tls *t)
{
	size_t	 i;

	for (i = 0; i < LISTENER_COUNT; i++)
		if (t->of[i] != NULL)
			http_tls_tell(t->of[i]);
}

int
listener_tls_check(const struct conf *c, const struct listener_tls *t,
    struct err *e)
{
	size_t	 i;

	for (i = 0; i < LISTENER_COUNT; i++)
		if (t->of[i] != NULL && http_tls_check(t->of[i], e) == -1) {
			conf_blame(c, plan(c, (enum listener_id)i).cert_path,
			    e);
			return -1;
		}
	return 0;
}

int
listeners_start(struct listeners *ls, const struct conf *c,
    struct listener_tls *t, struct service *svc, struct err *e)
{
	struct listener		*l;
	struct http_setup	 setup = { .conf = c };
	size_t			 i;
	int			 fd;

	for (i = 0; i < LISTENER_COUNT; i++) {
		l = &ls->one[i];
		if ((fd = l->fd) == -1)
			continue;
		setup.who = plan(c, (enum listener_id)i).who;
		setup.tls = t->of[i];
		http_listen_url(fd, setup.tls != NULL, l->url);
		l->tls = setup.tls != NULL;
		l->fd = -1;
		t->of[i] = NULL;
		if (http_start(fd, &setup, svc, &l->http, e) == -1)
			return -1;
	}
	return 0;
}

void
listeners_reload(struct listeners *ls, const struct conf *c,
    struct listener_tls *t)
{
	struct listener	*l;
	struct log_line	 line;
	size_t		 i;

	for (i = 0; i < LISTENER_COUNT; i++) {
		l = &ls->one[i];
		if (l->tls && t->of[i] != NULL) {
			http_set_tls(l->http, t->of[i]);
			t->of[i] = NULL;
		} else if (l->http != NULL && l->tls != (t->of[i] != NULL)) {
			/* TLS where there was none, or none. */
			log_begin(&line, LOG_L_WARN, "restart_needed");
			log_str(&line, "setting",
			    plan(c, (enum listener_id)i).cert_path);
			log_end(&line);
		}
	}
	listener_tls_put(t);
}

void
listeners_tell(struct listeners *ls, int64_t now)
{
	size_t	 i;

	/* The start, or a reload, has told it before. */
	if (ls->told == 0 || now < ls->told)
		ls->told = now;
	if (now - ls->told < DAY)
		return;
	ls->told = now;
	for (i = 0; i < LISTENER_COUNT; i++)
		if (ls->one[i].http != NULL)
			http_tell(ls->one[i].http);
}

void
listeners_sweep(struct listeners *ls, int64_t now_us, int64_t limit_us)
{
	size_t	 i;

	for (i = 0; i < LISTENER_COUNT; i++)
		if (ls->one[i].http != NULL)
			(void)http_sweep(ls->one[i].http, now_us, limit_us);
}

void
listeners_quiesce(struct listeners *ls)
{
	size_t	 i;

	for (i = 0; i < LISTENER_COUNT; i++)
		if (ls->one[i].http != NULL)
			http_quiesce(ls->one[i].http);
}

int
listeners_drain(struct listeners *ls, int timeout_ms)
{
	size_t	 i;
	int	 r = 0;

	for (i = 0; i < LISTENER_COUNT; i++)
		if (ls->one[i].http != NULL &&
		    http_drain(ls->one[i].http, timeout_ms) == -1)
			r = -1;
	return r;
}

void
listeners_close(struct listeners *ls)
{
	size_t	 i;

	for (i = 0; i < LISTENER_COUNT; i++) {
		http_stop(ls->one[i].http);
		ls->one[i].http = NULL;
		if (ls->one[i].fd != -1)
			close(ls->one[i].fd);
		ls->one[i].fd = -1;
	}
	/* Where root's folder forbids it the next start does it. */
	if (ls->socket[0] != '\0')
		(void)unlink(ls->socket);
}
