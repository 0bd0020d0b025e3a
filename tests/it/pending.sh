#!/bin/sh
# Manual approval end to end: a real client that polls, and an operator with
# scepctl beside the running scepd.
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"
# shellcheck source=tests/interop/lib.sh
. "${srcdir:-.}/tests/interop/lib.sh"

interop_need pki openssl sqlite3
pki --help 2>&1 | grep -q '^loaded plugins:.* curl' || {
	echo "skipped: pki without its curl plugin"
	exit 77
}

client=
it_end_more() {
	[ -z "$client" ] || kill "$client" 2>/dev/null || true
}

is() { # VALUE WANTED TEXT
	[ "$1" = "$2" ] || it_fail "$3: \"$1\", not \"$2\""
}

# ctl STATUS ARGUMENT...: scepctl pending ends so; its output is in $tmp/out
ctl() {
	ctl_want=$1 ctl_got=0
	shift
	"$SCEPCTL" -c "$tmp/scepd.conf" pending "$@" >"$tmp/out" \
	    2>"$tmp/err" || ctl_got=$?
	[ "$ctl_got" -eq "$ctl_want" ] || {
		cat "$tmp/err"
		it_fail "pending $*: exit $ctl_got, not $ctl_want"
	}
}

json() { # EXPRESSION over j, the JSON in out
	sqlite3 :memory: "WITH o AS (SELECT readfile('$tmp/out') AS j)
	    SELECT $1 FROM o"
}

# ask NAME INTERVAL: a client that polls so often, in the background
ask() {
	pki --gen --type rsa --size 2048 --outform pem >"$tmp/$1.key" \
	    2>/dev/null
	pki --scep --options "$tmp/options" --url "$url" --in "$tmp/$1.key" \
	    --dn "CN=$1" --san "$1.example" --cacert-enc "$tmp/ca/ra.pem" \
	    --cacert-sig "$tmp/ca/ra.pem" --cacert "$tmp/ca/root.pem" \
	    --cacert "$tmp/ca/issuing.pem" --outform pem --interval "$2" \
	    --maxpolltime 15 >"$tmp/$1.pem" 2>"$tmp/$1.log" &
	client=$!
}

waits() { # NAME: sets $id
	id=$(sqlite3 "$tmp/scepd.db" "SELECT coalesce(max(id), '') FROM txn
	    WHERE state = 'pending'")
	[ -n "$id" ] && grep -q "outcome=pending.*CN=$1" "$tmp/scepd.log"
}

must_wait() {
	it_until 10 waits "$1" || {
		cat "$tmp/$1.log"
		it_fail "$1 does not wait"
	}
}

# ended STATUS NAME: the client ends so
ended() {
	ended_got=0
	wait "$client" || ended_got=$?
	client=
	[ $((ended_got != 0)) -eq "$1" ] || {
		cat "$tmp/$2.log"
		it_fail "the client of $2 ended with $ended_got"
	}
}

printf -- '--password %s\n' "$challenge" >"$tmp/options"
it_ca --key ec:p256
it_global='transaction: { pending_max = 1; };'
it_endpoint='approval = "manual";'
it_conf
it_start
# The same port after a restart.
sed -i "s/127\.0\.0\.1:0/127.0.0.1:${port%%/*}/" "$tmp/scepd.conf"

ctl 0 list --json
is "$(json 'json_array_length(j)')" 0 'an empty queue'

# ---- approved, while the device polls ----

ask a 1
must_wait a
ctl 0 list
grep -q "^ *$id  .* pending .* CN=a dns:a.example\$" "$tmp/out" ||
    it_fail "list: $(cat "$tmp/out")"
ctl 0 list --json
is "$(json "j->0->>'id' || ' ' || (j->0->>'state')")" "$id pending" 'list'
ctl 0 show "$id" --json
is "$(json "j->>'subject'")" CN=a subject
is "$(json "j->>'sans'")" '["dns:a.example"]' sans
is "$(json "j->>'key_type' || (j->>'key_bits')")" rsa2048 key
is "$(json "j->>'challenge'")" test challenge
is "$(json "j->>'peer'")" 127.0.0.1 peer
is "$(json "j->>'endpoint'")" scep endpoint
is "$(json "j->>'csr_sha256'")" "$(sqlite3 "$tmp/scepd.db" \
    'SELECT lower(hex(csr_hash)) FROM txn')" csr_sha256
! grep -q "$challenge" "$tmp/out" || it_fail "show tells the challenge"
is "$(json "j->>'key_sha256'")" "$(openssl pkey -in "$tmp/a.key" -pubout \
    -outform DER | sha256sum | cut -d ' ' -f 1)" key_sha256
is "$(json "j->>'profile' || ' ' || (j->>'facts') || ' ' ||
    (j->>'validator' IS NULL) || ' ' || (j->>'renews_status' IS NULL)")" \
    'device {} 1 1' 'what there is not'
is "$(json "j->'granted'->>'subject' || ' ' || (j->'granted'->>'sans') || ' ' ||
    (j->'granted'->>'left_out' IS NULL)")" 'CN=a dns:a.example 1' granted
is "$(json "j->'trail'->'facts'->>'challenge' || ' ' ||
    (SELECT group_concat(value->>'step', ' ') FROM
    json_each(CAST(j->'trail'->'steps' AS TEXT)) WHERE value->>'step' IN
    ('signer', 'challenge', 'names', 'reserve'))")" \
    'test signer challenge reserve' 'the trail'
ctl 0 show "$id"
for line in '^key sha256  *[0-9a-f]\{64\}$' '^profile  *device$' \
    '^would certify  *CN=a$' '^with sans  *dns:a.example$' \
    '^left out  *none$' '^as an enrollment$' '^peer  *127.0.0.1$' \
    '^    challenge  *ok  challenge=matches name=test ' \
    '^    reserve  *ok  profile=device waits=yes'; do
	grep -q "$line" "$tmp/out" || it_fail "show: $line: $(cat "$tmp/out")"
done
! grep -q "$challenge" "$tmp/out" || it_fail "show tells the challenge"
grep -q '^subject  *CN=a$' "$tmp/out" || it_fail "show: $(cat "$tmp/out")"
is "$(interop_count)" 0 'certificates before the approval'
ctl 0 approve "$id"
is "$(cat "$tmp/out")" "approved $id" approve
ended 0 a
interop_issued "$tmp/a.pem" "$tmp/a.key" a.example
for verb in approve reject show; do
	ctl 1 $verb "$id"
	grep -q ": request does not wait for a decision: $id is issued$" \
	    "$tmp/err" || it_fail "$verb: $(cat "$tmp/err")"
	ctl 3 $verb 4711
	ctl 2 $verb x
	ctl 2 $verb
done

# ---- rejected ----

ask b 1
must_wait b
ctl 0 reject "$id"
ended 1 b
grep -q 'outcome=refused.*reason=rejected' "$tmp/scepd.log" ||
    it_fail "the log does not say that it was rejected"
ctl 1 approve "$id"

# ---- scepd restarts while a request waits; the queue is full meanwhile ----

ask c 5
must_wait c
kept=$client
ask d 1
ended 1 d
grep -q 'event=request.*reason=pending_full' "$tmp/scepd.log" ||
    it_fail "the queue has no end"
grep -q 503 "$tmp/d.log" || {
	cat "$tmp/d.log"
	it_fail "a full queue is not told by 503"
}
client=$kept
it_stop
ctl 0 approve "$id"
ctl 0 list --json
is "$(json "j->0->>'state'")" approved 'state at rest'
it_start
ended 0 c
interop_issued "$tmp/c.pem" "$tmp/c.key" c.example
is "$(interop_count)" 2 certificates

# ---- renewals that wait; one certificate is revoked meanwhile

# renew NAME: a RenewalReq with a new key, in the background
renew() {
	pki --gen --type rsa --size 2048 --outform pem >"$tmp/$1-new.key" \
	    2>/dev/null
	pki --scep --url "$url" --in "$tmp/$1-new.key" --dn "CN=$1" \
	    --san "$1.example" --key "$tmp/$1.key" --cert "$tmp/$1.pem" \
	    --cacert-enc "$tmp/ca/ra.pem" --cacert-sig "$tmp/ca/ra.pem" \
	    --cacert "$tmp/ca/root.pem" --cacert "$tmp/ca/issuing.pem" \
	    --outform pem --interval 1 --maxpolltime 15 \
	    >"$tmp/$1-new.pem" 2>"$tmp/$1.log" &
	client=$!
}

serial() { # NAME: as scepctl writes it
	openssl x509 -in "$tmp/$1.pem" -noout -serial | sed 's/^serial=//' |
	    tr A-F a-f
}

renew c
must_wait c
ctl 0 show "$id" --json
is "$(json "j->>'renews'")" "$(serial c)" 'serial number that is renewed'
is "$(json "j->>'renews_revoked_at' IS NULL")" 1 'nothing is revoked'
is "$(json "j->>'renews_status'")" valid 'what it renews'
is "$(json "j->>'challenge' IS NULL")" 1 'no challenge'
ctl 0 approve "$id"
ended 0 c
interop_issued "$tmp/c-new.pem" "$tmp/c-new.key" c.example

renew a
must_wait a
"$SCEPCTL" revoke "$(serial a)" --db "$tmp/scepd.db" >/dev/null ||
    it_fail 'revoke'
ctl 0 show "$id" --json
is "$(json "j->>'renews_revoked_at' IS NULL")" 0 'it is revoked'
ctl 0 show "$id"
grep -q "^renews  *$(serial a)\$" "$tmp/out" ||
    it_fail "show: $(cat "$tmp/out")"
grep -q '^renews status  *revoked$' "$tmp/out" ||
    it_fail "show: $(cat "$tmp/out")"
grep -q '^renews revoked 20' "$tmp/out" || it_fail "show: $(cat "$tmp/out")"
grep -q '^renews until  *20' "$tmp/out" || it_fail "show: $(cat "$tmp/out")"
! grep -q '^superseded' "$tmp/out" || it_fail "show: $(cat "$tmp/out")"
ctl 0 list
grep -q "^ *$id  .* pending!  *scep " "$tmp/out" ||
    it_fail "list: $(cat "$tmp/out")"
ctl 0 approve "$id"
ended 1 a
grep -q 'reason=renewal_revoked detail="the certificate that signs was revoked' \
    "$tmp/scepd.log" || it_fail 'the log does not say that it is revoked'
is "$(interop_count)" 3 certificates
ctl 1 approve "$id"

# ---- challenges that are taken out of use meanwhile

add() { # a challenge of the store; sets $name
	"$SCEPCTL" -c "$tmp/scepd.conf" challenge add --once --name "$1" \
	    >"$tmp/secret" 2>/dev/null || it_fail 'challenge add'
	name=$1
	printf -- '--password %s\n' "$(cat "$tmp/secret")" >"$tmp/options"
}

gone() { # list, show and their JSON say so
	ctl 0 list "$@"
	grep -q "^ *$id  .* pending!  *scep " "$tmp/out" ||
	    it_fail "list: $(cat "$tmp/out")"
	ctl 0 show "$id" "$@"
	grep -q '^challenge is  *disabled or removed$' "$tmp/out" ||
	    it_fail "show: $(cat "$tmp/out")"
	ctl 0 show "$id" --json "$@"
	is "$(json "j->>'challenge_gone'")" 1 'the challenge is gone'
}

# Approved by somebody who sees it.
add known
ask e 1
must_wait e
ctl 0 list
grep -q "^ *$id  .* pending  *scep " "$tmp/out" ||
    it_fail "list: $(cat "$tmp/out")"
ctl 0 show "$id" --json
is "$(json "j->>'challenge_gone'")" 0 'the challenge is there'
"$SCEPCTL" -c "$tmp/scepd.conf" challenge disable known >/dev/null
gone
gone --db "$tmp/scepd.db"
ctl 0 approve "$id" --db "$tmp/scepd.db"
is "$(cat "$tmp/out")" "approved $id" approve
grep -q 'disabled or removed; approved all the same' "$tmp/err" ||
    it_fail "approve: $(cat "$tmp/err")"
ended 0 e
interop_issued "$tmp/e.pem" "$tmp/e.key" e.example

# Approved before: what an operator approves does not wait until his eyes are
# open. The device asks again after the challenge is disabled only.
add leaked
ask f 5
must_wait f
ctl 0 approve "$id"
! [ -s "$tmp/err" ] || it_fail "approve: $(cat "$tmp/err")"
"$SCEPCTL" -c "$tmp/scepd.conf" challenge disable leaked >/dev/null
ended 1 f
grep -q 'outcome=refused step=claim reason=challenge_disabled .*challenge=leaked' \
    "$tmp/scepd.log" || it_fail 'the log does not say that it is disabled'

# Of the configuration.
printf -- '--password %s\n' "$challenge" >"$tmp/options"
ask g 1
must_wait g
cp "$tmp/scepd.conf" "$tmp/before.conf"
sed -i 's/challenges = \[ "test" \];//' "$tmp/scepd.conf"
kill -HUP "$pid"
gone
ctl 0 approve "$id"
grep -q 'approved all the same' "$tmp/err" || it_fail 'approve says nothing'
ended 0 g
interop_issued "$tmp/g.pem" "$tmp/g.key" g.example
is "$(interop_count)" 5 certificates
cp "$tmp/before.conf" "$tmp/scepd.conf"
kill -HUP "$pid"

# ---- what facts make of it, what the profile leaves out, who held it

it_stop
cat >"$tmp/validate" <<-END
	#!/bin/sh
	cat >/dev/null
	echo '{ "facts": { "user": "alice" } }'
	echo 'no such device in the inventory' >&2
	exit 41
END
chmod 700 "$tmp/validate"
it_global="validators = ( { name = \"script\"; type = \"exec\";
    command = [ \"$tmp/validate\" ]; } );"
it_endpoint='validator = "script";'
it_profile='subject = "/O={challenge.site}/CN={validator.user}";
    san = [ "dns" ];'
it_conf
sed -i 's|{ name = "test";|& facts = [ "site=Example" ];|' "$tmp/scepd.conf"
it_start
is "$(CLIENT_SANS=DNS:h.example,email:h@h.example "$IT_CLIENT" enroll "$port" \
    "$tmp/ca/ra.pem" "$challenge" h "$tmp/h")" pending 'what is held'
must_wait h
ctl 0 show "$id"
for line in '^subject  *CN=h$' '^sans  *dns:h.example email:h@h.example$' \
    '^validator  *script$' '^fact  *challenge.site=Example$' \
    '^fact  *validator.user=alice$' '^would certify  *CN=alice,O=Example$' \
    '^with sans  *dns:h.example$' '^left out  *.*email' \
    '^    validator  *ok .* verdict=hold .*says="no such device in the inv'; do
	grep -q "$line" "$tmp/out" || it_fail "show: $line: $(cat "$tmp/out")"
done
ctl 0 show "$id" --json
is "$(json "j->>'validator' || ' ' || (j->>'\$.facts.\"challenge.site\"') ||
    ' ' || (j->>'\$.facts.\"validator.user\"')")" 'script Example alice' \
    'facts in JSON'
is "$(json "j->'granted'->>'subject' || ' ' || (j->'granted'->>'sans')")" \
    'CN=alice,O=Example dns:h.example' 'granted in JSON'
is "$(json "j->'granted'->>'left_out' LIKE '%email%'")" 1 'left out in JSON'
# As of a version that kept no trail.
sqlite3 -cmd '.timeout 10000' "$tmp/scepd.db" \
    "UPDATE audit SET trail = NULL WHERE txn = $id"
ctl 0 show "$id" --json
is "$(json "(j->>'granted' IS NULL) || ' ' || (j->>'trail' IS NULL)")" '1 1' \
    'without a trail'
ctl 0 show "$id"
! grep -q '^would certify' "$tmp/out" || it_fail 'what nobody knows is shown'
ctl 0 reject "$id"

ctl 0 list --json
is "$(json 'json_array_length(j)')" 0 'the queue at the end'
it_stop
