#!/bin/sh
# What a reply holds beside the certificate: nothing, or the CA certificates
# behind it, as the endpoint or the profile says.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"

# enroll NAME: what came is in $tmp/got.pem; the key that it is for, too
enroll() {
	[ "$("$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$challenge" "$1" \
	    "$tmp/got")" = issued ] || it_fail "$1 is not issued"
	[ "$(openssl x509 -in "$tmp/got.pem" -noout -pubkey)" = \
	    "$(openssl pkey -in "$tmp/got.key" -pubout)" ] ||
	    it_fail "the first certificate of $1 is for another key"
}

count() {
	grep -c 'BEGIN CERTIFICATE' "$tmp/got.pem"
}

# reload VALUE
reload() {
	sed -i "s/reply_chain = [a-z]*;/reply_chain = $1;/" "$tmp/scepd.conf"
	: >"$tmp/scepd.log"
	kill -HUP "$pid"
	it_until 20 grep -q 'event=reloaded' "$tmp/scepd.log" ||
	    it_fail 'no reload'
}

it_ca --key ec:p256
it_conf
it_start
enroll default
[ "$(count)" = 1 ] || it_fail 'more than the certificate by default'
it_stop

it_endpoint='reply_chain = true;'
it_conf
it_start
enroll chain
[ "$(count)" = 3 ] || it_fail "$(count) certificates, not 3"
# The certificate, and behind it the bundle: issuing CA, root.
openssl x509 -in "$tmp/got.pem" -out "$tmp/leaf.pem"
cat "$tmp/leaf.pem" "$tmp/ca/ca-bundle.pem" | cmp - "$tmp/got.pem" ||
    it_fail 'another chain, or another order'
reload false
enroll reloaded
[ "$(count)" = 1 ] || it_fail 'the chain in spite of reply_chain = false'
it_stop

# Of a profile: also for what is repeated, and for no other profile.
it_endpoint=
it_profile='reply_chain = true; }, { name = "other";'
it_conf
it_start
enroll profile
[ "$(count)" = 3 ] || it_fail "$(count) certificates by the profile, not 3"
cp "$tmp/got.pem" "$tmp/before.pem"
CLIENT_KEY_FILE=$tmp/got.key
export CLIENT_KEY_FILE
enroll profile
cmp "$tmp/before.pem" "$tmp/got.pem" || it_fail 'another reply to a copy'
unset CLIENT_KEY_FILE
it_stop
it_profile='}, { name = "other"; reply_chain = true;'
it_conf
it_start
enroll another
[ "$(count)" = 1 ] || it_fail 'the chain of another profile'
it_stop
