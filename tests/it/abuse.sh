#!/bin/sh
# Who guesses challenges is delayed, then locked, and nobody else is: by address,
# all of 127.0.0.0/8 being this machine's.
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"
# shellcheck source=tests/interop/lib.sh
. "${srcdir:-.}/tests/interop/lib.sh"

interop_need curl

file=$tmp/metrics.prom
load=
it_end_more() {
	[ -z "$load" ] || kill "$load" 2>/dev/null || true
}

is() { # VALUE WANTED TEXT
	[ "$1" = "$2" ] || it_fail "$3: \"$1\", not \"$2\""
}
enroll() { # FROM: with the right challenge; prints the outcome
	HTTP_FROM=$1 "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" \
	    "$challenge" "$1"
}
renew() { # FROM [CHALLENGE]: the certificate of keeper; prints the outcome
	HTTP_FROM=$1 CLIENT_OLD=$tmp/keeper CLIENT_TYPE=17 CLIENT_TXIDS=1 \
	    CLIENT_SUBJECT=/CN=keeper "$IT_CLIENT" enroll "$port" \
	    "$tmp/ca/ra.pem" "${2:-}" keeper
}
must() { # FROM OUTCOME
	is "$(enroll "$1")" "$2" "an enrollment from $1"
}
enrolls() { # FROM
	[ "$(enroll "$1")" = issued ]
}
guess() { # FROM COUNT: one after the other; prints "failures of-HTTP"
	HTTP_FROM=$1 "$IT_CLIENT" load "$port" "$tmp/ca/ra.pem" wrong 1 "$2" |
	    sed -n 's/.*failure=\([0-9]*\) http=\([0-9]*\) lost=0$/\1 \2/p'
}
guesses() { # FROM COUNT WANTED
	is "$(guess "$1" "$2")" "$3" "$2 guesses from $1"
}
logged() { # N TEXT: so many lines
	[ "$(grep -c "$2" "$tmp/scepd.log")" -eq "$1" ]
}
must_log() { # N TEXT
	it_until 10 logged "$1" "$2" || it_fail "not $1 lines of $2"
}
counts() { # LINE
	grep -qxF "$1" "$file" 2>/dev/null
}
must_count() { # LINE
	it_until 10 counts "$1" || {
		cat "$file"
		it_fail "no line $1"
	}
}
# ctl STATUS ARGUMENT...: scepctl lockout ends so; its output is in $tmp/out
ctl() {
	ctl_want=$1 ctl_got=0
	shift
	"$SCEPCTL" -c "$tmp/scepd.conf" lockout "$@" >"$tmp/out" \
	    2>"$tmp/err" || ctl_got=$?
	[ "$ctl_got" -eq "$ctl_want" ] || {
		cat "$tmp/err"
		it_fail "lockout $*: exit $ctl_got, not $ctl_want"
	}
}
lists() { # N ADDRESS
	ctl 0 list
	[ "$(grep -c "^$2 " "$tmp/out")" -eq "$1" ]
}
settings() { # ABUSE: as scepd has them from now on
	it_abuse=$1
	it_conf
	kill -HUP "$pid"
	reloads=$((reloads + 1))
	must_log "$reloads" event=reloaded
}

reloads=0
it_ca --key ec:p256
it_global='metrics: { file = "metrics.prom"; interval = 1; };
    pipeline: { workers = 1; };'
it_abuse='lock_after = 6; delay_max = 0; endpoint_after = 10;'
it_conf
it_start
ctl 0 list --json
is "$(cat "$tmp/out")" '[]' 'nobody is locked'

# ---- locked, and nobody else is ----

guesses 127.0.0.3 10 '6 4'
must 127.0.0.3 http
must 127.0.0.2 issued
for operation in GetCACaps GetCACert; do
	is "$(HTTP_FROM=127.0.0.3 "$IT_CLIENT" fetch "$port" \
	    "/scep?operation=$operation" | head -n 1)" 200 "$operation"
done
printf '%s\r\n' 'GET /scep?operation=PKIOperation&message=AAAA HTTP/1.1' \
    'Host: localhost' '' >"$tmp/request"
is "$(HTTP_FROM=127.0.0.3 "$IT_CLIENT" send "$port" "$tmp/request" \
    "$tmp/body")" 429 'a locked address'
is "$(cat "$tmp/body")" 'too many failed challenges, try again later' 'the text'
curl -s --interface 127.0.0.3 -D "$tmp/head" -o "$tmp/body" --data-binary x \
    "$url?operation=PKIOperation"
after=$(sed -n 's/^Retry-After: \([0-9]*\).*/\1/p' "$tmp/head")
if [ "${after:-0}" -le 600 ] || [ "$after" -gt 900 ]; then
	it_fail "Retry-After: $(cat "$tmp/head")"
fi
must_log 1 'event=locked address=127.0.0.3 endpoint=scep failures=6 until='
must_log 1 'event=locked '
# No challenge is looked at.
must_log 6 'event=request .*reason=challenge_wrong'
must_count 'scepd_locked_addresses 1'
must_count 'scepd_challenge_failures{endpoint="scep"} 6'
must_count 'scepd_challenge_alarm{endpoint="scep"} 0'

# ---- what is malformed proves nothing about anybody ----

printf 'POST /scep?operation=PKIOperation HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nabcd' \
    >"$tmp/request"
for i in 1 2 3 4 5 6 7 8; do
	is "$(HTTP_FROM=127.0.0.4 "$IT_CLIENT" send "$port" "$tmp/request" \
	    "$tmp/body")" 400 "malformed message $i"
done
must 127.0.0.4 issued

# ---- an operator sees it and ends it; a restart does not ----

it_until 10 lists 1 127.0.0.3 || it_fail 'no such lock in the list'
ctl 0 list --json
grep -q '"address": *"127.0.0.3"' "$tmp/out" || it_fail "$(cat "$tmp/out")"
it_stop
it_start
reloads=0
must 127.0.0.3 http
# Nor does it make a stranger of whom it knows.
guesses 127.0.0.2 8 '8 0'
must 127.0.0.2 issued
ctl 2 clear
ctl 2 clear somewhere
ctl 2 clear 127.0.0.3 --all
ctl 3 clear 127.0.0.99
ctl 0 clear 127.0.0.3
is "$(cat "$tmp/out")" 'cleared 1' clear
grep -q 'within about a second' "$tmp/err" || it_fail 'when clear counts'
it_until 5 enrolls 127.0.0.3 || it_fail 'still locked after clear'
must_log 1 'event=unlocked address=127.0.0.3 why=cleared'
ctl 3 clear 127.0.0.3
guesses 127.0.0.7 7 '6 1'
it_until 10 lists 1 127.0.0.7 || it_fail 'no second lock in the list'
ctl 0 clear --all
is "$(cat "$tmp/out")" 'cleared 1' 'clear --all'
it_until 5 enrolls 127.0.0.7 || it_fail 'still locked after clear --all'

# ---- a host behind which many enroll, and what its successes buy ----

for i in 1 2 3; do
	must 127.0.0.5 issued
done
guesses 127.0.0.5 17 '17 0'
must 127.0.0.5 issued
guess 127.0.0.5 40 >"$tmp/some"
read -r failed refused <"$tmp/some"
if [ "$failed" -lt 11 ] || [ "$refused" -eq 0 ]; then
	it_fail "40 guesses of a rationed host: $(cat "$tmp/some")"
fi
must_log 1 'event=rationed address=127.0.0.5 endpoint=scep failures=22'
grep -q 'event=request .*peer=127.0.0.5 .*reason=rationed' "$tmp/scepd.log" ||
    it_fail 'not why'
must_log 0 'event=locked address=127.0.0.5'
# All of it together is worth an alarm, and locks out nobody else.
must_log 1 'event=guessing endpoint=scep failures=10'
must_log 1 'event=guessing '
must_count 'scepd_challenge_alarm{endpoint="scep"} 1'
must 127.0.0.2 issued

# ---- who proves to be somebody passes ----

HTTP_FROM=127.0.0.2 "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" \
    "$challenge" keeper "$tmp/keeper" >/dev/null
drawn=$("$SCEPCTL" -c "$tmp/scepd.conf" challenge add --once 2>/dev/null)
settings 'lock_after = 6; delay_max = 60; free = 1000;'
guess 127.0.0.5 20 >/dev/null
must 127.0.0.5 http
is "$(renew 127.0.0.5 "$challenge")" issued 'a renewal from a rationed host'
must 127.0.0.5 issued
guess 127.0.0.5 20 >/dev/null
must 127.0.0.5 http
is "$(HTTP_FROM=127.0.0.5 "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" \
    "$drawn" drawn)" issued 'one that was drawn, from a rationed host'
guesses 127.0.0.9 7 '6 1'
is "$(HTTP_FROM=127.0.0.9 CLIENT_OLD=$tmp/keeper CLIENT_SUBJECT=/CN=other \
    CLIENT_TXIDS=1 "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" \
    "$challenge" other)" http 'a challenge beside a certificate, locked'
is "$(HTTP_FROM=127.0.0.9 CLIENT_TXIDS=1 "$IT_CLIENT" enroll "$port" \
    "$tmp/ca/ra.pem" "$challenge" keeper)" http 'a locked stranger'
is "$(HTTP_FROM=127.0.0.9 CLIENT_TXIDS=1 "$IT_CLIENT" enroll "$port" \
    "$tmp/ca/ra.pem" '' keeper)" http 'a locked stranger without a challenge'
is "$(HTTP_FROM=127.0.0.9 CLIENT_TXIDS=1 "$IT_CLIENT" enroll "$port" \
    "$tmp/ca/ra.pem" 0123456789ABCDEF0123456789ABCDEF keeper)" http \
    'as if it had been drawn, locked'
is "$(renew 127.0.0.9)" issued 'a renewal from a locked address'
must_log 1 'event=unlocked address=127.0.0.9 why=success'
must 127.0.0.9 issued

# ---- one that was drawn passes too, and proves to be somebody ----

guesses 127.0.0.10 7 '6 1'
must_log 1 'event=locked address=127.0.0.10 '
must 127.0.0.10 http
drawn=$("$SCEPCTL" -c "$tmp/scepd.conf" challenge add --once 2>/dev/null)
is "$(HTTP_FROM=127.0.0.10 "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" \
    "$drawn" honest)" issued 'one that was drawn, from a locked address'
must_log 1 'event=unlocked address=127.0.0.10 why=success'
# The same guesser locks it no more.
guesses 127.0.0.10 7 '7 0'
must 127.0.0.10 issued
must_log 1 'event=locked address=127.0.0.10 '

# ---- time ends it, and less time sooner ----

settings 'lock_after = 6; delay_max = 0;'
guesses 127.0.0.8 7 '6 1'
must 127.0.0.8 http
settings 'lock_after = 6; delay_max = 0; lock_time = 2;'
it_until 10 enrolls 127.0.0.8 || it_fail 'still locked after its time'
must_log 1 'event=unlocked address=127.0.0.8 why=time'
it_until 5 lists 0 127.0.0.8 || it_fail 'its lock is still in the store'

# ---- delayed answers hold nobody up ----

settings 'lock_after = 0; free = 0; delay_max = 60;'
HTTP_FROM=127.0.0.6 "$IT_CLIENT" load "$port" "$tmp/ca/ra.pem" wrong 20 20 \
    >"$tmp/load" &
load=$!
waiting() {
	n=$(sed -n 's/^scepd_delayed_answers //p' "$file")
	[ "${n:-0}" -ge 14 ]
}
it_until 20 waiting || it_fail 'no answers wait'
must 127.0.0.2 issued
kill -0 "$load" || it_fail 'the guesses were answered before'
must_count 'scepd_delayed_answers_total 20'
# Nor the end: they are answered then.
it_stop
wait "$load" || it_fail 'the guesses ended badly'
load=
grep -q ' failure=20 ' "$tmp/load" || it_fail "answers: $(tail -n 1 "$tmp/load")"
