#!/bin/sh
# strongSwan's pki: capabilities, CA certificates, enrollment, renewal.
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"
# shellcheck source=tests/interop/lib.sh
. "${srcdir:-.}/tests/interop/lib.sh"

interop_need pki openssl sqlite3
# Its fetcher for HTTP is a plugin of its own.
pki --help 2>&1 | grep -q '^loaded plugins:.* curl' || {
	echo "skipped: pki without its curl plugin"
	exit 77
}

# pki writes the root to ca.pem, the issuing CA to ca-1.pem.
get_ca() {
	interop_expect pki --scepca --url "$url" --caout "$tmp/got/ca.pem" \
	    --raout "$tmp/got/ra.pem" --outform pem --force
	for name in "$@"; do
		got=${name%%=*} made=${name#*=}
		[ "$(openssl x509 -in "$tmp/got/$got.pem")" = \
		    "$(openssl x509 -in "$tmp/ca/$made.pem")" ] ||
		    it_fail "GetCACert: $got.pem is not $made.pem"
	done
}

new_key() {
	pki --gen --type rsa --size "$1" --outform pem >"$tmp/$1.key" \
	    2>/dev/null
}

# enroll NAME KEY CHALLENGE ARGUMENT...: the challenge stays off the command
# line, the certificate goes to NAME.pem.
enroll() {
	name=$1 key=$2
	printf -- '--password %s\n' "$3" >"$tmp/options"
	shift 3
	pki --scep --options "$tmp/options" --url "$url" --in "$tmp/$key.key" \
	    --dn "C=DE, O=Test, CN=$name" --san "$name.example" \
	    --maxpolltime 5 --outform pem "$@" >"$tmp/$name.pem" \
	    2>"$tmp/client.log"
}

must_enroll() {
	enroll "$@" || {
		cat "$tmp/client.log"
		it_fail "enrollment of $1"
	}
	interop_issued "$tmp/$1.pem" "$tmp/$2.key" "$1.example"
}

must_refuse() {
	before=$(interop_count)
	! enroll "$@" || it_fail "$1 was given a certificate"
	grep -qi 'fail' "$tmp/client.log" || {
		cat "$tmp/client.log"
		it_fail "$1 was not told of a failure"
	}
	[ "$(interop_count)" = "$before" ] || it_fail "$1 has a row"
}

# renew OLD KEY NEW-KEY ARGUMENT...: a RenewalReq for another key, signed with
# the certificate OLD.pem, without a challenge; to OLD-again.pem
renew() {
	name=$1 key=$2 other=$3
	shift 3
	pki --scep --url "$url" --in "$tmp/$other.key" \
	    --dn "C=DE, O=Test, CN=$name" --san "$name.example" \
	    --key "$tmp/$key.key" --cert "$tmp/$name.pem" --maxpolltime 5 \
	    --outform pem "$@" >"$tmp/$name-again.pem" 2>"$tmp/client.log"
}

new_key 2048
new_key 4096

# serve MODE ARGUMENT...: a new CA and ledger, and a server for them
serve() {
	rm -rf "$tmp/ca" "$tmp/got" "$tmp"/scepd.db*
	mkdir "$tmp/got"
	it_mode=$1
	shift
	it_ca --mode "$it_mode" "$@"
	it_conf
	it_start
}

serve ra
get_ca ca=root ca-1=issuing ra=ra
set -- --cacert-enc "$tmp/got/ra.pem" --cacert-sig "$tmp/got/ca-1.pem" \
    --cacert "$tmp/got/ca.pem"
must_enroll ra-2048 2048 "$challenge" "$@"
must_enroll ra-4096 4096 "$challenge" "$@" --cipher aes --digest sha512
must_enroll ra-des3 2048 "$challenge" "$@" --cipher des3 --digest sha1
renew ra-2048 2048 4096 "$@" || {
	cat "$tmp/client.log"
	it_fail 'renewal'
}
interop_issued "$tmp/ra-2048-again.pem" "$tmp/4096.key" ra-2048.example
grep -q 'type=RenewalReq outcome=issued .*renews=' "$tmp/scepd.log" ||
    it_fail 'the log knows no renewal'
# A certificate is enough; a challenge that is wrong beside it is told.
renew ra-des3 2048 4096 "$@" --password wrong || {
	cat "$tmp/client.log"
	it_fail 'renewal with a wrong challenge'
}
interop_issued "$tmp/ra-des3-again.pem" "$tmp/4096.key" ra-des3.example
grep -q 'outcome=issued .*challenge=wrong renews=' "$tmp/scepd.log" ||
    it_fail 'the log does not tell of the wrong challenge'
serial=$(openssl x509 -in "$tmp/ra-4096.pem" -noout -serial)
"$SCEPCTL" revoke "${serial#serial=}" --db "$tmp/scepd.db"
! renew ra-4096 4096 2048 "$@" || it_fail 'a revoked certificate renews'
grep -q 'reason=renewal_revoked detail="it is revoked"' "$tmp/scepd.log" ||
    it_fail 'the log does not say that it is revoked'
must_refuse wrong 2048 wrong "$@"
grep -q 'reason=challenge' "$tmp/scepd.log" ||
    it_fail "the log has no reason"
! grep -q "$challenge" "$tmp/scepd.log" || it_fail "the log has the challenge"
it_stop

# The issuing CA alone, without an RA. It is all that GetCACert tells, so its
# root comes by another way.
serve ca
get_ca ca-1=issuing
set -- --cacert-enc "$tmp/got/ca-1.pem" --cacert-sig "$tmp/got/ca-1.pem" \
    --cacert "$tmp/ca/root.pem"
must_enroll ca-2048 2048 "$challenge" "$@"
must_refuse wrong 2048 wrong "$@"
it_stop

serve ca --single
get_ca ca=issuing
set -- --cacert-enc "$tmp/got/ca.pem" --cacert-sig "$tmp/got/ca.pem"
must_enroll single-2048 2048 "$challenge" "$@"
it_stop
