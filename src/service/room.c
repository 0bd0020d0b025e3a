/*
 * The step before reserve: where an issuer elsewhere is to be asked, which keeps
 * a worker for as long as it likes, there must be room; and one renewal of a
 * certificate is made at a time, for a device needs no more, and could have as
 * many made as there is room for.
 */
#include "issuer/issuer.h"
#include "pki/secret.h"
#include "service/pipeline_int.h"

#define WAIT_SECONDS	20	/* outside, beside the issuer's time */

static bool
is_elsewhere(const struct work *w)
{
	return issuer_key(work_way(w)->gen->ca->issuer) == NULL;
}

static int
put_request(const struct work *w, struct buf *b)
{
	if (buf_printf(b, "%s%c%s%c%lld%c", w->se->conf->name, 0, w->msg.txid,
	    0, (long long)w->found.id, 0) == -1 ||
	    buf_put(b, w->txn.signer_hash, TXN_HASH) == -1)
		return -1;
	return buf_put(b, w->txn.csr_hash, TXN_HASH);
}

static int
make_key(const struct work *w, uint8_t key[DOOR_KEY], struct err *e)
{
	struct buf b = BUF_INIT(1024);
	int rc = -1;

	if (w->verdict.renews)
		return secret_sha256(w->old->der, key, e);
	if (put_request(w, &b) == -1)
		err_set(e, ERR_MEMORY, "issuer");
	else
		rc = secret_sha256(buf_bytes(&b), key, e);
	buf_wipe(&b);
	return rc;
}

static int
enter(struct work *w, struct err *e)
{
	const struct conf_issuer *is = conf_issuer(w->x->site->conf,
	    w->se->conf->issuer);
	struct room *r = &w->room;

	if (make_key(w, r->key, e) == -1 || doors_enter(w->s->issuing, r->key,
	    (int)is->timeout + WAIT_SECONDS, e) == -1)
		return -1;
	r->asking = r->inside = true;
	/* What was approved is ours. */
	if (w->approved)
		return 0;
	/* Whoever was inside may have left just before. */
	if (txn_repeated(w->s->db, &w->txn, &w->found, e) == -1)
		return -1;
	if (w->found.state != TXN_NONE)
		w->flow = flow_repeat;
	return 0;
}

int
step_room(struct work *w, struct err *e)
{
	if (!is_elsewhere(w) || w->verdict.hold)
		return 0;
	return w->approved ? enter(w, e) : work_unless_copy(w, enter(w, e), e);
}

int
room_look(const struct work *w, struct err *e)
{
	uint8_t key[DOOR_KEY];

	if (!is_elsewhere(w) || w->verdict.hold)
		return 0;
	return make_key(w, key, e) == -1 ? -1 :
	    doors_look(w->s->issuing, key, e);
}

void
room_asked(struct work *w)
{
	if (w->room.asking)
		doors_asked(w->s->issuing);
	w->room.asking = false;
}

void
room_leave(struct work *w)
{
	room_asked(w);
	if (w->room.inside)
		doors_leave(w->s->issuing, w->room.key);
	w->room.inside = false;
}

int
room_linger(struct work *w, struct err *e)
{
	return is_elsewhere(w) ? doors_linger(w->s->issuing, e) : 0;
}

void
room_depart(struct work *w)
{
	if (is_elsewhere(w))
		doors_depart(w->s->issuing);
}
