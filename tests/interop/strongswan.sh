#!/bin/sh
# strongSwan's pki in each mode of the matrix, and what else it can do.
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"
# shellcheck source=tests/interop/lib.sh
. "${srcdir:-.}/tests/interop/lib.sh"
# shellcheck source=tests/interop/matrix.sh
. "${srcdir:-.}/tests/interop/matrix.sh"

interop_client=strongswan
interop_need pki openssl sqlite3
# Its fetcher for HTTP is a plugin of its own.
pki --help 2>&1 | grep -q '^loaded plugins:.* curl' || {
	echo "skipped: pki without its curl plugin"
	exit 77
}

client=
it_end_more() {
	[ -z "$client" ] || kill "$client" 2>/dev/null || true
	interop_relay_end
}

# got PATTERN MADE: one of these that pki wrote is what the CA made
got() {
	made=$(openssl x509 -in "$2")
	for pem in "$tmp"/got/$1.pem; do
		[ "$(openssl x509 -in "$pem")" != "$made" ] || return 0
	done
	it_fail "GetCACert: $2 is not in $1.pem"
}

get_ca() {
	rm -rf "$tmp/got"
	mkdir "$tmp/got"
	interop_expect pki --scepca --url "$url" --caout "$tmp/got/ca.pem" \
	    --raout "$tmp/got/ra.pem" --outform pem --force
}

new_key() {
	pki --gen --type rsa --size "$2" --outform pem >"$tmp/$1.key" \
	    2>/dev/null
}

# ask TO NAME KEY ARGUMENT...: the challenge is in $tmp/options, off the command
# line; the certificate goes to TO.pem.
ask() {
	to=$1 name=$2 key=$3
	shift 3
	pki --scep --options "$tmp/options" --url "$url" --in "$tmp/$key.key" \
	    --dn "C=DE, O=Test, CN=$name" --san "$name.example" \
	    --cacert-enc "$enc" --cacert-sig "$sig" \
	    --cacert "$interop_ca/issuing.pem" --cacert "$(interop_root)" \
	    --interval 1 --maxpolltime 20 --outform pem "$@" \
	    >"$tmp/$to.pem" 2>"$tmp/client.log"
}

# challenge VALUE: without one, none is sent
challenge() {
	: >"$tmp/options"
	[ -z "$1" ] || printf -- '--password %s\n' "$1" >"$tmp/options"
}

# enroll NAME KEY CHALLENGE ARGUMENT...: to NAME.pem
enroll() {
	challenge "$3"
	name=$1 key=$2
	shift 3
	ask "$name" "$name" "$key" "$@"
}

must() {
	"$@" || {
		cat "$tmp/client.log"
		it_fail "$*"
	}
}

must_enroll() {
	must enroll "$@"
	interop_issued "$tmp/$1.pem" "$tmp/$2.key" "$1.example"
}

must_refuse() {
	! enroll "$@" || it_fail "$1 was given a certificate"
	grep -qi 'fail' "$tmp/client.log" || {
		cat "$tmp/client.log"
		it_fail "$1 was not told of a failure"
	}
}

# renew OLD KEY NEW-KEY ARGUMENT...: signed with OLD.pem; without a
# challenge, unless one is among the arguments; to OLD-again.pem
renew() {
	challenge ''
	name=$1 old=$2 key=$3
	shift 3
	ask "$name-again" "$name" "$key" --key "$tmp/$old.key" \
	    --cert "$tmp/$name.pem" "$@"
}

# must_renew OLD KEY NEW-KEY same|other ARGUMENT...
must_renew() {
	name=$1 old=$2 key=$3 keys=$4
	shift 4
	must renew "$name" "$old" "$key" "$@"
	interop_issued "$tmp/$name-again.pem" "$tmp/$key.key" "$name.example"
	interop_renewed "$tmp/$name.pem" "$tmp/$name-again.pem" "$keys"
}

# ---- the matrix

# pki writes the root to ca.pem where it is told it, the issuing CA to ca-1.pem.
do_cacert() {
	interop_more=0
	get_ca
	got ca-1 "$interop_ca/issuing.pem"
	[ "$mode" = ca ] || got ca "$interop_ca/root.pem"
	[ "$mode" = ca ] || got 'ra*' "$sig"
	[ "$mode" = ca ] || got 'ra*' "$enc"
}

do_enroll() {
	must_enroll "$mode" device "$challenge"
}

# Which of them it uses is for its version to say.
do_get() {
	challenge "$challenge"
	must interop_by_get ask "$mode-get" "$mode-get" device
	interop_issued "$tmp/$mode-get.pem" "$tmp/device.key" \
	    "$mode-get.example"
	[ "$interop_method" = GET ] || {
		interop_cannot 'it sends by POST, advertised or not'
		interop_more=1
	}
}

do_renew() {
	must_renew "$mode" device device same
	interop_logged 'type=RenewalReq'
}

do_rekey() {
	must_renew "$mode" device other other
	interop_logged 'type=RenewalReq'
}

# Its way with servers of old drafts
do_renew_by_pkcsreq() {
	echo 'pki { scep { renewal_via_pkcs_req = yes } }' >"$tmp/swan.conf"
	STRONGSWAN_CONF=$tmp/swan.conf
	export STRONGSWAN_CONF
	must_renew "$mode" device third other
	unset STRONGSWAN_CONF
	interop_logged 'type=PKCSReq'
}

do_poll() {
	challenge "$challenge"
	url=$url-manual
	ask "$mode-poll" "$mode-poll" device &
	client=$!
	interop_approve "$mode-poll"
	must wait "$client"
	client=
	interop_use "$mode"
	interop_issued "$tmp/$mode-poll.pem" "$tmp/device.key" \
	    "$mode-poll.example"
	interop_logged 'type=CertPoll outcome=issued'
}

do_refuse() {
	interop_more=0
	must_refuse "$mode-wrong" device wrong
	interop_logged 'reason=challenge_wrong'
}

new_key device 2048
new_key other 2048
new_key third 2048
new_key large 4096
interop_start ''
interop_matrix cacert enroll get renew rekey renew_by_pkcsreq poll refuse

# ---- what does not depend on the mode

interop_use ra
must_enroll ra-4096 large "$challenge" --cipher aes --digest sha512
must_enroll ra-des3 device "$challenge" --cipher des3 --digest sha1
# A certificate is enough; a challenge that is wrong beside it is told.
must_renew ra-des3 device other other --password wrong
grep -q 'outcome=issued .*challenge=wrong renews=' "$tmp/scepd.log" ||
    it_fail 'the log does not tell of the wrong challenge'
serial=$(openssl x509 -in "$tmp/ra-4096.pem" -noout -serial)
"$SCEPCTL" revoke "${serial#serial=}" --db "$tmp/scepd.db" >/dev/null
! renew ra-4096 large device || it_fail 'a revoked certificate renews'
grep -q 'reason=renewal_revoked detail="the certificate that signs was' \
    "$tmp/scepd.log" ||
    it_fail 'the log does not say that it is revoked'
! grep -q "$challenge" "$tmp/scepd.log" || it_fail "the log has the challenge"
it_stop

# A CA that is its own root
rm -f "$tmp"/scepd.db*
rm -r "$tmp/ca"
it_mode=ca interop_ca=$tmp/ca
it_ca --mode ca --single
it_conf
it_start
get_ca
got ca "$tmp/ca/issuing.pem"
enc=$tmp/got/ca.pem sig=$tmp/got/ca.pem
must_enroll single device "$challenge"
it_stop
