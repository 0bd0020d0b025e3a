#!/bin/sh
# A program that issues and takes long, asked by one device again and again: one
# renewal of its certificate is made at a time, and the rest is told at once to
# try again. Programs get no more than half of the workers, and beside validators
# all but one: many devices wait for their turn, other endpoints issue on.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"

command -v openssl >/dev/null || { echo 'skipped: no openssl'; exit 77; }

# Both wait until they may go on, and say when they have begun.
make_programs() {
	cat >"$tmp/issue" <<-END
		#!/bin/sh
		cat >$tmp/csr.\$\$
		: >$tmp/begun.\$\$
		until [ -e $tmp/go ]; do sleep 0.05; done
		echo "\$SCEPD_EXTENSIONS" >$tmp/ext.\$\$
		exec openssl x509 -req -in $tmp/csr.\$\$ -days 30 \\
		    -CA $tmp/ca/issuing.pem -CAkey $tmp/ca/issuing.key \\
		    -extfile $tmp/ext.\$\$ -set_serial 0x\$SCEPD_SERIAL
	END
	cat >"$tmp/validate" <<-END
		#!/bin/sh
		cat >/dev/null
		: >$tmp/begun.\$\$
		until [ -e $tmp/go ]; do sleep 0.05; done
		exit 40
	END
	chmod 700 "$tmp/issue" "$tmp/validate"
}

endpoint() { # NAME ISSUER [SETTINGS]
	printf '{ name = "%s"; paths = [ "/%s" ]; issuer = "%s"; ' "$1" "$1" \
	    "$2"
	printf 'ra_cert = "ca/ra.pem"; ra_key = "ca/ra.key"; '
	printf 'profile = "device"; %s },' "${3-challenges = [ \"test\" ];}"
}
make_conf() { # WORKERS
	it_global="pipeline: { workers = $1; };
	    validators = ( { name = \"v\"; timeout = 120;
	        command = [ \"$tmp/validate\" ]; } );"
	it_conf
	sed -i "/^[[:space:]]*endpoints = ( {/s|( {|( $(endpoint far far) \
	    $(endpoint mdm local 'validator = "v";
	    validator_challenge = "instead";' | tr -d '\n') {|
	    /^[[:space:]]*issuers = ( {/s|( {|( { name = \"far\"; \
	    type = \"exec\"; cert = \"ca/issuing.pem\"; timeout = 120; \
	    command = [ \"$tmp/issue\" ]; }, {|" "$tmp/scepd.conf"
}

begun() { # N: so many are being asked
	[ "$(find "$tmp" -name 'begun.*' | wc -l)" -eq "$1" ]
}
answered() { # WHO N: so many of them have an answer
	[ "$(cat "$tmp/$1".* | grep -c .)" -eq "$2" ]
}
send() { # WHO N PATH CHALLENGE: so many at once, each another transaction
	for i in $(seq "$2"); do
		CLIENT_PATH=/$3 CLIENT_TXIDS=1 CLIENT_KEY_FILE="$tmp/one.key" \
		    "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$4" "$1" \
		    >"$tmp/$1.$i" &
		pids="$pids $!"
	done
}
renew() { # WHO N
	CLIENT_OLD=$tmp/old CLIENT_TYPE=17
	export CLIENT_OLD CLIENT_TYPE
	send "$1" "$2" far ''
	unset CLIENT_OLD CLIENT_TYPE
}
elsewhere() {
	[ "$(CLIENT_PATH=/scep CLIENT_TXIDS=1 CLIENT_KEY_FILE="$tmp/one.key" \
	    "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$challenge" good)" = \
	    issued ] || it_fail 'another endpoint does not issue'
}
finish() {
	: >"$tmp/go"
	for one in $pids; do
		wait "$one" || it_fail 'a client failed'
	done
	pids=
}
again() {
	it_stop
	rm -f "$tmp"/begun.* "$tmp/go"
}
it_end_more() {
	: >"$tmp/go"
}

pids=
it_endpoint='paths = [ "/scep" ];'
it_ca --single
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
    -out "$tmp/one.key" 2>/dev/null
make_programs

# ---- one device, with one certificate

make_conf 8
it_start
: >"$tmp/go"
[ "$(CLIENT_PATH=/far "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" \
    "$challenge" device "$tmp/old")" = issued ] || it_fail 'no certificate'
rm "$tmp"/begun.* "$tmp/go"
renew device 12
it_until 60 answered device 10 || it_fail 'they are not told to try again'
it_until 60 begun 1 || it_fail 'more than one renewal is made at once'
[ "$(cat "$tmp"/device.* | sort -u)" = http ] || it_fail 'not as trouble'
grep -q 'step=room reason=busy .*renewal is being worked on' "$tmp/scepd.log" ||
    it_fail 'the log does not say why'
elsewhere
# Nor does it keep others from the program.
send other 1 far "$challenge"
it_until 60 begun 2 || it_fail 'another device has to wait'
finish
[ "$(cat "$tmp"/device.* | sort | uniq -c | tr -s ' \n' ' ')" = \
    ' 10 http 2 issued ' ] || it_fail "renewals: $(cat "$tmp"/device.*)"
[ "$(cat "$tmp/other.1")" = issued ] || it_fail 'the other device gets nothing'
again

# ---- many devices, and a validator that is slow too

make_conf 4
it_start
send many 8 far "$challenge"
it_until 60 begun 2 || it_fail 'not two are being asked'
elsewhere
send stranger 4 mdm garbage
it_until 60 begun 3 || it_fail 'no validator is asked beside it'
elsewhere
begun 3 || it_fail 'more are being asked'
answered many 0 || it_fail 'who waits is answered'
answered stranger 0 || it_fail 'a stranger who waits is answered'
finish
[ "$(cat "$tmp"/many.* | sort | uniq -c | tr -s ' \n' ' ')" = \
    ' 8 issued ' ] || it_fail "requests: $(cat "$tmp"/many.*)"
again

# ---- one worker: it waits

make_conf 1
it_start
send last 1 far "$challenge"
it_until 60 begun 1 || it_fail 'one worker asks nobody'
finish
[ "$(cat "$tmp/last.1")" = issued ] || it_fail 'one worker issues nothing'
it_stop
