#!/bin/sh
# scepctl(1), all but its CA: hashes are judged by the openssl command, the
# store that it reads is filled by the sqlite3 command.
#
# Functions are called by check; programs in quotes are another shell's.
# shellcheck disable=SC2317,SC2016,SC2154

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/it/scepctl_lib.sh
. "$here/scepctl_lib.sh"
: "${SCHEMA:=$here/../../sql/001_init.sql}"

expect 0 'ca init for what follows' ca init --dir defaults --key ec:p256

# ---- challenge hash ----

# Base64 without padding as hex.
unbase64() {
	case $((${#1} % 4)) in
	2) pad='==' ;;
	3) pad='=' ;;
	*) pad= ;;
	esac
	printf '%s%s' "$1" "$pad" | openssl base64 -d -A | od -An -tx1 |
	    tr -d ' \n'
}

# The same hash, by the openssl command.
hash_is() { # SECRET HASH
	salt=$(unbase64 "$(echo "$2" | cut -d'$' -f4)")
	is "$(openssl kdf -keylen 32 -kdfopt "pass:$1" \
	    -kdfopt "hexsalt:$salt" -kdfopt n:16384 -kdfopt r:8 \
	    -kdfopt p:1 SCRYPT | tr -d ':\n' | tr A-F a-f)" \
	    "$(unbase64 "$(echo "$2" | cut -d'$' -f5)")"
}

hash_of() { # stdin: the secret
	"$SCEPCTL" challenge hash >out 2>err
	sed -n 's/^hash = "\(.*\)";$/\1/p' out
}

first=$(printf 'Sesame 12 Sesame\n' | hash_of)
check 'challenge hash' hash_is 'Sesame 12 Sesame' "$first"
check '  is all it prints' test "$(wc -l <out)" -eq 1 -a ! -s err
second=$(printf 'Sesame 12 Sesame' | hash_of)
check '  without a newline' hash_is 'Sesame 12 Sesame' "$second"
check '  with another salt' test "$first" != "$second"
third=$(printf 'S\303\266sam\n' | hash_of)
check '  UTF-8' hash_is "$(printf 'S\303\266sam')" "$third"
expect 0 'challenge hash --generate --json' challenge hash --generate --json
secret=$(sed -n 's/.*"secret": "\(.*\)",*/\1/p' out)
check '  128 bits in upper-case hex' is \
    "$(echo "$secret" | tr -d 0-9A-F | wc -c):${#secret}" 1:32
check '  its hash' hash_is "$secret" \
    "$(sed -n 's/.*"hash": "\(.*\)".*/\1/p' out)"
expect 0 'challenge hash --generate' challenge hash --generate
check '  its hash' hash_is "$(sed -n 's/^secret: //p' out)" \
    "$(sed -n 's/^hash = "\(.*\)";$/\1/p' out)"
for bad_secret in '' '\n' 'a\nb\n' 'a\r\n' 'a\033b\n' '\377\n'; do
	printf '%b' "$bad_secret" >in
	check "challenge hash refuses '$bad_secret'" sh -c \
	    '"$1" challenge hash <in >out 2>err; [ $? -eq 1 ] &&
	    [ ! -s out ] && [ "$(wc -l <err)" -eq 1 ]' - "$SCEPCTL"
done
check 'challenge hash refuses 8193 bytes' sh -c \
    'printf %08193d 0 | "$1" challenge hash >out 2>err; [ $? -eq 1 ]' \
    - "$SCEPCTL"
check 'challenge hash takes 8192 bytes' sh -c \
    'printf "%08192d\n" 0 | "$1" challenge hash' - "$SCEPCTL"
# script(1) gives it a terminal.
if command -v script >/dev/null 2>&1; then
	typed() { # LINES
		{ sleep 1; printf '%b' "$1"; sleep 1; } |
		    script -qec "$SCEPCTL challenge hash" /dev/null |
		    tr -d '\r' >out
	}
	typed 'Open Sesame\nOpen Sesame\n'
	check 'challenge hash from a terminal' hash_is 'Open Sesame' \
	    "$(sed -n 's/^hash = "\(.*\)";$/\1/p' out)"
	check '  asks twice' is "$(grep -c 'Secret:\|Again:' out)" 2
	check '  without echo' sh -c '! grep -q Sesame out'
	typed 'Open Sesame\nOpen Sesam\n'
	check '  two that differ' grep -q 'differ' out
fi

# ---- list and show ----

now=$(date +%s)
der=$(openssl x509 -in defaults/ra.pem -outform DER | od -An -tx1 -v |
    tr -d ' \n')
zero=$(printf '%064d' 0)
{
	cat "$SCHEMA"
	# What marks a store of ours: "scep", and the migration's number.
	echo 'PRAGMA application_id = 0x73636570;'
	echo 'PRAGMA user_version = 1;'
} >schema.sql
id=0
# row SERIAL-HEX SUBJECT-SQL SANS-SQL NOT-AFTER ENDPOINT
row() {
	id=$((id + 1))
	cat <<-END
	INSERT INTO txn (id, endpoint, txid, msg_hash, signer_hash, csr_hash,
	    serial, peer, state, created, finished)
	    VALUES ($id, '$5', 't$id', x'$zero', x'$zero', x'$zero', x'$1',
	    '192.0.2.1', 'issued', $now, $now);
	INSERT INTO issued (txn, serial, issuer_hash, key_hash, subject, sans,
	    endpoint, profile, issuer, txid, challenge, peer, not_before,
	    not_after, issued_at, der)
	    VALUES ($id, x'$1', x'$zero', x'$(printf '%064d' $id)', $2, $3, '$5',
	    'device', 'local', 't$id', NULL, '192.0.2.1', $now, $4, $now,
	    x'$der');
	END
}
{
	cat schema.sql
	echo 'PRAGMA journal_mode = WAL;'
	row 4a0b "'CN=later'" "'dns:a.example'||char(10)||'dns:b.example'" \
	    $((now + 90 * 86400)) scep
	row 00ff01 "'CN=sooner,O=\"Q\"'" "''" $((now + 86400)) other
	row 05 "'=cmd|''/c calc''!A1'" "''" $((now - 86400)) scep
	row 06 "'CN=x'||char(10)||char(27)||'[2J'||char(8238)" "''" \
	    $((now + 40 * 86400)) scep
	row 7f00000000000000000000000000000a "'CN=long'" "''" \
	    $((now + 20 * 86400)) scep
} >fill.sql
check 'a store made by sqlite3' sqlite3 -bail store.db ".read fill.sql"
chmod 600 store.db

serials() {
	sqlite3 -separator ' ' -newline ' ' :memory: \
	    "SELECT value->>'serial' FROM json_each(readfile('out'));"
}

# Value of a column, or of a JSON expression, for the row with that serial.
of() { # SERIAL EXPRESSION
	sqlite3 :memory: "SELECT $2 FROM json_each(readfile('out'))
	    WHERE value->>'serial' = '$1';"
}

expect 0 'list' list --db store.db
check '  header and rows' is "$(wc -l <out)" 6
check '  soonest expiry first' is "$(sed 's/ .*//' out | tr '\n' ' ')" \
    'SERIAL 05 ff01 7f00000000000000000000000000000a 06 4a0b '
check '  columns' is "$(sed -n 's/^\([^ ]*  *\)20..-..-..T.*/\1/p' out |
    awk '{ print length }' | sort -u)" 42
check '  no control bytes' is "$(tr -d '\n\040-\176' <out)" ''
check '  they are shown' grep -qF 'CN=x\u{a}\u{1b}[2J\u{202e}' out
expect 0 'list --json' list --db store.db --json
check '  rows' is "$(serials)" \
    '05 ff01 7f00000000000000000000000000000a 06 4a0b '
check '  names' is "$(of 4a0b "value->'sans'")" \
    '["dns:a.example","dns:b.example"]'
check '  no names, no challenge' is \
    "$(of 05 "value->'sans', value->'challenge'")" '[]|null'
check '  odd subject' is "$(of 06 "value->>'subject' =
    'CN=x'||char(10)||char(27)||'[2J'||char(8238)")" 1
check '  status' is "$(of 05 "value->>'status'") $(of ff01 \
    "value->>'status'")" 'expired valid'
check '  time' is "$(of ff01 "value->>'not_after' =
    strftime('%Y-%m-%dT%H:%M:%SZ', $now + 86400, 'unixepoch')")" 1
expect 0 'list --expiring 30d' list --db store.db --json --expiring 30d
check '  rows' is "$(serials)" 'ff01 7f00000000000000000000000000000a '
expect 0 'list --endpoint' list --db store.db --json --endpoint other
check '  rows' is "$(serials)" 'ff01 '
expect 0 'list --limit' list --db store.db --json --limit 2
check '  rows' is "$(serials)" '05 ff01 '
expect 0 'list, none' list --db store.db --json --endpoint none
check '  rows' is "$(tr -d '\n' <out)" '[]'
check '  says so' grep -q 'no endpoint is named "none"' err
expect 0 'list, no such challenge' list --db store.db --challenge typo
check '  says so' grep -q 'challenge "typo".*challenge list' err
expect 0 'list, none now' list --db store.db --endpoint scep --expiring 1h
check '  says nothing' test ! -s err
expect 0 'list --csv' list --db store.db --csv
check '  lines end in CR LF' is "$(grep -c "$(printf '\r')\$" out):$(
    tr -cd '\r\n' <out | wc -c)" 6:12
check '  no control bytes' is "$(tr -d '\r\n\040-\176' <out)" ''
cell() { # SERIAL COLUMN, as another reader of CSV has it
	sqlite3 :memory: '.import --csv out t' \
	    "SELECT $2 FROM t WHERE serial = '$1';"
}
check '  no formula' is "$(cell 05 subject)" "'=cmd|'/c calc'!A1"
check '  quotes' is "$(cell ff01 subject)" 'CN=sooner,O="Q"'
check '  names' is "$(cell 4a0b sans)" 'dns:a.example dns:b.example'
check '  odd subject' is "$(cell 06 subject)" 'CN=x\u{a}\u{1b}[2J\u{202e}'
check '  a column' is "$(cell 05 peer)" 192.0.2.1
check '  a reason' is "$(cell 05 revoke_reason)" ''
check '  its state' is "$(cell 05 "CAST(substr(status, 1, 7) AS TEXT)")" expired
for n in x 30x -1d ''; do
	refuse 2 'not a time' "list --expiring '$n'" \
	    list --db store.db "--expiring=$n"
done
refuse 2 '30d for days' 'list --expiring, no unit' \
    list --db store.db --expiring 30
refuse 2 'not a number' 'list --limit 0' list --db store.db --limit 0
refuse 2 'exclude' 'list, two formats' list --db store.db --json --csv
refuse 1 'nothing.db: no such file; correct --db' 'list, no store' \
    list --db nothing.db
refuse 1 'nothing.conf: no such file; name the configuration with -c' \
    'list, no configuration' -c nothing.conf list
if [ "$(id -u)" -ne 0 ]; then
	cp store.db sealed.db
	chmod 0 sealed.db
	refuse 1 "as root or as scepd's user" 'list, not allowed' \
	    list --db sealed.db
fi
check 'list fails when its output is lost' sh -c \
    '"$1" list --db store.db >/dev/full; [ $? -eq 1 ]' - "$SCEPCTL"

for serial in ff01 FF01 ff:01 00:FF:01 0000ff01 '0:f:f:0:1' 0xff01 0X0FF01; do
	expect 0 "show $serial" show $serial --db store.db
	check '  subject' grep -q '^subject  *CN=sooner,O="Q"$' out
done
expect 0 'show 5' show 5 --db store.db
check '  subject' grep -q "^subject  *=cmd" out
check '  fingerprint' grep -qw "$(fingerprint defaults/ra.pem sha256)" out
expect 0 'show 06' show --db store.db 06
check '  escaped' grep -qF 'CN=x\u{a}\u{1b}[2J\u{202e}' out
expect 0 'show --pem' show --db store.db 4a0b --pem
check '  the certificate' is "$(openssl x509 -in out)" \
    "$(openssl x509 -in defaults/ra.pem)"
expect 0 'show --json' show --db store.db 4a0b --json
check '  values' is "$(json "j->>'serial', j->>'subject',
    j->>'sha256'")" "4a0b|CN=later|$(fingerprint defaults/ra.pem sha256)"
json "j->>'pem'" >pem
check '  the certificate' is "$(openssl x509 -in pem)" \
    "$(openssl x509 -in defaults/ra.pem)"
refuse 3 '^scepctl show: no certificate has the serial number 1234$' \
    'show, not there' show 1234 --db store.db
refuse 3 'no certificate' 'show 0' show 0 --db store.db
for serial in xyz '' : 12g 0x 0x0x12 "$(printf '%0130d' 1 | tr 0 1)"; do
	refuse 2 'not a serial number' "show '$serial'" \
	    show --db store.db "$serial"
done
refuse 2 'SERIAL is missing' 'show without serial' show --db store.db
refuse 2 'unexpected' 'show, two serials' show --db store.db 1 2
refuse 2 'exclude' 'show, two formats' show --db store.db 5 --pem --json

# ---- revoke ----

expect 0 'revoke' revoke 4A:0b --db store.db --reason keyCompromise
check '  says so' is "$(cat out)" 'revoked 4a0b (keyCompromise)'
check '  leaves one file' is "$(echo store.db*)" store.db
expect 0 'show what is revoked' show 4a0b --db store.db --json
check '  when and why' is "$(json "j->>'revoke_reason',
    abs(strftime('%s', j->>'revoked_at') - $now) < 600")" 'keyCompromise|1'
expect 0 'show it as text' show 4a0b --db store.db
check '  why' grep -q '^reason  *keyCompromise$' out
refuse 1 'revoked already: 4a0b$' 'revoke twice' revoke 4a0b --db store.db
refuse 1 'not on hold: 4a0b$' 'release what is revoked' \
    revoke 4a0b --db store.db --reason removeFromCRL
refuse 1 'not on hold' 'release what is valid' \
    revoke 05 --db store.db --reason removeFromCRL
expect 0 'revoke --json' revoke 06 --db store.db --json
check '  the certificate' is "$(json "j->>'serial', j->>'revoke_reason'")" \
    '06|unspecified'
expect 0 'put on hold' revoke 05 --db store.db --reason certificateHold
expect 0 'list --revoked' list --db store.db --json --revoked
check '  rows' is "$(serials)" '05 06 4a0b '
expect 0 'list tells it' list --db store.db
check '  each status' is "$(sed 's/  */ /g' out | cut -d' ' -f1,3 | tr '\n' ' ')" \
    'SERIAL AFTER 05 hold ff01 valid 7f00000000000000000000000000000a valid 06 revoked 4a0b revoked '
refuse 1 'revoked already' 'hold twice' \
    revoke 05 --db store.db --reason certificateHold
expect 0 'release' revoke 05 --db store.db --reason removeFromCRL
check '  says so' is "$(cat out)" 'released 05'
expect 0 'hold again' revoke 05 --db store.db --reason certificateHold
expect 0 'revoke what is on hold' revoke 05 --db store.db --reason superseded
refuse 1 'not on hold' 'which is for good' \
    revoke 05 --db store.db --reason removeFromCRL
check 'changes are counted' is "$(sqlite3 store.db \
    'SELECT changes FROM revocation')" 6
refuse 3 'no certificate' 'revoke, not there' revoke 1234 --db store.db
refuse 3 'of issuer "none"' 'revoke, another issuer' \
    revoke ff01 --db store.db --issuer none
refuse 2 'not a serial number' 'revoke xyz' revoke xyz --db store.db
for n in '' KeyCompromise 1 ' '; do
	refuse 2 'none of RFC 5280' "revoke --reason '$n'" \
	    revoke ff01 --db store.db "--reason=$n"
done
refuse 1 'nothing.db' 'revoke, no store' revoke 05 --db nothing.db
sqlite3 store.db "INSERT INTO txn (id, endpoint, txid, msg_hash,
    signer_hash, csr_hash, serial, peer, state, created, finished)
    SELECT 99, endpoint, 't99', msg_hash, signer_hash, csr_hash, x'99', peer,
    state, created, finished FROM txn WHERE id = 2;
    INSERT INTO issued (txn, serial, issuer_hash, key_hash, subject, sans,
    endpoint, profile, issuer, txid, peer, not_before, not_after, issued_at,
    der) SELECT 99, serial, x'$(printf '%064d' 1)', key_hash, subject, sans,
    endpoint, profile, 'second', 't99', peer, not_before, not_after,
    issued_at, der FROM issued WHERE txn = 2;"
# Others of the same device: a line of renewals 21 <- 22 <- 23, a migration with
# 22's key and one beside it, another's with 23's subject, one that has expired.
kin() { # SERIAL-HEX SUPERSEDES MIGRATES KEY SUBJECT NOT-AFTER
	row "$1" "'$5'" "''" $((now + $6)) scep
	echo "UPDATE issued SET supersedes = $2, migrates = $3,
	    key_hash = x'$(printf '%064d' "$4")' WHERE txn = $id;"
}
{
	id=200
	kin 21 NULL NULL 2001 CN=kin 3000
	kin 22 '(SELECT id FROM issued WHERE txn = 201)' NULL 2002 CN=KIN 3001
	kin 23 '(SELECT id FROM issued WHERE txn = 202)' NULL 2003 CN=other 3002
	kin 24 NULL "'m'" 2002 CN=more 3003
	kin 25 NULL "'m'" 2004 CN=most 3004
	kin 26 NULL NULL 2005 CN=OTHER 3005
	kin 27 NULL NULL 2003 CN=other -1
	kin 28 NULL NULL 2006 CN=stranger 3006
} >kin.sql
check 'relatives' sqlite3 -bail store.db '.read kin.sql'
expect 0 'list them' list --db store.db --expiring 1h
check '  each status' is "$(sed 's/  */ /g' out | cut -d' ' -f1,3 | tr '\n' ' ')" \
    'SERIAL AFTER 21 superseded 22 superseded 23 valid 24 valid 25 valid 26 valid 28 valid '
expect 0 'list --superseded' list --db store.db --superseded --json
check '  rows' is "$(serials)" '21 22 '
check '  by which' is "$(of 21 "value->>'superseded_by'")" 22
refuse 2 'exclude' 'list --superseded --revoked' \
    list --db store.db --superseded --revoked
expect 0 'show what is superseded' show 22 --db store.db
check '  by which' grep -q '^superseded by  *23$' out
check '  and what it supersedes' grep -q '^supersedes  *21$' out
refuse 2 'not one of' 'revoke --also me' revoke 22 --db store.db --also me
expect 0 'revoke, and be told' revoke 22 --db store.db --reason keyCompromise
check '  what stays' is "$(cat out)" 'revoked 22 (keyCompromise)
still valid: 21 (same chain, subject) CN=kin
still valid: 23 (same chain) CN=other
still valid: 24 (same key) CN=more'
check '  and how to take it' grep -q '3 of the same .*--also' err
expect 0 'put it on hold with its chain, though it is revoked' \
    revoke 22 --db store.db --reason certificateHold --also chain --json
check '  what is done' is "$(json "j->>'serial', j->>'revoke_reason',
    j->>'\$.also[0].serial', j->>'\$.also[0].same',
    j->>'\$.also[1].serial', json_array_length(j, '\$.also'),
    j->>'\$.left[0].serial', json_array_length(j, '\$.left')")" \
    '22|keyCompromise|21|["chain","subject"]|23|2|24|1'
expect 0 'again, with nothing left' \
    revoke 22 --db store.db --reason certificateHold --also chain
check '  says so' is "$(cat out)" 'revoked already: 22 (keyCompromise)
still valid: 24 (same key) CN=more'
refuse 1 'revoked already: 22$' 'again, alone' \
    revoke 22 --db store.db --reason certificateHold
expect 0 'release one' revoke 23 --db store.db --reason removeFromCRL
check '  the other stays on hold' is "$(cat out)" 'released 23
still on hold: 21 (same chain) CN=kin'
expect 0 'hold it again' revoke 23 --db store.db --reason certificateHold
expect 0 'for good, with all that is on hold or valid' revoke 23 \
    --db store.db --reason cessationOfOperation --also chain --also subject
check '  says so' is "$(cat out)" 'revoked 23 (cessationOfOperation)
revoked 21 (cessationOfOperation)
revoked 26 (cessationOfOperation)'
check '  nothing is left to tell' test ! -s err
expect 0 'a migration' revoke 25 --db store.db --also chain
check '  the other of it' is "$(cat out)" 'revoked 25 (unspecified)
revoked 24 (unspecified)'
expect 0 'what has expired' revoke 27 --db store.db --also key
check '  nobody else has the key' is "$(sqlite3 store.db "SELECT count(*)
    FROM issued WHERE txn > 200 AND revoked_at IS NULL")" 1
refuse 1 'choose one with --issuer' 'revoke, one of two' \
    revoke ff01 --db store.db
expect 0 'revoke that of one issuer' \
    revoke ff01 --db store.db --issuer second --json
check '  the other one is valid' is "$(sqlite3 store.db "SELECT issuer
    FROM issued WHERE serial = x'00ff01' AND revoked_at IS NULL")" local
if [ "$(id -u)" -eq 0 ]; then
	mkdir -m 755 owned
	cp store.db owned/store.db
	chown -R 65534:65534 owned
	chmod 600 owned/store.db
	chmod 755 . owned
	expect 0 'revoke as root' revoke 7f00000000000000000000000000000a \
	    --db owned/store.db
	check '  the owner is the same' is "$(stat -c '%u %a' owned/store.db)" \
	    '65534 600'
	cp "$SCEPCTL" scepctl
	check 'revoke as another user is refused' sh -c \
	    'setpriv --reuid 65533 --clear-groups ./scepctl revoke ff01 \
	    --db owned/store.db 2>err; [ $? -eq 1 ] &&
	    grep -q "run this as root or as scepd" err'
fi

cat >scepd.conf <<END
store: { path = "store.db"; };
endpoints = ( { name = "scep"; issuer = "local"; profile = "device";
    challenges = [ "test" ]; ra_cert = "defaults/ra.pem";
    ra_key = "defaults/ra.key"; }, { name = "quiet"; issuer = "local";
    profile = "device"; challenges = [ "test" ]; paths = [ "/quiet" ];
    ra_cert = "defaults/ra.pem"; ra_key = "defaults/ra.key"; } );
issuers = ( { name = "local"; cert = "defaults/issuing.pem";
    key = "defaults/issuing.key"; chain = "defaults/chain.pem"; } );
profiles = ( { name = "device"; } );
challenges = ( { name = "test"; hash = "$first"; } );
END
expect 0 'list with the configuration' -c scepd.conf list --json
check '  rows' is "$(serials | wc -w)" 14
expect 0 'list, an endpoint of the configuration alone' -c scepd.conf list \
    --endpoint quiet
check '  says nothing' test ! -s err
expect 0 'list, an endpoint of neither' -c scepd.conf list --endpoint none
check '  says so' grep -q 'no endpoint is named "none"' err
rm store.db
refuse 1 'correct store.path' 'list, the store is gone' -c scepd.conf list
sqlite3 -bail store.db '.read fill.sql' >/dev/null
expect 0 'show with the configuration behind' show 4a0b -c scepd.conf
check '  subject' grep -q 'CN=later' out

# ---- usage ----

for words in '' ca challenge 'ca init' 'ca import' 'challenge hash' \
    'challenge add' 'challenge list' 'challenge show' 'challenge remove' list \
    revoke show; do
	# shellcheck disable=SC2086
	expect 0 "$words --help" $words --help
	check '  on stdout' test -s out -a ! -s err
	check '  a usage line' grep -q "^usage: scepctl.*$words" out
	mv out long
	# shellcheck disable=SC2086
	expect 0 "$words -h" $words -h
	check '  is the same' cmp out long
	rm long
done
for option in --version -V; do
	expect 0 "$option" $option
	check '  a version' grep -q '^scepctl [0-9]' out
done
refuse 2 'command is missing' 'no command'
refuse 2 'unknown command' 'unknown command' frobnicate
refuse 2 'incomplete' 'noun alone' ca
refuse 2 'unknown command ca frobnicate;' 'unknown verb' ca frobnicate
refuse 2 'unknown option' 'unknown global option' --frobnicate
refuse 2 'missing' 'global option without value' -c
refuse 2 'unknown option' 'unknown option' list --frobnicate
refuse 2 'unknown option' 'unknown short option' list -x
refuse 2 'needs a value' 'option without value' list --db
refuse 2 'takes no value' 'flag with value' list --json=yes
refuse 2 'unexpected' 'operand too many' list more
refuse 2 'unknown option' '-c where it has no use' ca init -c x
refuse 1 'nothing.conf: no such file' '-c behind the noun' \
    lockout -c nothing.conf list
refuse 2 'unknown command lockout -c' '-c without its file' lockout -c

exit "$bad"
