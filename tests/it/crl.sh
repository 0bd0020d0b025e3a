#!/bin/sh
# Revocation end to end: a running scepd, scepctl beside it, and the openssl
# command as the one who must not trust a revoked certificate any more.
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

# get PATH ARGUMENT...: answer in $tmp/body and $tmp/head; prints the status
get() {
	get_path=$1
	shift
	: >"$tmp/body"
	curl -sS -D "$tmp/head" -o "$tmp/body" -w '%{http_code}' "$@" \
	    "${url%/scep}$get_path"
}

# want STATUS PATH ARGUMENT...
want() {
	want_status=$1
	shift
	got=$(get "$@")
	[ "$got" = "$want_status" ] ||
	    it_fail "$*: status $got, not $want_status"
}

field() { # NAME
	tr -d '\r' <"$tmp/head" | sed -n "s/^$1: //Ip"
}

is() { # VALUE WANTED TEXT
	[ "$1" = "$2" ] || it_fail "$3: \"$1\", not \"$2\""
}

# ---- the CRL in body, as openssl reads it ----

crl() {
	openssl crl -inform DER -in "$tmp/body" -noout "$@"
}

number() {
	printf '%d\n' "$(crl -crlnumber | sed 's/crlNumber=//')"
}

entries() {
	crl -text | grep -c 'Serial Number:' || true
}

# The CRL is whole, the CA's, and valid now.
good_crl() {
	want 200 /crl/local.crl
	crl -CAfile "$tmp/ca/issuing.pem" 2>"$tmp/verify" ||
	    it_fail "CRL: $(cat "$tmp/verify")"
	grep -q 'verify OK' "$tmp/verify" || it_fail "CRL does not verify"
	openssl crl -inform DER -in "$tmp/body" -out "$tmp/crl.pem"
}

newer_than() { # NUMBER
	want 200 /crl/local.crl
	[ "$(number)" -gt "$1" ]
}

# verify NAME: trusted, by the CRL last got
verify() {
	openssl verify -crl_check -CRLfile "$tmp/crl.pem" \
	    -trusted "$tmp/ca/issuing.pem" -partial_chain \
	    "$tmp/$1.pem" >"$tmp/verify" 2>&1
}

trusted() {
	verify "$1" || it_fail "$1: $(cat "$tmp/verify")"
}

revoked() {
	! verify "$1" || it_fail "$1 is trusted still"
	grep -q 'certificate revoked' "$tmp/verify" ||
	    it_fail "$1: $(cat "$tmp/verify")"
}

enroll() { # NAME
	printf -- '--password %s\n' "$challenge" >"$tmp/options"
	interop_expect pki --scepca --url "$url" --caout "$tmp/got-ca.pem" \
	    --raout "$tmp/got-ra.pem" --outform pem --force
	pki --gen --type rsa --size 2048 --outform pem >"$tmp/$1.key" \
	    2>/dev/null
	pki --scep --options "$tmp/options" --url "$url" --in "$tmp/$1.key" \
	    --dn "CN=$1" --cacert-enc "$tmp/ca/ra.pem" \
	    --cacert-sig "$tmp/ca/ra.pem" --cacert "$tmp/ca/root.pem" \
	    --cacert "$tmp/ca/issuing.pem" --outform pem >"$tmp/$1.pem" \
	    2>"$tmp/client.log" || {
		cat "$tmp/client.log"
		it_fail "enrollment of $1"
	}
}

serial() { # NAME
	openssl x509 -in "$tmp/$1.pem" -noout -serial | sed 's/.*=//'
}

revoke() { # NAME ARGUMENT...
	revoke_serial=$(serial "$1")
	shift
	"$SCEPCTL" -c "$tmp/scepd.conf" revoke "$revoke_serial" "$@" \
	    >"$tmp/revoke.log" 2>&1 || {
		cat "$tmp/revoke.log"
		it_fail "scepctl revoke $*"
	}
}

it_ca --key ec:p256 --name 'Revoke "me"'
if [ "$(id -u)" -eq 0 ]; then
	# As in real life: the daemon is nobody, scepctl is root.
	it_global='user = "nobody";'
fi
it_issuer='crl_file = "local.crl";'
it_conf
[ -z "$it_global" ] || chown -R nobody "$tmp"
it_start

# ---- before anything is revoked ----

good_crl
is "$(field Content-Type)" application/pkix-crl Content-Type
is "$(field Content-Length)" "$(wc -c <"$tmp/body")" Content-Length
is "$(date -u -d "$(field Expires)" +%s)" \
    "$(date -u -d "$(crl -nextupdate | sed 's/.*=//')" +%s)" Expires
is "$(date -u -d "$(field Last-Modified)" +%s)" \
    "$(date -u -d "$(crl -lastupdate | sed 's/.*=//')" +%s)" Last-Modified
is "$(field Cache-Control)" max-age=3600 Cache-Control
is "$(entries)" 0 entries
is "$(($(date -d "$(crl -nextupdate | sed 's/.*=//')" +%s) - $(date -d \
    "$(crl -lastupdate | sed 's/.*=//')" +%s)))" 604800 'a week'
crl -text | grep -q 'Version 2' || it_fail "CRL is not version 2"
crl -text | grep -q 'Authority Key Identifier' || it_fail "CRL without AKI"
first=$(number)
etag=$(field ETag) modified=$(field Last-Modified)
cmp "$tmp/local.crl" "$tmp/body" || it_fail "crl_file differs"

want 200 /crl/local.crl -I
is "$(field Content-Length)" "$(wc -c <"$tmp/local.crl")" 'HEAD, length'
is "$(field ETag)" "$etag" 'HEAD, ETag'
for tags in "$etag" "W/$etag" "\"x\", $etag" '*'; do
	want 304 /crl/local.crl -H "If-None-Match: $tags"
	is "$(wc -c <"$tmp/body")" 0 'body of 304'
	is "$(field ETag)" "$etag" 'ETag of 304'
done
want 200 /crl/local.crl -H 'If-None-Match: "x"'
want 304 /crl/local.crl -H "If-Modified-Since: $modified"
want 200 /crl/local.crl -H 'If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT'
want 200 /crl/local.crl -H 'If-None-Match: "x"' \
    -H "If-Modified-Since: $modified"

# ---- certificates of the CA ----

want 200 /ca/local.crt
is "$(field Content-Type)" application/pkix-cert 'type of .crt'
is "$(openssl x509 -inform DER -in "$tmp/body")" \
    "$(openssl x509 -in "$tmp/ca/issuing.pem")" 'local.crt'
[ -n "$(field ETag)" ] || it_fail ".crt has no ETag"
want 304 /ca/local.crt -H "If-None-Match: $(field ETag)"
for name in chain local; do
	want 200 "/ca/$name.pem"
	is "$(field Content-Type)" application/pem-certificate-chain \
	    'type of .pem'
	cmp "$tmp/body" "$tmp/ca/ca-bundle.pem" ||
	    it_fail "$name.pem is not ca-bundle.pem"
done
for path in /crl/local.crl /ca/local.crt /ca/chain.pem; do
	want 405 "$path" -d x
	is "$(field Allow)" 'GET, HEAD' Allow
done
for path in /crl/other.crl /crl/local /crl/ /crl/local.crl/ /ca/other.crt \
    /ca/chain.crt /crl/../scepd.conf /ca/local.key /CRL/local.crl; do
	want 404 "$path" --path-as-is
done

# ---- revoking, while scepd runs ----

enroll a
enroll b
good_crl
trusted a
trusted b
"$SCEPCTL" -c "$tmp/scepd.conf" list --json >"$tmp/list"
is "$(sqlite3 :memory: "SELECT count(*) FROM json_each(readfile('$tmp/list'))
    WHERE value->>'revoked_at' IS NULL")" 2 'valid ones'
revoke a --reason keyCompromise
it_until 5 newer_than "$first" || it_fail "no new CRL"
good_crl
revoked a
trusted b
is "$(entries)" 1 entries
crl -text | grep -q 'Key Compromise' || it_fail "CRL without the reason"
cmp "$tmp/local.crl" "$tmp/body" || it_fail "crl_file is an old one"
want 200 /crl/local.crl -H "If-None-Match: $etag"
if [ -n "$it_global" ]; then
	for f in "$tmp"/scepd.db*; do
		is "$(stat -c %U "$f")" nobody "owner of $f"
	done
fi
enroll c

# ---- while it does not ----

second=$(number)
cp "$tmp/body" "$tmp/last.crl"
it_stop
it_start
good_crl
cmp "$tmp/body" "$tmp/last.crl" || it_fail "another CRL after a restart"
it_stop
revoke b --reason certificateHold
if [ -n "$it_global" ]; then
	is "$(stat -c %U "$tmp"/scepd.db* | sort -u)" nobody 'owner at rest'
fi
it_start
good_crl
[ "$(number)" -gt "$second" ] || it_fail "the number does not rise"
is "$(entries)" 2 'entries after the restart'
revoked a
revoked b
trusted c
second=$(number)
revoke b --reason removeFromCRL
it_until 5 newer_than "$second" || it_fail "no CRL after a release"
good_crl
trusted b
revoked a

# ---- on schedule ----

it_issuer='crl_validity = "60s"; crl_renew = "58s";'
sed -i 's/127\.0\.0\.1:0/'"$(echo "$url" | sed 's|.*//\([^/]*\)/.*|\1|')/" \
    "$tmp/scepd.conf"
sed -i "s/crl_file = \"local.crl\";/$it_issuer/" "$tmp/scepd.conf"
second=$(number)
kill -HUP "$pid"
it_until 5 newer_than "$second" || it_fail "not renewed after a reload"
second=$(number)
it_until 5 newer_than "$second" || it_fail "not renewed on schedule"
good_crl
revoked a
age=$(field Cache-Control)
[ "${age#max-age=}" -le 60 ] || it_fail "a cache may keep it for $age"
# Each that is served is a whole one.
looks=60
while [ $((looks -= 1)) -gt 0 ]; do
	good_crl
	[ "$(number)" -ge "$second" ] || it_fail "an older CRL"
	second=$(number)
done

# ---- none at all ----

sed -i "s/$it_issuer/crl = false;/" "$tmp/scepd.conf"
kill -HUP "$pid"
gone() {
	[ "$(get /crl/local.crl)" = 404 ]
}
it_until 5 gone || it_fail "a CRL in spite of crl = false"
want 200 /ca/local.crt
grep -q 'reason=no_crl' "$tmp/scepd.log" || it_fail "404 without its reason"
it_stop
