/*
 * The step between authorize and reserve: what policy let pass is shown to the
 * endpoint's validator, and what that makes of it goes through policy again.
 */
#include <stdlib.h>

#include "pki/secret.h"
#include "service/doors_int.h"
#include "service/validate_int.h"

#define WAIT_SECONDS	20	/* for a copy, beside the validator's time */

/* Copies are told as the store tells them. */
static int
door_key(const struct work *w, uint8_t key[DOOR_KEY], struct err *e)
{
	struct buf b = BUF_INIT(1024);
	int rc = -1;

	if (buf_printf(&b, "%s%c%s%c", w->se->conf->name, 0, w->msg.txid,
	    0) == -1 || buf_put(&b, w->txn.signer_hash, TXN_HASH) == -1 ||
	    buf_put(&b, w->txn.csr_hash, TXN_HASH) == -1)
		err_set(e, ERR_MEMORY, "validator");
	else
		rc = secret_sha256(buf_bytes(&b), key, e);
	buf_wipe(&b);
	return rc;
}

/* 1: another copy has been through in the meantime. */
static int
enter(struct work *w, struct asked *a, struct err *e)
{
	if (door_key(w, a->key, e) == -1)
		return -1;
	if (doors_enter(w->s->doors, a->key, (int)validate_conf(w)->timeout +
	    WAIT_SECONDS, e) == -1)
		return -1;
	a->inside = true;
	/* Whoever was inside may have left just before. */
	if (txn_repeated(w->s->db, &w->txn, &w->found, e) == -1)
		return -1;
	return w->found.state != TXN_NONE;
}

static int
ask(struct work *w, struct asked *a, struct err *e)
{
	struct buf facts = BUF_INIT(TOLD_MAX);
	struct validator_message m = {
		.secret = buf_bytes(&w->csr->challenge),
		.endpoint = w->se->conf->name, .now = w->now,
		.stop = &w->s->stopping,
	};
	int rc = -1;

	if (facts_request(w, &facts, e) == 0) {
		m.json = buf_bytes(&facts);
		a->spoken = true;
		rc = validator_ask(w->se->validator, &m, &a->answer, e);
		a->answered = rc == 0;
	}
	buf_wipe(&facts);
	return rc;
}

static int
validate(struct work *w, struct err *e)
{
	struct asked *a;
	int rc;

	if ((validate_is_unproven(w) && admit_guess(w, e) == -1) ||
	    room_look(w, e) == -1)
		return -1;
	if ((a = calloc(1, sizeof(*a))) == NULL) {
		err_set(e, ERR_MEMORY, "validator");
		return -1;
	}
	w->asked = a;
	if ((rc = enter(w, a, e)) == 0)
		rc = ask(w, a, e);
	if (a->inside)
		doors_asked(w->s->doors);
	if (rc == 1) {
		w->flow = flow_repeat;
		return 0;
	}
	return rc == -1 ? -1 : validate_obey(w, a, e);
}

int
step_validate(struct work *w, struct err *e)
{
	return !validate_is_due(w) ? 0 : work_unless_copy(w, validate(w, e), e);
}

void
validate_end(struct work *w)
{
	if (w->asked == NULL)
		return;
	if (w->asked->inside)
		doors_leave(w->s->doors, w->asked->key);
	answer_clear(&w->asked->answer);
	csr_renamed_free(w->asked->csr);
	buf_wipe(&w->asked->facts);
	free(w->asked);
	w->asked = NULL;
}
