#!/bin/sh
# The queue of a manual endpoint under a burst: its bound is exact, strangers
# fill half of it and no more.
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"
# shellcheck source=tests/interop/lib.sh
. "${srcdir:-.}/tests/interop/lib.sh"

interop_need sqlite3

is() { # VALUE WANTED TEXT
	[ "$1" = "$2" ] || it_fail "$3: \"$1\", not \"$2\""
}

# burst CHALLENGE: forty requests at once; says how many wait, how many got 503
burst() {
	CLIENT_TXIDS=1 "$IT_CLIENT" load "${port%%/*}" "$tmp/ca/ra.pem" "$1" \
	    16 40 | sed -n 's/^issued=0 \(.*\) failure=0 \(.*\) lost=0$/\1 \2/p'
}

pending() {
	sqlite3 "$tmp/scepd.db" "SELECT count(*) FROM txn
	    WHERE state = 'pending'"
}

refused() { # REASON: how often
	grep -c "event=request.*reason=$1" "$tmp/scepd.log" || true
}

it_ca --key ec:p256
it_global='transaction: { pending_max = 20; pending_per_address = 7; };'
it_endpoint='approval = "manual";'
it_conf
it_start

is "$(burst '')" 'pending=7 http=33' 'strangers of one address'
is "$(pending)" 7 'in the queue'
is "$(refused pending_stranger)" 33 'said of each'
sed -i 's/pending_per_address = 7/pending_per_address = 0/' "$tmp/scepd.conf"
kill -HUP "$pid"
it_until 10 grep -q 'event=reloaded' "$tmp/scepd.log" || it_fail 'no reload'
is "$(burst '')" 'pending=3 http=37' 'strangers of all addresses'
is "$(burst "$challenge")" 'pending=10 http=30' 'those with a challenge'
is "$(pending)" 20 'in the full queue'
is "$(refused pending_full)" 30 'said of each'
! grep -q "$challenge" "$tmp/scepd.log" || it_fail 'the log has the challenge'
it_stop
