#!/bin/sh
# Renewal from end to end: what an endpoint's settings allow, what the ledger and
# the log say of it, revocation of the old certificate, migration from another
# server.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"
# shellcheck source=tests/it/renew_lib.sh
. "${srcdir:-.}/tests/it/renew_lib.sh"

it_ca --key ec:p256

# ---- the defaults

serve ''
first a
is "$(sql 'SELECT supersedes IS NULL FROM issued')" 1 'nothing superseded'
renews a b
openssl x509 -in "$tmp/b.pem" -noout -ext subjectAltName |
    grep -q 'DNS:x.example$' || it_fail 'the names of a renewal'
# A device that lost the reply asks again, and so it may; with its new one, too.
renews a c
renews b d CLIENT_TYPE=19
renews d e CLIENT_KEY_FILE="$tmp/d.key"
# What a challenge vouches for is a renewal where it can be one.
secret=$challenge
renews e f CLIENT_TYPE=19
is "$(ask g CLIENT_TYPE=19 CLIENT_OLD="$tmp/f" CLIENT_SANS=DNS:y)" issued \
    'another name, with the challenge'
secret=
is "$(sql 'SELECT count(*) FROM issued WHERE supersedes IS NULL')" 2 \
    'first certificates'
"$SCEPCTL" list --db "$tmp/scepd.db" --json >"$tmp/out"
is "$(sqlite3 :memory: "SELECT count(*) FROM json_each(
    CAST(readfile('$tmp/out') AS TEXT)) WHERE value->>'supersedes' =
    '$(serial a)'")" 2 'list --json'
"$SCEPCTL" list --db "$tmp/scepd.db" --csv | tr -d '\r' >"$tmp/out"
grep -q ",\"$(serial d)\",\"\",\"$(serial f)\",\"superseded\"\$" "$tmp/out" ||
    it_fail "$(cat "$tmp/out")"
refused renewal_names a CLIENT_SANS=DNS:y
refused renewal_names a CLIENT_SANS=DNS:x.example,DNS:y
refused renewal_names a CLIENT_SUBJECT=/CN=other
grep 'reason=renewal_names ' "$tmp/scepd.log" | tail -n 1 |
    grep -q " signer_serial=0*$(serial a) " ||
    it_fail 'the log does not tell which certificate signed'
"$SCEPCTL" revoke "$(serial a)" --db "$tmp/scepd.db" >/dev/null
refused renewal_revoked a
refused renewal_signer a CLIENT_OLD="$tmp/ca/ra"
is "$(ask none)" failure 'a RenewalReq that its own key signs'

# ---- when

serve 'renew: { window = "30d"; };'
first a
refused renewal_early a
last_request | grep -q 'detail="it may be renewed from 20[0-9-]*T[0-9:]*Z on"' ||
    it_fail 'the log does not say from when it may be renewed'
refused renewal_early a CLIENT_TYPE=19
serve 'renew: { window = "1h"; window_share = 99; };'
first a
refused renewal_early a
it_profile='validity = "1h";'
serve 'renew: { window = "1h"; };'
first a
renews a b
it_profile=

# A share of its life does not count what lay before its issue.
it_profile='validity = "2h";'
serve 'renew: { window_share = 50; };'
first a
refused renewal_early a
it_profile=

# What was issued under a profile that is gone is no other's.
it_profile='}, { name = "guest"; validity = "1d";'
serve '}, { name = "guests"; ra_cert = "ca/ra.pem"; ra_key = "ca/ra.key";
    issuer = "local"; profile = "guest"; challenges = [ "test" ];'
secret=$challenge
is "$(ask a CLIENT_TYPE=19 CLIENT_PATH=/scep/guests)" issued 'a guest'
secret=
it_stop
it_profile=
it_endpoint=$(echo "$it_endpoint" | sed 's/"guest";/"device";/')
it_conf
it_start
refused renewal_profile a CLIENT_PATH=/scep/guests
last_request | grep -q 'guest, which it was issued under' ||
    it_fail 'the log does not name the profile'
refused renewal_profile a CLIENT_PATH=/scep/guests CLIENT_TYPE=19
secret=$challenge
is "$(ask b CLIENT_PATH=/scep/guests CLIENT_TYPE=19 CLIENT_OLD="$tmp/a")" \
    issued 'an enrollment instead'
secret=
renews b c CLIENT_PATH=/scep/guests

# Once, then never more.
serve 'renew: { superseded = 0; };'
first a
renews a b
refused renewal_superseded a
renews b c
serve 'renew: { allowed = false; };'
first a
refused renewal_off a
secret=$challenge
is "$(ask b CLIENT_TYPE=19 CLIENT_OLD="$tmp/a")" issued 'no renewal at all'
secret=

# ---- names, keys, challenges

serve 'renew: { names = "subset"; key = "new"; challenge = "required"; };'
secret=$challenge
is "$(ask a CLIENT_TYPE=19 CLIENT_SANS=DNS:x.example,DNS:y)" issued 'two names'
renews a b
refused renewal_names a CLIENT_SANS=DNS:x.example,DNS:z
refused renewal_key_old b CLIENT_KEY_FILE="$tmp/b.key"
secret=
refused challenge_missing b
secret=wrong
refused challenge_wrong b
secret=
# Required is a fresh one, whose use is spent.
once() { # a challenge for one use, in $secret
	secret=$("$SCEPCTL" -c "$tmp/scepd.conf" challenge add --once) ||
	    it_fail 'challenge add'
}
serve 'renew: { challenge = "required"; };'
once
is "$(ask a CLIENT_TYPE=19)" issued 'under a one-time challenge'
refused challenge_spent a
refused challenge_spent a CLIENT_TYPE=19
once
renews a b
last_request | grep -q ' challenge=' ||
    it_fail 'the log does not say which challenge a renewal spent'
"$SCEPCTL" show "$(serial b)" --db "$tmp/scepd.db" | grep -q \
    '^challenge  *[^ ]' || it_fail 'show does not say which challenge it spent'
refused challenge_spent b
secret=$challenge
renews b c
serve 'renew: { challenge = "optional"; };'
once
is "$(ask a CLIENT_TYPE=19)" issued 'under a one-time challenge'
renews a b
secret=
serve 'renew: { key = "same"; key_reuse = 2; challenge = "optional"; };'
first a
refused renewal_key_new a
secret=wrong
refused challenge_wrong a CLIENT_KEY_FILE="$tmp/a.key"
secret=
renews a b CLIENT_KEY_FILE="$tmp/a.key"
refused renewal_key_reuse b CLIENT_KEY_FILE="$tmp/b.key"

# ---- the old one is revoked in the same step

serve 'renew: { revoke_old = true; };'
first a
renews a b
is "$(sql "SELECT hex(serial) FROM issued WHERE revoke_reason = 4" |
    tr A-F a-f)" "$(serial a)" 'what is revoked as superseded'
"$SCEPCTL" show "$(serial a)" --db "$tmp/scepd.db" | grep -q \
    '^reason  *superseded$' || it_fail 'show does not say why it is revoked'
# listed: the CRL names it
listed() {
	"$IT_CLIENT" fetch "$port" /crl/local.crl 2>/dev/null | grep -q '^200' &&
	    curl -s "${url%/scep}/crl/local.crl" | openssl crl -inform DER \
	    -noout -text | grep -qi "Serial Number: $(serial a)"
}
it_until 20 listed || it_fail 'the CRL does not list the old one'
refused renewal_revoked a
renews b c

# ---- from another server

mkdir "$tmp/old"
(
	cd "$tmp/old"
	openssl req -x509 -newkey rsa:2048 -noenc -keyout root.key -out \
	    root.pem -subj /CN=OldRoot -days 30
	openssl req -newkey rsa:2048 -noenc -keyout ca.key -out ca.csr -subj \
	    /CN=Old
	printf 'basicConstraints=critical,CA:TRUE\n' >ca.ext
	openssl x509 -req -in ca.csr -CA root.pem -CAkey root.key -out \
	    issuing.pem -days 30 -extfile ca.ext
	cat issuing.pem root.pem >ca.pem
	printf 'subjectAltName=DNS:x.example\n' >dev.ext
	openssl req -newkey rsa:2048 -noenc -keyout dev.key -out dev.csr \
	    -subj /CN=device
	openssl x509 -req -in dev.csr -CA issuing.pem -CAkey ca.key -out \
	    dev.pem -set_serial 0xabc1 -days 20 -extfile dev.ext
) >"$tmp/old.log" 2>&1 || {
	cat "$tmp/old.log"
	it_fail 'the other server'
}
serve ''
refused renewal_signer old/dev
serve 'renew: { trusted = [ "old/ca.pem" ]; revoke_old = true;
    superseded = 0; };'
refused renewal_names old/dev CLIENT_SANS=DNS:y
is "$(ask a CLIENT_OLD="$tmp/old/dev")" issued 'a migration'
last_request | grep -q ' migrates="abc1 of CN=Old"' ||
    it_fail 'the log does not say what migrates'
"$SCEPCTL" show "$(serial a)" --db "$tmp/scepd.db" | grep -q \
    '^migrates  *abc1 of CN=Old$' || it_fail 'show does not say it'
openssl verify -CAfile "$tmp/ca/root.pem" -untrusted "$tmp/ca/issuing.pem" \
    "$tmp/a.pem" >/dev/null || it_fail 'chain'
refused renewal_superseded old/dev
refused renewal_signer old/ca CLIENT_OLD="$tmp/ca/ra"
renews a b
# What this server issued is judged by its ledger, though its CA be trusted.
serve '}, { name = "other"; ra_cert = "ca/ra.pem"; ra_key = "ca/ra.key";
    issuer = "local"; profile = "device"; challenges = [ "test" ];
    renew: { trusted = [ "ca/issuing.pem" ]; };'
first a
refused renewal_signer a CLIENT_PATH=/scep/other
renews a b
sql "PRAGMA foreign_keys = OFF; DELETE FROM issued"
is "$(ask c CLIENT_OLD="$tmp/a" CLIENT_PATH=/scep/other)" issued \
    'what it does not know is of another server'
refused renewal_authority ca/ra CLIENT_PATH=/scep/other \
    CLIENT_SUBJECT="/$(openssl x509 -in "$tmp/ca/ra.pem" -noout -subject \
    -nameopt multiline | sed -n 's/.*commonName *= /CN=/p')"
# What the CA before issued renews where that one is trusted, not another; so it
# is if the new one has its name.
for name in '' Behind; do
	serve ''
	first a
	it_stop
	mv "$tmp/ca" "$tmp/before"
	it_ca --key ec:p256 ${name:+--name "$name"}
	it_endpoint='renew: { trusted = [ "old/ca.pem" ]; };'
	it_conf
	it_start
	refused renewal_signer a
	it_stop
	it_endpoint='renew: { trusted = [ "before/issuing.pem",
	    "before/root.pem" ]; };'
	it_conf
	it_start
	renews a b
	"$SCEPCTL" revoke "$(serial a)" --db "$tmp/scepd.db" >/dev/null
	refused renewal_revoked a
	it_stop
	rm -r "$tmp/ca"
	mv "$tmp/before" "$tmp/ca"
	it_endpoint=
	it_conf
	it_start
done
# A file that is none, one without a CA, and one whose first is not below the
# others, are told at the start.
it_stop
cat "$tmp/ca/root.pem" "$tmp/ca/issuing.pem" >"$tmp/upside-down.pem"
cat "$tmp/ca/issuing.pem" "$tmp/old/issuing.pem" >"$tmp/two.pem"
for file in scepd.conf old/dev.pem upside-down.pem two.pem; do
	it_endpoint="renew: { trusted = [ \"$file\" ]; };"
	it_conf
	! "$SCEPD" -t -c "$tmp/scepd.conf" >"$tmp/out" 2>&1 ||
	    it_fail "$file passes for a CA"
	grep -q "scepd.conf:.*$file" "$tmp/out" || it_fail "$(cat "$tmp/out")"
done
