#include <openssl/objects.h>

#include <stdio.h>
#include <string.h>

#include "pki/oid.h"

int
oid_of(const char *type, char out[OID_TEXT], struct err *e)
{
	ASN1_OBJECT *o = OBJ_txt2obj(type, 0);
	char text[OID_TEXT];
	int n = -1;

	if (o != NULL)
		n = OBJ_obj2txt(text, sizeof(text), o, 1);
	ASN1_OBJECT_free(o);
	if (n < 1 || n >= OID_TEXT) {
		err_set(e, ERR_CONFIG, "\"%s\" is no attribute type; write it "
		    "as CN, O or a dotted OID", type);
		return -1;
	}
	memcpy(out, text, sizeof(text));
	return 0;
}

void
oid_name(const char *oid, char out[OID_TEXT])
{
	int nid = OBJ_txt2nid(oid);

	(void)snprintf(out, OID_TEXT, "%s", nid == NID_undef ? oid :
	    OBJ_nid2sn(nid));
}
