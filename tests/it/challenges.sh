#!/bin/sh
# Challenges end to end: what each allows, how often, and that it is refused
# otherwise, with a reason in the log, one text for the client, and no row.
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"

for tool in openssl sqlite3; do
	command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done

is() { # VALUE WANTED TEXT
	[ "$1" = "$2" ] || it_fail "$3: \"$1\", not \"$2\""
}

sql() {
	sqlite3 -cmd '.timeout 10000' "$tmp/scepd.db" "$1"
}

count() {
	sql 'SELECT count(*) FROM issued'
}

# ctl STATUS ARGUMENT...: scepctl challenge ends so; its output is in $tmp/out
ctl() {
	ctl_want=$1 ctl_got=0
	shift
	"$SCEPCTL" -c "$tmp/scepd.conf" challenge "$@" >"$tmp/out" \
	    2>"$tmp/err" </dev/null || ctl_got=$?
	[ "$ctl_got" -eq "$ctl_want" ] || {
		cat "$tmp/err"
		it_fail "challenge $*: exit $ctl_got, not $ctl_want"
	}
}

# add ARGUMENT...: the value is in $secret
add() {
	ctl 0 add "$@"
	secret=$(cat "$tmp/out")
	is "$(printf %s "$secret" | tr -d 'A-F0-9' | wc -c) ${#secret}" \
	    "0 32" 'the value'
	echo "$secret" >>"$tmp/secrets"
}

json() { # EXPRESSION over j, the JSON in out
	sqlite3 :memory: "WITH o AS (SELECT readfile('$tmp/out') AS j)
	    SELECT $1 FROM o"
}

# csr NAME SECRET SUBJECT SAN [KEY]: a request in $tmp/NAME.csr; csr_more is a
# line of more extensions
csr_more=
csr() {
	cat >"$tmp/csr.conf" <<-END
		[ req ]
		prompt = no
		distinguished_name = dn
		${2:+attributes = at}
		req_extensions = ext
		string_mask = utf8only
		[ dn ]
		$(echo "$3" | tr , '\n')
		[ at ]
		challengePassword = $2
		[ ext ]
		${4:+subjectAltName = @san}
		extendedKeyUsage = clientAuth
		$csr_more
		[ san ]
		$(echo "$4" | tr '|' '\n')
	END
	openssl req -new -config "$tmp/csr.conf" -key "${5:-$tmp/device.key}" \
	    -outform DER -out "$tmp/$1.csr" 2>"$tmp/csr.log" || {
		cat "$tmp/csr.conf" "$tmp/csr.log"
		it_fail "no request"
	}
}

ask() { # NAME [KEY]: sends it; prints the outcome
	"$IT_CLIENT" csr "${port%%/*}" "$tmp/ca/ra.pem" \
	    "${2:-$tmp/device.key}" "$tmp/$1.csr"
}

# foretold STATUS WORD NAME: scepctl policy test says so of the request, but for
# one that was approved: it is asked about as a new one.
foretold() {
	[ "${CLIENT_TXID:-}" != held1 ] || return 0
	foretold_got=0
	"$SCEPCTL" -c "$tmp/scepd.conf" policy test --csr "$tmp/$3.csr" \
	    --endpoint "$(basename "${CLIENT_PATH:-scep}")" \
	    ${CLIENT_CERT:+--signer "$CLIENT_CERT"} >"$tmp/foretold" 2>&1 ||
	    foretold_got=$?
	is "$foretold_got" "$1" "$3 is foretold: $(cat "$tmp/foretold")"
	grep -q " $2\$" "$tmp/foretold" ||
	    it_fail "$3 is not foretold as $2: $(cat "$tmp/foretold")"
}

# Each request is one that was not there before: a name of its own for the
# device is what ledgers tell copies by.
issued() { # NAME [KEY]
	foretold 0 'would be issued' "$1"
	issued_before=$(count)
	is "$(ask "$@")" issued "$1"
	is "$(count)" $((issued_before + 1)) "rows for $1"
}

refused() { # REASON NAME [KEY]
	refused_reason=$1
	shift
	foretold 1 "$refused_reason" "$1"
	refused_before=$(sql 'SELECT (SELECT count(*) FROM issued) ||
	    (SELECT count(*) FROM txn)')
	: >"$tmp/seen"
	refused_at=$(wc -l <"$tmp/scepd.log")
	is "$(ask "$@")" failure "$1"
	tail -n "+$((refused_at + 1))" "$tmp/scepd.log" >"$tmp/seen"
	grep -q "outcome=refused .*reason=$refused_reason " "$tmp/seen" ||
	    it_fail "$1 is not refused by $refused_reason: $(cat "$tmp/seen")"
	is "$(sql 'SELECT (SELECT count(*) FROM issued) ||
	    (SELECT count(*) FROM txn)')" "$refused_before" "rows for $1"
}

conf() { # MORE CHALLENGES
	cat >"$tmp/scepd.conf" <<-END
		http: { listen = "127.0.0.1:${port%%/*}"; };
		store: { path = "scepd.db"; };
		endpoints = ( {
		    name = "scep"; ra_cert = "ca/ra.pem"; ra_key = "ca/ra.key";
		    issuer = "local"; profile = "device";
		    challenges = [ "lab", "scoped", "two", "admin"$1 ];
		    paths = [ "/scep" ];
		}, {
		    name = "other"; ra_cert = "ca/ra.pem"; ra_key = "ca/ra.key";
		    issuer = "local"; profile = "device";
		    challenges = [ "others" ]; paths = [ "/other" ];
		} );
		issuers = ( {
		    name = "local"; cert = "ca/issuing.pem";
		    key = "ca/issuing.key"; chain = "ca/chain.pem";
		} );
		profiles = ( { name = "device"; },
		    { name = "admin"; validity = "1d"; key_types = [ "rsa" ]; },
		    { name = "held"; approval = "manual"; },
		    { name = "wide"; san = [ "dns", "uri", "upn" ]; sid = "allow";
		      key_types = [ "rsa", "ec" ]; } );
		challenges = ( { name = "lab"; secret = "lab-$challenge"; },
		    { name = "scoped"; secret = "scoped-$challenge";
		      subject = [ "CN exact a" ];
		      san = [ "dns suffix .example" ]; },
		    { name = "two"; secret = "two-$challenge"; uses = 2; },
		    { name = "admin"; secret = "admin-$challenge";
		      profile = "admin"; },
		    { name = "others"; secret = "others-$challenge"; },
		    { name = "later"; secret = "later-$challenge";
		      not_before = "2900-01-01T00:00:00Z"; },
		    { name = "gone"; secret = "gone-$challenge";
		      expires = "2020-01-01T00:00:00Z"; } );
	END
	chmod 600 "$tmp/scepd.conf"
}

it_ca --key ec:p256
port=0
conf ', "later", "gone"'
it_start
conf ', "later", "gone"'
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
    -out "$tmp/device.key" 2>/dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
    -out "$tmp/ec.key" 2>/dev/null
is "$(stat -c %a "$tmp/scepd.db.key")" 600 'mode of the key beside the store'

# ---- of scepd.conf: names, uses, times, endpoint, profile ----

dns=DNS.1=x.example
sid=URI.1=tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500
sid_extension=$(printf %s S-1-5-21-1-2-3-500 | od -An -tx1 | tr -d ' \n')
sid_extension="1.3.6.1.4.1.311.25.2 = DER:3024a022060a2b060104018237190201a014\
0412$sid_extension"
upn='otherName.1=1.3.6.1.4.1.311.20.2.3;UTF8:root@x'
csr good "scoped-$challenge" CN=a $dns
issued good
csr cn "scoped-$challenge" CN=b $dns
refused challenge_subject cn
csr o "scoped-$challenge" CN=a,O=x $dns
refused challenge_subject o
csr san "scoped-$challenge" CN=a "$dns|DNS.2=evil.test"
refused challenge_san san
csr nosan "scoped-$challenge" CN=a ''
refused challenge_san nosan
csr upn "scoped-$challenge" CN=a "$dns|$upn"
refused challenge_san upn
csr sid "scoped-$challenge" CN=a "$dns|$sid"
refused challenge_san sid
csr_more=$sid_extension
csr sid2 "scoped-$challenge" CN=a $dns
refused challenge_san sid2
csr_more=
csr ours "others-$challenge" CN=a $dns
refused challenge_endpoint ours
csr later "later-$challenge" CN=a $dns
refused challenge_not_yet later
csr gone "gone-$challenge" CN=a $dns
refused challenge_expired gone
csr wrong "wrong-$challenge" CN=a $dns
refused challenge_wrong wrong

csr two1 "two-$challenge" CN=two1 ''
issued two1
csr two2 "two-$challenge" CN=two2 ''
issued two2
csr two3 "two-$challenge" CN=two3 ''
refused challenge_spent two3
# a copy of what was issued costs nothing, also when nothing is left
before=$(count)
is "$(ask two1)" issued 'a copy'
is "$(count)" "$before" 'rows for a copy'
ctl 0 show two --json
is "$(json "j->>'used' || ' ' || (j->>'left') || ' ' || (j->>'state')")" \
    '2 0 spent' 'show two'

csr admin "admin-$challenge" CN=admin ''
issued admin
is "$(sql "SELECT profile || ' ' || (not_after - issued_at) || ' ' || challenge
    FROM issued ORDER BY id DESC LIMIT 1")" 'admin 86400 admin' \
    "a challenge's profile"
csr adminec "admin-$challenge" CN=adminec '' "$tmp/ec.key"
refused csr_key adminec

# ---- renewal: no use is spent, the profile stays ----

csr renew '' CN=admin ''
sql "SELECT writefile('$tmp/admin.der', der) FROM issued
    WHERE challenge = 'admin'" >/dev/null
CLIENT_CERT=$tmp/admin.der issued renew
is "$(sql "SELECT profile || coalesce(challenge, '') FROM issued
    ORDER BY id DESC LIMIT 1")" admin 'the profile of a renewal'
sql "SELECT writefile('$tmp/two.der', der) FROM issued
    WHERE challenge = 'two' AND subject = 'CN=two2'" >/dev/null
csr renew2 "two-$challenge" CN=two2 'DNS.1=new.example'
CLIENT_CERT=$tmp/two.der refused challenge_spent renew2
csr renew3 "two-$challenge" CN=two2 ''
CLIENT_CERT=$tmp/two.der CLIENT_TXID=renew3 issued renew3
is "$(sql "SELECT coalesce(challenge, 'none') FROM issued ORDER BY id DESC
    LIMIT 1")" none 'a renewal beside a spent challenge'

# ---- approval: the use is kept, and the profile stays ----

add --name held --endpoint scep --profile held --once
csr held1 "$secret" CN=held1 ''
csr held2 "$secret" CN=held2 ''
is "$(CLIENT_TXID=held1 ask held1)" pending 'not issued at once'
is "$(sql "SELECT state || profile FROM txn ORDER BY id DESC LIMIT 1")" \
    pendingheld 'a request that waits'
refused challenge_spent held2
ctl 0 show held --json
is "$(json "j->>'used' || (j->>'in_flight') || (j->>'left')")" 010 'in flight'
"$SCEPCTL" -c "$tmp/scepd.conf" pending approve "$(sql "SELECT id FROM txn
    WHERE state = 'pending'")" >/dev/null || it_fail 'pending approve'
CLIENT_TXID=held1 issued held1
is "$(sql "SELECT profile || challenge FROM issued ORDER BY id DESC
    LIMIT 1")" heldheld 'what was approved'
csr held3 "$secret" CN=held3 ''
refused challenge_spent held3
add --name held2 --endpoint scep --profile held --once
csr_more=$sid_extension
csr held4 "$secret" CN=held4 ''
csr_more=
is "$(CLIENT_TXID=held4 ask held4)" pending 'not issued at once'
# an operator sees which account is asked for, wherever it stands
"$SCEPCTL" -c "$tmp/scepd.conf" pending list >"$tmp/out"
grep -q 'CN=held4 sid:S-1-5-21-1-2-3-500$' "$tmp/out" ||
    it_fail "pending list: $(cat "$tmp/out")"
"$SCEPCTL" -c "$tmp/scepd.conf" pending list --json >"$tmp/out"
is "$(json "j->0->>'sid'")" S-1-5-21-1-2-3-500 'pending list --json'
"$SCEPCTL" -c "$tmp/scepd.conf" pending reject "$(sql "SELECT id FROM txn
    WHERE state = 'pending'")" >/dev/null || it_fail 'pending reject'
ctl 0 show held2 --json
is "$(json "j->>'left'")" 1 'a rejected request gives its use back'

# ---- of the store: made while scepd runs ----

for limits in "--subject|CN exact a" "--san|dns exact a.test"; do
	add --name half --endpoint scep "${limits%%|*}" "${limits#*|}"
	grep -q "without --s.* it is good for any" "$tmp/err" ||
	    it_fail "add does not warn: $(cat "$tmp/err")"
	ctl 0 remove half
done
add --name half --endpoint scep --subject 'CN exact a' --san none
! grep -q without "$tmp/err" || it_fail 'add warns of none'
ctl 0 remove half

add --name mdm --endpoint scep --subject 'CN glob dev-*' --subject \
    'O exact Example Ltd' --san 'dns suffix .dev.example' --uses 2 \
    --expires 1h --key-type rsa
grep -q 'its name is mdm' "$tmp/err" || it_fail 'add does not tell the name'
! grep -q without "$tmp/err" || it_fail 'add warns of what is limited'
csr dev1 "$secret" 'CN=dev-1,O=Example Ltd' DNS.1=1.dev.example
issued dev1
is "$(sql 'SELECT challenge FROM issued ORDER BY id DESC LIMIT 1')" mdm \
    'the challenge in the ledger'
csr dev2 "$secret" 'CN=dev-2,O=Example Ltd' DNS.1=2.dev.test
refused challenge_san dev2
csr dev3 "$secret" 'CN=root,O=Example Ltd' DNS.1=2.dev.example
refused challenge_subject dev3
ctl 0 disable mdm
csr dev4 "$secret" 'CN=dev-4,O=Example Ltd' DNS.1=4.dev.example
refused challenge_disabled dev4
ctl 0 enable mdm
issued dev4
csr dev5 "$secret" 'CN=dev-5,O=Example Ltd' DNS.1=5.dev.example
refused challenge_spent dev5
ctl 0 show mdm --json
is "$(json "j->>'used' || (j->>'left') || (j->>'endpoints') ||
    (j->'subject'->>1)")" '20["scep"]O exact Example Ltd' 'show mdm'
ctl 0 list
grep -q '^mdm  *spent  *2/2 ' "$tmp/out" || it_fail "list: $(cat "$tmp/out")"
grep -q '^others  *active  *0 .* other$' "$tmp/out" ||
    it_fail "list: $(cat "$tmp/out")"
ctl 0 remove mdm
refused challenge_wrong dev5
# what it was given out for stays, and its name is free
before=$(count)
is "$(ask dev1)" issued 'a copy after the removal'
is "$(count)" "$before" 'rows for that copy'
add --name mdm --endpoint other
csr mdm2 "$secret" CN=mdm2 ''
refused challenge_endpoint mdm2
CLIENT_PATH=/other issued mdm2

add --name wide --endpoint scep --profile wide --key-type ec
csr rsa "$secret" CN=rsa ''
refused challenge_key rsa
add --name upn --endpoint scep --profile wide --san 'upn suffix @x.example'
csr upn1 "$secret" CN=u 'otherName.1=1.3.6.1.4.1.311.20.2.3;UTF8:u@x.example'
issued upn1
is "$(sql 'SELECT profile || sans FROM issued ORDER BY id DESC LIMIT 1')" \
    'wideupn:u@x.example' 'a UPN within its pattern'
csr upn2 "$secret" CN=u 'otherName.1=1.3.6.1.4.1.311.20.2.3;UTF8:root@y'
refused challenge_san upn2
# nor may an account be named beside it, where the profile grants accounts
csr_more=$sid_extension
csr upn3 "$secret" CN=u 'otherName.1=1.3.6.1.4.1.311.20.2.3;UTF8:v@x.example'
refused challenge_san upn3
add --name sid --endpoint scep --profile wide --san 'sid exact S-1-5-21-1-2-3-500'
csr sid3 "$secret" CN=pc ''
issued sid3
csr sid4 "$secret" CN=pc2 "$sid"
issued sid4
csr sid5 "$secret" CN=pc "$sid"1
refused challenge_san sid5
csr_more=
csr sid6 "$secret" CN=pc3 "$sid"
issued sid6
csr sid7 "$secret" CN=pc ''
refused challenge_san sid7

add --name short --endpoint scep --expires 1s
csr short "$secret" CN=short ''
short_is_over() {
	[ "$(date +%s)" -ge "$(sql "SELECT expires FROM challenge
	    WHERE name = 'short'")" ]
}
it_until 10 short_is_over
refused challenge_expired short

# a secret of one's own is known only by a hash that takes long to make
printf 'Rosebud 12\n' >"$tmp/in"
"$SCEPCTL" -c "$tmp/scepd.conf" challenge add --name given --endpoint scep \
    --secret-stdin <"$tmp/in" >"$tmp/out" 2>"$tmp/err" ||
    it_fail "add --secret-stdin: $(cat "$tmp/err")"
[ ! -s "$tmp/out" ] || it_fail 'add --secret-stdin shows something'
csr given 'Rosebud 12' CN=given ''
issued given
is "$(sql "SELECT hash GLOB '?scrypt?ln=14,*' AND mac IS NULL FROM challenge
    WHERE name = 'given'")" 1 'the hash of a secret that was given'
csr given2 'Rosebud 12' CN=given2 ''
issued given2
csr given3 'Rosebud 12' CN=given3 ''
ctl 0 disable given
refused challenge_disabled given3
ctl 0 enable given

# ---- rotation: the old and the new one, then the new one alone ----

add --name old --endpoint scep
old=$secret
add --name new --endpoint scep
csr old1 "$old" CN=old1 ''
issued old1
csr new1 "$secret" CN=new1 ''
issued new1
ctl 0 disable old
csr old2 "$old" CN=old2 ''
refused challenge_disabled old2
csr new2 "$secret" CN=new2 ''
issued new2

# ---- once, and many at the same time ----

# race NAME: many ask for the one use of it, and one gets it
race() {
	add --name "$1" --endpoint scep --once
	racers=
	for i in $(seq 20); do
		csr "$1$i" "$secret" "CN=$1-$i" ''
		racers="$racers $tmp/$1$i.csr"
	done
	# shellcheck disable=SC2086
	is "$("$IT_CLIENT" race "${port%%/*}" "$tmp/ca/ra.pem" \
	    "$tmp/device.key" $racers)" \
	    'issued=1 pending=0 failure=19 http=0 lost=0' 'twenty at once'
	is "$(sql "SELECT count(*) FROM issued WHERE challenge = '$1'")" 1 \
	    'certificates for one use'
	is "$(sql "SELECT count(*) FROM txn WHERE challenge = '$1'")" 1 \
	    'what was begun for one use'
}

# Some must have come between the look at the uses and the reservation.
for name in once1 once2 once3 once4 once5; do
	race $name
	! grep -q "step=reserve .*reason=challenge_spent" "$tmp/scepd.log" ||
	    break
done
grep -q "step=reserve .*reason=challenge_spent" "$tmp/scepd.log" ||
    it_fail 'there was no race'

# ---- what one was used for, and how it goes ----

is "$("$SCEPCTL" -c "$tmp/scepd.conf" list --challenge once1 --json |
    grep -c '"challenge": *"once1"')" 1 'list --challenge'
is "$("$SCEPCTL" -c "$tmp/scepd.conf" list --challenge nobody | wc -l)" 1 \
    'list --challenge of none'
add --name both --endpoint scep --endpoint other --expires 1h
ctl 0 list --active
grep -q '^both .* scep,other$' "$tmp/out" || it_fail "$(cat "$tmp/out")"
! grep -qE '^(once1|later|gone) ' "$tmp/out" || it_fail 'it is not active'
add --name bulk-1 --endpoint scep --once
add --name bulk-2 --endpoint scep --once
csr bulk "$secret" CN=bulk ''
issued bulk
ctl 0 remove --unused bulk-
is "$(cat "$tmp/out")" 'removed 1' 'remove --unused'
ctl 3 show bulk-1
ctl 0 show bulk-2
ctl 0 remove --spent
ctl 3 show bulk-2
ctl 3 show once1
ctl 0 show both
is "$("$SCEPCTL" -c "$tmp/scepd.conf" list --challenge bulk-2 --json |
    grep -c '"challenge": *"bulk-2"')" 1 'the ledger names it no more'
csr bulk2 "$secret" CN=bulk2 ''
refused challenge_wrong bulk2

# ---- mistakes ----

ctl 1 add --name mdm --endpoint scep
grep -q 'there is a challenge named "mdm" already' "$tmp/err" ||
    it_fail "$(cat "$tmp/err")"
ctl 1 add --name lab --endpoint scep
ctl 1 add --name x
ctl 1 add --name x --endpoint nowhere
ctl 1 add --name x --endpoint scep --profile nothing
ctl 1 add --name x --endpoint scep --subject 'CN regex a('
grep -q 'closing parenthesis' "$tmp/err" || it_fail "$(cat "$tmp/err")"
ctl 1 add --name x --endpoint scep --san 'dns suffix example'
ctl 1 add --name x --endpoint scep --key-type dsa
ctl 1 add --name 'x y' --endpoint scep
ctl 2 add --name x --endpoint scep --once --uses 2
ctl 2 add --name x --endpoint scep --expires yesterday
ctl 2 add --name x --endpoint scep --expires 2020-01-01T00:00:00Z
ctl 2 add --name x --endpoint scep --subject "CN exact a
b"
for verb in show disable enable remove; do
	ctl 3 $verb none
	ctl 2 $verb
done
ctl 2 remove mdm --spent
ctl 2 remove --spent --unused x
echo 'a secret of 15c' | "$SCEPCTL" challenge hash >"$tmp/out" 2>"$tmp/err"
grep -q 'can be guessed' "$tmp/err" || it_fail 'a short secret, no word'
echo 'a secret of 16 c' | "$SCEPCTL" challenge hash >"$tmp/out" 2>"$tmp/err"
[ ! -s "$tmp/err" ] || it_fail "$(cat "$tmp/err")"
ctl 3 disable lab
is "$(sql "SELECT count(*) FROM challenge WHERE name = 'x'")" 0 'mistakes'

# ---- nobody tells what was guessed right, or keeps a value ----

texts=$(sed -n 's/.*reason=challenge_[a-z_]* .*/x/p' "$tmp/scepd.log" | wc -l)
[ "$texts" -gt 20 ] || it_fail "only $texts refusals in the log"
it_stop
while read -r value; do
	if grep -q "$value" "$tmp/scepd.log" || grep -aq "$value" \
	    "$tmp/scepd.db"; then
		it_fail 'a value is in the log or in the database'
	fi
done <"$tmp/secrets"

# ---- a lost key: they match no more, and the log says so ----

rm "$tmp/scepd.db.key"
it_start
grep -q 'event=challenges_lost' "$tmp/scepd.log" ||
    it_fail 'a lost key is not told'
csr new3 "$secret" CN=new3 ''
refused challenge_wrong new3
csr given4 'Rosebud 12' CN=given4 ''
refused challenge_wrong given4
it_stop
