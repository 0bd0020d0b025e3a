/*
 * Challenges that are made while we run, for administrators' programs. Their
 * value leaves with the answer and is kept nowhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/ndes.h"
#include "service/service_int.h"
#include "util/clock.h"
#include "util/str.h"

#define NAME_BYTES	8	/* drawn, of a name */

/* Upper-case hex: what the programs that read pages look for. */
static int
draw(size_t digits, struct buf *out, struct err *e)
{
	uint8_t random[NDES_PASSWORD / 2];
	char hex[NDES_PASSWORD + 1];
	size_t i;
	int rc = -1;

	if (secret_random(random, sizeof(random), e) == -1)
		return -1;
	str_hex(bytes_make(random, sizeof(random)), hex);
	for (i = 0; i < digits; i++)
		if (hex[i] >= 'a')
			hex[i] = (char)(hex[i] - 'a' + 'A');
	if ((rc = buf_put(out, hex, digits)) == -1)
		err_set(e, ERR_MEMORY, "challenge");
	explicit_bzero(random, sizeof(random));
	explicit_bzero(hex, sizeof(hex));
	return rc;
}

static int
choose_name(const struct mint *m, char out[CHALLENGE_NAME + 1], struct err *e)
{
	uint8_t random[NAME_BYTES];
	char hex[2 * NAME_BYTES + 1];

	if (m->name != NULL) {
		(void)snprintf(out, CHALLENGE_NAME + 1, "%s", m->name);
		return 0;
	}
	if (secret_random(random, sizeof(random), e) == -1)
		return -1;
	str_hex(bytes_make(random, sizeof(random)), hex);
	(void)snprintf(out, CHALLENGE_NAME + 1, "%s%s", m->prefix, hex);
	return 0;
}

/* The store only reads them. */
static char *
text(const char *s)
{
	return (char *)(uintptr_t)s;
}

int
mint_challenge(struct service *s, const struct mint *m, struct minted *out,
    struct err *e)
{
	int64_t now = clock_now();
	uint8_t mac[SECRET_MAC];
	const struct challenge_mac key = { mac, s->mac_key.name };
	struct minted made = { .secret = BUF_INIT(NDES_PASSWORD),
	    .expires = now + m->ttl };
	struct challenge row = {
		.name = made.name, .endpoints = text(m->endpoint),
		.profile = text(m->profile), .subject = text(m->subject),
		.san = text(m->san), .key_types = text(""), .facts = text(m->facts),
		.uses = m->uses,
		.expires = made.expires, .created = now,
		.created_by = text(m->by)
	};

	if (draw(m->digits, &made.secret, e) == -1 ||
	    choose_name(m, made.name, e) == -1 ||
	    secret_mac(s->mac_key.key, buf_bytes(&made.secret), mac,
	    e) == -1 || challenge_add(s->db, &row, &key, e) == -1) {
		buf_wipe(&made.secret);
		return -1;
	}
	*out = made;
	return 0;
}
