#!/bin/sh
# scepd is killed while a program that issues is at work: what that may have made
# is known at the next start, and the use of the challenge stays spent.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"

ctl() {
	"$SCEPCTL" -c "$tmp/scepd.conf" "$@"
}
sql() {
	sqlite3 -cmd '.timeout 20000' "$tmp/scepd.db" "$1"
}
# enroll NAME TXID CHALLENGE WANTED
enroll() {
	got=$(CLIENT_TXID=$2 "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$3" \
	    "$1")
	[ "$got" = "$4" ] || it_fail "$1 is $got, not $4"
}
# has FILE TEXT...: as grep has them
has() {
	in=$1
	shift
	for text; do
		grep -q -- "$text" "$in" || it_fail "no $text: $(cat "$in")"
	done
}

# later: what the next start writes down has another time
later() {
	[ "$(date +%s)" -gt "$died" ]
}
# die NAME TXID CHALLENGE: the program makes one, and scepd dies meanwhile
die() {
	rm -f "$tmp/made" "$tmp/go"
	touch "$tmp/slow"
	CLIENT_TXID=$2 "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$3" "$1" \
	    >"$tmp/lost" &
	client=$!
	it_until 20 test -e "$tmp/made" || it_fail 'the program is not asked'
	kill -KILL "$pid"
	wait "$pid" || true
	pid=
	wait "$client" || true
	touch "$tmp/go"
	rm "$tmp/slow"
	died=$(date +%s)
	it_until 20 later || it_fail 'the clock stands still'
	has "$tmp/lost" lost
}

it_ca --single
cat >"$tmp/issue" <<END
#!/bin/sh
cat >$tmp/csr.\$\$
echo "\$SCEPD_EXTENSIONS" >$tmp/ext.\$\$
openssl x509 -req -in $tmp/csr.\$\$ -CA $tmp/ca/issuing.pem \
    -CAkey $tmp/ca/issuing.key -days 90 -extfile $tmp/ext.\$\$ \
    -set_serial 0x\$SCEPD_SERIAL -out $tmp/cert.\$\$ 2>/dev/null || exit 1
cat $tmp/cert.\$\$ >>$tmp/all
echo "\$SCEPD_SERIAL" | tr A-F a-f >$tmp/serial
touch $tmp/made
while [ -e $tmp/slow ] && [ ! -e $tmp/go ]; do sleep 0.05; done
cat $tmp/cert.\$\$
END
chmod 700 "$tmp/issue"
it_conf
sed -i "s|key = \"ca/issuing.key\";|type = \"exec\"; &|
    s|key = \"ca/issuing.key\";|command = [ \"$tmp/issue\" ];|" \
    "$tmp/scepd.conf"
it_start
open=$challenge
once=$(ctl challenge add --name once --once --endpoint scep) ||
    it_fail 'scepctl challenge add'

# ---- a challenge that is good once

die first first "$once"
serial=$(cat "$tmp/serial")
it_start
[ "$(grep -c 'event=stray_possible ' "$tmp/scepd.log")" = 1 ] ||
    it_fail 'not one line tells of it'
grep 'event=stray_possible ' "$tmp/scepd.log" >"$tmp/line"
has "$tmp/line" ' endpoint=scep ' ' txid=first ' ' issuer=local ' \
    " serial=$serial " ' subject="\{0,1\}CN=first' ' reason=issuer_cut '
has "$tmp/scepd.log" 'event=recovered'
[ "$(sql "SELECT state || reason FROM txn WHERE txid = 'first'")" = \
    failedissuer_cut ] || it_fail 'it ended in another way'
ctl list --stray >"$tmp/list"
has "$tmp/list" "^$serial  *possible .*local .*CN=first .*may have made" \
    '^    asked for 20.*Z, transaction first; may have another serial number'
ctl list --stray --json >"$tmp/list"
has "$tmp/list" '"possible": true' "\"serial\": \"$serial\"" \
    '"subject": "CN=first"' '"pem": null' '"not_after": null' \
    '"transaction_id": "first"' '"challenge": "once"'
at=$(sed -n 's/.*"made_at": "\([^"]*\)".*/\1/p' "$tmp/list")
[ "$(date -d "$at" +%s)" -le "$died" ] || it_fail "$at is that of the restart"
has "$tmp/line" " asked_at=$at " 'another serial number'
ctl why first >"$tmp/why"
has "$tmp/why" 'failed: server ended while the issuer was at work: ' \
    "^what to do  *look at the CA .* at $at, .* $serial, .*another one" \
    "^possible_stray  *$serial\$" "^possible_stray_at  *$at\$" '^challenge  *once$' \
    '^>>> issue .*REFUSED  issuer=local' '^>>> issuer_cut: '
# By its serial number alone, it is pointed to.
for verb in why show revoke; do
	for is in "$serial:0" 1234:1; do
		got=0
		ctl $verb "${is%:*}" >"$tmp/out" 2>"$tmp/said" || got=$?
		[ "$got" = 3 ] || it_fail "$verb ${is%:*}: exit $got"
		got=0
		grep -q 'list --stray' "$tmp/said" || got=$?
		[ "$got" = "${is#*:}" ] || it_fail "$verb: $(cat "$tmp/said")"
	done
done
# The device asks again: it might get a second one.
enroll first first "$once" failure
enroll second second "$once" failure
[ "$(grep -c 'reason=challenge_spent' "$tmp/scepd.log")" = 2 ] ||
    it_fail 'refused for another reason'
# Refusals are written together, a little later.
told() {
	ctl why second >"$tmp/why" 2>&1
}
it_until 20 told || it_fail 'the refusal is not kept'
has "$tmp/why" '^what to do  *make another one'
[ "$(grep -c BEGIN "$tmp/all")" = 1 ] || it_fail 'the CA was asked again'

# ---- one without a limit: begun anew

die third third "$open"
it_start
[ "$(grep -c 'event=stray_possible ' "$tmp/scepd.log")" = 1 ] ||
    it_fail 'the first is told of again, or the second is not'
enroll third third "$open" issued
[ "$(ctl list --stray | grep -c ' possible ')" = 2 ] ||
    it_fail 'not two possible strays'
[ "$(sql "SELECT group_concat(state) FROM (SELECT state FROM txn
    WHERE txid = 'third' ORDER BY id)")" = failed,issued ] ||
    it_fail 'it is not a new transaction'
[ "$(sql 'SELECT count(*) FROM handed')" = 0 ] || it_fail 'one is at work'
it_stop
! grep -q -e "$open" -e "$once" "$tmp/scepd.log" ||
    it_fail 'the log has a challenge'
it_start
! grep -q -e stray_possible -e recovered "$tmp/scepd.log" ||
    it_fail 'a good stop is told of as a crash'
it_stop
