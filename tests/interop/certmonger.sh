#!/bin/sh
# certmonger, without D-Bus and on state of its own, in each mode of the matrix.
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"
# shellcheck source=tests/interop/lib.sh
. "${srcdir:-.}/tests/interop/lib.sh"
# shellcheck source=tests/interop/matrix.sh
. "${srcdir:-.}/tests/interop/matrix.sh"

interop_client=certmonger
interop_need certmonger getcert openssl sqlite3
# Its lock file has one place only.
[ -w /var/lib/certmonger ] || {
	echo "skipped: certmonger runs as root only"
	exit 77
}

monger=
it_end_more() {
	[ -n "$monger" ] || return 0
	kill -TERM "$monger" 2>/dev/null || true
	wait "$monger" 2>/dev/null || true
}

# request CA NAME CHALLENGE ARGUMENT...
request() {
	ca=$1 name=$2
	printf '%s' "$3" >"$tmp/monger/challenge"
	shift 3
	interop_quiet getcert request -c "$ca" -I "$name" \
	    -k "$tmp/$name.key" -f "$tmp/$name.pem" -N "CN=$name" \
	    -D "$name.example" -l "$tmp/monger/challenge" "$@"
}

must() {
	"$@" || {
		cat "$tmp/client.log"
		getcert list -v
		it_fail "$*"
	}
}

issued() { # NAME
	interop_issued "$tmp/$1.pem" "$tmp/$1.key" "$1.example"
}

must_enroll() { # CA NAME CHALLENGE ARGUMENT...
	must request "$@" -w --wait-timeout 60
	issued "$2"
}

# must_renew COMMAND NAME same|other: certmonger gets another certificate with
# the key it has (resubmit, under the same transactionID) or another (rekey). It
# sends its challenge again; where that is none any more, the old certificate
# vouches for it.
must_renew() {
	cp "$tmp/$2.pem" "$tmp/old.pem"
	echo spent >"$tmp/monger/challenge"
	interop_expect getcert "$1" -i "$2" -l "$tmp/monger/challenge" \
	    -w --wait-timeout 60
	! cmp -s "$tmp/old.pem" "$tmp/$2.pem" || {
		getcert list -v -i "$2"
		it_fail "$1 gave the old certificate of $2"
	}
	issued "$2"
	interop_renewed "$tmp/old.pem" "$tmp/$2.pem" "$3"
	interop_logged 'type=PKCSReq .*challenge=wrong'
}

must_refuse() { # CA NAME CHALLENGE
	! request "$@" -w --wait-timeout 60 ||
	    it_fail "$2 was given a certificate"
	getcert list -i "$2" >"$tmp/client.log"
	grep -q 'status: CA_REJECTED' "$tmp/client.log" || {
		cat "$tmp/client.log"
		it_fail "certmonger does not call $2 rejected"
	}
}

# knows CERTIFICATE...: certmonger keeps these with the CA of this mode
knows() {
	file=$(grep -lx "id=$mode" "$tmp"/monger/cas/*) || return 1
	for pem; do
		grep -qF "$(sed -n 2p "$pem")" "$file" || return 1
	done
}

# add NAME URL: where the CA answers itself that is all that GetCACert tells, so
# its root comes by another way.
add() {
	name=$1
	set -- -c "$1" -u "$2"
	[ "$mode" != ca ] || set -- "$@" -N "$interop_ca/root.pem"
	interop_expect getcert add-scep-ca "$@"
}

# ---- the matrix

do_cacert() {
	interop_more=0
	add "$mode" "$url"
	set -- "$interop_ca/issuing.pem" "$interop_ca/root.pem"
	[ "$mode" = ca ] || set -- "$@" "$enc" "$sig"
	it_until 20 knows "$@" || it_fail "GetCACert: not as made"
}

do_enroll() {
	must_enroll "$mode" "$mode" "$challenge"
	interop_logged 'type=PKCSReq'
}

do_post() {
	interop_cannot 'it sends by GET, whatever is advertised'
}

do_renew() {
	must_renew resubmit "$mode" same
}

do_rekey() {
	must_renew rekey "$mode" other
}

do_certpoll() {
	interop_cannot 'it asks by sending its request again'
}

# It asks again after days, or when it is told to.
do_poll() {
	name=$mode-poll
	add "$mode-manual" "$url-manual"
	must request "$mode-manual" "$name" "$challenge"
	interop_approve "$name"
	it_until 20 works "$name" || it_fail "$name does not wait"
	interop_expect getcert refresh -i "$name"
	it_until 20 test -s "$tmp/$name.pem" || it_fail "$name: no certificate"
	issued "$name"
	interop_logged 'type=PKCSReq outcome=issued'
}

works() { # NAME: certmonger knows that it has to wait
	getcert list -i "$1" | grep -q 'status: CA_WORKING'
}

do_refuse() {
	interop_more=0
	must_refuse "$mode" "$mode-wrong" wrong
	interop_logged 'reason=challenge_wrong'
}

interop_certmonger
interop_start ''
interop_matrix cacert enroll post renew rekey poll certpoll refuse

interop_use ra
must_enroll ra ra-4096 "$challenge" -g 4096
it_stop
