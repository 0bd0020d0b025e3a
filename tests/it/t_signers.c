/*
 * Who may renew: a request is signed by every kind of certificate that somebody
 * could come along with. Without a challenge nothing is issued but to the owner
 * of a certificate that this server issued, and that is still good.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lab.h"
#include "pki/cert_make.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define DAY		86400

#define STRANGER	WANT_FAIL(BAD_REQUEST, "renewal_signer")
#define EXPIRED		WANT_FAIL(BAD_REQUEST, "renewal_expired")
#define NOT_YET		WANT_FAIL(BAD_REQUEST, "renewal_not_yet")
#define REVOKED		WANT_FAIL(BAD_REQUEST, "renewal_revoked")
#define NO_PROOF	WANT_FAIL(BAD_REQUEST, "challenge_missing")
#define WRONG_KEY	WANT_FAIL(BAD_ALG, "signer_key")

struct world {
	struct lab	 lab;
	struct cert	*ca;
	struct key	*ca_key;
	struct cert	*other_ca;	/* with the CA's name */
	struct key	*other_key;
	struct key	*ra_key;
	struct csr	*csr;		/* as lab.csr, without a challenge */
	int64_t		 now;
};

static void
ok(int rc, const struct err *e)
{
	if (rc == -1)
		fail_msg("%s", err_text(e));
}

/* A certificate with the names of the lab's request. */
static struct cert *
make(const struct world *w, const struct key *key, const struct cert *ca,
    const struct key *ca_key, int64_t from, int64_t to, const char *eku)
{
	char word[32] = "";
	char *const ekus[] = { word, NULL };
	struct err e = { .reason = ERR_NONE };
	uint8_t serial[SERIAL_LEN];
	struct cert *c;
	const struct cert_plan plan = {
		.serial = bytes_make(serial, sizeof(serial)),
		.subject = w->csr->subject, .spki = key_spki(key),
		.not_before = w->now + from, .not_after = w->now + to,
		.ku = CERT_KU_DIGITAL_SIGNATURE | CERT_KU_KEY_ENCIPHERMENT,
		.eku = ekus, .sans = &w->csr->sans.v[0].der, .n_sans = 1,
	};

	(void)snprintf(word, sizeof(word), "%s", eku);
	ok(serial_draw(serial, &e), &e);
	ok(cert_make(&plan, ca, ca_key, &c, &e), &e);
	return c;
}

static struct cert *
make_other_ca(struct world *w)
{
	struct err e = { .reason = ERR_NONE };
	struct cert *c;
	const struct cert_plan plan = {
		.serial = w->ca->serial, .subject = w->ca->subject,
		.spki = key_spki(w->other_key), .ca = true, .path_len = -1,
		.not_before = w->now - DAY, .not_after = w->now + DAY,
		.ku = CERT_KU_KEY_CERT_SIGN | CERT_KU_CRL_SIGN,
	};

	ok(cert_make(&plan, NULL, w->other_key, &c, &e), &e);
	return c;
}

static int
open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct err e = { .reason = ERR_NONE };
	struct buf der = BUF_INIT(CSR_MAX_DER);
	struct server *s;

	assert_non_null(w);
	lab_open(&w->lab, "", 0);
	s = &w->lab.server;
	w->now = (int64_t)time(NULL);
	ok(cert_load(server_path(s, "ca/issuing.pem"), &w->ca, &e), &e);
	ok(key_load(server_path(s, "ca/issuing.key"), NULL, &w->ca_key, &e),
	    &e);
	ok(key_load(server_path(s, "ca/ra.key"), NULL, &w->ra_key, &e), &e);
	ok(key_generate("ec:p256", &w->other_key, &e), &e);
	w->other_ca = make_other_ca(w);
	ok(csr_make(w->lab.key, "/CN=lab", "DNS:lab.example", NULL, &der, &e),
	    &e);
	ok(csr_parse(buf_bytes(&der), &w->csr, &e), &e);
	buf_wipe(&der);
	*state = w;
	return 0;
}

static int
close_world(void **state)
{
	struct world *w = *state;

	lab_close(&w->lab);
	cert_free(w->ca);
	cert_free(w->other_ca);
	key_free(w->ca_key);
	key_free(w->other_key);
	key_free(w->ra_key);
	csr_free(w->csr);
	free(w);
	return 0;
}

/* Does it to the ledger's newest row; ?1 is the certificate, ?2 its serial. */
static void
change_newest(struct world *w, const char *set, const struct cert *c)
{
	char sql[256];
	sqlite3 *db;
	sqlite3_stmt *st;

	(void)snprintf(sql, sizeof(sql), "UPDATE issued SET %s "
	    "WHERE id = (SELECT max(id) FROM issued)", set);
	assert_int_equal(sqlite3_open(server_path(&w->lab.server,
	    "scepd.db"), &db), SQLITE_OK);
	(void)sqlite3_busy_timeout(db, 10000);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL),
	    SQLITE_OK);
	if (c != NULL) {
		(void)sqlite3_bind_blob(st, 1, c->der.p, (int)c->der.n,
		    SQLITE_STATIC);
		(void)sqlite3_bind_blob(st, 2, c->serial.p,
		    (int)c->serial.n, SQLITE_STATIC);
	}
	assert_int_equal(sqlite3_step(st), SQLITE_DONE);
	(void)sqlite3_finalize(st);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- the signers: each returns its certificate ---- */

static struct cert *
self_signed(struct world *w)
{
	return make(w, w->lab.key, NULL, w->lab.key, -DAY, DAY, "clientAuth");
}

static struct cert *
other_ca(struct world *w)
{
	return make(w, w->lab.key, w->other_ca, w->other_key, -DAY, DAY,
	    "clientAuth");
}

static struct cert *
not_in_ledger(struct world *w)
{
	return make(w, w->lab.key, w->ca, w->ca_key, -DAY, DAY, "clientAuth");
}

static struct cert *
web_server(struct world *w)
{
	return make(w, w->lab.key, w->ca, w->ca_key, -DAY, DAY, "serverAuth");
}

/* What the CA issued that had this name before, by the ledger too. */
static struct cert *
earlier_ca(struct world *w)
{
	struct cert *c = other_ca(w);

	lab_good(&w->lab);
	change_newest(w, "der = ?1, serial = ?2", c);
	return c;
}

/* What the server has just issued to the lab. */
static struct cert *
issued(struct world *w)
{
	struct err e = { .reason = ERR_NONE };
	struct cert *c;
	uint8_t *der;
	size_t n;

	lab_good(&w->lab);
	der = server_newest(&w->lab.server, &n);
	ok(cert_parse(bytes_make(der, n), &c, &e), &e);
	free(der);
	return c;
}

static struct cert *
recorded(struct world *w, int64_t from, int64_t to)
{
	struct cert *c = make(w, w->lab.key, w->ca, w->ca_key, from, to,
	    "clientAuth");

	lab_good(&w->lab);
	change_newest(w, "der = ?1, serial = ?2", c);
	return c;
}

static struct cert *
expired(struct world *w)
{
	return recorded(w, -2 * DAY, -60);
}

static struct cert *
not_yet(struct world *w)
{
	return recorded(w, 3600, DAY);
}

static struct cert *
of_another_endpoint(struct world *w)
{
	struct cert *c = issued(w);

	change_newest(w, "endpoint = 'other'", NULL);
	return c;
}

/* The certificate in the ledger, with a signature by somebody else. */
static struct cert *
same_serial(struct world *w)
{
	struct cert *c = other_ca(w);

	lab_good(&w->lab);
	change_newest(w, "serial = coalesce(?2, ?1)", c);
	return c;
}

static struct cert *
revoked(struct world *w)
{
	struct cert *c = issued(w);

	change_newest(w, "revoked_at = 1, revoke_reason = 5", NULL);
	return c;
}

static struct cert *
on_hold(struct world *w)
{
	struct cert *c = issued(w);

	change_newest(w, "revoked_at = 1, revoke_reason = 6", NULL);
	return c;
}

static struct cert *
load(const struct world *w, const char *name)
{
	struct err e = { .reason = ERR_NONE };
	struct cert *c;

	ok(cert_load(server_path(&w->lab.server, name), &c, &e), &e);
	return c;
}

static struct cert *
the_ra(struct world *w)
{
	return load(w, "ca/ra.pem");
}

static struct cert *
the_ca(struct world *w)
{
	return load(w, "ca/issuing.pem");
}

enum whose { LABS, RAS, CAS };

static const struct row {
	const char	*name;
	struct cert	*(*make)(struct world *);
	enum whose	 key;
	struct want	 renewal;	/* 17 */
	struct want	 pkcsreq;	/* 19 without a challenge */
	struct want	 vouched;	/* 17 with a good challenge */
} rows[] = {
	{ "self-signed", self_signed, LABS, STRANGER, NO_PROOF, STRANGER },
	{ "another CA of that name", other_ca, LABS, STRANGER, NO_PROOF,
	    STRANGER },
	{ "another CA, that name and serial", same_serial, LABS, STRANGER,
	    NO_PROOF, STRANGER },
	{ "another CA of that name, in the ledger", earlier_ca, LABS,
	    STRANGER, NO_PROOF, STRANGER },
	{ "not in the ledger", not_in_ledger, LABS, STRANGER, NO_PROOF,
	    STRANGER },
	{ "server certificate of the CA", web_server, LABS, STRANGER,
	    NO_PROOF, STRANGER },
	{ "of another endpoint", of_another_endpoint, LABS, STRANGER,
	    NO_PROOF, STRANGER },
	{ "expired", expired, LABS, EXPIRED, EXPIRED, EXPIRED },
	{ "not valid yet", not_yet, LABS, NOT_YET, NOT_YET, NOT_YET },
	{ "revoked", revoked, LABS, REVOKED, REVOKED, REVOKED },
	{ "on hold", on_hold, LABS, REVOKED, REVOKED, REVOKED },
	{ "the RA", the_ra, RAS, STRANGER, NO_PROOF, STRANGER },
	{ "the CA", the_ca, CAS, WRONG_KEY, WRONG_KEY, WRONG_KEY },
	{ "issued here, still good", issued, LABS, WANT_ISSUED, WANT_ISSUED,
	    WANT_ISSUED },
};

static EVP_PKEY *
pkey_of(const struct world *w, enum whose whose)
{
	return whose == LABS ? w->lab.pkey :
	    lab_pkey(whose == RAS ? w->ra_key : w->ca_key);
}

static void
post(struct world *w, const struct row *r, const struct craft_signer *by,
    const char *type, struct bytes csr, struct want want)
{
	struct craft_attr attrs[N(lab_attrs)];
	struct craft c = {
		.attrs = attrs, .n_attrs = N(attrs), .signers = by,
		.n_signers = 1
	};
	struct buf sealed, message;
	char name[80];

	memcpy(attrs, lab_attrs, sizeof(attrs));
	attrs[LAB_ATTR_TYPE].value = bytes_str(type);
	craft_seal(csr, CRAFT_RSA, w->lab.ra->x, EVP_aes_128_cbc(), &sealed);
	c.content = buf_bytes(&sealed);
	craft_sign(&c, &message);
	(void)snprintf(name, sizeof(name), "%s signs type %s", r->name, type);
	lab_post(&w->lab, name, buf_bytes(&message), want);
	buf_wipe(&message);
	buf_wipe(&sealed);
}

static void
test_signers(void **state)
{
	struct world *w = *state;
	const struct want no_type = WANT_FAIL(BAD_REQUEST, "message_type");
	struct cert *self = w->lab.cert, *c;
	struct craft_signer by = { .md = EVP_sha256() };
	const struct row *r;

	for (r = rows; r < rows + N(rows); r++) {
		w->lab.cert = self;
		c = r->make(w);
		by.cert = c->x;
		by.key = pkey_of(w, r->key);
		/* Replies are for the signer. */
		w->lab.cert = c;
		post(w, r, &by, "17", w->csr->der, r->renewal);
		post(w, r, &by, "19", w->csr->der, r->pkcsreq);
		post(w, r, &by, "18", buf_bytes(&w->lab.csr),
		    r->key == CAS ? r->renewal : no_type);
		post(w, r, &by, "17", buf_bytes(&w->lab.csr), r->vouched);
		if (r->key != LABS)
			EVP_PKEY_free(by.key);
		w->lab.cert = self;
		cert_free(c);
	}
	lab_good(&w->lab);
}

/* A device does not get a certificate for the RA's key, though it proves it. */
static void
test_ra_key(void **state)
{
	struct world *w = *state;
	struct row r = { .name = "the RA's key" };
	struct err e = { .reason = ERR_NONE };
	struct buf csr = BUF_INIT(CSR_MAX_DER);
	EVP_PKEY *pkey = lab_pkey(w->ra_key);
	struct cert *c = make(w, w->ra_key, NULL, w->ra_key, -DAY, DAY,
	    "clientAuth");
	const struct craft_signer by = { .key = pkey, .cert = c->x,
	    .md = EVP_sha256() };

	ok(csr_make(w->ra_key, "/CN=device", NULL, SERVER_CHALLENGE, &csr,
	    &e), &e);
	post(w, &r, &by, "19", buf_bytes(&csr),
	    (struct want)WANT_FAIL(BAD_REQUEST, "key_taken"));
	EVP_PKEY_free(pkey);
	cert_free(c);
	buf_wipe(&csr);
	lab_good(&w->lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signers),
		cmocka_unit_test(test_ra_key),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
