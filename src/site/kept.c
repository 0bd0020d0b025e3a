/*
 * The RA certificates that were issued here: they are in the ledger, and keys
 * made for them in files beside it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pki/chain.h"
#include "pki/secret.h"
#include "site/ra_int.h"
#include "store/issued.h"
#include "util/file.h"
#include "util/log.h"
#include "util/str.h"

#define KEY_NAME	16	/* bytes of the key's hash in its file's name */

struct recall {
	const struct conf		*conf;
	const struct site_endpoint	*se;
	struct pairs			*all;
};

/* The file of a key that was made here, yours. */
static char *
key_path(const struct conf *c, const uint8_t hash[PKI_HASH], struct err *e)
{
	char hex[2 * KEY_NAME + 1], name[sizeof(hex) + 8], *path;

	str_hex(bytes_make(hash, KEY_NAME), hex);
	(void)snprintf(name, sizeof(name), "ra-%s.key", hex);
	if ((path = file_beside(c->store_path, name)) == NULL)
		err_set(e, ERR_MEMORY, "%s", name);
	return path;
}

static int
load_key(const struct conf *c, const struct cert *cert, struct key **out,
    struct err *e)
{
	char *path = key_path(c, cert->key.spki_hash, e);
	struct key *k;
	int rc = -1;

	if (path == NULL || key_load(path, NULL, &k, e) == -1)
		goto out;
	if (key_matches(k, cert)) {
		*out = k;
		rc = 0;
	} else {
		err_set(e, ERR_KEY_FILE, "%s: is not the key of %s", path,
		    cert->subject_text);
		key_free(k);
	}
out:
	free(path);
	return rc;
}

static const struct key *
known_key(const struct pairs *ps, const struct cert *c)
{
	size_t i;

	for (i = 0; i < ps->n; i++)
		if (key_matches(ps->v[i]->key, c))
			return ps->v[i]->key;
	return NULL;
}

/* *out is NULL where the certificate is another endpoint's. */
static int
find_key(const struct recall *l, const struct issued *row,
    const struct cert *c, struct key **out, struct err *e)
{
	const struct key *k = known_key(l->all, c);

	if (k == NULL)
		k = known_key(&l->se->ra->also, c);
	if (k != NULL)
		return key_get1(k, out, e);
	*out = NULL;
	if (strcmp(row->endpoint, l->se->conf->name) != 0)
		return 0;
	return load_key(l->conf, c, out, e);
}

/* One that cannot be used does not keep the others from being so. */
static void
log_unusable(const struct recall *l, const struct err *e)
{
	struct log_line line;

	log_begin(&line, LOG_L_WARN, "ra_unusable");
	log_str(&line, "endpoint", l->se->conf->name);
	log_err(&line, e);
	log_end(&line);
}

/* The CA of this Name, or NULL. */
static const struct site_ca *
find_ca(const struct recall *l, const uint8_t hash[PKI_HASH])
{
	const struct site_ca *ca;

	for (ca = l->se->ca; ca != NULL; ca = ca->next)
		if (memcmp(hash, ca->name_hash, PKI_HASH) == 0)
			return ca;
	return NULL;
}

/* A CA that was given up may have had the name, with another key. */
static bool
is_by(const struct cert *c, const struct site_ca *ca)
{
	struct err why = { .reason = ERR_NONE };

	return chain_link(c, issuer_ca(ca->issuer), &why) == 0;
}

static int
on_row(const struct issued *row, void *arg)
{
	struct recall *l = arg;
	const struct site_ca *ca = find_ca(l, row->issuer_hash);
	struct err e = { .reason = ERR_NONE };
	struct cert *c = NULL;
	struct key *k = NULL;
	struct pair *p;

	if (row->revoked || ca == NULL)
		return 0;
	if (cert_parse(row->der, &c, &e) == 0 && is_by(c, ca) &&
	    find_key(l, row, c, &k, &e) == 0 && k != NULL) {
		if (pair_new(k, c, &p, &e) == 0)
			(void)pairs_take(l->all, p, &e);
	} else
		cert_free(c);
	if (e.reason != ERR_NONE)
		log_unusable(l, &e);
	return 0;
}

int
kept_recall(struct db *db, const struct conf *conf,
    const struct site_endpoint *se, int64_t now, struct pairs *all,
    struct err *e)
{
	const struct issued_filter f = { .ra = true, .expires_from = now };
	struct recall l = { conf, se, all };

	return issued_each(db, &f, on_row, &l, e);
}

int
kept_make_key(const struct conf *c, const struct key *like,
    struct key **out, char **path, struct err *e)
{
	struct buf pem = BUF_INIT(FILE_MAX);
	const char *spec = key_bits(like) >= 4096 ? "rsa:4096" :
	    key_bits(like) >= 3072 ? "rsa:3072" : "rsa:2048";
	struct key *k = NULL;
	uint8_t hash[PKI_HASH];
	char *p = NULL;
	int rc = -1;

	if (key_generate(spec, &k, e) == 0 && key_pem(k, &pem, e) == 0 &&
	    secret_sha256(key_spki(k), hash, e) == 0 &&
	    (p = key_path(c, hash, e)) != NULL)
		rc = file_write(p, buf_bytes(&pem), 0600, false, e);
	buf_wipe(&pem);
	if (rc == -1) {
		/* It may lie there, but not durably; each try would add one. */
		if (p != NULL)
			(void)unlink(p);
		key_free(k);
		free(p);
		return -1;
	}
	*out = k;
	*path = p;
	return 0;
}
