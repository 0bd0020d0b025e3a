#!/bin/sh
# RA certificates end to end: two as NDES has them, an earlier one, one that is
# about to expire and renews itself, and a CA that follows; strongSwan's pki is
# the device.
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"
# shellcheck source=tests/interop/lib.sh
. "${srcdir:-.}/tests/interop/lib.sh"

interop_need pki curl openssl sqlite3
pki --help 2>&1 | grep -q '^loaded plugins:.* curl' || {
	echo "skipped: pki without its curl plugin"
	exit 77
}

# ra NAME KEYUSAGE FROM TO: $tmp/NAME.pem and .key, with times as date -d has
ra() {
	ra_name=$1
	shift
	interop_ra "$tmp/$ra_name" "$@"
}

# enroll TO SIGNER: pki takes the certificate to encrypt to, and the one that
# must have signed the reply.
enroll() {
	pki --scep --url "$url" --in "$tmp/device.key" --dn CN=device \
	    --password "$challenge" --cacert-enc "$1" --cacert-sig "$2" \
	    --cacert "$tmp/ca/root.pem" --cacert "$tmp/ca/issuing.pem" \
	    --outform pem >"$tmp/device.pem" 2>"$tmp/pki.log" || {
		cat "$tmp/pki.log"
		it_fail "enrolling with $1"
	}
}

# set_ra NAME: starts with this one instead of scepctl's
set_ra() {
	it_conf
	sed -i "s|ca/ra\.|$1.|g" "$tmp/scepd.conf"
	it_start
}

shown() { # the certificates that GetCACert shows: $tmp/shown-N.pem
	rm -f "$tmp"/shown*.pem
	curl -sS "$url?operation=GetCACert" |
	    openssl pkcs7 -inform DER -print_certs |
	    awk -v to="$tmp/shown-" '/^-----BEGIN/ { n++; in_it = 1 }
		in_it { print >(to n ".pem") }
		/^-----END/ { in_it = 0 }'
}

rows() { # of RA certificates in the ledger
	sqlite3 "$tmp/scepd.db" \
	    "SELECT count(*) FROM issued WHERE role = 'ra'"
}

# Each message is a request of its own.
it_global='transaction: { replay = 0; };'
it_ca --key ec:p256
pki --gen --type rsa --size 2048 --outform pem >"$tmp/device.key"

# Two, as NDES has them, under a CA with an EC key; and an earlier one.
ra sign digitalSignature -1day +300days
ra enc keyEncipherment -1day +300days
ra old 'digitalSignature, keyEncipherment' -100days +100days
cat "$tmp/old.pem" "$tmp/old.key" >"$tmp/old-both.pem"
it_endpoint='ra_enc_cert = "enc.pem"; ra_enc_key = "enc.key";
ra_also = [ "old-both.pem" ];'
set_ra sign
shown
cmp -s "$tmp/shown-1.pem" "$tmp/sign.pem" || it_fail 'the signer is not first'
cmp -s "$tmp/shown-2.pem" "$tmp/enc.pem" || it_fail 'nor the other second'
cmp -s "$tmp/shown-3.pem" "$tmp/ca/issuing.pem" || it_fail 'nor the CA third'
cmp -s "$tmp/shown-4.pem" "$tmp/ca/root.pem" || it_fail 'nor the root last'
[ ! -e "$tmp/shown-5.pem" ] || it_fail 'more than four'
enroll "$tmp/enc.pem" "$tmp/sign.pem"
enroll "$tmp/old.pem" "$tmp/old.pem"
[ "$(rows)" -eq 0 ] || it_fail 'renewed what was good for long'
it_stop

# One that ends soon, and one that has expired even
it_endpoint=
for to in +2days -1day; do
	rm -f "$tmp/scepd.db"
	ra ra 'digitalSignature, keyEncipherment' -100days "$to"
	set_ra ra
	grep -q 'event=ra_renewed.*serial=' "$tmp/scepd.log" ||
	    it_fail "until $to: not renewed"
	shown
	cmp -s "$tmp/shown-1.pem" "$tmp/ra.pem" && it_fail 'the old is shown'
	openssl verify -CAfile "$tmp/ca/root.pem" \
	    -untrusted "$tmp/ca/issuing.pem" "$tmp/shown-1.pem" >/dev/null ||
	    it_fail 'the new one does not verify'
	enroll "$tmp/shown-1.pem" "$tmp/shown-1.pem"
	cp "$tmp/shown-1.pem" "$tmp/renewed.pem"
	it_stop
	it_start
	shown
	cmp -s "$tmp/shown-1.pem" "$tmp/renewed.pem" ||
	    it_fail 'another one after a restart'
	[ "$(rows)" -eq 1 ] || it_fail "$(rows) RA certificates"
	"$SCEPCTL" -c "$tmp/scepd.conf" list | grep -q ' ra .*CN=RA ra' ||
	    it_fail 'scepctl list does not tell'
	it_stop
done

# Who does not want that is warned.
rm -f "$tmp/scepd.db"
ra ra 'digitalSignature, keyEncipherment' -100days +2days
it_endpoint='ra_renew = 0;'
set_ra ra
grep -q 'event=ra_expires.*ra_renew is 0' "$tmp/scepd.log" ||
    it_fail 'no warning'
it_stop

# A CA that follows, under the same root
mkdir "$tmp/next"
openssl req -new -newkey rsa:2048 -nodes -subj '/CN=scepd CA G2' \
    -keyout "$tmp/next/issuing.key" -out "$tmp/next.csr" 2>/dev/null
printf '%s\n' 'basicConstraints = critical, CA:TRUE, pathlen:0' \
    'keyUsage = critical, keyCertSign, cRLSign' \
    'subjectKeyIdentifier = hash' >"$tmp/next.ext"
openssl x509 -req -in "$tmp/next.csr" -CA "$tmp/ca/root.pem" -days 1000 \
    -CAkey "$tmp/ca/root.key" -CAcreateserial -extfile "$tmp/next.ext" \
    -out "$tmp/next/issuing.pem" 2>/dev/null
cp "$tmp/ca/root.pem" "$tmp/next/chain.pem"
ra ra 'digitalSignature, keyEncipherment' -1day +300days
it_endpoint=
it_issuer='next = "next";'
set_ra ra
curl -sS "$url?operation=GetCACaps" | grep -qx GetNextCACert ||
    it_fail 'GetNextCACert is not advertised'
next=$(curl -sS -o "$tmp/next.p7" -w '%{http_code} %{content_type}' \
    "$url?operation=GetNextCACert")
[ "$next" = '200 application/x-x509-next-ca-cert' ] ||
    it_fail "GetNextCACert: $next"
openssl cms -verify -inform DER -in "$tmp/next.p7" -purpose any \
    -CAfile "$tmp/ca/root.pem" -certfile "$tmp/ca/issuing.pem" \
    -out "$tmp/next.set" 2>"$tmp/openssl.log" || {
	cat "$tmp/openssl.log"
	it_fail 'GetNextCACert is not signed by the current CA'
}
openssl pkcs7 -inform DER -in "$tmp/next.set" -print_certs -noout |
    grep -q 'scepd CA G2' || it_fail 'it has no next CA'
enroll "$tmp/ra.pem" "$tmp/ra.pem"
openssl x509 -in "$tmp/device.pem" -noout -issuer | grep -q G2 &&
    it_fail 'the next CA issues already'

# In three seconds; nobody tells the server.
date -u -d +3seconds +%Y-%m-%dT%H:%M:%SZ >"$tmp/next/from"
kill -HUP "$pid"
switched() {
	shown
	openssl x509 -in "$tmp/shown-1.pem" -noout -issuer | grep -q G2
}
it_until 20 switched || it_fail 'the next CA has not taken over'
enroll "$tmp/ra.pem" "$tmp/ra.pem"
openssl x509 -in "$tmp/device.pem" -noout -issuer | grep -q G2 ||
    it_fail 'the next CA does not issue'
[ "$(curl -sS -o "$tmp/next.p7" -w '%{http_code}' \
    "$url?operation=GetNextCACert")" = 404 ] || it_fail 'there is no next CA now'
curl -sS "${url%/scep}/crl/local.crl" |
    openssl crl -inform DER -noout -CAfile "$tmp/ca/issuing.pem" \
    2>"$tmp/openssl.log" || it_fail 'the CRL of the CA before'
grep -q OK "$tmp/openssl.log" || it_fail 'it is not the CA'\''s before'
it_stop
