#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki/mac_key.h"
#include "util/file.h"
#include "util/str.h"

static int
set_name(struct mac_key *k, struct err *e)
{
	return secret_mac(k->key, bytes_make("", 0), k->name, e);
}

int
mac_key_load(const char *path, struct mac_key *out, struct err *e)
{
	struct buf hex = BUF_INIT(2 * SECRET_MAC), key = BUF_INIT(SECRET_MAC);
	struct mac_key k;
	int rc = -1;

	if (file_read_secret(path, &hex, e) == -1)
		goto out;
	if (str_unhex(buf_cstr(&hex), &key) == -1 || key.n != SECRET_MAC) {
		err_set(e, ERR_KEY_FILE, "%s: not a key of %d bytes in hex; "
		    "take it from a backup, or remove it to begin anew", path,
		    SECRET_MAC);
		goto out;
	}
	memcpy(k.key, key.p, SECRET_MAC);
	if ((rc = set_name(&k, e)) == 0)
		*out = k;
	explicit_bzero(&k, sizeof(k));
out:
	buf_wipe(&hex);
	buf_wipe(&key);
	return rc;
}

int
mac_key_make(const char *path, struct mac_key *out, struct err *e)
{
	char hex[2 * SECRET_MAC + 2];
	struct mac_key k;
	int rc = -1;

	if (secret_random(k.key, sizeof(k.key), e) == -1 ||
	    set_name(&k, e) == -1)
		goto out;
	str_hex(bytes_make(k.key, sizeof(k.key)), hex);
	hex[2 * SECRET_MAC] = '\n';
	rc = file_write(path, bytes_make(hex, sizeof(hex) - 1), 0600, false,
	    e);
	if (rc == 0)
		*out = k;
out:
	explicit_bzero(&k, sizeof(k));
	explicit_bzero(hex, sizeof(hex));
	return rc;
}

char *
mac_key_path(const char *store, struct err *e)
{
	char *path;

	if (asprintf(&path, "%s.key", store) != -1)
		return path;
	err_set(e, ERR_MEMORY, "path");
	return NULL;
}
