#!/bin/sh
# scepclient (micromdm): knows SHA-1 and single DES only, and encrypts to every
# certificate that GetCACert shows. An endpoint takes it with legacy = [ "des" ].
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"
# shellcheck source=tests/interop/lib.sh
. "${srcdir:-.}/tests/interop/lib.sh"

interop_need scepclient openssl sqlite3

# Where OpenSSL has no legacy provider, there is no single DES to be had.
openssl list -providers -provider legacy >/dev/null 2>&1 || {
	echo "skipped: OpenSSL without its legacy provider"
	exit 77
}

# enroll NAME CHALLENGE: the program takes its challenge from nowhere else.
enroll() {
	mkdir -p "$tmp/$1"
	interop_quiet scepclient -server-url "$url" -cn "$1" \
	    -challenge "$2" -private-key "$tmp/$1/key.pem" \
	    -certificate "$tmp/$1/cert.pem" -debug
}

must_enroll() {
	enroll "$1" "$challenge" || {
		cat "$tmp/client.log"
		it_fail "enrollment of $1"
	}
	openssl verify -CAfile "$(interop_root)" \
	    -untrusted "$tmp/ca/ca-bundle.pem" "$tmp/$1/cert.pem" ||
	    it_fail "$1 does not verify"
	[ "$(openssl x509 -in "$tmp/$1/cert.pem" -noout -pubkey)" = \
	    "$(openssl rsa -in "$tmp/$1/key.pem" -pubout 2>/dev/null)" ] ||
	    it_fail "$1 is for another key"
	[ "$(interop_rows "$tmp/$1/cert.pem")" = 1 ] ||
	    it_fail "$1 is not in the ledger"
}

must_refuse() {
	before=$(interop_count)
	! enroll "$1" "$2" || it_fail "$1 was given a certificate"
	[ "$(interop_count)" = "$before" ] || it_fail "$1 has a row"
	grep -q "reason=$3" "$tmp/scepd.log" ||
	    it_fail "the log does not say $3"
}

# says WORD: a line of GetCACaps
says() {
	"$IT_CLIENT" fetch "$port" '/scep?operation=GetCACaps' |
	    grep -qx "$1"
}

# serve MODE ENDPOINT-SETTINGS: a new CA and ledger, and a server for them
serve() {
	rm -rf "$tmp/ca" "$tmp"/scepd.db*
	it_mode=$1 it_endpoint=$2
	it_ca --mode "$it_mode"
	it_conf
	it_start
}

serve ra ''
says SCEPStandard || it_fail "SCEPStandard is not advertised"
must_refuse modern "$challenge" cipher
it_stop

for mode in ra ca; do
	serve "$mode" 'legacy = [ "des" ];'
	! says SCEPStandard || it_fail "SCEPStandard is advertised beside DES"
	must_enroll "$mode-one"
	must_refuse "$mode-wrong" 0000000000000000 challenge_wrong
	it_stop
done

# DES, but not the SHA-1 that comes with it
serve ra 'legacy = [ "des" ]; refuse = [ "sha1" ];'
! says SHA-1 || it_fail "SHA-1 is advertised though refused"
must_refuse no-sha1 "$challenge" digest
it_stop
