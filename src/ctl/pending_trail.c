/*
 * What an operator has to know of a request before he decides, beyond what it
 * asks for: the steps up to him, and what the certificate would have.
 */
#include <string.h>

#include "ctl/ctl_int.h"
#include "store/waiting.h"
#include "util/clock.h"

struct reading {
	struct trail	*t;
	struct err	*e;
};

/* The one that says why it waits is the first that there is. */
static int
on_row(const struct audit *a, void *arg)
{
	struct reading	*r = arg;

	if (strcmp(a->outcome, AUDIT_PENDING) != 0 || a->trail == NULL)
		return 0;
	return trail_read(bytes_str(a->trail), &r->t, r->e) != 0 ? -1 : 1;
}

int
pending_trail(struct db *db, int64_t id, struct trail **out, struct err *e)
{
	const struct audit_filter	 f = { .txn = id };
	struct reading			 r = { .e = e };

	if (audit_each(db, &f, on_row, &r, e) == -1)
		return -1;
	*out = r.t;
	return 0;
}

/* A trail that would have been too long has lost its facts. */
static bool
tells(const struct trail *t)
{
	const char	*key, *value;

	return t != NULL && trail_get_fact(t, 0, &key, &value);
}

/* What is granted, by the facts of the trail. */
static const struct {
	const char	*fact;
	const char	*name;		/* in text */
	const char	*key;		/* in JSON */
} granted[] = {
	{ TRAIL_SUBJECT,  "would certify", "subject" },
	{ TRAIL_SANS,     "with sans",     "sans" },
	{ TRAIL_SID,      "with sid",      "sid" },
	{ TRAIL_LEFT_OUT, "left out",      "left_out" },
};
#define N_GRANTED	(sizeof(granted) / sizeof(granted[0]))

int
pending_put_granted(const struct trail *t, struct buf *out)
{
	const char	*value;
	size_t		 i;

	if (!tells(t))
		return 0;
	for (i = 0; i < N_GRANTED; i++) {
		value = trail_find(t, granted[i].fact);
		if (ctl_put_line(out, granted[i].name, value != NULL ? value :
		    "none") != 0)
			return -1;
	}
	return 0;
}

void
pending_add_trail(struct json *d, const struct trail *t)
{
	struct json	*o;
	size_t		 i;

	if (tells(t)) {
		o = json_new_object();
		for (i = 0; i < N_GRANTED; i++)
			json_add_str(o, granted[i].key, trail_find(t,
			    granted[i].fact));
		json_add_take(d, "granted", o);
	} else {
		json_add_str(d, "granted", NULL);
	}
	if (t != NULL)
		json_add_take(d, "trail", trail_json(t));
	else
		json_add_str(d, "trail", NULL);
}

const char *
pending_renews_status(const struct waiting *w)
{
	if (w->renews.n == 0)
		return NULL;
	if (w->renews_revoked)
		return "revoked";
	if (w->renews_until < clock_now())
		return "expired";
	return w->superseded_at != 0 ? "superseded" : "valid";
}
