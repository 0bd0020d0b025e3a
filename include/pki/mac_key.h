/*
 * A key for MACs that lives in a file of its own: hex, mode 0600.
 */
#ifndef PKI_MAC_KEY_H
#define PKI_MAC_KEY_H

#include "pki/secret.h"

struct mac_key {
	uint8_t	 key[SECRET_MAC];
	uint8_t	 name[SECRET_MAC];	/* tells keys apart; no secret */
};

/* ERR_FILE, ERR_FILE_MODE; ERR_KEY_FILE if it holds something else. */
int	 mac_key_load(const char *path, struct mac_key *, struct err *e);
/* Durable on return; ERR_EXISTS. */
int	 mac_key_make(const char *path, struct mac_key *, struct err *e);
/* Path of the key that belongs to a store: beside it. Yours. */
char	*mac_key_path(const char *store, struct err *e);

#endif
