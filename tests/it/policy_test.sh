#!/bin/sh
# scepctl policy test beside a running scepd: what it foretells of a request is
# what then becomes of it, and asking changes nothing, costs nothing and shows
# no secret.
#
# shellcheck disable=SC2154 # variables of lib.sh
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

# All but what scepd itself writes down a second after a refusal.
rows() {
	sql "SELECT * FROM txn; SELECT * FROM issued; SELECT * FROM challenge;
	    SELECT * FROM challenge_use; SELECT * FROM lockout;
	    SELECT * FROM crl; SELECT * FROM followed;
	    SELECT * FROM audit WHERE txid = ''" | cksum
}

csr() { # NAME SUBJECT SECRET [SAN]: $tmp/NAME.csr, by the key of the device
	cat >"$tmp/csr.conf" <<-END
		[ req ]
		prompt = no
		distinguished_name = dn
		${3:+attributes = at}
		req_extensions = ext
		string_mask = utf8only
		[ dn ]
		$2
		[ at ]
		challengePassword = $3
		[ ext ]
		${4:+subjectAltName = $4}
		extendedKeyUsage = clientAuth
	END
	openssl req -new -config "$tmp/csr.conf" -key "$tmp/device.key" \
	    -outform DER -out "$tmp/$1.csr" 2>"$tmp/out" ||
	    it_fail "$(cat "$tmp/out")"
}

# foretell STATUS ARGUMENT...: scepctl policy test ends so, and leaves the store
# as it was; its output is in out and err
foretell() {
	foretell_want=$1 foretell_got=0
	shift
	foretell_before=$(rows)
	"$SCEPCTL" -c "$tmp/scepd.conf" policy test "$@" >"$tmp/out" \
	    2>"$tmp/err" </dev/null || foretell_got=$?
	is "$foretell_got" "$foretell_want" \
	    "policy test $*: $(cat "$tmp/out" "$tmp/err"): exit code"
	is "$(rows)" "$foretell_before" "the store after $*"
	cat "$tmp/out" "$tmp/err" >>"$tmp/shown"
}

says() { # NAME: the value on that line
	sed -n "s/^$1  *//p" "$tmp/out" | tail -n 1
}

# same WANTED NAME [ARGUMENT...]: foretold and true; WANTED is issued, pending or
# the reason. ENDPOINT, and KEY and CERT that sign, are of the environment.
same() {
	same_want=$1 same_name=$2
	shift 2
	same_endpoint=${ENDPOINT:-auto}
	case $same_want in
	issued) same_code=0 same_says='would be issued' ;;
	pending) same_code=0 same_says='would wait for an operator' ;;
	*) same_code=1 same_says='would be refused' ;;
	esac
	foretell $same_code --endpoint "$same_endpoint" \
	    --csr "$tmp/$same_name.csr" ${CERT:+--signer "$CERT"} "$@"
	is "$(says outcome)" "$same_says" "$same_name"
	same_at=$(wc -l <"$tmp/scepd.log")
	same_got=$(env CLIENT_TXIDS=1 CLIENT_PATH="/scep/$same_endpoint" \
	    ${CERT:+CLIENT_CERT="$CERT"} "$IT_CLIENT" csr "$port" \
	    "$tmp/ca/ra.pem" "${KEY:-$tmp/device.key}" "$tmp/$same_name.csr")
	tail -n "+$((same_at + 1))" "$tmp/scepd.log" >"$tmp/seen"
	case $same_want in
	issued | pending) is "$same_got" "$same_want" "$same_name, sent" ;;
	*)
		is "$(says reason)" "$same_want" "$same_name, foretold"
		case $(says 'client reads') in
		badRequest:\ ?* | badAlg:\ ?*) is "$same_got" failure reads ;;
		*) it_fail "$same_name: client reads $(says 'client reads')" ;;
		esac
		grep -q "outcome=refused .*reason=$same_want" "$tmp/seen" ||
		    it_fail "$same_name: not $same_want: $(cat "$tmp/seen")"
		;;
	esac
}

key() {
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
	    -out "$tmp/$1.key" 2>/dev/null
}

it_ca --key ec:p256
key device
key other

cat >"$tmp/asked" <<-END
	#!/bin/sh
	echo asked >>"$tmp/was-asked"
	exit 40
END
chmod 755 "$tmp/asked"
cat >"$tmp/scepd.conf" <<-END
	http: { listen = "127.0.0.1:0"; };
	store: { path = "scepd.db"; };
	abuse: { lock_after = 4; delay_max = 0; };
	endpoints = ( {
	    name = "auto"; ra_cert = "ca/ra.pem"; ra_key = "ca/ra.key";
	    issuer = "local"; profile = "device";
	    challenges = [ "test", "once", "hashed" ];
	}, {
	    name = "manual"; ra_cert = "ca/ra.pem"; ra_key = "ca/ra.key";
	    issuer = "local"; profile = "device"; challenges = [ "test" ];
	    approval = "manual";
	}, {
	    name = "strict"; ra_cert = "ca/ra.pem"; ra_key = "ca/ra.key";
	    issuer = "local"; profile = "strict"; challenges = [ "test" ];
	    renew: { window = "10d"; };
	}, {
	    name = "asks"; ra_cert = "ca/ra.pem"; ra_key = "ca/ra.key";
	    issuer = "program"; profile = "device"; challenges = [ "test" ];
	    validator = "hook";
	}, {
	    name = "instead"; ra_cert = "ca/ra.pem"; ra_key = "ca/ra.key";
	    issuer = "local"; profile = "device";
	    validator = "hook"; validator_challenge = "instead";
	}, {
	    name = "off"; ra_cert = "ca/ra.pem"; ra_key = "ca/ra.key";
	    issuer = "local"; profile = "device"; challenges = [ "test" ];
	    enabled = false;
	} );
	issuers = ( {
	    name = "local"; cert = "ca/issuing.pem"; key = "ca/issuing.key";
	    chain = "ca/chain.pem";
	}, {
	    name = "program"; type = "exec"; cert = "ca/issuing.pem";
	    chain = "ca/chain.pem"; command = [ "$tmp/asked" ];
	} );
	validators = ( { name = "hook"; type = "exec";
	    command = [ "$tmp/asked" ]; } );
	profiles = ( { name = "device"; },
	    { name = "strict"; max_active = 1; san_required = [ "dns" ];
	      surplus = "refuse"; } );
	challenges = ( { name = "test"; secret = "$challenge"; },
	    { name = "once"; secret = "once-$challenge"; uses = 1; },
	    { name = "hashed"; hash = "$(echo "hashed-$challenge" |
	        "$SCEPCTL" challenge hash | cut -d'"' -f2)"; } );
END
it_start

# ---- the same end, and the same reason ----

csr plain CN=plain "$challenge"
same issued plain
csr none CN=none ''
same challenge_missing none
csr wrong CN=wrong "not-$challenge"
same challenge_wrong wrong
csr once CN=once "once-$challenge"
foretell 0 --endpoint auto --csr "$tmp/once.csr"
is "$(says spends)" 'a use of its challenge' 'the last use'
foretell 0 --endpoint auto --csr "$tmp/once.csr"
same issued once
csr twice CN=twice "once-$challenge"
same challenge_spent twice
csr hashed CN=hashed "hashed-$challenge"
same issued hashed
csr nodns CN=nodns "$challenge"
ENDPOINT=strict same san_required nodns
csr upn CN=upn "$challenge" \
    'DNS:a.example,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:a@b'
ENDPOINT=strict same surplus upn
same issued upn
is "$(says 'left out')" san:upn 'what the profile drops'
csr strict CN=strict "$challenge" DNS:a.example
ENDPOINT=strict same issued strict
is "$(says sans)" dns:a.example 'names of the certificate'
csr second CN=strict "$challenge" DNS:b.example
ENDPOINT=strict same max_active second
sql "SELECT writefile('$tmp/strict.der', der) FROM issued
    WHERE subject = 'CN=strict'" >/dev/null
csr renewed CN=strict '' DNS:a.example
ENDPOINT=strict CERT=$tmp/strict.der same renewal_early renewed
foretell 0 --endpoint strict --csr "$tmp/renewed.csr" \
    --signer "$tmp/strict.der" --at +360d
is "$(says renews)" 'the certificate that signs' 'a renewal, in time'
foretell 1 --endpoint strict --csr "$tmp/renewed.csr" --renewal
is "$(says reason)" renewal_signer 'a RenewalReq by itself'
openssl req -x509 -new -key "$tmp/other.key" -subj /CN=x -days 9 -outform DER \
    -out "$tmp/other.der" 2>/dev/null
csr mismatch CN=mismatch "$challenge"
KEY=$tmp/other.key CERT=$tmp/other.der same key_mismatch mismatch
csr waits CN=waits "$challenge"
ENDPOINT=manual same pending waits

# ---- others are not asked ----

csr asks CN=asks "$challenge"
foretell 0 --endpoint asks --csr "$tmp/asks.csr"
is "$(says validator | cut -d' ' -f1)" hook 'the validator is named'
is "$(says outcome)" 'would be issued if hook agrees' 'a validator decides'
is "$(says spends)" 'a use of its challenge' 'a challenge beside a validator'
csr foreign CN=foreign "no-$challenge"
foretell 0 --endpoint instead --csr "$tmp/foreign.csr"
is "$(says outcome)" 'would be issued if hook agrees' 'a challenge it judges'
is "$(says spends)" nothing 'a challenge that it judges'
grep -q '^    proof  *ok  challenge=judged_by_validator ' "$tmp/out" ||
    it_fail "$(cat "$tmp/out")"
grep -q '^    reserve  .*spends_challenge=no ' "$tmp/out" ||
    it_fail "$(cat "$tmp/out")"
foretell 0 --endpoint asks --csr "$tmp/asks.csr"
says issuer | grep -q '^program, whose program' || it_fail 'issuer of type exec'
[ ! -e "$tmp/was-asked" ] || it_fail 'a program was asked'
foretell 1 --endpoint off --csr "$tmp/asks.csr"
is "$(says reason)" disabled 'a disabled endpoint'

# ---- the challenge: out of a file or standard input, never shown ----

printf '%s\n' "$challenge" >"$tmp/secret"
foretell 0 --endpoint auto --csr "$tmp/none.csr" --challenge "$tmp/secret"
printf 'guess\n' >"$tmp/guess"
foretell 1 --endpoint auto --csr "$tmp/plain.csr" --challenge "$tmp/guess"
is "$(says reason)" challenge_wrong 'a challenge instead of the own one'
"$SCEPCTL" -c "$tmp/scepd.conf" policy test --endpoint auto --csr \
    "$tmp/none.csr" --challenge - <"$tmp/secret" >"$tmp/out" 2>&1 ||
    it_fail "--challenge -: $(cat "$tmp/out")"
chmod 644 "$tmp/secret"
foretell 1 --endpoint auto --csr "$tmp/none.csr" --challenge "$tmp/secret"
grep -q 'others read it' "$tmp/err" || it_fail 'a challenge that all can read'
foretell 1 --endpoint auto --csr "$tmp/none.csr" --challenge "$challenge"
grep -q 'takes a file' "$tmp/err" || it_fail "$(cat "$tmp/err")"
! grep -q "$challenge" "$tmp/shown" || it_fail 'a challenge was shown'

# ---- what programs read ----

for one in plain wrong; do
	code=0
	[ $one = plain ] || code=1
	foretell $code --endpoint auto --csr "$tmp/$one.csr" --json
	sqlite3 :memory: "WITH o AS (SELECT readfile('$tmp/out') AS j)
	    SELECT j->>'outcome', j->>'reason', j->>'fail_info',
	    j->>'$.certificate.subject', j->>'$.trail.facts.subject',
	    json_array_length(j->'$.trail.steps') > 3 FROM o" >>"$tmp/json"
done
is "$(cat "$tmp/json")" "issued|||CN=plain|CN=plain|1
refused|challenge_wrong|badRequest||CN=wrong|1" JSON
openssl req -inform DER -in "$tmp/plain.csr" -out "$tmp/plain.pem"
foretell 0 --endpoint auto --csr "$tmp/plain.pem"
foretell 1 --endpoint auto --csr "$tmp/ca/ra.pem"
grep -q 'ra.pem: it is a certificate, not a request' "$tmp/err" ||
    it_fail "$(cat "$tmp/err")"
openssl x509 -in "$tmp/ca/ra.pem" -outform DER -out "$tmp/ra.der"
foretell 1 --endpoint auto --csr "$tmp/ra.der"
grep -q 'ra.der: it is a certificate, not a request' "$tmp/err" ||
    it_fail "$(cat "$tmp/err")"
foretell 1 --endpoint auto --csr "$tmp/device.key"
grep -q 'device.key: .*no request' "$tmp/err" || it_fail "$(cat "$tmp/err")"
foretell 3 --endpoint nowhere --csr "$tmp/plain.csr"
foretell 2 --endpoint auto
foretell 2 --csr "$tmp/plain.csr"
foretell 2 --endpoint auto --csr "$tmp/plain.csr" --at yesterday
foretell 2 --endpoint auto --csr "$tmp/plain.csr" --peer nowhere
foretell 1 --endpoint auto --csr "$tmp/plain.csr" --at +14600d
is "$(says reason)" ca_expired 'when the CA is gone'

# ---- guesses are nobody's, and locks are told ----

# Certificates give guesses back; after a start it is only known that there were.
it_stop
it_start
for one in 1 2 3 4 5; do
	foretell 1 --endpoint auto --csr "$tmp/wrong.csr" --peer 127.0.0.1
done
for one in 1 2 3 4; do
	"$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" guess guess >>"$tmp/guesses"
done
is "$(sort -u "$tmp/guesses")" failure 'guesses after those that were foretold'
# Its ration ends with the fourth of them, not sooner.
grep -q 'event=rationed address=127.0.0.1 endpoint=auto failures=4$' \
    "$tmp/scepd.log" || it_fail 'what was foretold is counted'
foretell 0 --endpoint auto --csr "$tmp/plain.csr" --peer 192.0.2.9
now=$(date +%s)
sql "INSERT INTO lockout VALUES ('192.0.2.9', $now, $((now + 600)), 5, 'auto')"
foretell 1 --endpoint auto --csr "$tmp/plain.csr" --peer 192.0.2.9
is "$(says reason)" locked 'an address that is locked'
says 'client reads' | grep -q '^HTTP 429: too many failed' ||
    it_fail "a locked address reads $(says 'client reads')"
says 'what to do' | grep -q 'lockout clear 192.0.2.9$' ||
    it_fail "a locked address: $(says 'what to do')"
foretell 0 --endpoint auto --csr "$tmp/plain.csr"
it_stop

# ---- scepd need not run; root reads as the store's owner does ----

foretell 0 --endpoint auto --csr "$tmp/plain.csr"
sql "UPDATE issued SET endpoint = 'asks', profile = 'gone'
    WHERE subject = 'CN=strict'"
foretell 0 --endpoint asks --csr "$tmp/renewed.csr" \
    --signer "$tmp/strict.der" --at +360d
says profile | grep -q '^gone; only if the validator names' ||
    it_fail "a renewal whose profile is gone: $(cat "$tmp/out")"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	owner=$(id -un 65534 2>/dev/null) || owner=
	if [ -n "$owner" ]; then
		chmod 711 "$tmp"
		mkdir -m 700 "$tmp/data"
		mv "$tmp"/scepd.db* "$tmp/data"
		chown -R "$owner" "$tmp/data" "$tmp/ca"
		sed -i 's|path = "scepd.db"|path = "data/scepd.db"|' \
		    "$tmp/scepd.conf"
		sql() {
			sqlite3 "$tmp/data/scepd.db" "$1"
		}
		chown root "$tmp"/ca/*.key
		chgrp "$(id -g "$owner")" "$tmp"/ca/*.key
		chmod 640 "$tmp"/ca/*.key
		foretell 0 --endpoint auto --csr "$tmp/plain.csr"
		is "$(find "$tmp/data" ! -user "$owner")" '' \
		    'files of somebody else'
		"$SCEPCTL" -c "$tmp/scepd.conf" challenge add --endpoint auto \
		    >"$tmp/out" 2>"$tmp/err" ||
		    it_fail "challenge add by root: $(cat "$tmp/err")"
		# Nor does it stay root where he put a link to root's file.
		mkdir "$tmp/roots"
		chmod 755 "$tmp/roots"
		mv "$tmp"/data/scepd.db "$tmp/roots"
		ln -s ../roots/scepd.db "$tmp/data/scepd.db"
		chown root "$tmp/roots/scepd.db"
		chmod 644 "$tmp/roots/scepd.db"
		chmod 600 "$tmp/ca/ra.key"
		foretell 1 --endpoint auto --csr "$tmp/plain.csr"
		grep -q 'ra.key: ' "$tmp/err" ||
		    it_fail "a link to root's store: $(cat "$tmp/err")"
		rm "$tmp/data/scepd.db"
		mv "$tmp/roots/scepd.db" "$tmp/data"
		chown "$owner" "$tmp/data/scepd.db"
		foretell 1 --endpoint auto --csr "$tmp/plain.csr"
		grep -q 'ra.key: ' "$tmp/err" ||
		    it_fail "a key that scepd cannot read: $(cat "$tmp/err")"
	fi
fi
echo ok
