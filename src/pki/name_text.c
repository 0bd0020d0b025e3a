/*
 * Names from the text that RFC 4514 writes them as: the last part comes first,
 * "+" joins the values of one part, a backslash takes the meaning from the
 * character behind it or stands before two hex digits. Values in hex ("#...")
 * are refused: nobody writes them by intention.
 */
#include <openssl/objects.h>

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "pki/csr.h"
#include "pki/pki_int.h"
#include "util/str.h"

#define TYPE_MAX	64
#define VALUE_MAX	1024
#define TEXT_MAX	8192
#define SPECIAL		"\"+,;<>\\"	/* never bare in a value */

struct part {
	char		 type[TYPE_MAX];
	struct buf	 value;
	bool		 joins;		/* belongs to the part before it */
};

static int
refuse(struct err *e, const char *why)
{
	err_set(e, ERR_SUBJECT, "text of a name: %s", why);
	return -1;
}

/* Behind a backslash. */
static int
take_escaped(const char **p, struct buf *value, struct err *e)
{
	const char *s = *p;
	int hi, lo;

	if (*s == '\0')
		return refuse(e, "ends in a backslash");
	if (strchr(SPECIAL " #=", *s) != NULL) {
		*p = s + 1;
		return buf_putc(value, *s);
	}
	if ((hi = str_hex_value(s[0])) == -1 ||
	    (lo = str_hex_value(s[1])) == -1)
		return refuse(e, "a backslash before a letter");
	*p = s + 2;
	return buf_putc(value, hi << 4 | lo);
}

static int
take_value(const char **p, struct buf *value, struct err *e)
{
	size_t kept = 0;	/* blanks behind this were bare */
	int rc = 0;

	if (**p == '#')
		return refuse(e, "a value in hex");
	while (rc == 0 && **p != '\0' && **p != ',' && **p != '+') {
		if (**p == '\\') {
			(*p)++;
			rc = take_escaped(p, value, e);
			kept = value->n;
			continue;
		}
		if (strchr(SPECIAL, **p) != NULL)
			return refuse(e, "a bare special character");
		rc = buf_putc(value, **p);
		if (**p != ' ')
			kept = value->n;
		(*p)++;
	}
	if (rc == -1)
		return refuse(e, "a value is too long");
	value->n = kept;
	if (kept == 0)
		return refuse(e, "an empty value");
	return str_is_utf8(buf_bytes(value)) ? 0 :
	    refuse(e, "a value is not UTF-8");
}

static int
take_type(const char **p, char type[TYPE_MAX], struct err *e)
{
	size_t n = 0;

	while (isalnum((unsigned char)(*p)[n]) || (*p)[n] == '.' ||
	    (*p)[n] == '-')
		n++;
	if (n == 0 || n >= TYPE_MAX || (*p)[n] != '=')
		return refuse(e, "not TYPE=value");
	memcpy(type, *p, n);
	type[n] = '\0';
	*p += n + 1;
	return 0;
}

static void
skip_blanks(const char **p)
{
	*p += strspn(*p, " ");
}

static int
take_parts(const char *p, struct part parts[CSR_MAX_VALUES], size_t *n,
    struct err *e)
{
	bool joins = false;

	skip_blanks(&p);
	while (*p != '\0') {
		if (*n == CSR_MAX_VALUES)
			return refuse(e, "too many values");
		buf_init(&parts[*n].value, VALUE_MAX);
		parts[*n].joins = joins;
		(*n)++;
		if (take_type(&p, parts[*n - 1].type, e) == -1)
			return -1;
		skip_blanks(&p);
		if (take_value(&p, &parts[*n - 1].value, e) == -1)
			return -1;
		if (*p == '\0')
			break;
		joins = *p++ == '+';
		skip_blanks(&p);
		if (*p == '\0')
			return refuse(e, "ends in a separator");
	}
	return 0;
}

/* RFC 4514's own words, in any case; libcrypto knows more, in one. */
static int
nid_of(const char *type)
{
	static const struct {
		const char	*type;
		int		 nid;
	} words[] = {
		{ "CN", NID_commonName }, { "L", NID_localityName },
		{ "ST", NID_stateOrProvinceName },
		{ "O", NID_organizationName },
		{ "OU", NID_organizationalUnitName },
		{ "C", NID_countryName }, { "STREET", NID_streetAddress },
		{ "DC", NID_domainComponent }, { "UID", NID_userId },
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(type, words[i].type) == 0)
			return words[i].nid;
	return OBJ_txt2nid(type);
}

static int
add_part(X509_NAME *name, const struct part *pt, bool joins, struct err *e)
{
	ASN1_OBJECT *oid;
	int rc, nid = nid_of(pt->type);

	oid = nid != NID_undef ? OBJ_dup(OBJ_nid2obj(nid)) :
	    OBJ_txt2obj(pt->type, 1);
	if (oid == NULL) {
		set_ssl(e, ERR_SUBJECT, "text of a name: unknown type");
		return -1;
	}
	rc = X509_NAME_add_entry_by_OBJ(name, oid, MBSTRING_UTF8, pt->value.p,
	    (int)pt->value.n, -1, joins ? -1 : 0);
	ASN1_OBJECT_free(oid);
	if (rc == 1)
		return 0;
	set_ssl(e, ERR_SUBJECT, "text of a name: a value is not for its type");
	return -1;
}

/* Parts in the order of the Name, values of one part in that of the text. */
static int
add_parts(X509_NAME *name, const struct part *parts, size_t n, struct err *e)
{
	size_t first, i, end = n;

	while (end > 0) {
		for (first = end - 1; parts[first].joins; first--)
			continue;
		for (i = first; i < end; i++)
			if (add_part(name, &parts[i], i > first, e) == -1)
				return -1;
		end = first;
	}
	return 0;
}

int
name_of_text(const char *text, X509_NAME **out, struct err *e)
{
	struct part parts[CSR_MAX_VALUES];
	X509_NAME *name = NULL;
	size_t i, n = 0;
	int rc = -1;

	if (strlen(text) > TEXT_MAX)
		return refuse(e, "too long");
	if (take_parts(text, parts, &n, e) == 0) {
		if ((name = X509_NAME_new()) == NULL)
			set_ssl(e, ERR_MEMORY, "name");
		else
			rc = add_parts(name, parts, n, e);
	}
	if (rc == 0) {
		*out = name;
		name = NULL;
	}
	X509_NAME_free(name);
	for (i = 0; i < n; i++)
		buf_wipe(&parts[i].value);
	return rc;
}
