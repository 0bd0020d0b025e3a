#!/bin/sh
# The messages of tests/data/messages, by hand and of real clients, answered by
# a scepd with the RA they were sent to. The answers are read with openssl.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"

data=${srcdir:-.}/tests/data/messages
challenge=8CE317021F690069
# The longest: 5000 letters.
long=$(awk 'BEGIN { for (i = 0; i < 5000; i++)
    printf "%c", 65 + i % 26 }')
# MD5 and single DES are in a provider of their own.
openssl list -providers -provider legacy >/dev/null 2>&1 || {
	echo "skipped: OpenSSL without its legacy provider"
	exit 77
}

mkdir "$tmp/ca"
cp "$data/ca.pem" "$tmp/ca/issuing.pem"
cp "$data/ca.key" "$tmp/ca/issuing.key"
cp "$data/ra.pem" "$data/ra.key" "$tmp/ca"

# serve ENDPOINT-SETTINGS PROFILE-SETTINGS
serve() {
	[ -z "$pid" ] || it_stop
	rm -f "$tmp"/scepd.db*
	it_endpoint=$1 it_profile=$2
	it_conf
	also="{ name = \"long\"; secret = \"$long\"; },"
	sed -i -e 's/\[ "test" \]/[ "test", "long" ]/' \
	    -e "s/^[[:space:]]*challenges = (/& $also/" "$tmp/scepd.conf"
	it_start
}

# post MESSAGE: one by hand, as an HTTP request in $tmp/request
post() {
	printf 'POST /scep?operation=PKIOperation HTTP/1.1\r\n' \
	    >"$tmp/request"
	printf 'Host: test\r\nContent-Length: %d\r\n\r\n' \
	    "$(wc -c <"$data/$1.der")" >>"$tmp/request"
	cat "$data/$1.der" >>"$tmp/request"
}

# answer NAME: of the request in $tmp/request: $status, as in RFC 8894, 3.2.1.3
answer() {
	rm -f "$tmp"/answer*
	[ "$("$IT_CLIENT" send "$port" "$tmp/request" "$tmp/answer")" = \
	    200 ] || it_fail "$1: not answered"
	openssl cms -verify -inform DER -in "$tmp/answer" -noverify -binary \
	    -nointern -certfile "$data/ra.pem" -out "$tmp/answer.env" \
	    2>"$tmp/openssl.log" || {
		cat "$tmp/openssl.log"
		it_fail "$1: the answer is not signed by the RA"
	}
	status=$(openssl asn1parse -inform DER -in "$tmp/answer" | awk '
	    /OBJECT/ { status = /2.16.840.1.113733.1.9.3$/ }
	    status && /PRINTABLESTRING/ { sub(/.*:/, ""); print }')
}

# issued NAME KEY [OPTION...]: the answer holds a certificate for that key, and
# opens with it, or as the options say
issued() {
	name=$1 key=$data/$2.key
	shift 2
	[ $# -gt 0 ] || set -- -inkey "$key"
	[ "$status" = 0 ] || it_fail "$name: status $status"
	openssl cms -decrypt -inform DER -in "$tmp/answer.env" \
	    -provider default -provider legacy "$@" -out "$tmp/answer.bag" \
	    2>"$tmp/openssl.log" || {
		cat "$tmp/openssl.log"
		it_fail "$name: the answer does not open"
	}
	openssl pkcs7 -inform DER -in "$tmp/answer.bag" -print_certs \
	    -out "$tmp/answer.pem"
	openssl verify -CAfile "$data/ca.pem" "$tmp/answer.pem" ||
	    it_fail "$name: chain"
	[ "$(openssl x509 -in "$tmp/answer.pem" -noout -pubkey)" = \
	    "$(openssl pkey -in "$key" -pubout)" ] ||
	    it_fail "$name: another key"
}

# refused NAME REASON
refused() {
	[ "$status" = 2 ] || it_fail "$1: status $status"
	tail -n 1 "$tmp/scepd.log" | grep -q "reason=$2" ||
	    it_fail "$1: not reason=$2"
}

# issue MESSAGE KEY [OPTION...], refuse MESSAGE REASON: one by hand
issue() {
	post "$1"
	answer "$1"
	issued "$@"
}

refuse() {
	post "$1"
	answer "$1"
	refused "$@"
}

# live MESSAGE: one of a real client
live() {
	cp "$data/live-$1.http" "$tmp/request"
	answer "$1"
}

has_mldsa() {
	openssl pkey -in "$data/ML-DSA-65.key" -noout 2>/dev/null
}

all='key_types = [ "rsa", "ec", "ed25519", "mldsa" ];'
set -- -pwri_password "$challenge"

# ---- by hand

serve 'legacy = [ "des", "md5" ];' "$all"
for message in apple apple-2016 windows cisco-ios jscep scepclient sscep \
    certmonger strongswan ski reordered-issuer three-recipients \
    expired-signer future-signer challenge-printable challenge-utf8 \
    challenge-t61 challenge-ia5 challenge-bmp challenge-universal; do
	issue $message device
done
refuse blank-txid challenge_missing
issue ec-p256 P-256 "$@"
issue ec-p384 P-384 "$@"
issue ec-p521 P-521 "$@"
issue ed25519 ED25519 "$@"
if has_mldsa; then
	issue mldsa44 ML-DSA-44 "$@"
	issue mldsa65 ML-DSA-65 "$@"
	issue mldsa87 ML-DSA-87 "$@"
	refuse mldsa87-sha256 signature
else
	for message in mldsa44 mldsa65 mldsa87 mldsa87-sha256; do
		refuse $message signer_key
	done
fi

serve 'ec_reply = "kari";' 'key_types = [ "rsa", "ec" ];'
issue ec-p256 P-256
issue ec-p384 P-384
issue ec-p521 P-521
refuse ed25519 signer_key
refuse mldsa65 signer_key
refuse cisco-ios digest
refuse scepclient cipher

# ---- of real clients; those who renew are in another ledger

serve 'legacy = [ "des" ];' ''
live strongswan-renew
refused strongswan-renew renewal_signer
live strongswan-renew-pkcsreq
refused strongswan-renew-pkcsreq challenge_missing
live scepclient-renew
refused scepclient-renew renewal_signer
live certmonger-rekey
refused certmonger-rekey key_mismatch
# The first of its transaction that this server sees, and with a challenge.
live certmonger-renew
issued certmonger-renew live-certmonger
for client in strongswan scepclient certmonger; do
	live $client-enroll
	issued $client-enroll live-$client
done

serve 'approval = "manual";' ''
live strongswan-pending
[ "$status" = 3 ] || it_fail "strongswan-pending: status $status"
live strongswan-poll
[ "$status" = 3 ] || it_fail "strongswan-poll: status $status"
"$SCEPCTL" -c "$tmp/scepd.conf" pending approve 1
live strongswan-poll
issued strongswan-poll live-strongswan
it_stop
