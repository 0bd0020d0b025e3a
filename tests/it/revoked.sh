#!/bin/sh
# A revocation stops the device, whichever of its certificates it has left: what
# was renewed before, what migrated, the key, the reply that it asks for again.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"
# shellcheck source=tests/it/renew_lib.sh
. "${srcdir:-.}/tests/it/renew_lib.sh"

# revoke NAME REASON [OPTION...]
revoke() {
	revoke_name=$1 revoke_reason=$2
	shift 2
	"$SCEPCTL" revoke "$(serial "$revoke_name")" --db "$tmp/scepd.db" \
	    --reason "$revoke_reason" "$@" >"$tmp/out" 2>"$tmp/err" || {
		cat "$tmp/err"
		it_fail "revoke $revoke_name"
	}
}

it_ca --key ec:p256

# ---- a chain of renewals: j1, j2, j3

for reason in keyCompromise unspecified cessationOfOperation \
    certificateHold; do
	serve ''
	first j1
	renews j1 j2
	renews j2 j3
	revoke j3 "$reason"
	grep -q "^still valid: $(serial j1) (same chain, subject) CN=device\$" \
	    "$tmp/out" || it_fail "revoke does not name j1: $(cat "$tmp/out")"
	refused renewal_successor j1
	refused renewal_successor j1 CLIENT_TYPE=19
	refused renewal_successor j2
	refused renewal_revoked j3
done
# Released, all renew again.
revoke j3 removeFromCRL
renews j1 a
renews j3 b
# Of an older one, what came of it is another key, and renews.
revoke j1 keyCompromise
renews b c
# As superseded it says nothing of the device.
serve ''
first j1
renews j1 j2
revoke j2 superseded
renews j1 j3
# A challenge vouches for the device all the same; a key of its own for itself.
revoke j3 cessationOfOperation
secret=$challenge
is "$(ask a CLIENT_TYPE=19 CLIENT_OLD="$tmp/j1")" failure \
    'a new key that a stopped certificate signs for'
is "$(ask a CLIENT_TYPE=19 CLIENT_OLD="$tmp/j1" \
    CLIENT_KEY_FILE="$tmp/j1.key")" issued 'its own key, with the challenge'
secret=

# ---- all of the device, in one step

serve ''
first j1
renews j1 j2
renews j2 j3
first other
revoke j2 keyCompromise --also chain
is "$(sql 'SELECT count(*) FROM issued WHERE revoke_reason = 1')" 3 revoked
grep -q "^still valid: $(serial other) (same subject)" "$tmp/out" ||
    it_fail "revoke does not name the other: $(cat "$tmp/out")"
refused renewal_revoked j1
refused renewal_revoked j3
renews other a

# ---- while the next one is made: the step that records it looks again

# change SQL: a CRL may just be written
change() {
	sqlite3 -cmd '.timeout 20000' "$tmp/scepd.db" "$1" ||
	    it_fail 'the store stays locked'
}
# meanwhile SQL: in the step that reserves, behind all that it looks at
meanwhile() {
	change "CREATE TRIGGER meanwhile AFTER INSERT ON txn BEGIN $1; END"
}

# nothing REASON: is recorded, it is told once and explained, a use is given back
nothing() {
	last_request | grep -q " step=commit reason=$1 " ||
	    it_fail "another step: $(last_request)"
	is "$(sql 'SELECT state || reason || (SELECT group_concat(outcome) FROM
	    audit WHERE txn = txn.id) FROM txn ORDER BY id DESC LIMIT 1')" \
	    "failed$1refused" "what came of $1"
	is "$(sql 'SELECT sum(used - issued) FROM challenge_use')" 0 uses
	is "$(sql 'SELECT count(*) FROM stray')" 0 strays
	"$SCEPCTL" why --db "$tmp/scepd.db" "$(sql \
	    'SELECT txid FROM txn ORDER BY id DESC LIMIT 1')" >"$tmp/out" ||
	    it_fail 'scepctl why'
	grep -q "^20.*  refused: .* ($1)\$" "$tmp/out" ||
	    it_fail "why: $(cat "$tmp/out")"
	grep -q '^what to do  *[a-z]' "$tmp/out" || it_fail 'no advice'
	grep -q '^>>> commit  *REFUSED' "$tmp/out" ||
	    it_fail "why: $(cat "$tmp/out")"
	grep -q "^>>> $1: while the certificate was made: " "$tmp/out" ||
	    it_fail "why: $(cat "$tmp/out")"
	! grep -q '^serial ' "$tmp/out" || it_fail 'a serial number of nothing'
	change 'DROP TRIGGER meanwhile; UPDATE issued SET revoked_at = NULL,
	    revoke_reason = NULL'
}

serve ''
first j1
renews j1 j2
for row in 1:5:revoked 1:6:revoked 1:4:revoked 2:5:successor 2:6:successor; do
	reason=${row#*:}
	meanwhile "UPDATE issued SET revoked_at = 1,
	    revoke_reason = ${reason%%:*} WHERE id = ${row%%:*}"
	refused "renewal_${row##*:}" j1
	nothing "renewal_${row##*:}"
done
meanwhile 'UPDATE issued SET revoked_at = 1, revoke_reason = 4 WHERE id = 2'
renews j1 j3
change 'DROP TRIGGER meanwhile'
meanwhile 'UPDATE issued SET revoked_at = 1, revoke_reason = 1 WHERE id = 1'
secret=$challenge
is "$(ask none CLIENT_TYPE=19 CLIENT_KEY_FILE="$tmp/j1.key")" failure \
    'a key that was lost meanwhile, with the challenge'
nothing key_compromised
"$SCEPCTL" challenge add --once --name gone --db "$tmp/scepd.db" \
    --endpoint scep >"$tmp/secret" || it_fail 'challenge add'
secret=$(cat "$tmp/secret")
meanwhile 'UPDATE challenge SET disabled_at = 1'
is "$(ask none CLIENT_TYPE=19)" failure 'a challenge that is disabled meanwhile'
nothing challenge_disabled
change 'UPDATE challenge SET disabled_at = NULL'
is "$(ask none CLIENT_TYPE=19)" issued 'the same, enabled'
secret=

# ---- the key

serve ''
first j1
renews j1 j2 CLIENT_KEY_FILE="$tmp/j1.key"
renews j1 j3 CLIENT_KEY_FILE="$tmp/j1.key"
revoke j2 keyCompromise
refused key_compromised j3 CLIENT_KEY_FILE="$tmp/j1.key"
refused renewal_compromised j3
secret=$challenge
refused key_compromised j1 CLIENT_TYPE=19 CLIENT_KEY_FILE="$tmp/j1.key"
is "$(CLIENT_KEY_FILE=$tmp/j1.key "$IT_CLIENT" enroll "$port" \
    "$tmp/ca/ra.pem" "$challenge" device "$tmp/none")" failure \
    'a compromised key, with the challenge'
last_request | grep -q reason=key_compromised || it_fail 'another reason'
secret=

# ---- the key, in other words: another exponent, another form of a point

# spelled TO [VARIABLE=VALUE...]: enrolls with the key in another spelling
spelled() {
	spelled_to=$1
	shift
	ask "$spelled_to" CLIENT_TYPE=19 CLIENT_KEY_FILE="$tmp/other.key" "$@"
}
for how in exponent compressed hybrid; do
	type=ec:p256 way=CLIENT_PASSWORD=1
	[ $how != exponent ] || type=rsa:2048 way=CLIENT_PATH=/scep
	secret=$challenge
	it_profile='key_types = [ "rsa", "ec" ];'
	serve 'renew: { key = "new"; };'
	is "$(ask k1 CLIENT_TYPE=19 CLIENT_KEY=$type $way)" issued "$type"
	"$IT_RESPELL" $how "$tmp/k1.key" "$tmp/other.key" || it_fail "$how"
	openssl pkey -in "$tmp/other.key" -pubout -out "$tmp/other.pub"
	openssl pkey -in "$tmp/k1.key" -pubout -out "$tmp/k1.pub"
	! cmp -s "$tmp/k1.pub" "$tmp/other.pub" || it_fail "$how is the same"
	is "$(spelled k2 $way)" issued "the key, $how"
	if [ $how = exponent ]; then
		openssl rsa -pubin -in "$tmp/other.pub" -modulus -noout
		openssl rsa -pubin -in "$tmp/k1.pub" -modulus -noout
	else
		# Certified as everybody writes it.
		cat "$tmp/k1.pub"
		openssl x509 -in "$tmp/k2.pem" -noout -pubkey
	fi >"$tmp/out"
	is "$(sort "$tmp/out" | uniq -u)" '' "which key is certified, $how"
	secret=
	refused renewal_key_old k1 CLIENT_KEY_FILE="$tmp/other.key" $way
	secret=$challenge
	revoke k1 keyCompromise --also key
	is "$(sql 'SELECT count(*) FROM issued WHERE revoke_reason = 1')" 2 \
	    "revoked with the key, $how"
	is "$(spelled none $way)" failure "a compromised key, $how"
	last_request | grep -q reason=key_compromised || it_fail "reason, $how"
	it_profile='key_types = [ "rsa", "ec" ]; duplicate_key = "refuse";'
	serve ''
	is "$(ask k1 CLIENT_TYPE=19 CLIENT_KEY=$type $way)" issued "$type"
	"$IT_RESPELL" $how "$tmp/k1.key" "$tmp/other.key" || it_fail "$how"
	is "$(spelled none $way)" failure "a second certificate, $how"
	last_request | grep -q reason=duplicate_key || it_fail "reason, $how"
done
it_profile=
secret=

# ---- the same request again

it_global='transaction: { replay = 600; };'
serve ''
first j1
# again: as a device that lost the reply
again() {
	CLIENT_SANS=DNS:x.example CLIENT_KEY_FILE=$tmp/j1.key "$IT_CLIENT" \
	    enroll "$port" "$tmp/ca/ra.pem" "$challenge" device "$tmp/again"
}
is "$(again)" issued 'another request of that key'
again_first=$(serial again)
is "$(again)" issued 'the same again'
is "$(serial again)" "$again_first" 'the certificate of a repeated request'
last_request | grep -q outcome=repeated || it_fail 'it is not repeated'
revoke again cessationOfOperation
is "$(again)" issued 'the same again, judged afresh'
is "$(serial again | grep -c "$again_first")" 0 'another certificate'
revoke again keyCompromise
is "$(again)" failure 'the same again, with a compromised key'
last_request | grep -q reason=key_compromised || it_fail 'another reason'
it_global=

# ---- from another server

mkdir "$tmp/old"
(
	cd "$tmp/old"
	openssl req -x509 -newkey rsa:2048 -noenc -keyout ca.key -out ca.pem \
	    -subj /CN=Old -days 30
	printf 'subjectAltName=DNS:x.example\n' >dev.ext
	openssl req -newkey rsa:2048 -noenc -keyout dev.key -out dev.csr \
	    -subj /CN=device
	openssl x509 -req -in dev.csr -CA ca.pem -CAkey ca.key -out dev.pem \
	    -set_serial 0xabc1 -days 20 -extfile dev.ext
) >"$tmp/old.log" 2>&1 || {
	cat "$tmp/old.log"
	it_fail 'the other server'
}
serve 'renew: { trusted = [ "old/ca.pem" ]; };'
is "$(ask m1 CLIENT_OLD="$tmp/old/dev")" issued 'a migration'
renews m1 m2
is "$(ask m3 CLIENT_OLD="$tmp/old/dev" CLIENT_KEY_FILE="$tmp/old/dev.key")" \
    issued 'a second one, with its key'
revoke m2 affiliationChanged
grep -q "^still valid: $(serial m3) (same chain, subject)" "$tmp/out" ||
    it_fail "revoke does not name m3: $(cat "$tmp/out")"
refused renewal_successor old/dev
refused renewal_successor m1
renews m3 m4
