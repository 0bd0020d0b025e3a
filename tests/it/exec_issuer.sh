#!/bin/sh
# An issuer of type exec: a script around openssl ca. What it issues is proven
# and recorded; what it refuses, botches or never ends is told to the client
# and leaves no certificate behind.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"

rows() {
	sqlite3 "$tmp/scepd.db" 'SELECT count(*) FROM issued'
}

# ask NAME WANTED REASON: one enrollment that comes to nothing
ask() {
	before=$(rows)
	lines=$(grep -c 'event=request ' "$tmp/scepd.log" || true)
	got=$("$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$challenge" "$1")
	[ "$got" = "$2" ] || it_fail "$1 is $got, not $2"
	[ "$(rows)" = "$before" ] || it_fail "$1 has a row"
	[ "$(grep -c 'event=request ' "$tmp/scepd.log")" -eq \
	    $((lines + 1)) ] || it_fail "$1 has not one line in the log"
	grep 'event=request ' "$tmp/scepd.log" | tail -n 1 |
	    grep -q "reason=$3 .*subject=\"CN=$1\"" ||
	    it_fail "$1: not reason=$3"
	[ "$(sqlite3 "$tmp/scepd.db" "SELECT state || ' ' || reason FROM txn
	    ORDER BY id DESC LIMIT 1")" = "failed $3" ] ||
	    it_fail "$1: the transaction is not failed"
}

# issue NAME: one enrollment, to $tmp/NAME.pem and .key
issue() {
	before=$(rows)
	got=$("$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$challenge" \
	    "$1" "$tmp/$1")
	[ "$got" = issued ] || it_fail "$1 is $got"
	[ "$(rows)" = $((before + 1)) ] || it_fail "$1 has no row"
	openssl verify -CAfile "$tmp/ca/root.pem" -untrusted \
	    "$tmp/ca/issuing.pem" "$tmp/$1.pem" || it_fail "$1: chain"
	[ "$(openssl x509 -in "$tmp/$1.pem" -noout -pubkey)" = \
	    "$(openssl pkey -in "$tmp/$1.key" -pubout)" ] ||
	    it_fail "$1 is for another key"
	[ "$(sqlite3 "$tmp/scepd.db" "SELECT hex(serial) || ' ' || issuer ||
	    ' ' || subject FROM issued ORDER BY id DESC LIMIT 1")" = \
	    "$(openssl x509 -in "$tmp/$1.pem" -noout -serial | cut -d= -f2) \
upstream CN=$1" ] || it_fail "$1: another row"
}

make_openssl_ca() {
	mkdir "$tmp/upstream" "$tmp/upstream/new"
	: >"$tmp/upstream/index"
	echo 1000 >"$tmp/upstream/serial"
	cat >"$tmp/upstream/ca.conf" <<-END
		[ca]
		default_ca = upstream
		[upstream]
		database = $tmp/upstream/index
		serial = $tmp/upstream/serial
		new_certs_dir = $tmp/upstream/new
		certificate = $tmp/ca/issuing.pem
		private_key = $tmp/ca/issuing.key
		default_md = sha256
		default_days = 30
		unique_subject = no
		policy = any
		x509_extensions = leaf
		[any]
		commonName = supplied
		[leaf]
		basicConstraints = CA:FALSE
		keyUsage = critical, digitalSignature, keyEncipherment
		extendedKeyUsage = clientAuth
	END
}

# The names of requests choose what becomes of them.
make_issuer() {
	cat >"$tmp/upstream/issue" <<-END
		#!/bin/sh
		cd $tmp/upstream || exit 9
		env | sort >env
		id=\$\$
		cat >\$id.csr
		case \$(openssl req -in \$id.csr -noout -subject) in
		*refused) echo 'not in the inventory' >&2; exit 40 ;;
		*broken) exit 1 ;;
		*killed) kill -9 \$\$ ;;
		*silent) exit 0 ;;
		*chatty) echo 'no certificate'; exit 0 ;;
		*endless) exec yes ;;
		*hanging) sleep 300 & echo \$! >sleeper; sleep 300 ;;
		*swapped) cat new/1000.pem; exit 0 ;;
		*self-made)
			openssl req -new -x509 -newkey rsa:2048 -nodes \\
			    -keyout x.key -subj /CN=x
			exit 0
			;;
		esac
		case \$(openssl req -in \$id.csr -noout -subject) in
		*renamed) set -- -subj /CN=another ;;
		esac
		flock lock openssl ca "\$@" -config ca.conf -batch -notext \\
		    -in \$id.csr 2>err && cat $tmp/ca/issuing.pem
		[ ! -s meanwhile ] || . ./meanwhile >meanwhile.out 2>&1
		case \$(openssl req -in \$id.csr -noout -subject) in
		*made-slept) exec sleep 300 ;;
		*made-signal) kill -9 \$\$ ;;
		*made-much) exec yes ;;
		*made-half) head -n 5 $tmp/ca/root.pem ;;
		*made-stop) sleep 300 & echo \$! >sleeper; sleep 300 ;;
		esac
	END
	chmod 700 "$tmp/upstream/issue"
}

it_ca --key ec:p256
make_openssl_ca
make_issuer
it_conf
sed -i "s|name = \"local\";|name = \"upstream\"; type = \"exec\";|
    s|issuer = \"local\"|issuer = \"upstream\"|
    s|key = \"ca/issuing.key\";|command = [ \"$tmp/upstream/issue\" ];|
    s|command =|timeout = 2; &|" \
    "$tmp/scepd.conf"
it_start

issue first
for word in SCEPD_ENDPOINT=scep SCEPD_PROFILE=device SCEPD_TRANSACTION_ID=client \
    SCEPD_PEER=127.0.0.1; do
	grep -qx "$word" "$tmp/upstream/env" || it_fail "no $word"
done
[ "$(grep -Ec '^(SCEPD|SCEPCTL|HOME|no_proxy)=' "$tmp/upstream/env")" = 0 ] ||
    it_fail "it sees scepd's own environment"

ask refused failure issuer_refused
grep -q 'not in the inventory' "$tmp/scepd.log" || it_fail 'nothing says why'
ask broken http issuer
ask killed http issuer
ask silent http issuer_answer
ask chatty http issuer_answer
ask swapped http issuer_answer
ask self-made http issuer_answer
ask endless http issuer
# What nobody vouched for does not get as far.
runs() {
	find "$tmp/upstream" -name '[0-9]*.csr' | wc -l
}
before=$(runs)
for word in '' wrong; do
	[ "$("$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$word" \
	    stranger)" = failure ] || it_fail "it issues for \"$word\""
	[ "$(CLIENT_TYPE=17 "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" \
	    "$word" stranger)" = failure ] || it_fail "it renews \"$word\""
done
[ "$(runs)" -eq "$before" ] || it_fail 'the program is asked unproven'
begun=$(date +%s)
ask hanging http issuer
[ $(($(date +%s) - begun)) -lt 20 ] || it_fail 'it may hang for too long'
gone() {
	# A zombie that nobody has buried yet is gone too.
	! grep -qs '^State:[[:space:]]*[^Z]' \
	    "/proc/$(cat "$tmp/upstream/sleeper")/status"
}
it_until 10 gone || it_fail 'its children outlive it'
issue last

# ---- a stop does not wait for it longer than for others

it_stop
cp "$tmp/scepd.conf" "$tmp/before.conf"
sed -i '1i pipeline: { drain_timeout = 1; };
    s/timeout = 2/timeout = 300/' "$tmp/scepd.conf"
rm "$tmp/upstream/sleeper"
it_start
"$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$challenge" made-stop \
    >"$tmp/hanging.out" &
client=$!
it_until 20 test -s "$tmp/upstream/sleeper" || it_fail 'it is not asked'
begun=$(date +%s)
it_stop
[ $(($(date +%s) - begun)) -lt 20 ] || it_fail 'a stop waits for the program'
wait "$client" || true
[ "$(cat "$tmp/hanging.out")" = http ] ||
    it_fail "made-stop is $(cat "$tmp/hanging.out"), not told to try again"
it_until 10 gone || it_fail 'its children outlive scepd'
[ "$(sqlite3 "$tmp/scepd.db" 'SELECT count(*) FROM stray
    WHERE der IS NOT NULL')" = 1 ] ||
    it_fail 'what it made before the stop is not known'
cp "$tmp/before.conf" "$tmp/scepd.conf"
it_start

# ---- a CA that begins its serial numbers anew

: >"$tmp/upstream/index"
echo 1000 >"$tmp/upstream/serial"
ask repeated http store_conflict
grep -q 'the CA has issued serial 1000 before' "$tmp/scepd.log" ||
    it_fail 'nothing says which serial number'

# ---- what it made all the same can be revoked there

used() {
	sqlite3 "$tmp/scepd.db" "SELECT used FROM challenge_use
	    WHERE challenge = '$1'"
}
strays() {
	"$SCEPCTL" -c "$tmp/scepd.conf" list --stray "$@" ||
	    it_fail 'scepctl list --stray'
}
strays | grep -q '^1000 .*upstream .*CN=repeated .*issued serial 1000 before' ||
    it_fail 'a certificate with the serial number of another is not listed'
open=$challenge
challenge=$("$SCEPCTL" -c "$tmp/scepd.conf" challenge add --name once \
    --endpoint scep --once) || it_fail 'scepctl challenge add'
ask renamed http issuer_answer
[ "$(used once)" = 1 ] || it_fail 'the use was given back'
[ "$("$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$challenge" again)" = \
    failure ] || it_fail 'a spent challenge is good for another one'
grep 'event=stray .*issuer=upstream serial=1001 ' "$tmp/scepd.log" |
    grep -q 'subject="CN=another" reason=issuer_answer .*its subject is' ||
    it_fail 'the log has no serial number of what was made'
strays --json >"$tmp/strays"
# Those, what it made before the stop, and what may stand behind all that the
# endless one said, or was to be said by those who were killed.
[ "$(grep -c '"possible": false' "$tmp/strays")" -eq 3 ] ||
    it_fail 'not three strays'
[ "$(grep -c '"possible": true' "$tmp/strays")" -eq 3 ] ||
    it_fail 'nothing that was cut off is possible'
for word in '"serial": "1001"' '"challenge": "once"' '"issuer": "upstream"'; do
	grep -q "$word" "$tmp/strays" || it_fail "no $word: $(cat "$tmp/strays")"
done
sed -n 's/.*"serial": "1001".*"pem": "\([^"]*\)".*/\1/p' "$tmp/strays" |
    sed 's/\\n/\n/g' | openssl x509 >"$tmp/stray.pem" ||
    it_fail 'no certificate'
openssl x509 -in "$tmp/upstream/new/1001.pem" | cmp - "$tmp/stray.pem" ||
    it_fail 'another certificate is listed'
! "$SCEPCTL" -c "$tmp/scepd.conf" list --stray --csv 2>"$tmp/csv" ||
    it_fail 'strays have no CSV'
# However it dies: what it printed by then is known, and the use stays spent.
n=6
for row in slept:issuer signal:issuer much:issuer half:issuer_answer; do
	how=${row%%:*}
	challenge=$("$SCEPCTL" -c "$tmp/scepd.conf" challenge add \
	    --name "$how" --endpoint scep --once) ||
	    it_fail 'scepctl challenge add'
	ask "made-$how" http "${row#*:}"
	n=$((n + 1))
	[ "$(strays --json | grep -c '"serial"')" -eq "$n" ] ||
	    it_fail "made-$how: nothing is listed"
	strays | grep -q "CN=made-$how" || it_fail "made-$how: another one"
	[ "$(used "$how")" = 1 ] || it_fail "made-$how: the use was given back"
done
challenge=$open

# ---- what it renews is revoked while it is made

issue chain
old=$(openssl x509 -in "$tmp/chain.pem" -noout -serial | cut -d= -f2)
# renew WANTED: of chain, to $tmp/renewed.pem and .key
renew() {
	got=$(CLIENT_OLD=$tmp/chain CLIENT_TYPE=17 CLIENT_TXIDS=1 "$IT_CLIENT" \
	    enroll "$port" "$tmp/ca/ra.pem" '' chain "$tmp/renewed")
	[ "$got" = "$1" ] || it_fail "the renewal is $got, not $1"
}
renew issued
rm "$tmp/renewed.pem"
before=$(rows) lines=$(grep -c 'event=request ' "$tmp/scepd.log")
echo "'$(realpath "$SCEPCTL")' revoke $old --db '$tmp/scepd.db'" \
    >"$tmp/upstream/meanwhile"
renew failure
rm "$tmp/upstream/meanwhile"
grep -q "^revoked $old" "$tmp/upstream/meanwhile.out" ||
    it_fail "it revokes nothing: $(cat "$tmp/upstream/meanwhile.out")"
! [ -e "$tmp/renewed.pem" ] || it_fail 'it is delivered'
[ "$(rows)" = "$before" ] || it_fail 'it is recorded'
[ "$(grep -c 'event=request ' "$tmp/scepd.log")" -eq $((lines + 1)) ] ||
    it_fail 'it has not one line in the log'
grep 'event=request ' "$tmp/scepd.log" | tail -n 1 |
    grep -q 'step=commit reason=renewal_revoked ' || it_fail 'another reason'
made=$(openssl x509 -in "$(find "$tmp/upstream/new" -type f | sort |
    tail -n 1)" -noout -serial | cut -d= -f2 | tr A-F a-f)
n=$((n + 1))
[ "$(strays --json | grep -c '"serial"')" -eq "$n" ] ||
    it_fail 'what is made for a revoked one is not known'
strays | grep -q "^$made .*upstream .*CN=chain .*while the certificate was made" ||
    it_fail "another stray: $(strays)"
grep -q "event=stray .*serial=$made .*reason=renewal_revoked" \
    "$tmp/scepd.log" || it_fail 'the stray is not logged'
[ "$(sqlite3 "$tmp/scepd.db" "SELECT t.state || t.reason || a.outcome
    FROM txn t JOIN audit a ON a.txn = t.id ORDER BY a.id DESC LIMIT 1")" = \
    failedrenewal_revokedrefused ] || it_fail 'the transaction is not refused'
"$SCEPCTL" -c "$tmp/scepd.conf" why "$(sqlite3 "$tmp/scepd.db" \
    'SELECT txid FROM txn ORDER BY id DESC LIMIT 1')" >"$tmp/why" ||
    it_fail 'scepctl why'
grep -q "^stray  *$made\$" "$tmp/why" || it_fail "why: $(cat "$tmp/why")"
grep -q "^what to do  *find out why .* --stray): $made\$" "$tmp/why" ||
    it_fail "why: $(cat "$tmp/why")"
grep -q '^>>> renewal_revoked: while the certificate was made: ' "$tmp/why" ||
    it_fail "why: $(cat "$tmp/why")"
renew failure
grep 'event=request ' "$tmp/scepd.log" | tail -n 1 |
    grep -q 'step=authorize reason=renewal_revoked ' ||
    it_fail 'the next one gets as far'
it_stop
! grep -q "$challenge" "$tmp/scepd.log" || it_fail 'the log has the challenge'
! grep -q 'BEGIN CERT' "$tmp/scepd.log" || it_fail 'the log has a certificate'

# ---- what it made and was not issued, where its CA is trusted for a migration

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
    -out "$tmp/astray.key" 2>"$tmp/genpkey.err" || it_fail 'no key'
sed -i 's|profile = "device";|& renew: { trusted = ["ca/issuing.pem"]; };|' \
    "$tmp/scepd.conf"
it_start
[ "$(CLIENT_TXIDS=1 CLIENT_KEY_FILE="$tmp/astray.key" \
    "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$challenge" \
    made-signal)" = http ] || it_fail 'made-signal is not trouble'
openssl x509 -in "$(find "$tmp/upstream/new" -type f | sort | tail -n 1)" \
    -out "$tmp/astray.pem"
for type in 17 19; do
	[ "$(CLIENT_OLD=$tmp/astray CLIENT_TYPE=$type CLIENT_TXIDS=1 \
	    "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" '' \
	    made-signal)" = failure ] ||
	    it_fail 'a stray renews'
	grep 'event=request ' "$tmp/scepd.log" | tail -n 1 |
	    grep -q 'step=signer reason=renewal_stray ' ||
	    it_fail 'a stray is refused for another reason'
done
it_stop
cp "$tmp/before.conf" "$tmp/scepd.conf"

# ---- a CA that gives its own subject: counted is the one that was granted

cp "$tmp/scepd.conf" "$tmp/before.conf"
sed -i 's/timeout = 2/decides = [ "subject" ]; &/
    s/name = "device";/& max_active = 1;/' "$tmp/scepd.conf"
it_start
# rename NAME WANTED: one enrollment, to $tmp/NAME.pem and .key
rename() {
	got=$(CLIENT_TXIDS=1 "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" \
	    "$challenge" "$1" "$tmp/$1")
	[ "$got" = "$2" ] || it_fail "$1 is $got, not $2"
}
rename a-renamed issued
openssl x509 -in "$tmp/a-renamed.pem" -noout -subject | grep -q 'CN *= *another' ||
    it_fail 'the CA has not renamed it'
cp "$tmp/a-renamed.pem" "$tmp/old.pem"
cp "$tmp/a-renamed.key" "$tmp/old.key"
rename a-renamed failure
grep -q 'reason=max_active .*CN=a-renamed' "$tmp/scepd.log" ||
    it_fail 'a second one is refused for another reason'
rename b-renamed issued
[ "$(CLIENT_OLD=$tmp/old CLIENT_TYPE=17 CLIENT_TXIDS=1 "$IT_CLIENT" enroll \
    "$port" "$tmp/ca/ra.pem" "$challenge" another "$tmp/another")" = issued ] ||
    it_fail 'it cannot renew'
rename a-renamed failure
it_stop
cp "$tmp/before.conf" "$tmp/scepd.conf"

# ---- the example of the manual

manual=${srcdir:-.}/conf/scepd.conf.5.tail
# displayed WORDS: the first display behind a line with these words
displayed() {
	awk -v words="$1" '
	begun && /^\.Ed/ { exit }
	begun { gsub(/\\e/, "\\"); print }
	found && /^\.Bd/ { begun = 1 }
	index($0, words) { found = 1 }' "$manual" |
	    sed "s|/etc/scepd/upstream|$tmp/ca|"
}
displayed 'exec_issuer.sh runs this' >"$tmp/upstream/issue"
[ "$(head -n 1 "$tmp/upstream/issue")" = '#!/bin/sh' ] ||
    it_fail 'the manual has no script'
sed -i 's/timeout = 2/timeout = 15/' "$tmp/scepd.conf"
printf 'laptop-1\nlaptop-2\n' >"$tmp/ca/laptops"
it_start
issue laptop-1
openssl x509 -in "$tmp/laptop-1.pem" -noout -ext extendedKeyUsage |
    grep -q 'Client Auth' || it_fail 'leaf.ext of the manual is not used'
ask desktop-1 failure issuer_refused
grep -q 'not in the inventory: /CN=desktop-1' "$tmp/scepd.log" ||
    it_fail 'nothing says why'
# try WANTED SUBJECT SAN; no SAN is ""
try() {
	got=$(env CLIENT_TXIDS=1 CLIENT_SUBJECT="$2" \
	    ${3:+"CLIENT_SANS=$3"} "$IT_CLIENT" enroll "$port" \
	    "$tmp/ca/ra.pem" "$challenge" device "$tmp/try")
	[ "$got" = "$1" ] || it_fail "$2, $3 is $got, not $1"
	[ "$got" = issued ] || grep 'event=request ' "$tmp/scepd.log" |
	    tail -n 1 | grep -q 'reason=issuer_refused ' ||
	    it_fail "$2, $3: another reason"
}
try issued /CN=laptop-2 DNS:laptop-2.corp.example
for other in /CN=laptop-3 /CN=laptop- /O=laptop-1 /CN=laptop-1/O=Evil \
    /O=Evil/CN=laptop-1 /CN=ceo/CN=laptop-1 /CN=laptop-1/CN=ceo \
    '/CN=laptop-1+CN=ceo' '/CN=laptop-1 '; do
	try failure "$other" ''
done
for other in DNS:dc01.corp DNS:laptop-2.corp.example email:ceo@corp.example \
    DNS:laptop-1.corp.example,DNS:dc01.corp; do
	try failure /CN=laptop-1 "$other"
done
mv "$tmp/ca/issuing.key" "$tmp/ca/issuing.away"
ask laptop-2 http issuer
it_stop
! grep -q "$challenge" "$tmp/scepd.log" || it_fail 'the log has the challenge'
