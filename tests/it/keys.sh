#!/bin/sh
# Devices whose keys cannot decrypt: the reply is enveloped with the challenge,
# or by key agreement, as the endpoint says; what could not be handed over is
# not issued.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"

rows() {
	sqlite3 "$tmp/scepd.db" 'SELECT count(*) FROM issued'
}

# serve ENDPOINT-SETTINGS PROFILE-SETTINGS
serve() {
	rm -f "$tmp"/scepd.db*
	it_endpoint=$1 it_profile=$2
	it_conf
	it_start
}

# Both name KEY [ENVIRONMENT...]; the subject is the key's type.
client() {
	key=$1
	shift
	env CLIENT_KEY="$key" "$@" "$IT_CLIENT" enroll "$port" \
	    "$tmp/ca/ra.pem" "$challenge" "$key" "$tmp/got"
}

issue() {
	before=$(rows)
	rm -f "$tmp/got.pem"
	got=$(client "$@")
	[ "$got" = issued ] || it_fail "$* is $got"
	[ "$(rows)" = $((before + 1)) ] || it_fail "$* has no row"
	openssl verify -CAfile "$tmp/ca/root.pem" -untrusted \
	    "$tmp/ca/issuing.pem" "$tmp/got.pem" || it_fail "$*: chain"
}

# refuse REASON KEY [ENVIRONMENT...]
refuse() {
	reason=$1
	shift
	before=$(rows)
	got=$(client "$@")
	[ "$got" = failure ] || it_fail "$* is $got"
	[ "$(rows)" = "$before" ] || it_fail "$* has a row"
	tail -n 1 "$tmp/scepd.log" | grep -q "reason=$reason" ||
	    it_fail "$*: not reason=$reason"
}

both='key_types = [ "rsa", "ec" ];'
it_ca --name Keys

serve '' ''
issue rsa:2048
refuse signer_key ec:p256
it_stop

serve '' "$both"
issue rsa:2048
issue ec:p256 CLIENT_PASSWORD=1
issue ec:p384 CLIENT_PASSWORD=1
it_stop

serve 'ec_reply = "kari";' "$both"
issue ec:p256
issue ec:p384
it_stop

# Overheard, a reply under so short a challenge would be guessed at leisure.
challenge=7F3C9A5B21D8E64
serve '' "$both"
refuse reply_secret ec:p256 CLIENT_PASSWORD=1
issue rsa:2048
it_stop
serve 'ec_reply = "kari";' "$both"
issue ec:p256
it_stop
