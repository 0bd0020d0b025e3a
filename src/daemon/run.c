#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemon/daemon_int.h"
#include "net/fetch.h"
#include "pki/version.h"
#include "util/clock.h"
#include "util/log.h"

#define FILES_BESIDE_CONNECTIONS	256	/* store, workers, children */
#define ANSWER_MS	1000	/* to send answers after a drain ran late */

struct daemon {
	const char		*file;
	struct notify		 notify;
	struct service		*service;
	const struct site	*site;		/* the service's current one */
	struct site		*first;		/* what runs came from it */
	struct listeners	 listeners;
};

static void
set_log(const struct conf *c)
{
	_Static_assert((int)CONF_LOG_CRIT + (int)LOG_L_CRIT == (int)LOG_L_CRIT
	    && (int)CONF_LOG_DEBUG + (int)LOG_L_CRIT == (int)LOG_L_DEBUG,
	    "conf.def names the levels of util/log.h in their order");

	log_setup((enum log_level)(c->log_level + (int)LOG_L_CRIT),
	    (unsigned)c->log_rate);
}

/* Nothing stops for it: distributions mend faults without a new release. */
static void
warn_version(void)
{
	int day = version_day(version_running());

	if (day != 0 && day < VERSION_FLOOR)
		log_msg(LOG_L_WARN, "old_openssl", "%s is from before "
		    VERSION_FLOOR_TEXT ", when faults in its CMS code were "
		    "mended; see that your distribution has mended them",
		    version_running());
}

static int
drop(const struct conf *c, struct err *e)
{
	if (priv_drop(c->user, e) == 0)
		return 0;
	conf_blame(c, "user", e);
	return -1;
}

/* As root: what only root can do. Then root no more. */
static int
start_as_root(struct daemon *d, const struct conf *c, struct err *e)
{
	if (listeners_open(&d->listeners, c, e) == -1)
		return -1;
	if (priv_want_files(listeners_files(c) + FILES_BESIDE_CONNECTIONS) ==
	    -1)
		log_msg(LOG_L_WARN, "few_files", "the limit of open files is "
		    "too low for http.max_connections; raise it "
		    "(LimitNOFILE=, ulimit -n)");
	if (drop(c, e) == -1)
		return -1;
	priv_harden();
	if (geteuid() == 0)
		log_msg(LOG_L_WARN, "running_as_root",
		    "set `user` so that the server gives root up");
	return 0;
}

/*
 * Nothing lasting is made until everything that can be checked is checked:
 * the store is opened behind keys, certificates and ports.
 */
static int
open_all(struct daemon *d, struct listener_tls *tls, struct err *e)
{
	struct conf	*c;
	struct site	*site;

	if (conf_load(d->file, &c, e) == -1)
		return -1;
	set_log(c);
	warn_version();
	if (start_as_root(d, c, e) == -1 ||
	    listener_tls_load(c, tls, e) == -1 ||
	    site_open(c, &site, e) == -1) {
		conf_free(c);
		return -1;
	}
	if (service_open(site, &d->service, e) == -1) {
		site_put(site);
		return -1;
	}
	d->site = site;
	d->first = site_get(site);
	return 0;
}

static int
start(struct daemon *d, struct err *e)
{
	struct listener_tls	 tls = { .of = { NULL } };
	int			 r = -1;

	if (open_all(d, &tls, e) == 0) {
		listener_tls_tell(&tls);
		r = listeners_start(&d->listeners, site_conf(d->site), &tls,
		    d->service, e);
	}
	listener_tls_put(&tls);
	return r;
}

static void
log_started(const struct daemon *d, const char *version)
{
	static const char *const	 keys[LISTENER_COUNT] = {
		"url", "tls_url", "admin_url"
	};
	struct log_line			 l;
	size_t				 i;

	log_begin(&l, LOG_L_NOTICE, "listening");
	for (i = 0; i < LISTENER_COUNT; i++)
		if (d->listeners.one[i].http != NULL)
			log_str(&l, keys[i], d->listeners.one[i].url);
	log_str(&l, "version", version);
	log_str(&l, "config", d->file);
	log_end(&l);
}

static void
log_reload_failed(const struct err *e)
{
	struct log_line	 l;

	log_begin(&l, LOG_L_ERR, "reload_failed");
	log_err(&l, e);
	log_end(&l);
}

/* A line with one fact. */
static void
log_fact(enum log_level level, const char *event, const char *key,
    const char *value)
{
	struct log_line	 l;

	log_begin(&l, level, event);
	log_str(&l, key, value);
	log_end(&l);
}

static int
load_site(const struct daemon *d, struct site **out, struct listener_tls *tls,
    struct err *e)
{
	struct conf	*c;
	const char	*setting;

	if (conf_load(d->file, &c, e) == -1)
		return -1;
	setting = conf_needs_restart(site_conf(d->first), c);
	if (listeners_check(c, e) == -1 || listener_tls_load(c, tls, e) == -1 ||
	    site_open(c, out, e) == -1) {
		listener_tls_put(tls);
		conf_free(c);
		return -1;
	}
	if (setting != NULL)
		log_fact(LOG_L_WARN, "restart_needed", "setting", setting);
	return 0;
}

static void
reload(struct daemon *d)
{
	struct err		 e = { .reason = ERR_NONE };
	struct listener_tls	 tls = { .of = { NULL } };
	struct site		*site;

	notify_reloading(&d->notify, clock_mono_us());
	if (load_site(d, &site, &tls, &e) == -1) {
		log_reload_failed(&e);
	} else if (service_replace(d->service, site, &e) == -1) {
		log_reload_failed(&e);
		listener_tls_put(&tls);
		site_put(site);
	} else {
		set_log(site_conf(site));
		listener_tls_tell(&tls);
		listeners_reload(&d->listeners, site_conf(site), &tls);
		d->site = site;
		log_fact(LOG_L_NOTICE, "reloaded", "config", d->file);
	}
	notify_send(&d->notify, "READY=1");
}

/* The next signal, or 0 after ms milliseconds. */
static int
next_signal(const sigset_t *set, int ms)
{
	struct timespec	 ts = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L
	};
	int		 sig = sigtimedwait(set, NULL, &ts);

	return sig == -1 ? 0 : sig;
}

static void
serve(struct daemon *d, const sigset_t *set)
{
	int64_t	 limit_us;
	int	 sig;

	for (;;) {
		sig = next_signal(set, 1000);
		if (sig == SIGTERM || sig == SIGINT)
			return;
		if (sig == SIGHUP)
			reload(d);
		service_tick(d->service);
		limit_us = site_conf(d->site)->request_timeout * 1000000;
		listeners_sweep(&d->listeners, clock_mono_us(), limit_us);
		listeners_tell(&d->listeners, clock_now());
	}
}

/* Lets requests in flight finish; a second signal ends the patience. */
static void
drain(struct daemon *d, const sigset_t *set)
{
	int64_t	 left, end;
	int	 sig;

	end = clock_mono_us() / 1000 +
	    site_conf(d->site)->drain_timeout * 1000;
	while ((left = end - clock_mono_us() / 1000) > 0) {
		if (service_drain(d->service, left > 500 ? 500 : (int)left) ==
		    0)
			break;
		sig = next_signal(set, 0);
		if (sig == SIGTERM || sig == SIGINT)
			break;
	}
	/* Who still waits for a program of others is told to try again. */
	service_give_up(d->service);
	if (listeners_drain(&d->listeners, ANSWER_MS) == -1)
		log_msg(LOG_L_WARN, "drain_failed",
		    "stopped with requests unanswered");
}

static void
stop(struct daemon *d, const sigset_t *set)
{
	notify_send(&d->notify, "STOPPING=1");
	log_fact(LOG_L_NOTICE, "stopping", "config", d->file);
	listeners_quiesce(&d->listeners);
	drain(d, set);
}

static void
tear_down(struct daemon *d)
{
	listeners_close(&d->listeners);
	if (d->service != NULL)
		service_close(d->service);
	site_put(d->first);
	notify_close(&d->notify);
}

/* Threads inherit the mask: only the main thread takes signals. */
static void
block_signals(sigset_t *set)
{
	struct sigaction	 ignore = { .sa_handler = SIG_IGN };

	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGHUP);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, set, NULL);
}

int
daemon_run(const char *file, const char *version, struct err *e)
{
	struct daemon	 d = { .file = file };
	sigset_t	 set;
	int		 r = -1;

	listeners_init(&d.listeners);
	block_signals(&set);
	if (notify_open(&d.notify, getenv("NOTIFY_SOCKET"), e) == -1)
		return -1;
	(void)unsetenv("NOTIFY_SOCKET");
	if (fetch_begin(e) == 0 && start(&d, e) == 0) {
		log_started(&d, version);
		notify_send(&d.notify, "READY=1");
		serve(&d, &set);
		stop(&d, &set);
		r = 0;
	}
	tear_down(&d);
	fetch_end();
	if (r == 0)
		log_fact(LOG_L_NOTICE, "stopped", "config", file);
	return r;
}

int
daemon_check(const char *file, struct err *e)
{
	struct listener_tls	 tls = { .of = { NULL } };
	struct conf		*c;
	struct site		*site;
	int			 rc;

	if (conf_load(file, &c, e) == -1)
		return -1;
	/* The sockets as who starts it, all else as the server's user. */
	rc = listeners_try(c, e) == -1 || drop(c, e) == -1 ||
	    listener_tls_load(c, &tls, e) == -1 ||
	    listener_tls_check(c, &tls, e) == -1 ? -1 : 0;
	if (rc == 0) {
		listener_tls_tell(&tls);
		rc = site_open(c, &site, e);
	}
	listener_tls_put(&tls);
	if (rc == -1) {
		conf_free(c);
		return -1;
	}
	rc = site_check(site, e);
	site_put(site);
	return rc;
}
