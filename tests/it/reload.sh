#!/bin/sh
# A running scepd: SIGHUP under load, with a bad file, with other settings;
# SIGTERM with requests in flight.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"

loader=
it_end_more() {
	[ -z "$loader" ] || kill "$loader" 2>/dev/null || true
}

# outcome CHALLENGE WANTED
outcome() {
	got=$("$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$1" device)
	[ "$got" = "$2" ] || it_fail "an enrollment is $got, not $2"
}

# load CHALLENGE THREADS COUNT: in the background
load() {
	"$IT_CLIENT" load "$port" "$tmp/ca/ra.pem" "$@" >"$tmp/load" &
	loader=$!
}

# loaded WANTED: how the load ended
loaded() {
	wait "$loader" || it_fail 'the client failed'
	loader=
	[ "$(tail -n 1 "$tmp/load")" = "$1" ] ||
	    it_fail "the client had $(tail -n 1 "$tmp/load"), not $1"
}

count() {
	grep -c "event=$1" "$tmp/scepd.log" || true
}

rows() {
	sqlite3 "$tmp/scepd.db" 'SELECT count(*) FROM issued'
}

more() { # EVENT BEFORE
	[ "$(count "$1")" -gt "$2" ]
}

# hup EVENT: reloads, which must end in EVENT
hup() {
	seen=$(count "$1")
	kill -HUP "$pid"
	it_until 20 more "$1" "$seen" || it_fail "SIGHUP: no $1"
}

# change SED-COMMAND: of the configuration, in one step
change() {
	cp "$tmp/scepd.conf" "$tmp/before.conf"
	sed "$1" "$tmp/before.conf" >"$tmp/new.conf"
	! cmp -s "$tmp/new.conf" "$tmp/before.conf" ||
	    it_fail "sed $1: no change"
	mv "$tmp/new.conf" "$tmp/scepd.conf"
}

change_back() {
	mv "$tmp/before.conf" "$tmp/scepd.conf"
}

it_ca --key ec:p256
# The clients' requests differ in the nonce alone.
it_global='transaction: { replay = 0; };'
it_conf
it_start

# ---- under load

load "$challenge" 4 1500
reloads=0
while kill -0 "$loader" 2>/dev/null; do
	hup reloaded
	reloads=$((reloads + 1))
done
loaded 'issued=1500 pending=0 failure=0 http=0 lost=0'
[ "$(rows)" = 1500 ] || it_fail "$(rows) rows"
[ $reloads -ge 5 ] || it_fail "only $reloads reloads under load"
echo "1500 enrollments, $reloads reloads"

# ---- with a bad file the old one stays

# keep NAME SED-COMMAND WORDS...
keep() {
	name=$1
	change "$2"
	shift 2
	hup reload_failed
	for words in "$@"; do
		grep 'event=reload_failed' "$tmp/scepd.log" | tail -n 1 |
		    grep -qF -e "$words" || it_fail "$name: not \"$words\""
	done
	outcome "$challenge" issued
	change_back
}
keep 'unknown setting' '1i colour = "red";' scepd.conf:1: colour 'remove it'
keep 'syntax error' '1i http: {{' scepd.conf: 'syntax error'
keep 'out of range' 's/listen =/max_body = 1; &/' http.max_body 'out of range'
keep 'no key' 's|ca/ra.key|ca/none.key|' ca/none.key 'correct the path'
keep 'no CA' 's|ca/issuing.pem|ca/none.pem|' ca/none.pem
mv "$tmp/scepd.conf" "$tmp/before.conf"
hup reload_failed
outcome "$challenge" issued
change_back

# ---- what a reload changes

change "s/secret = \"$challenge\"/secret = \"another-$challenge\"/"
hup reloaded
outcome "$challenge" failure
outcome "another-$challenge" issued
change_back
hup reloaded
outcome "another-$challenge" failure
outcome "$challenge" issued

change 's/mode = "ra";/& enabled = false;/'
hup reloaded
outcome "$challenge" http
[ "$("$IT_CLIENT" fetch "$port" '/scep?operation=GetCACaps' |
    head -n 1)" = 503 ] || it_fail 'capabilities while disabled'
change_back
hup reloaded
outcome "$challenge" issued

# ---- what it does not

! grep -q 'event=restart_needed' "$tmp/scepd.log" ||
    it_fail 'a restart is asked for without need'
change 's/path = "scepd.db"/path = "other.db"/
    s/listen =/max_body = 1024; &/'
hup reloaded
[ "$(count 'restart_needed setting=store.path')" = 1 ] ||
    it_fail 'nothing says that store.path needs a restart'
[ ! -e "$tmp/other.db" ] || it_fail 'a database for nothing'
# The rest of the file took effect: the message is larger than that.
outcome "$challenge" http
change_back
hup reloaded
outcome "$challenge" issued
it_stop
! grep -q "$challenge" "$tmp/scepd.log" || it_fail 'the log has the challenge'

# ---- SIGTERM with requests in flight

# An issuer that takes its time, two workers, six requests: four wait.
rm "$tmp"/scepd.db*
cat >"$tmp/issue" <<-END
	#!/bin/sh
	echo >>$tmp/begun
	sleep 0.5
	exec openssl x509 -req -CA $tmp/ca/issuing.pem \\
	    -CAkey $tmp/ca/issuing.key -days 9 \\
	    -set_serial 0x\$SCEPD_SERIAL -extfile /dev/fd/3 3<<LINES
	\$SCEPD_EXTENSIONS
	LINES
END
chmod 700 "$tmp/issue"
it_global='pipeline: { workers = 2; }; transaction: { replay = 0; };'
it_conf
change "s|key = \"ca/issuing.key\";|type = \"exec\";\
    command = [ \"$tmp/issue\" ];|"
it_start
load "$challenge" 6 6
sent() {
	[ "$(grep -c '^sent' "$tmp/load")" -eq 6 ] && [ -s "$tmp/begun" ]
}
it_until 20 sent || it_fail 'the requests are not on their way'
# What is answered by then was read behind them.
for round in 1 2 3; do
	"$IT_CLIENT" fetch "$port" '/scep?operation=GetCACaps' >/dev/null ||
	    it_fail "no capabilities in round $round"
done
[ "$(wc -l <"$tmp/begun")" -le 4 ] || it_fail 'too late for this test'
it_stop
loaded 'issued=6 pending=0 failure=0 http=0 lost=0'
[ "$(rows)" = 6 ] || it_fail "$(rows) rows"
[ "$(grep -c 'outcome=issued' "$tmp/scepd.log")" = 6 ] ||
    it_fail 'the log tells of other than six'
! grep -q 'event=drain_failed' "$tmp/scepd.log" || it_fail 'drained too late'
! "$IT_CLIENT" fetch "$port" / >/dev/null || it_fail 'somebody answers'
