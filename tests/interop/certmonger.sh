#!/bin/sh
# certmonger, without D-Bus and on state of its own: capabilities, CA
# certificates, enrollment, renewal. It sends its messages by GET.
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"
# shellcheck source=tests/interop/lib.sh
. "${srcdir:-.}/tests/interop/lib.sh"

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

start_certmonger() {
	for name in config requests cas local tmp; do
		mkdir -p "$tmp/monger/$name"
	done
	CERTMONGER_CONFIG_DIR=$tmp/monger/config
	CERTMONGER_REQUESTS_DIR=$tmp/monger/requests
	CERTMONGER_CAS_DIR=$tmp/monger/cas
	CERTMONGER_LOCAL_CA_DIR=$tmp/monger/local
	CERTMONGER_TMPDIR=$tmp/monger/tmp
	CERTMONGER_PVT_ADDRESS=unix:path=$tmp/monger/socket
	export CERTMONGER_CONFIG_DIR CERTMONGER_REQUESTS_DIR \
	    CERTMONGER_CAS_DIR CERTMONGER_LOCAL_CA_DIR CERTMONGER_TMPDIR \
	    CERTMONGER_PVT_ADDRESS
	certmonger -L -P "$tmp/monger/socket" -n >"$tmp/monger/log" 2>&1 &
	monger=$!
	it_until 20 interop_quiet getcert list-cas ||
	    it_fail "certmonger does not answer"
}

# request CA NAME CHALLENGE ARGUMENT...
request() {
	ca=$1 name=$2
	printf '%s' "$3" >"$tmp/monger/challenge"
	shift 3
	interop_quiet getcert request -c "$ca" -I "$name" \
	    -k "$tmp/$name.key" -f "$tmp/$name.pem" -N "CN=$name" \
	    -D "$name.example" -l "$tmp/monger/challenge" -w \
	    --wait-timeout 60 "$@"
}

must_enroll() {
	request "$@" || {
		cat "$tmp/client.log"
		getcert list -v
		it_fail "enrollment of $2"
	}
	interop_issued "$tmp/$2.pem" "$tmp/$2.key" "$2.example"
}

# must_renew COMMAND NAME: certmonger gets another certificate, with the same
# key (resubmit, under the same transactionID) or another (rekey)
must_renew() {
	cp "$tmp/$2.pem" "$tmp/old.pem"
	interop_expect getcert "$1" -i "$2" -w --wait-timeout 60
	! cmp -s "$tmp/old.pem" "$tmp/$2.pem" || {
		getcert list -v -i "$2"
		it_fail "$1 gave the old certificate of $2"
	}
	interop_issued "$tmp/$2.pem" "$tmp/$2.key" "$2.example"
}

must_refuse() {
	before=$(interop_count)
	! request "$@" || it_fail "$2 was given a certificate"
	getcert list -i "$2" >"$tmp/client.log"
	grep -q 'status: CA_REJECTED' "$tmp/client.log" || {
		cat "$tmp/client.log"
		it_fail "certmonger does not call $2 rejected"
	}
	[ "$(interop_count)" = "$before" ] || it_fail "$2 has a row"
}

# knows NAME...: certmonger keeps these certificates with its CAs
knows() {
	for name; do
		grep -qF "$(sed -n 2p "$tmp/ca/$name.pem")" \
		    "$tmp"/monger/cas/* || return 1
	done
}

start_certmonger

it_ca
it_conf
it_start
interop_expect getcert add-scep-ca -c by-ra -u "$url"
it_until 20 knows root issuing ra || it_fail "GetCACert: not as made"
must_enroll by-ra ra-2048 "$challenge"
must_enroll by-ra ra-4096 "$challenge" -g 4096
must_renew resubmit ra-2048
must_renew rekey ra-2048
must_refuse by-ra ra-wrong wrong
it_stop

# The issuing CA alone, without an RA. It is all that GetCACert tells, so its
# root comes by another way.
rm -r "$tmp/ca" "$tmp"/scepd.db*
it_mode=ca
it_ca --mode ca
it_conf
it_start
interop_expect getcert add-scep-ca -c by-ca -u "$url" -N "$tmp/ca/root.pem"
it_until 20 knows issuing || it_fail "GetCACert: not as made"
must_enroll by-ca ca-2048 "$challenge"
must_refuse by-ca ca-wrong wrong
it_stop
