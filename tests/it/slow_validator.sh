#!/bin/sh
# Validators that take long, asked by strangers: they get no more than half of
# the workers and of the queue, and the rest is told at once to try again. Other
# endpoints issue on, and administrators wait for nobody, also where there is one
# worker.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"

for tool in curl openssl; do
	command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done

# Asks until it may go on; says when it has begun.
make_validator() {
	cat >"$tmp/validate" <<-END
		#!/bin/sh
		cat >/dev/null
		: >$tmp/begun.\$\$
		until [ -e $tmp/go ]; do sleep 0.05; done
		exit 40
	END
	chmod 700 "$tmp/validate"
}

make_conf() { # WORKERS
	it_global="pipeline: { workers = $1; queue = 8; };
	    admin: { listen = \"$tmp/admin.sock\"; };
	    accounts = ( { name = \"p\"; hash = \"$token\"; auth = \"bearer\";
	        rights = [ \"metrics\" ]; } );
	    validators = ( { name = \"v\"; timeout = 120;
	        command = [ \"$tmp/validate\" ]; } );"
	it_conf
	sed -i '/^[[:space:]]*endpoints = ( {/s|( {|( { name = "mdm";\
	    ra_cert = "ca/ra.pem"; ra_key = "ca/ra.key"; issuer = "local";\
	    profile = "device"; validator = "v";\
	    validator_challenge = "instead"; paths = [ "/mdm" ]; }, {|' \
	    "$tmp/scepd.conf"
}

begun() { # N: so many are being asked
	[ "$(find "$tmp" -name 'begun.*' | wc -l)" -eq "$1" ]
}
answered() { # N: so many strangers have an answer
	[ "$(cat "$tmp"/stranger.* | grep -c .)" -eq "$1" ]
}

strangers() { # N
	for i in $(seq "$1"); do
		CLIENT_PATH=/mdm CLIENT_TXIDS=1 CLIENT_KEY_FILE="$tmp/one.key" \
		    "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" \
		    "garbage-$i" evil >"$tmp/stranger.$i" &
		pids="$pids $!"
	done
}

metrics() {
	[ "$(curl -sS --max-time 60 --unix-socket "$tmp/admin.sock" \
	    -H 'Authorization: Bearer prom' -o "$tmp/metrics" \
	    -w '%{http_code}' http://h/metrics)" = 200 ] ||
	    it_fail 'no metrics'
}

# finish: those who were asked about are refused
finish() {
	: >"$tmp/go"
	for one in $pids; do
		wait "$one" || it_fail 'a client failed'
	done
	it_stop
	rm -f "$tmp"/begun.* "$tmp"/stranger.* "$tmp/go"
	pids=
}

it_end_more() {
	: >"$tmp/go"
}

pids=
it_endpoint='paths = [ "/scep" ];'
it_ca --single
token=$(printf 'prom\n' | "$SCEPCTL" challenge hash |
    sed -n 's/^hash = "\(.*\)";$/\1/p')
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
    -out "$tmp/one.key" 2>/dev/null
make_validator

make_conf 4
it_start
strangers 12
it_until 60 answered 6 || it_fail 'they are not told to try again'
begun 2 || it_fail 'not two are being asked'
[ "$(cat "$tmp"/stranger.* | sort -u)" = http ] || it_fail 'not as trouble'
grep -q 'reason=busy .*who wait for others' "$tmp/scepd.log" ||
    it_fail 'the log does not say why'
metrics
grep -q '^scepd_requests_total{.*endpoint="mdm".*reason="busy"' \
    "$tmp/metrics" || it_fail 'the metrics do not say why'
[ "$(CLIENT_KEY_FILE="$tmp/one.key" "$IT_CLIENT" enroll "$port" \
    "$tmp/ca/ra.pem" "$challenge" good)" = issued ] ||
    it_fail 'another endpoint does not issue'
begun 2 || it_fail 'more were asked'
[ "$(cat "$tmp"/stranger.* | wc -l)" -eq 6 ] || it_fail 'they were answered'
finish
[ "$(grep -c 'reason=validator_refused' "$tmp/scepd.log")" -eq 6 ] ||
    it_fail 'those who were asked about are not refused'

make_conf 1
it_start
strangers 1
it_until 60 begun 1 || it_fail 'one worker asks nobody'
metrics
[ ! -s "$tmp/stranger.1" ] || it_fail 'it was answered'
finish
