#include "render/pki.h"
#include "util/str.h"

#define TEXT_MAX	(1024u * 1024)	/* no certificate has a longer name */

struct json *
json_new_ku(unsigned ku)
{
	struct json *a = json_new_array();
	unsigned bit;

	for (bit = 1; cert_ku_name(bit) != NULL; bit <<= 1)
		if ((ku & bit) != 0)
			json_add_str(a, NULL, cert_ku_name(bit));
	return a;
}

struct json *
json_new_sans(const struct sans *sans)
{
	struct json *a = json_new_array();
	struct buf text = BUF_INIT(TEXT_MAX);
	size_t i;

	for (i = 0; a != NULL && i < sans->n; i++) {
		const struct sans one = { &sans->v[i], 1 };

		buf_reset(&text);
		if (sans_put(&one, "", &text) == 0) {
			json_add_bytes(a, NULL, buf_bytes(&text));
		} else {
			json_free(a);
			a = NULL;
		}
	}
	buf_wipe(&text);
	return a;
}

struct json *
json_new_key(const struct pubkey *k)
{
	struct json *d = json_new_object();
	char hex[2 * PKI_HASH + 1];

	str_hex(bytes_make(k->spki_hash, PKI_HASH), hex);
	json_add_str(d, "type", key_type_name(k->type));
	json_add_int(d, "bits", k->bits);
	json_add_str(d, "sha256", hex);
	return d;
}
