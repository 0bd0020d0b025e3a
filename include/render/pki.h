/*
 * Facts of requests and certificates as JSON, in the form in which everybody who
 * is told them reads them. Plain facts in; NULL without memory, which
 * json_add_take() remembers.
 */
#ifndef RENDER_PKI_H
#define RENDER_PKI_H

#include "pki/san.h"
#include "render/json.h"

/* By the names of RFC 5280, 4.2.1.3, in the order of its bits. */
struct json	*json_new_ku(unsigned ku);
/* "dns:a.example", ... */
struct json	*json_new_sans(const struct sans *);
/* Type, bits, and SHA-256 of the SubjectPublicKeyInfo. */
struct json	*json_new_key(const struct pubkey *);

#endif
