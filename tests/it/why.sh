#!/bin/sh
# scepctl why: what was decided about a request and how, from the message to the
# certificate or the refusal, and what became of it. No challenge is in it.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"

for tool in openssl sqlite3; do
	command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done

wrong=WRONG-4C1D9E07AB
said=$tmp/said

is() { # VALUE WANTED TEXT
	[ "$1" = "$2" ] || it_fail "$3: \"$1\", not \"$2\""
}

sql() {
	sqlite3 -cmd '.timeout 10000' "$tmp/scepd.db" "$1"
}

serial() { # NAME: as scepctl writes it
	openssl x509 -in "$tmp/$1.pem" -noout -serial | sed 's/^serial=//' |
	    tr A-F a-f
}

# serve SETTINGS GLOBALS: goes on with the same ledger
serve() {
	[ -z "$pid" ] || it_stop
	it_endpoint=$1 it_global=$2
	it_conf
	it_start
}

# ask TXID WANTED CHALLENGE NAME [VARIABLE=VALUE...]
ask() {
	ask_txid=$1 ask_want=$2 ask_secret=$3 ask_name=$4
	shift 4
	is "$(env CLIENT_TXID="$ask_txid" "$@" "$IT_CLIENT" enroll "$port" \
	    "$tmp/ca/ra.pem" "$ask_secret" "$ask_name" "$tmp/$ask_name")" \
	    "$ask_want" "$ask_txid"
}

# why STATUS ARGUMENT...: it ends so; its output is in out
why() {
	why_want=$1 why_got=0
	shift
	"$SCEPCTL" -c "$tmp/scepd.conf" why "$@" >"$tmp/out" 2>"$tmp/err" ||
	    why_got=$?
	[ "$why_got" -eq "$why_want" ] || {
		cat "$tmp/err"
		it_fail "why $*: exit $why_got, not $why_want"
	}
	cat "$tmp/out" "$tmp/err" >>"$said"
}

# Refusals are written once a second.
known() { # TXID
	[ "$(sql "SELECT count(*) FROM audit WHERE txid = '$1'")" -gt 0 ]
}

# told PATTERN...: each is a line of the output
told() {
	for pattern in "$@"; do
		grep -q -e "$pattern" "$tmp/out" || {
			cat "$tmp/out"
			it_fail "why does not say: $pattern"
		}
	done
}

# refused TXID REASON STEP: so it is told, with what can be done
refused() {
	it_until 10 known "$1" || it_fail "$1 is not kept"
	why 0 "$1"
	told "^20[-0-9]*T[0-9:]*Z  refused: .* ($2)\$" "^what to do  *[a-z]" \
	    "^transaction_id *$1\$" "^peer  *127.0.0.1\$" \
	    "^>>> $3  *REFUSED" "^>>> $2"
	is "$(grep -c ' REFUSED  ' "$tmp/out")" 1 "steps that refuse $1"
}

json() { # EXPRESSION over j, the JSON in out
	sqlite3 :memory: "WITH o AS (SELECT readfile('$tmp/out') AS j)
	    SELECT $1 FROM o"
}

outcomes() { # TXID|SERIAL
	why 0 "$1" --json
	sqlite3 :memory: "SELECT group_concat(value->>'outcome', ' ') FROM
	    json_each(CAST(readfile('$tmp/out') AS TEXT))"
}

it_ca --key ec:p256

# ---- issued

late='}, { name = "late"; ra_cert = "ca/ra.pem"; ra_key = "ca/ra.key";
    issuer = "local"; profile = "device"; challenges = [ "test" ];'
serve "$late" ''
ask t-issued issued "$challenge" first CLIENT_SANS=DNS:first.example
why 0 t-issued
told "^20.*Z  issued $(serial first)\$" '^subject  *CN=first$' \
    '^sans  *dns:first.example$' '^key  *rsa 2048$' '^challenge  *test$' \
    '^profile  *device$' "^certificate  *$(serial first)\$" \
    '^state now  *issued$' '^    signer  *ok  certificate=unknown$' \
    '^    challenge  *ok  challenge=matches name=test used=0$' \
    '^as an enrollment$' '^    challenge.time  *ok  now=20' \
    '^    key  *ok  key=rsa bits=2048 key_types=rsa' \
    '^    proof  *ok  challenge=matches signer_known=no' \
    '^    reserve  *ok  profile=device waits=no spends_challenge=yes' \
    '^    issue  *ok  issuer=local$'
! grep -q REFUSED "$tmp/out" || it_fail 'what was issued was refused'
why 0 "$(serial first)"
told "^20.*Z  issued $(serial first)\$" '^transaction_id *t-issued$'
why 0 "$(serial first | tr a-f A-F | sed 's/../&:/g; s/:$//')" --json
is "$(json "j->0->>'transaction_id'")" t-issued 'by serial, with colons'
is "$(json "j->0->'certificate'->>'serial'")" "$(serial first)" certificate
is "$(json "j->0->'trail'->'facts'->>'subject'")" CN=first 'a fact'
# A copy of the request has no row of its own.
ask t-issued issued "$challenge" first CLIENT_SANS=DNS:first.example \
    CLIENT_KEY_FILE="$tmp/first.key"
is "$(outcomes t-issued)" issued 'a copy'
why 0 t-issued --endpoint scep
why 3 t-issued --endpoint other
grep -q 'no endpoint is named "other"' "$tmp/err" || it_fail 'a mistyped endpoint'
why 3 t-unknown --endpoint scep
grep -q 'nothing is kept of .* t-unknown' "$tmp/err" || it_fail 'what is missing'
why 3 t-unknown
grep -q 'nothing is kept of .* t-unknown: a refusal shows a second' "$tmp/err" ||
    it_fail 'what is missing'
why 2
why 0 --help

# ---- refused

ask t-wrong failure "$wrong" second
refused t-wrong challenge_wrong proof
told '^    challenge  *ok  challenge=wrong$' \
    '^>>> challenge_wrong: matches none of the endpoint'
ask t-missing failure '' second
refused t-missing challenge_missing proof
limited=$("$SCEPCTL" -c "$tmp/scepd.conf" challenge add --name limited \
    --endpoint scep --once --subject 'CN exact printer-7' 2>/dev/null)
ask t-limit failure "$limited" second
refused t-limit challenge_subject challenge.subject
told '^challenge  *limited$' '^    challenge.uses  *ok  used=0 uses=1$' \
    'challenge.subject *REFUSED  subject=CN=second patterns="CN exact printer-7"$'
ask t-spent issued "$limited" printer-7
ask t-spent-2 failure "$limited" printer-7
refused t-spent-2 challenge_spent challenge.uses
ask t-names failure '' other CLIENT_TYPE=17 CLIENT_OLD="$tmp/first"
refused t-names renewal_names renewal.names
told '^as a renewal$' "^    signer  *ok  certificate=$(serial first) "
ask t-early failure "$wrong" first CLIENT_TYPE=17 CLIENT_OLD="$tmp/ca/ra" \
    CLIENT_SANS=DNS:first.example
refused t-early renewal_signer proof
# With a good challenge, a new name and a new key, but by a revoked certificate.
ask t-stopped-1 issued "$challenge" stopped
"$SCEPCTL" -c "$tmp/scepd.conf" revoke "$(serial stopped)" >"$tmp/out"
cp "$tmp/stopped.pem" "$tmp/was.pem"
cp "$tmp/stopped.key" "$tmp/was.key"
ask t-stopped failure "$challenge" elsewise CLIENT_OLD="$tmp/was"
it_until 10 known t-stopped || it_fail 't-stopped is not kept'
why 0 t-stopped
told '^20.*Z  refused: .*was revoked or put on hold (renewal_revoked)$' \
    '^as a renewal  *certificate to be renewed is revoked: ' \
    '^what to do  *find out why it was revoked' \
    '^>>> renewal.revoked *REFUSED' '^>>> signed_by *REFUSED'
! grep -q 'signer_key = ' "$tmp/out" || it_fail 'any signer is advised'
# Taken to the wrong endpoint.
ask t-mixed failure '' first CLIENT_TYPE=17 CLIENT_OLD="$tmp/first" \
    CLIENT_SANS=DNS:first.example CLIENT_PATH=/scep/late
refused t-mixed renewal_signer proof
told ': its signer.s certificate was issued here, at endpoint scep (' \
    '^what to do  *have the device renew .* at /scep/scep$' \
    '^signer_endpoint  *scep$' \
    '^    signer  *ok  certificate=of_another_endpoint endpoint=scep$'
why 0 t-mixed --json
is "$(json "j->0->>'advice' LIKE '%at /scep/scep'")" 1 'advice in JSON'
# What a certificate signed: by an operator who has that.
why 0 "$(serial first)"
told "^20.*Z  issued $(serial first)\$" '^requests it signed, the newest first' \
    '^    20.*Z  refused: .* (renewal_signer)$' \
    '^    what to do  *have the device renew .* at /scep/scep$' \
    '^    endpoint  *late$' '^    transaction_id t-mixed$' \
    '^    20.*Z  refused: .* (renewal_names)$' '^    transaction_id t-names$'
is "$(grep '^    transaction_id' "$tmp/out" | tr -s ' ' | tr '\n' ,)" \
    ' transaction_id t-mixed, transaction_id t-names,' 'the newest first'
why 0 "$(serial first)" --json
is "$(json "j->0->'certificate'->'signed'->0->>'transaction_id' || ' ' ||
    (j->0->'certificate'->'signed'->1->>'reason') || ' ' ||
    json_array_length(j->0->'certificate'->'signed') || ' ' ||
    (j->0->'certificate'->>'signed_more')")" 't-mixed renewal_names 2 0' \
    'what it signed, in JSON'
why 0 "$(serial was)"
told '^    what to do  *find out why it was revoked' \
    '^    transaction_id t-stopped$'
why 0 "$(serial printer-7)"
told '^requests it signed: none that is kept$'
why 0 "$(serial printer-7)" --json
is "$(json "json_array_length(j->0->'certificate'->'signed')")" 0 'none, in JSON'
# Only of a certificate.
why 0 t-issued
! grep -q 'requests it signed' "$tmp/out" || it_fail 'what a transaction signed'
why 0 t-issued --json
is "$(json "j->0->'certificate'->'signed'")" null 'what a transaction signed'
# What cannot be opened, or is of a key that is not taken.
openssl ecparam -name prime256v1 -genkey -noout -out "$tmp/ec.key"
ask t-decode failure "$challenge" second CLIENT_KEY_FILE="$tmp/ec.key"
refused t-decode signer_key decode
told 'key type ec is not in key_types of profile device' \
    '^signer  *CN=second$' \
    '^>>> decode  *REFUSED  signer_key=ec bits=256 profile=device$'
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$tmp/kept.key" -subj /CN=kept \
    -days 9 -out "$tmp/kept.pem" 2>/dev/null
CLIENT_TXID=t-unwrap "$IT_CLIENT" enroll "$port" "$tmp/kept.pem" "$challenge" \
    second "$tmp/second" >"$tmp/out" 2>&1 || :
refused t-unwrap recipient unwrap
told '^what to do  *have the device fetch the certificates anew' \
    '^>>> unwrap  *REFUSED  enveloped_for_certificates=1$'
# Several decisions of one transactionID, the newest last.
ask t-wrong issued "$challenge" third
is "$(outcomes t-wrong)" 'refused issued' 'one transactionID'
is "$(json "j->0->>'reason' || ' ' || (j->0->>'what')")" \
    'challenge_wrong challengePassword is not accepted' 'the reason in JSON'
is "$(json "j->0->'transaction'")" null 'a refusal has no transaction'

# ---- what became of it

cp "$tmp/first.pem" "$tmp/old.pem"
cp "$tmp/first.key" "$tmp/old.key"
ask t-renewed issued '' first CLIENT_TYPE=17 CLIENT_OLD="$tmp/old" \
    CLIENT_SANS=DNS:first.example
why 0 "$(serial old)"
told "^superseded by  *$(serial first)\$" "^    20.*Z  issued $(serial first)\$" \
    '^    transaction_id t-renewed$' '^    transaction_id t-names$'
sql "INSERT INTO audit (at, endpoint, txid, outcome, reason, who, signer)
    SELECT at, endpoint, txid, outcome, reason, who, signer FROM audit,
    (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9)) WHERE txid = 't-names'"
why 0 "$(serial old)"
is "$(grep -c '^    transaction_id t-names$' "$tmp/out")" 9 'the last ones'
told '^    transaction_id t-renewed$' '^    (and 2 before)$'
why 0 "$(serial old)" --json
is "$(json "json_array_length(j->0->'certificate'->'signed') || ' ' ||
    (j->0->'certificate'->>'signed_more')")" '10 2' 'the last ones, in JSON'
sql "DELETE FROM audit WHERE txid = 't-names' AND trail IS NULL"
why 0 t-renewed
told "^renews  *$(serial old)\$" '^as a renewal$' \
    '^    renewal.names  *ok  subject=CN=first old_subject=CN=first '
! grep -q '^as an enrollment' "$tmp/out" || it_fail 'a renewal alone'
"$SCEPCTL" -c "$tmp/scepd.conf" revoke "$(serial old)" \
    --reason superseded >"$tmp/out"
why 0 t-issued
told '^revoked at  *20' '^revoked for  *superseded$'
# As of a version that kept no trail.
sql "DELETE FROM audit WHERE txid = 't-spent'"
why 0 t-spent
told "^20.*Z  issued $(serial printer-7); how it came to that was not kept\$" \
    '^endpoint  *scep$' '^state now  *issued$'
why 0 "$(serial printer-7)" --json
is "$(json "json_array_length(j) || ' ' || (j->0->>'trail' IS NULL)")" '1 1' \
    'without a trail'

# One that somebody damaged is told in its place, and the others are shown.
sql "UPDATE audit SET trail = '{' WHERE txid = 't-wrong' AND reason IS NOT NULL"
why 1 t-wrong
told '^20.*Z  refused: challengePassword is not accepted (challenge_wrong)$' \
    '^endpoint  *scep$' '^trail  *malformed in the store: ' \
    "^20.*Z  issued $(serial third)\$" '^    issue  *ok  issuer=local$'
grep -q 'of 2 decisions, 1 are malformed' "$tmp/err" ||
    it_fail 'malformed trails are not counted'
why 1 t-wrong --json
is "$(json "(j->0->>'trail_malformed') || ' ' || (j->0->>'trail' IS NULL) ||
    ' ' || (j->1->>'trail_malformed') || ' ' || (j->1->>'outcome')")" \
    '1 1 0 issued' 'a malformed trail in JSON'

# ---- by hand

serve 'approval = "manual";' ''
for name in fourth fifth; do
	openssl genrsa -out "$tmp/$name-key.key" 2048 2>/dev/null
done
ask t-hand pending "$challenge" fourth CLIENT_KEY_FILE="$tmp/fourth-key.key"
why 0 t-hand
id=$(sql "SELECT id FROM txn WHERE state = 'pending'")
told '^20.*Z  waits for an operator$' \
    "^state now  *waits: scepctl pending approve $id, or reject\$" \
    '^    reserve  *ok  profile=device waits=yes'
"$SCEPCTL" -c "$tmp/scepd.conf" pending approve "$id" >"$tmp/out"
why 0 t-hand
told "^20.*Z  approved by operator $(id -un)\$" \
    '^state now  *approved; issued when the device asks again$'
ask t-hand issued "$challenge" fourth CLIENT_KEY_FILE="$tmp/fourth-key.key"
is "$(outcomes t-hand)" 'pending approved issued' 'by hand'
is "$(outcomes "$(serial fourth)")" 'pending approved issued' 'by its serial'
why 0 t-hand
told '^    proof  *ok  .*approved=yes'
ask t-reject pending "$challenge" fifth CLIENT_KEY_FILE="$tmp/fifth-key.key"
"$SCEPCTL" -c "$tmp/scepd.conf" pending reject $((id + 1)) >"$tmp/out" ||
    it_fail reject
ask t-reject failure "$challenge" fifth \
    CLIENT_KEY_FILE="$tmp/fifth-key.key"
is "$(outcomes t-reject)" 'pending rejected' 'rejected'
why 0 t-reject
told "^20.*Z  rejected by operator $(id -un)\$" '^state now  *rejected$'

# ---- a validator, and an issuer that fails

printf '#!/bin/sh\ncat >/dev/null\necho "not in the inventory" >&2\nexit 40\n' \
    >"$tmp/validate"
chmod 700 "$tmp/validate"
serve 'validator = "script";' "validators = ( { name = \"script\";
    type = \"exec\"; command = [ \"$tmp/validate\" ]; } );"
ask t-validator failure "$challenge" sixth
refused t-validator validator_refused validator
told '^>>> validator *REFUSED  validator=script verdict=refuse' \
    'not in the inventory' '^validator  *script$'

# ---- an address that guesses

it_abuse='lock_after = 2; delay_max = 60; free = 1000;'
serve '' ''
for n in 1 2 3 4 5 6 7 8 9; do
	is_rationed=$(CLIENT_TXID=t-ration-$n "$IT_CLIENT" enroll "$port" \
	    "$tmp/ca/ra.pem" "$wrong" sixth "$tmp/sixth")
	[ "$is_rationed" = failure ] || break
done
is "$is_rationed" http 'a ration'
refused "t-ration-$n" rationed challenge
told 'REFUSED  challenge=unread rationed_for=[0-9]*s$' \
    '^what to do  *nothing: .* guesses at 127.0.0.1$'
it_stop
now=$(date +%s)
sql "INSERT INTO lockout VALUES ('127.0.0.1', $now, $((now + 600)), 5, 'scep')"
it_start
ask t-locked http "$challenge" sixth
refused t-locked locked unwrap
told 'lockout clear 127.0.0.1$' \
    '^>>> unwrap  *REFUSED  address=127.0.0.1 locked_for=[0-9]*s$'
sql 'DELETE FROM lockout'
it_abuse='lock_after = 0; delay_max = 0;'

# ---- as many refusals as are asked for; the last ones when it stops

serve '' 'audit: { refusals = 3; };'
is "$(sql 'SELECT count(*) FROM audit WHERE txn IS NULL AND signer IS NULL')" \
    3 'at the start'
is "$(sql "SELECT group_concat(txid, ' ') FROM (SELECT txid FROM audit
    WHERE txn IS NULL AND signer IS NOT NULL ORDER BY id)")" \
    't-names t-stopped t-mixed' 'those that certificates signed'
for n in 1 2 3 4 5; do
	ask "t-many-$n" failure "$wrong" seventh
done
it_stop
is "$(sql "SELECT group_concat(txid, ' ') FROM (SELECT txid FROM audit
    WHERE txn IS NULL AND signer IS NULL ORDER BY id)")" 't-many-3 t-many-4 t-many-5' 'the last'
known t-issued || it_fail 'what was issued is not kept'
serve '' 'audit: { refusals = 0; };'
ask t-none failure "$wrong" seventh
it_stop
is "$(sql 'SELECT count(*) FROM audit WHERE txn IS NULL')" 0 'none'

# ---- forgotten some time after the end; the ledger is not

is "$(sql "SELECT count(*) FROM audit WHERE txn IS NOT NULL AND (ends IS NULL OR
    outcome = 'issued' AND ends <> (SELECT not_after FROM issued WHERE
    issued.txn = audit.txn))")" 0 'ends that are not known'
rows=$(sql 'SELECT count(*) FROM audit')
forgets=$(sql "SELECT count(*) FROM audit WHERE txid = 't-hand'")
sql "UPDATE audit SET ends = $now - 86400 * 31 WHERE txid = 't-hand'"
forgotten() {
	[ "$(sql "SELECT count(*) FROM audit WHERE txid = 't-hand'")" -eq 0 ]
}
serve '' 'audit: { keep = "0"; refusals = 0; };'
it_stop
! forgotten || it_fail 'what is kept for good is forgotten'
serve '' 'audit: { keep = "30d"; refusals = 0; };'
it_until 10 forgotten || it_fail 'the end was long ago'
is "$(sql 'SELECT count(*) FROM audit')" $((rows - forgets)) 'what is left'
why 0 "$(serial fourth)"
told "^20.*Z  issued $(serial fourth); how it came to that was not kept\$"
it_stop

# ---- no secret anywhere

is "$(sql "SELECT count(*) FROM issued WHERE NOT EXISTS (SELECT 1 FROM audit
    WHERE audit.txn = issued.txn AND outcome = 'issued') AND txid NOT IN
    ('t-spent', 't-hand')")" 0 'certificates without a trail'
for secret in "$challenge" "$wrong" "$limited"; do
	! sql 'SELECT * FROM audit' | grep -q "$secret" ||
	    it_fail 'a challenge is in the audit trail'
	! grep -q "$secret" "$said" || it_fail 'a challenge is shown'
done
