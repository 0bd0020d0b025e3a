#!/bin/sh
# scepclient (micromdm) in each mode of the matrix. It knows SHA-1 and single
# DES only; an endpoint takes it with legacy = [ "des" ].
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"
# shellcheck source=tests/interop/lib.sh
. "${srcdir:-.}/tests/interop/lib.sh"
# shellcheck source=tests/interop/matrix.sh
. "${srcdir:-.}/tests/interop/matrix.sh"

interop_client=scepclient
interop_need scepclient openssl sqlite3

# Where OpenSSL has no legacy provider, there is no single DES to be had.
openssl list -providers -provider legacy >/dev/null 2>&1 || {
	echo "skipped: OpenSSL without its legacy provider"
	exit 77
}

clients=
log=$tmp/client.log
it_end_more() {
	for child in $clients; do
		kill "$child" 2>/dev/null || true
	done
	interop_relay_end
}

# ask NAME CHALLENGE: enrolls, or renews what it has. The program takes its
# challenge from nowhere else. Unless it is told whom to encrypt to, it does to
# every certificate of GetCACert, and an EC key ends it.
ask() {
	mkdir -p "$tmp/$1"
	set -- -server-url "$url" -cn "$1" -challenge "$2" -debug \
	    -private-key "$tmp/$1/key.pem" -certificate "$tmp/$1/cert.pem"
	[ "$mode" != ec-ca ] || set -- "$@" -ca-fingerprint "$(
	    openssl x509 -in "$enc" -noout -fingerprint -sha256 |
	    sed 's/.*=//')"
	scepclient "$@" >"$log" 2>&1
}

must() {
	"$@" || {
		cat "$log"
		it_fail "$*"
	}
}

issued() { # NAME
	interop_issued "$tmp/$1/cert.pem" "$tmp/$1/key.pem"
}

# is_refused NAME CHALLENGE REASON
is_refused() {
	interop_seen=$(wc -l <"$tmp/scepd.log")
	! ask "$1" "$2" || it_fail "$1 was given a certificate"
	interop_logged "reason=$3"
}

# says WORD: a line of GetCACaps
says() {
	"$IT_CLIENT" fetch "$port" "/${url#http://*/}?operation=GetCACaps" |
	    grep -qx "$1"
}

# ---- the matrix

do_enroll() {
	must ask "$mode" "$challenge"
	issued "$mode"
	interop_logged 'type=PKCSReq'
}

do_get() {
	must interop_by_get ask "$mode-get" "$challenge"
	[ "$interop_method" = GET ] || it_fail "it sent by $interop_method"
	issued "$mode-get"
}

renewed() { # same|other
	issued "$mode"
	interop_renewed "$tmp/$mode/old.pem" "$tmp/$mode/cert.pem" "$1"
	interop_logged 'type=RenewalReq'
}

do_renew() {
	cp "$tmp/$mode/cert.pem" "$tmp/$mode/old.pem"
	must ask "$mode" "$challenge"
	renewed same
}

# It makes no key for a renewal, but takes a request that is already there.
do_rekey() {
	cp "$tmp/$mode/cert.pem" "$tmp/$mode/old.pem"
	openssl req -new -newkey rsa:2048 -nodes \
	    -subj "/C=US/O=scep-client/OU=MDM/CN=$mode" \
	    -keyout "$tmp/$mode/new.pem" -out "$tmp/$mode/csr.pem" 2>/dev/null
	must ask "$mode" "$challenge"
	mv "$tmp/$mode/new.pem" "$tmp/$mode/key.pem"
	renewed other
}

# It has waited since before the other operations, see below.
do_poll() {
	interop_before=0 interop_seen=0
	client=${clients%% *}
	clients=${clients#* }
	wait "$client" || {
		cat "$tmp/$mode-poll.log"
		it_fail "$mode: waiting"
	}
	issued "$mode-poll"
	interop_logged "endpoint=$mode-manual .*type=PKCSReq outcome=issued"
}

do_refuse() {
	interop_more=0
	is_refused "$mode-wrong" 0000000000000000 challenge_wrong
}

# It asks again after 30 seconds, and in all modes at once.
interop_start 'legacy = [ "des" ];'
for mode in $interop_modes; do
	interop_use "$mode"
	! says SCEPStandard || it_fail "SCEPStandard is advertised beside DES"
	url=$url-manual
	log=$tmp/$mode-poll.log
	ask "$mode-poll" "$challenge" &
	clients="$clients$! "
	interop_approve "$mode-poll"
done
log=$tmp/client.log
interop_matrix enroll get renew rekey refuse
interop_matrix poll
it_stop

# ---- what an endpoint refuses

# serve ENDPOINT-SETTINGS: a new CA and ledger, and a server for them
serve() {
	rm -rf "$tmp/ca" "$tmp"/scepd.db*
	mode=ra it_endpoint=$1
	it_ca --mode ra
	it_conf
	it_start
}

serve ''
says SCEPStandard || it_fail "SCEPStandard is not advertised"
is_refused modern "$challenge" cipher
it_stop

# DES, but not the SHA-1 that comes with it
serve 'legacy = [ "des" ]; refuse = [ "sha1" ];'
! says SHA-1 || it_fail "SHA-1 is advertised though refused"
is_refused no-sha1 "$challenge" digest
[ "$(interop_count)" -eq 0 ] || it_fail 'a refused request has a row'
it_stop

# ---- the challenge is what the page of NDES shows, once

command -v curl >/dev/null || exit 0
admin=$(echo pass-word | "$SCEPCTL" challenge hash |
    sed -n 's/^hash = "\(.*\)";$/\1/p')
it_global="admin: { listen = \"$tmp/admin.sock\"; };
    ndes: { endpoint = \"scep\"; };
    accounts = ( { name = \"a\"; hash = \"$admin\"; rights = [\"ndes\"]; } );"
serve 'legacy = [ "des" ]; ndes = true;'
password=$(curl -sS --max-time 20 --unix-socket "$tmp/admin.sock" \
    -u a:pass-word http://h/certsrv/mscep_admin/ | iconv -f UTF-16LE -t UTF-8 |
    sed -n 's/.*challenge password is: <B> \([0-9A-F]*\) .*/\1/p')
interop_ca=$tmp/ca
must ask scraped "$password"
issued scraped
is_refused again "$password" challenge_spent
it_stop
