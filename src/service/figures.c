/*
 * What the service counts, and what an alarm can be set on: in a file that a
 * collector reads, or asked for by an administrator.
 */
#include <stdlib.h>
#include <string.h>

#include "render/metrics.h"
#include "service/figures_int.h"
#include "service/guard_int.h"
#include "site/crls.h"
#include "site/face.h"
#include "store/waiting.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"
#include "util/str.h"

#define SERIES_MAX	4096	/* endpoints come and go with reloads */
#define FILE_MODE	0644	/* the collector is another user */
#define TEXT_MAX	(4u * 1024 * 1024)
#define NAME_MAX_LEN	64	/* of an endpoint, see conf.def */

/* Requests that ended alike. */
struct series {
	char		 endpoint[NAME_MAX_LEN + 1];
	const char	*type;
	const char	*outcome;
	enum err_reason	 reason;
	int64_t		 n;
};

struct figures {
	pthread_mutex_t	 lock;		/* of the series */
	struct series	*series;
	size_t		 n_series;
	int64_t		 started;
	int64_t		 written;
	bool		 failed;	/* the last time; told once */
};

int
figures_new(int64_t now, struct figures **out, struct err *e)
{
	struct figures *f = calloc(1, sizeof(*f));

	if (f == NULL ||
	    (f->series = calloc(SERIES_MAX, sizeof(*f->series))) == NULL) {
		free(f);
		err_set(e, ERR_MEMORY, "metrics");
		return -1;
	}
	pthread_mutex_init(&f->lock, NULL);
	f->started = now;
	*out = f;
	return 0;
}

void
figures_free(struct figures *f)
{
	if (f == NULL)
		return;
	pthread_mutex_destroy(&f->lock);
	free(f->series);
	free(f);
}

/* Where such requests are counted; NULL: there are too many kinds. */
static struct series *
series_get(struct figures *f, const char *endpoint, const char *type,
    const char *outcome, enum err_reason reason)
{
	struct series *s;
	size_t i;

	for (i = 0; i < f->n_series; i++) {
		s = &f->series[i];
		if (s->reason == reason && strcmp(s->type, type) == 0 &&
		    strcmp(s->outcome, outcome) == 0 &&
		    strcmp(s->endpoint, endpoint) == 0)
			return s;
	}
	if (f->n_series == SERIES_MAX ||
	    strlen(endpoint) > NAME_MAX_LEN)
		return NULL;
	s = &f->series[f->n_series++];
	memcpy(s->endpoint, endpoint, strlen(endpoint) + 1);
	s->type = type;
	s->outcome = outcome;
	s->reason = reason;
	return s;
}

void
figures_count(struct figures *f, const char *endpoint, const char *type,
    const char *outcome, enum err_reason reason)
{
	struct series *s;

	pthread_mutex_lock(&f->lock);
	if ((s = series_get(f, endpoint, type, outcome, reason)) != NULL)
		s->n++;
	pthread_mutex_unlock(&f->lock);
}

/* ---- the text ---- */

static int
put_series(const struct series *s, struct buf *out)
{
	const struct metrics_label l[] = {
		{ "endpoint", s->endpoint },
		{ "type", s->type },
		{ "outcome", s->outcome },
		{ "reason", s->reason == ERR_NONE ? "" : err_slug(s->reason) },
	};

	return metrics_sample("scepd_requests_total", l,
	    sizeof(l) / sizeof(l[0]), s->n, out);
}

static int
put_requests(struct figures *f, struct buf *out)
{
	size_t i;
	int rc;

	rc = metrics_family("scepd_requests_total", METRICS_COUNTER,
	    "Requests by what became of them.", out);
	pthread_mutex_lock(&f->lock);
	for (i = 0; rc == 0 && i < f->n_series; i++)
		rc = put_series(&f->series[i], out);
	pthread_mutex_unlock(&f->lock);
	return rc;
}

static int
put_cert(const char *endpoint, const struct cert *c, struct buf *out)
{
	char serial[2 * PKI_SERIAL_MAX + 1];
	const struct metrics_label l[] = {
		{ "endpoint", endpoint },
		{ "role", c->is_ca ? "ca" : "ra" },
		{ "subject", c->subject_text },
		{ "serial", serial },
	};

	str_hex(c->serial, serial);
	return metrics_sample("scepd_certificate_not_after_seconds", l,
	    sizeof(l) / sizeof(l[0]), c->not_after, out);
}

static bool
same_labels(const struct cert *a, const struct cert *b)
{
	return a->is_ca == b->is_ca && bytes_eq(a->serial, b->serial) &&
	    strcmp(a->subject_text, b->subject_text) == 0;
}

/* Two CAs that follow one another share what is above them; a collector takes
 * nothing of a file that tells one series twice. */
static bool
is_told(const struct face *f, size_t gen, size_t at)
{
	const struct face_gen *g = &f->gens[gen];
	const struct cert *c = g->chain[at];
	size_t i, k;

	for (i = 0; i <= gen; i++)
		for (k = 0; k < (i < gen ? f->gens[i].n_chain : at); k++)
			if (same_labels(f->gens[i].chain[k], c))
				return true;
	return false;
}

static int
put_face(const char *endpoint, const struct face *f, struct buf *out)
{
	const struct face_gen *g;
	size_t i, k;

	for (i = 0; i < f->n_gens; i++) {
		g = &f->gens[i];
		for (k = 0; k < g->n_chain; k++)
			if (!is_told(f, i, k) &&
			    put_cert(endpoint, g->chain[k], out) == -1)
				return -1;
	}
	return 0;
}

static int
put_certs(struct site *site, struct buf *out)
{
	struct face *f;
	size_t i;
	int rc;

	rc = metrics_family("scepd_certificate_not_after_seconds",
	    METRICS_GAUGE, "When a certificate of the server expires.", out);
	for (i = 0; rc == 0 && i < site->conf->n_endpoints; i++) {
		f = site_face(site, &site->endpoints[i]);
		rc = put_face(site->conf->endpoints[i].name, f, out);
		face_put(f);
	}
	return rc;
}

static int
put_crl(struct crls *crls, const struct site_ca *ca, struct buf *out)
{
	const struct metrics_label l[] = {
		{ "issuer", ca->conf->name },
		{ "ca", ca->id },
	};
	struct document *d = crls_get(crls, ca);
	int rc = 0;

	if (d != NULL)
		rc = metrics_sample("scepd_crl_next_update_seconds", l,
		    sizeof(l) / sizeof(l[0]), d->expires, out);
	document_put(d);
	return rc;
}

static int
put_crls(const struct site *site, struct crls *crls, struct buf *out)
{
	const struct site_ca *ca;
	size_t i;
	int rc;

	rc = metrics_family("scepd_crl_next_update_seconds", METRICS_GAUGE,
	    "When the CRL that is served expires.", out);
	for (i = 0; i < site->conf->n_issuers; i++)
		for (ca = &site->cas[i]; rc == 0 && ca != NULL; ca = ca->next)
			rc = put_crl(crls, ca, out);
	return rc;
}

static int
put_gauge(const char *name, const char *help, int64_t value, struct buf *out)
{
	if (metrics_family(name, METRICS_GAUGE, help, out) == -1)
		return -1;
	return metrics_sample(name, NULL, 0, value, out);
}

static int
put_endpoints(const char *name, const char *help, bool alarm,
    const struct abuse_endpoint *v, size_t n, struct buf *out)
{
	size_t i;
	int rc = metrics_family(name, METRICS_GAUGE, help, out);

	for (i = 0; rc == 0 && i < n; i++) {
		const struct metrics_label l = { "endpoint", v[i].name };

		rc = metrics_sample(name, &l, 1, alarm ? v[i].alarm :
		    v[i].failures, out);
	}
	return rc;
}

static int
put_guard(const struct service *s, const struct site *site, int64_t now,
    struct buf *out)
{
	static const char total_name[] = "scepd_delayed_answers_total";
	struct abuse_endpoint v[ABUSE_ENDPOINTS];
	size_t n = abuse_endpoints(s->guard->abuse, site->conf, now, v);
	int64_t total, waiting;

	delays_count(s->guard->delays, &total, &waiting);
	if (put_endpoints("scepd_challenge_failures", "Failed challenges in "
	    "abuse.window.", false, v, n, out) == -1 ||
	    put_endpoints("scepd_challenge_alarm", "Whether these are too "
	    "many.", true, v, n, out) == -1 ||
	    metrics_family(total_name, METRICS_COUNTER, "Answers to failed "
	    "challenges that were delayed.", out) == -1 ||
	    metrics_sample(total_name, NULL, 0, total, out) == -1 ||
	    put_gauge("scepd_delayed_answers", "Those that wait now.", waiting,
	    out) == -1)
		return -1;
	return put_gauge("scepd_locked_addresses", "Addresses locked for "
	    "failed challenges.", abuse_count_locked(s->guard->abuse), out);
}

/* How near the page of NDES is to saying that its cache is full. */
static int
put_ndes(const struct site *site, int64_t unused, struct buf *out)
{
	if (site->ndes == NULL || site->ndes_single != NULL)
		return 0;
	if (put_gauge("scepd_ndes_unused", "Challenges of the page of NDES "
	    "that wait unused.", unused, out) == -1)
		return -1;
	return put_gauge("scepd_ndes_pool", "How many of them may.",
	    site->conf->ndes_pool, out);
}

static int
put_all(struct figures *f, const struct service *s, struct site *site,
    int64_t waiting, int64_t unused, int64_t now, struct buf *out,
    struct err *e)
{
	if (put_requests(f, out) == 0 && put_certs(site, out) == 0 &&
	    put_crls(site, s->crls, out) == 0 &&
	    put_guard(s, site, now, out) == 0 &&
	    put_gauge("scepd_pending", "Requests that wait for approval.",
	    waiting, out) == 0 && put_ndes(site, unused, out) == 0 &&
	    put_gauge("scepd_start_seconds", "When the server started.",
	    f->started, out) == 0)
		return 0;
	err_set(e, ERR_MEMORY, "metrics");
	return -1;
}

int
figures_text(struct figures *f, const struct service *s,
    struct site *site, int64_t now, struct buf *out, struct err *e)
{
	int64_t waiting, unused;

	if (waiting_count(s->db, &waiting, e) == -1 ||
	    challenge_unused(s->db, MINT_NDES, now, &unused, e) == -1)
		return -1;
	return put_all(f, s, site, waiting, unused, now, out, e);
}

/* ---- the file ---- */

static int
write_file(struct figures *f, const struct service *s, struct err *e)
{
	struct buf text = BUF_INIT(TEXT_MAX);
	int rc = -1;

	if (figures_text(f, s, s->site, f->written, &text, e) == 0)
		rc = file_write(s->site->conf->metrics_file,
		    buf_bytes(&text), FILE_MODE, true, e);
	buf_wipe(&text);
	return rc;
}

void
figures_tick(struct figures *f, const struct service *s, int64_t now)
{
	const struct conf *c = s->site->conf;
	struct err e = { .reason = ERR_NONE };

	if (*c->metrics_file == '\0')
		return;
	/* The second half: a clock put back delays nothing. */
	if (now < f->written + c->metrics_interval && now >= f->written)
		return;
	f->written = now;
	if (write_file(f, s, &e) == 0) {
		f->failed = false;
		return;
	}
	if (!f->failed)
		log_msg(LOG_L_WARN, "metrics_failed", "%s", err_text(&e));
	f->failed = true;
}
