/*
 * Challenges that were stretched already.
 *
 * scrypt costs more than the rest of an enrollment together, and a static
 * secret comes with every one of them. So what was proven once is remembered as
 * a MAC under a key that lives and dies with the process; so is what was
 * refused, for devices that try a wrong secret again and again. Strangers'
 * guesses wait in a short line: they cost one core and 16 MiB at the most, and
 * never push out what was proven. Nobody fills the line alone: the last of who
 * has most in it makes room for whoever has less.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pki/secret.h"
#include "service/service_int.h"
#include "util/str.h"

#define REMEMBERED	256	/* MACs, of each kind */
#define LINE_MAX_LEN	4	/* requests that wait for scrypt */

struct ring {
	uint8_t		mac[REMEMBERED][SECRET_MAC];
	size_t		n;		/* in use */
	size_t		next;		/* overwritten next */
};

/* In the line; the memory is the thread's that waits. */
struct place {
	const char	*who;
	bool		 out;		/* another one has it now */
};

struct proven {
	uint8_t		 key[SECRET_MAC];
	pthread_mutex_t	 lock;		/* of the rings */
	struct ring	 right;
	struct ring	 wrong;
	pthread_mutex_t	 gate;		/* of the line */
	pthread_cond_t	 moved;		/* the line has */
	struct place	*line[LINE_MAX_LEN];	/* the first one stretches */
	size_t		 n;
};

int
proven_new(struct proven **out, struct err *e)
{
	struct proven *p;

	if ((p = calloc(1, sizeof(*p))) == NULL) {
		err_set(e, ERR_MEMORY, "challenges");
		return -1;
	}
	if (secret_random(p->key, sizeof(p->key), e) == -1) {
		free(p);
		return -1;
	}
	pthread_mutex_init(&p->lock, NULL);
	pthread_mutex_init(&p->gate, NULL);
	pthread_cond_init(&p->moved, NULL);
	*out = p;
	return 0;
}

void
proven_free(struct proven *p)
{
	if (p == NULL)
		return;
	pthread_mutex_destroy(&p->lock);
	pthread_mutex_destroy(&p->gate);
	pthread_cond_destroy(&p->moved);
	explicit_bzero(p, sizeof(*p));
	free(p);
}

static bool
ring_has(const struct ring *r, const uint8_t mac[SECRET_MAC])
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (str_equal_secret(bytes_make(r->mac[i], SECRET_MAC),
		    bytes_make(mac, SECRET_MAC)))
			return true;
	return false;
}

static void
ring_add(struct ring *r, const uint8_t mac[SECRET_MAC])
{
	memcpy(r->mac[r->next], mac, SECRET_MAC);
	r->next = (r->next + 1) % REMEMBERED;
	if (r->n < REMEMBERED)
		r->n++;
}

enum known { UNKNOWN, RIGHT, WRONG };

static enum known
recall(struct proven *p, const uint8_t mac[SECRET_MAC])
{
	enum known k = UNKNOWN;

	pthread_mutex_lock(&p->lock);
	if (ring_has(&p->right, mac))
		k = RIGHT;
	else if (ring_has(&p->wrong, mac))
		k = WRONG;
	pthread_mutex_unlock(&p->lock);
	return k;
}

static void
remember(struct proven *p, const uint8_t mac[SECRET_MAC], bool right)
{
	pthread_mutex_lock(&p->lock);
	ring_add(right ? &p->right : &p->wrong, mac);
	pthread_mutex_unlock(&p->lock);
}

/* The MAC binds the secret to the hash it was held against: another hash under
 * the same name, after a reload, is another question. */
static int
mac_pair(struct proven *p, const char *hash, struct bytes presented,
    uint8_t mac[SECRET_MAC], struct err *e)
{
	struct buf b = BUF_INIT(SECRET_HASH_MAX + 512 + presented.n);
	int rc = -1;

	if (buf_puts(&b, hash) == -1 || buf_putc(&b, '\0') == -1 ||
	    buf_put(&b, presented.p, presented.n) == -1)
		err_set(e, ERR_MEMORY, "challenge");
	else
		rc = secret_mac(p->key, buf_bytes(&b), mac, e);
	buf_wipe(&b);
	return rc;
}

/* ---- the line ---- */

static size_t
count(const struct proven *p, const char *who)
{
	size_t i, n = 0;

	for (i = 0; i < p->n; i++)
		n += strcmp(p->line[i]->who, who) == 0;
	return n;
}

static void
take_out(struct proven *p, size_t at)
{
	p->n--;
	memmove(&p->line[at], &p->line[at + 1],
	    (p->n - at) * sizeof(p->line[0]));
	pthread_cond_broadcast(&p->moved);
}

/* The line is full: the last of those who still have more in it than who comes
 * would have goes. */
static bool
make_room(struct proven *p, const char *who)
{
	size_t i, n, most = count(p, who) + 1, at = 0;

	for (i = 1; i < p->n; i++)
		if ((n = count(p, p->line[i]->who)) > most ||
		    (at != 0 && n == most)) {
			most = n;
			at = i;
		}
	if (at == 0)
		return false;
	p->line[at]->out = true;
	take_out(p, at);
	return true;
}

/* Returns when it is the first. */
static int
stand(struct proven *p, struct place *own, struct err *e)
{
	bool in;

	pthread_mutex_lock(&p->gate);
	in = p->n < LINE_MAX_LEN || make_room(p, own->who);
	if (in) {
		p->line[p->n++] = own;
		while (p->line[0] != own && !own->out)
			pthread_cond_wait(&p->moved, &p->gate);
		in = !own->out;
	}
	pthread_mutex_unlock(&p->gate);
	if (!in)
		err_set(e, ERR_BUSY, "too many unknown challenges at once");
	return in ? 0 : -1;
}

static void
leave(struct proven *p)
{
	pthread_mutex_lock(&p->gate);
	take_out(p, 0);
	pthread_mutex_unlock(&p->gate);
}

/* By who is first in the line. */
static int
stretch(struct proven *p, const char *hash, struct bytes presented,
    const uint8_t mac[SECRET_MAC], bool *right, struct err *e)
{
	/* Another thread may have done it while this one stood in line. */
	enum known k = recall(p, mac);

	if (k != UNKNOWN) {
		*right = k == RIGHT;
		return 0;
	}
	if (secret_verify(presented, hash, right, e) == -1)
		return -1;
	remember(p, mac, *right);
	return 0;
}

/* MACs are compared, so that time does not tell the secret's length either. */
static int
match_plain(struct proven *p, const char *secret, struct bytes presented,
    bool *right, struct err *e)
{
	uint8_t a[SECRET_MAC], b[SECRET_MAC];

	if (secret_mac(p->key, bytes_str(secret), a, e) == -1 ||
	    secret_mac(p->key, presented, b, e) == -1)
		return -1;
	*right = str_equal_secret(bytes_make(a, sizeof(a)),
	    bytes_make(b, sizeof(b)));
	return 0;
}

/* What costs nothing: plain secrets, and what is remembered. *open is set to
 * how many challenges only a stretch can tell. */
static int
match_cheap(struct proven *p, const struct conf_challenge *const *list,
    size_t n, struct bytes presented, const struct conf_challenge **match,
    size_t *open, struct err *e)
{
	const struct conf_challenge *c;
	uint8_t mac[SECRET_MAC];
	enum known known;
	bool right;
	size_t i;

	*open = 0;
	for (i = 0; i < n; i++) {
		c = list[i];
		right = false;
		if (*c->hash == '\0') {
			if (match_plain(p, c->secret, presented, &right,
			    e) == -1)
				return -1;
		} else {
			if (mac_pair(p, c->hash, presented, mac, e) == -1)
				return -1;
			known = recall(p, mac);
			right = known == RIGHT;
			*open += known == UNKNOWN;
		}
		if (right && *match == NULL)
			*match = c;
	}
	return 0;
}

static int
match_dear(struct proven *p, const struct conf_challenge *const *list,
    size_t n, struct bytes presented, const struct conf_challenge **match,
    struct err *e)
{
	const struct conf_challenge *c;
	uint8_t mac[SECRET_MAC];
	bool right;
	size_t i;

	for (i = 0; i < n && *match == NULL; i++) {
		c = list[i];
		right = false;
		if (*c->hash != '\0' && (mac_pair(p, c->hash, presented, mac,
		    e) == -1 || stretch(p, c->hash, presented, mac, &right,
		    e) == -1))
			return -1;
		if (right)
			*match = c;
	}
	return 0;
}

/*
 * First all that is cheap, so that whoever was proven once never stands in the
 * line of those who guess; then, in line, all that is dear.
 */
int
proven_match(struct proven *p, const struct conf_challenge *const *list,
    size_t n, struct bytes presented, const char *who,
    const struct conf_challenge **match, struct err *e)
{
	const struct conf_challenge *found = NULL;
	struct place own = { .who = who };
	size_t open;
	int rc;

	if (match_cheap(p, list, n, presented, &found, &open, e) == -1)
		return -1;
	if (found != NULL || open == 0 || who == NULL) {
		*match = found;
		return 0;
	}
	if (stand(p, &own, e) == -1)
		return -1;
	rc = match_dear(p, list, n, presented, &found, e);
	leave(p);
	if (rc == 0)
		*match = found;
	return rc;
}
