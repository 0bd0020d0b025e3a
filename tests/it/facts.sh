#!/bin/sh
# Subjects made of facts: those of a challenge (of scepd.conf, scepctl and the
# API) and those that a validator answers. Without the fact nothing is issued;
# whatever it holds, it is one value.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"

for tool in curl openssl sqlite3; do
	command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done

# serve TEMPLATE [FACTS [PROFILE-SETTING...]]: with an empty ledger; FACTS are
# those of the challenge in scepd.conf
serve() {
	[ -z "$pid" ] || it_stop
	rm -f "$tmp"/scepd.db*
	it_profile="subject = \"$1\"; ${3-}"
	it_conf
	sed -i "s|{ name = \"test\";|& facts = [ $2 ];|" "$tmp/scepd.conf"
	it_start
}

ctl() {
	"$SCEPCTL" -c "$tmp/scepd.conf" "$@"
}

# enroll [VARIABLE=VALUE...]: prints the outcome; the certificate is $tmp/got.pem
enroll() {
	env CLIENT_TXIDS=1 CLIENT_KEY_FILE="$tmp/r.key" "$@" "$IT_CLIENT" \
	    enroll "$port" "$tmp/ca/ra.pem" "$secret" device "$tmp/got"
}

# issue SUBJECT [VARIABLE=VALUE...]: so it is called, in the form of RFC 2253
issue() {
	want=$1
	shift
	got=$(enroll "$@")
	[ "$got" = issued ] || {
		cat "$tmp/scepd.log"
		it_fail "$want is $got"
	}
	got=$(openssl x509 -in "$tmp/got.pem" -noout -subject \
	    -nameopt RFC2253,-esc_msb)
	[ "$got" = "subject=$want" ] || it_fail "$got, not $want"
}

# refuse REASON WORDS [VARIABLE=VALUE...]
refuse() {
	reason=$1 words=$2
	shift 2
	got=$(enroll "$@")
	case $reason in
	validator_answer) [ "$got" = http ] ;;
	*) [ "$got" = failure ] ;;
	esac || it_fail "$reason: it is $got"
	grep 'event=request ' "$tmp/scepd.log" | tail -n 1 |
	    grep "reason=$reason " | grep -qF -- "$words" || {
		tail -n 1 "$tmp/scepd.log"
		it_fail "not $reason: $words"
	}
}

rows() {
	sqlite3 "$tmp/scepd.db" 'SELECT count(*) FROM issued'
}

it_ca --key ec:p256
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
    -out "$tmp/r.key" 2>/dev/null
cp "$tmp/r.key" "$tmp/old.key"
openssl req -new -key "$tmp/r.key" -subj /CN=device -outform DER \
    -out "$tmp/r.der" 2>/dev/null
secret=$challenge

# ---- of scepd.conf

serve '/O=Example/CN={challenge.user}' '"user=alice", "asset=4711"' 
issue CN=alice,O=Example
ctl challenge show test >"$tmp/out"
grep -q '^fact  *user=alice$' "$tmp/out" || it_fail "$(cat "$tmp/out")"
grep -q '^fact  *asset=4711$' "$tmp/out" || it_fail "$(cat "$tmp/out")"
ctl challenge show --json test | tr -d ' \n' |
    grep -q '"facts":{"user":"alice","asset":"4711"}' ||
    it_fail 'the facts are not in JSON'
! grep -q event=fact_missing "$tmp/scepd.log" || it_fail 'a warning too many'
# A renewal keeps its subject, whatever is there by then.
cp "$tmp/got.pem" "$tmp/old.pem"
it_stop
sed -i 's/"user=alice", //' "$tmp/scepd.conf"
it_start
grep event=fact_missing "$tmp/scepd.log" | grep -q \
    'takes {challenge.user}, and challenge test has no such fact' ||
    it_fail 'no warning at the start'
secret='' issue CN=alice,O=Example CLIENT_OLD="$tmp/old" CLIENT_TYPE=17
before=$(rows)
refuse fact_missing \
    'needs {challenge.user}, and challenge test has no such fact'
[ "$(rows)" = "$before" ] || it_fail 'it has a row'
refused=$(sed -n 's/.* txid=\([^ ]*\) .*reason=fact_missing .*/\1/p' \
    "$tmp/scepd.log")
explained() {
	ctl why "$refused" >"$tmp/out" 2>&1
	grep -q 'scepctl challenge add --fact' "$tmp/out"
}
it_until 10 explained || it_fail "$(cat "$tmp/out")"
printf '%s\n' "$secret" >"$tmp/secret"
ctl policy test --endpoint scep --csr "$tmp/r.der" --challenge "$tmp/secret" \
    >"$tmp/out" 2>&1 && it_fail 'it is foretold to be issued'
grep -q 'lacks=challenge.user' "$tmp/out" || it_fail "$(cat "$tmp/out")"

bad_conf() { # FACTS WORDS
	sed -i "s|facts = \[.*\]; secret|facts = [ $1 ]; secret|" \
	    "$tmp/scepd.conf"
	! "$SCEPD" -t -c "$tmp/scepd.conf" >"$tmp/out" 2>&1 ||
		it_fail "it takes $1"
	grep -q "challenge test: $2" "$tmp/out" || it_fail "$(cat "$tmp/out")"
}
bad_conf '"User=alice"' 'a fact is written as in user=alice'
bad_conf '"user"' 'a fact is written as in user=alice'
bad_conf '"user="' 'fact user: its value is empty'
bad_conf '"user=a", "user=b"' 'fact user: it is given twice'
bad_conf '"user=../x"' 'fact user: its value looks like a path'

serve '/CN={validator.user}' ''
grep event=fact_missing "$tmp/scepd.log" | grep -q \
    'takes {validator.user}, and the endpoint has no validator' ||
    it_fail 'no warning of a validator that is not there'
refuse fact_missing 'and the validator gave no such fact'

# ---- of scepctl: one value, whatever it holds

serve '/O=Example/CN={challenge.user}' ''
made() { # FACT...
	for fact; do
		set -- "$@" --fact "$fact"
		shift
	done
	secret=$(ctl challenge add "$@" 2>"$tmp/out") || it_fail "$(cat "$tmp/out")"
}
unknowing() { # FACT: without the configuration, that it is not enough
	secret=$(ctl challenge add --db "$tmp/scepd.db" --endpoint scep \
	    --fact "$1" 2>"$tmp/out") || it_fail "$(cat "$tmp/out")"
}
made user='eve,O=Evil/CN=root+OU=x={CN}' asset=1
issue 'CN=eve\,O=Evil/CN=root\+OU=x={CN},O=Example'
made 'user=Zoë'
issue 'CN=Zoë,O=Example'
! ctl challenge add --fact asset=1 >"$tmp/out" 2>&1 || it_fail 'it lacks user'
grep -qF 'endpoint scep the subject of profile device takes {challenge.user}; give --fact user=TEXT' \
    "$tmp/out" || it_fail "$(cat "$tmp/out")"
[ "$(sqlite3 "$tmp/scepd.db" "SELECT count(*) FROM challenge
    WHERE facts = 'asset=1'")" = 0 ] || it_fail 'it is there'
unknowing asset=1
refuse fact_missing 'needs {challenge.user}, and challenge c-'
for fact in User=x user user= 'user=a	b' user=../x "$(printf 'user=\377')"; do
	! ctl challenge add --fact "$fact" >"$tmp/out" 2>&1 ||
		it_fail "--fact $fact"
done
! ctl challenge add --fact a=1 --fact a=2 2>"$tmp/out" ||
	it_fail 'two facts of one name'
grep -q 'given twice' "$tmp/out" || it_fail "$(cat "$tmp/out")"
# What makes a bad value of its type is refused, and not cut.
made user="$(printf '%070d' 0)"
refuse subject 'does not fit its type'

# ---- patterns hold for it

serve '/CN={challenge.user}' '' 'subject_patterns = [ "CN glob dev*" ];'
made user=dev-1
issue CN=dev-1
made user=root
refuse subject_pattern 'made of {challenge.user}: CN matches none'
secret=$(ctl challenge add --fact user=dev-1 --subject 'CN exact device' 2>/dev/null)
refuse challenge_subject 'made of {challenge.user}: CN matches none'

# ---- of the API

hash=$(echo mdm-pass-1 | "$SCEPCTL" challenge hash |
    sed -n 's/^hash = "\(.*\)";$/\1/p')
it_global="admin: { listen = \"$tmp/admin.sock\"; };
    accounts = ( { name = \"mdm\"; hash = \"$hash\";
    rights = [\"challenge\"]; unbound = true; } );"
post() { # STATUS JSON
	got=$(curl -sS --max-time 20 --unix-socket "$tmp/admin.sock" \
	    -u mdm:mdm-pass-1 -d "$2" -o "$tmp/body" -w '%{http_code}' \
	    http://h/api/challenge)
	[ "$got" = "$1" ] || it_fail "$2: $got, not $1: $(cat "$tmp/body")"
	secret=$(sed -n 's/.*"challenge": *"\([0-9A-F]*\)".*/\1/p' "$tmp/body")
}
serve '/CN={challenge.user}/serialNumber={challenge.asset}' ''
post 200 '{"facts": {"user": "bob=b,c", "asset": "4711"}}'
issue 'serialNumber=4711,CN=bob=b\,c'
name=$(sed -n 's/.*"name": *"\([^"]*\)".*/\1/p' "$tmp/body")
ctl challenge show "$name" | grep -q '^fact  *user=bob=b,c$' ||
    it_fail 'the facts of the API are not shown'
before=$(sqlite3 "$tmp/scepd.db" 'SELECT count(*) FROM challenge')
for json in '' '{}' '{"profile": "device"}' '{"facts": {"user": "bob"}}' \
    '{"facts": {"asset": "4711"}}'; do
	post 400 "$json"
	case $json in
	*user*) want=asset ;;
	*) want=user ;;
	esac
	grep -qF "profile device takes {challenge.$want}; give \"$want\" too" \
	    "$tmp/body" || it_fail "$json: $(cat "$tmp/body")"
done
[ "$(sqlite3 "$tmp/scepd.db" 'SELECT count(*) FROM challenge')" = \
    "$before" ] || it_fail 'a challenge of no use was made'
for json in '[]' '"user=x"' '{"user": 1}' '{"user": null}' '{"user": ""}' \
    '{"User": "x"}' '{"us=er": "x"}' '{"": "x"}' '{"user": "a\nasset=b"}' \
    '{"user": "a\u0000b"}' '{"user": "\u202ex"}' \
    "{\"user\": \"$(printf '%0300d' 0)\"}" \
    "{$(seq -s, 1 17 | sed 's/[0-9][0-9]*/"f&": "x"/g')}"; do
	post 400 "{\"facts\": $json}"
	grep -q facts "$tmp/body" || [ "$json" = '{"user": "a\u0000b"}' ] ||
		it_fail "$json: $(cat "$tmp/body")"
done
it_endpoint='renew: { challenge = "required"; };'
serve '/CN={challenge.user}' ''
post 200 '{}'	# beside a renewal it needs none
made asset=1
it_endpoint=
it_global=

# ---- of a validator

cat >"$tmp/validate" <<END
#!/bin/sh
cat >$tmp/told
cat $tmp/answer
exit \$(cat $tmp/exit)
END
chmod 700 "$tmp/validate"
answer() { # EXIT JSON
	echo "$1" >"$tmp/exit"
	printf '%s' "$2" >"$tmp/answer"
}
it_global="validators = ( { name = \"script\"; timeout = 5;
    command = [ \"$tmp/validate\" ]; } );"
it_endpoint='validator = "script";'
serve '/O={challenge.org}/C={validator.land}/CN={validator.user}' '"org=Example"'
secret=$challenge
answer 0 '{"facts": {"user": "vera,O=x", "land": "DE"}}'
ctl policy test --endpoint scep --csr "$tmp/r.der" --challenge "$tmp/secret" \
    >"$tmp/out" 2>&1 || it_fail "$(cat "$tmp/out")"
grep -q 'made of facts that the validator is to answer' "$tmp/out" ||
    it_fail "$(cat "$tmp/out")"
issue 'CN=vera\,O=x,C=DE,O=Example'
grep -q '"challenge_facts": {"org": "Example"}' "$tmp/told" ||
    it_fail 'the validator is not told the facts'
cp "$tmp/got.pem" "$tmp/old.pem"
before=$(rows)
for said in '' '{}' '{"facts": {}}' '{"facts": null}' \
    '{"facts": {"user": "vera"}}' '{"facts": {"land": "DE"}}' \
    '{"validity": "2d"}' '{"sans": ["dns:a.example"]}'; do
	answer 0 "$said"
	refuse fact_missing 'and the validator gave no such fact'
done
answer 0 '{"facts": {"user": "vera", "land": "Germany"}}'
refuse subject 'does not fit its type'
for said in '[]' '"user=x"' '{"user": 1}' '{"user": ""}' '{"us=er": "x"}' \
    '{"User": "x"}' '{"user": "a\nland=DE"}' '{"user": "a\u0000"}' \
    "{\"user\": \"$(printf '%0257d' 0)\"}" \
    "{$(seq -s, 1 17 | sed 's/[0-9][0-9]*/"f&": "x"/g')}"; do
	answer 0 "{\"facts\": $said}"
	refuse validator_answer ''
done
answer 40 '{"facts": {"User": 1}}'
refuse validator_refused 'refused'
[ "$(rows)" = "$before" ] || it_fail 'one of them has a row'
answer 0 '{"facts": {"user": "v", "land": "DE"}, "validity": "2d"}'
issue CN=v,C=DE,O=Example
# A renewal is issued under the name that it has.
answer 0 '{}'
secret='' issue 'CN=vera\,O=x,C=DE,O=Example' CLIENT_OLD="$tmp/old" \
    CLIENT_TYPE=17
# What the challenge lacks is known before anybody is asked.
unknowing user=x
rm "$tmp/told"
refuse fact_missing '{challenge.org}'
[ ! -e "$tmp/told" ] || it_fail 'the validator is asked in vain'
secret=$challenge

# ---- of what waits: as it was granted

# By the name in $txid, so that it is found again.
enroll() {
	env CLIENT_TXID="$txid" \
	    CLIENT_KEY_FILE="$tmp/r.key" "$@" "$IT_CLIENT" \
	    enroll "$port" "$tmp/ca/ra.pem" "$secret" device "$tmp/got"
}
pending() { # TXID: it waits, is approved, and is asked for again
	txid=$1
	got=$(enroll CLIENT_CSR="$tmp/r.der")
	[ "$got" = pending ] || it_fail "$1 is $got"
	ctl pending approve "$(sqlite3 "$tmp/scepd.db" \
	    "SELECT id FROM txn WHERE txid = '$1'")" >/dev/null ||
	    it_fail "$1 is not approved"
}
csr() { # the challenge stands in it
	cat >"$tmp/r.cnf" <<-END
		[req]
		prompt = no
		distinguished_name = dn
		attributes = at
		[at]
		challengePassword = $secret
		[dn]
		CN = device
	END
	openssl req -new -config "$tmp/r.cnf" -key "$tmp/r.key" -outform DER \
	    -out "$tmp/r.der" 2>/dev/null
}
csr
answer 41 '{"facts": {"user": "held", "land": "DE"}}'
pending held
answer 40 ''
issue CN=held,C=DE,O=Example CLIENT_CSR="$tmp/r.der"
answer 41 '{"facts": {"user": "held"}}'
txid=less
refuse fact_missing '{validator.land}' CLIENT_CSR="$tmp/r.der"
answer 41 '{"facts": {"user": "a", "land": "DE"}, "validity": "1d"}'
refuse validator_answer 'changes a request that it holds' \
    CLIENT_CSR="$tmp/r.der"
serve '/CN={challenge.user}-{validator.user}' '"user=alice"' \
    'approval = "manual";'
answer 0 '{"facts": {"user": "bob"}}'
pending both
# What scepd.conf says by then is for those who come by then.
it_stop
sed -i 's/user=alice/user=carol/' "$tmp/scepd.conf"
it_start
issue CN=alice-bob CLIENT_CSR="$tmp/r.der"
pending gone
it_stop
sed -i 's/{validator.user}/{validator.asset}/' "$tmp/scepd.conf"
it_start
refuse fact_missing '{validator.asset}' CLIENT_CSR="$tmp/r.der"
! grep -F "$challenge" "$tmp/scepd.log" >/dev/null ||
	it_fail 'the challenge is in the log'
