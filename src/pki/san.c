#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pki/pki_int.h"
#include "pki/san_int.h"
#include "util/str.h"

#define OID_UPN	"1.3.6.1.4.1.311.20.2.3"

static const char *const kinds[] = {
	[SAN_DNS] = "dns", [SAN_EMAIL] = "email", [SAN_URI] = "uri",
	[SAN_IP] = "ip", [SAN_UPN] = "upn", [SAN_SID] = "sid",
	[SAN_OTHER] = "other"
};

const char *
san_kind_name(enum san_kind k)
{
	return kinds[k];
}

#define SID_PREFIX	"tag:microsoft.com,"	/* KB5014754 */

/* Names reach logs, the ledger and other programs as text: no NUL inside. */
static char *
text_of(const ASN1_STRING *s)
{
	struct bytes b = bytes_make(ASN1_STRING_get0_data(s),
	    (size_t)ASN1_STRING_length(s));

	if (b.n == 0 || memchr(b.p, '\0', b.n) != NULL || !str_is_utf8(b))
		return NULL;
	return str_dup_bytes(b);
}

/* An IA5String is ASCII. */
static char *
ascii_of(const ASN1_STRING *s)
{
	const unsigned char *p = ASN1_STRING_get0_data(s);
	int i, n = ASN1_STRING_length(s);

	for (i = 0; i < n; i++)
		if (p[i] > 0x7e)
			return NULL;
	return text_of(s);
}

static char *
ip_text(const ASN1_OCTET_STRING *s)
{
	char out[INET6_ADDRSTRLEN];
	int n = ASN1_STRING_length(s);

	if ((n != 4 && n != 16) || inet_ntop(n == 4 ? AF_INET : AF_INET6,
	    ASN1_STRING_get0_data(s), out, sizeof(out)) == NULL)
		return NULL;
	return strdup(out);
}

static char *
upn_text(const OTHERNAME *on)
{
	char oid[64];

	if (OBJ_obj2txt(oid, sizeof(oid), on->type_id, 1) < 0 ||
	    strcmp(oid, OID_UPN) != 0 ||
	    ASN1_TYPE_get(on->value) != V_ASN1_UTF8STRING)
		return NULL;
	return text_of(on->value->value.utf8string);
}

static void
read_name(const GENERAL_NAME *gn, struct san *s)
{
	switch (gn->type) {
	case GEN_DNS:
		s->kind = SAN_DNS;
		s->text = ascii_of(gn->d.dNSName);
		break;
	case GEN_EMAIL:
		s->kind = SAN_EMAIL;
		s->text = ascii_of(gn->d.rfc822Name);
		break;
	case GEN_URI:
		s->text = ascii_of(gn->d.uniformResourceIdentifier);
		/* It maps a certificate to an account: no mere URI. */
		s->kind = s->text != NULL && strncasecmp(s->text, SID_PREFIX,
		    strlen(SID_PREFIX)) == 0 ? SAN_SID : SAN_URI;
		break;
	case GEN_IPADD:
		s->kind = SAN_IP;
		s->text = ip_text(gn->d.iPAddress);
		break;
	case GEN_OTHERNAME:
		s->kind = SAN_UPN;
		if ((s->text = upn_text(gn->d.otherName)) != NULL)
			break;
		/* FALLTHROUGH */
	default:
		s->kind = SAN_OTHER;
		s->text = strdup(san_kind_name(SAN_OTHER));
		break;
	}
}

int
sans_read(const GENERAL_NAMES *gns, enum err_reason reason, struct sans *out,
    struct err *e)
{
	struct sans names = { .v = NULL, .n = 0 };
	const GENERAL_NAME *gn;
	struct san *s;
	int i, n = sk_GENERAL_NAME_num(gns);

	if (n < 1 || n > SANS_MAX_NAMES) {
		err_set(e, reason, "subjectAltName of %d names", n);
		return -1;
	}
	if ((names.v = calloc((size_t)n, sizeof(*names.v))) == NULL) {
		err_set(e, ERR_MEMORY, "subjectAltName");
		return -1;
	}
	for (i = 0; i < n; i++) {
		gn = sk_GENERAL_NAME_value(gns, i);
		s = &names.v[names.n++];
		read_name(gn, s);
		s->der = pki_i2d(ASN1_ITEM_rptr(GENERAL_NAME), gn);
		if (s->text == NULL || s->der.n == 0) {
			err_set(e, reason, "subjectAltName %d is malformed",
			    i + 1);
			sans_free(&names);
			return -1;
		}
	}
	*out = names;
	return 0;
}

void
sans_free(struct sans *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		free((void *)(uintptr_t)s->v[i].der.p);
		free(s->v[i].text);
	}
	free(s->v);
	s->v = NULL;
	s->n = 0;
}

bool
sans_has(const struct sans *sans, const struct san *s)
{
	size_t i;

	for (i = 0; i < sans->n; i++)
		if (bytes_eq(sans->v[i].der, s->der))
			return true;
	return false;
}

int
sans_put(const struct sans *sans, const char *between, struct buf *out)
{
	size_t i;

	for (i = 0; i < sans->n; i++)
		if (buf_printf(out, "%s%s:%s", i > 0 ? between : "",
		    san_kind_name(sans->v[i].kind), sans->v[i].text) == -1)
			return -1;
	return 0;
}

int
sans_of(const X509 *x, struct sans *out, struct err *e)
{
	GENERAL_NAMES *gns;
	int crit, rc;

	*out = (struct sans){ .v = NULL, .n = 0 };
	gns = X509_get_ext_d2i(x, NID_subject_alt_name, &crit, NULL);
	if (gns == NULL && crit == -1)
		return 0;
	if (gns == NULL) {
		err_set(e, ERR_CERT_FILE, "subjectAltName is malformed or "
		    "doubled");
		return -1;
	}
	rc = sans_read(gns, ERR_CERT_FILE, out, e);
	GENERAL_NAMES_free(gns);
	return rc;
}

int
cert_sans(const struct cert *c, struct sans *out, struct err *e)
{
	return sans_of(c->x, out, e);
}
