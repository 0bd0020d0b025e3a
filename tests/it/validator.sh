#!/bin/sh
# Validators end to end: a script and an HTTPS server that are asked before a
# certificate is issued. What they refuse, botch or never answer is not issued;
# what they change is in the certificate; what became of it they hear.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"

: "${IT_HOOK:=./tests/it/hook}"
hooks=
it_end_more() {
	for one in $hooks; do
		kill "$one" 2>/dev/null || true
	done
}

rows() {
	sqlite3 "$tmp/scepd.db" 'SELECT count(*) FROM issued'
}

# enroll PATH NAME CHALLENGE: prints the outcome; the certificate is $tmp/NAME.pem
enroll() {
	CLIENT_PATH=$1 "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$3" \
	    "$2" "$tmp/$2"
}

# ask PATH NAME WANTED REASON [CHALLENGE]: one enrollment, and its line in the
# log; REASON of what is issued is -
ask() {
	before=$(rows)
	got=$(enroll "$1" "$2" "${5-$challenge}")
	[ "$got" = "$3" ] || it_fail "$1 $2 is $got, not $3"
	if [ "$4" = - ]; then
		[ "$(rows)" = $((before + 1)) ] || it_fail "$1 $2 has no row"
		return
	fi
	[ "$(rows)" = "$before" ] || it_fail "$1 $2 has a row"
	grep 'event=request ' "$tmp/scepd.log" | tail -n 1 |
	    grep -q "$4 .*subject=\"CN=$2\"" || it_fail "$1 $2: not $4"
}

subject() {
	openssl x509 -in "$tmp/$1.pem" -noout -subject -nameopt RFC2253
}

# start_hook NAME CERT...: a server that keeps what it is told in $tmp/NAME; sets
# $hook_port. It ends with the script, at the latest when its fifo is closed.
start_hook() {
	hook_name=$1
	shift
	mkdir "$tmp/$hook_name"
	tail -f /dev/null | "$IT_HOOK" "$tmp/$hook_name" "$@" \
	    >"$tmp/$hook_name.port" &
	hooks="$hooks $!"
	it_until 20 test -s "$tmp/$hook_name.port" ||
	    it_fail "$hook_name does not start"
	hook_port=$(cat "$tmp/$hook_name.port")
}

# last NAME: what the server was told last
last() {
	find "$tmp/$1" -type f | sed 's|.*/||' | sort -n | tail -n 1
}

# make_tls NAME: a CA and a server's certificate for 127.0.0.1
make_tls() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc \
	    -keyout "$tmp/$1.key" -out "$tmp/$1.pem" -days 2 \
	    -subj "/CN=$1" 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc \
	    -keyout "$tmp/$1-server.key" -out "$tmp/$1.csr" \
	    -subj "/CN=$1 server" 2>/dev/null
	echo 'subjectAltName = IP:127.0.0.1' >"$tmp/$1.ext"
	openssl x509 -req -in "$tmp/$1.csr" -CA "$tmp/$1.pem" \
	    -CAkey "$tmp/$1.key" -days 1 -extfile "$tmp/$1.ext" \
	    -out "$tmp/$1-server.pem" 2>/dev/null
}

# The names of requests choose what becomes of them.
make_script() {
	cat >"$tmp/validate" <<-END
		#!/bin/sh
		cat >$tmp/told
		cat /proc/\$\$/cmdline /proc/\$\$/environ | tr '\0' '\n' \\
		    >>$tmp/seen
		case \$(cat $tmp/told) in
		*'"event": "outcome"'*) mv $tmp/told $tmp/outcome ;;
		*CN=refuse*) echo 'not in the inventory' >&2; exit 40 ;;
		*CN=tells*) cat $tmp/told >&2; exit 40 ;;
		*CN=hold*) echo '{"reason": "ask the help desk"}'; exit 41 ;;
		*CN=broken*) exit 1 ;;
		*CN=garbage*) echo 'OK' ;;
		*CN=killed*) kill -9 \$\$ ;;
		*CN=endless*) exec yes ;;
		*CN=slow*) sleep 300 & echo \$! >$tmp/sleeper; wait ;;
		*CN=changed*) printf '{"subject": "CN=other,O=Example",
		    "sans": ["dns:other.example"], "validity": "2d"}' ;;
		*CN=grasping*) echo '{"sans": ["upn:admin@example"]}' ;;
		esac
	END
	chmod 700 "$tmp/validate"
}

# endpoint NAME SETTING...
endpoint() {
	endpoint_name=$1
	shift
	cat >>"$tmp/scepd.conf" <<-END
		, { name = "$endpoint_name"; paths = [ "/$endpoint_name" ];
		    ra_cert = "ca/ra.pem"; ra_key = "ca/ra.key";
		    issuer = "local"; profile = "device"; $* }
	END
}

# hook NAME URL [SETTING...]: a validator, at an endpoint of the same name
hook() {
	hook_name=$1 hook_url=$2 hook_ca='ca_file = "web.pem";'
	shift 2
	case $* in *ca_file*) hook_ca= ;; esac
	endpoint "$hook_name" "validator = \"$hook_name\";" \
	    'challenges = [ "test" ];'
	cat >>"$tmp/validators" <<-END
		, { name = "$hook_name"; type = "webhook"; url = "$hook_url";
		    timeout = 2; secret_file = "secret"; $hook_ca
		    notify = true; $* }
	END
}

make_conf() {
	web=https://127.0.0.1:$web_port
	cat >"$tmp/scepd.conf" <<-END
		http: { listen = "127.0.0.1:0"; };
		store: { path = "scepd.db"; };
		issuers = ( { name = "local"; cert = "ca/issuing.pem";
		    key = "ca/issuing.key"; chain = "ca/chain.pem"; } );
		profiles = ( { name = "device"; key_types = [ "ec", "rsa" ];
		    san = [ "dns" ]; },
		    { name = "templated"; subject = "/OU=T/CN={CN}"; } );
		challenges = ( { name = "test"; secret = "$challenge"; } );
		endpoints = ( { name = "scep"; paths = [ "/scep" ];
		    ra_cert = "ca/ra.pem"; ra_key = "ca/ra.key";
		    issuer = "local"; profile = "device";
		    challenges = [ "test" ]; validator = "script"; }
	END
	cat >"$tmp/validators" <<-END
		); validators = ( { name = "script"; timeout = 2;
		    command = [ "$tmp/validate" ]; notify = true; }
	END
	for word in issue refuse hold override 500 redirect garbage huge \
	    header cut hang drip; do
		hook "$word" "$web/$word"
	done
	hook bearer "$web/issue" 'auth = "bearer";'
	hook untrusted "$web/issue" 'ca_file = "elsewhere.pem";'
	hook system "$web/issue" 'ca_file = "";'
	hook gone "https://127.0.0.1:1/issue"
	hook known "https://127.0.0.1:$mutual_port/issue" \
	    'client_cert = "web-server.pem"; client_key = "web-server.key";'
	hook unknown "https://127.0.0.1:$mutual_port/issue"
	hook judge "$web/judge"
	endpoint templated 'validator = "override"; challenges = [ "test" ];'
	sed -i '/name = "templated"; paths/,$s/"device"/"templated"/' \
	    "$tmp/scepd.conf"
	endpoint instead 'validator = "judge";' \
	    'validator_challenge = "instead";'
	endpoint alone 'validator = "gone";' \
	    'validator_challenge = "instead";'
	{ cat "$tmp/validators"; echo ');'; } >>"$tmp/scepd.conf"
}

it_ca --key ec:p256
make_tls web
make_tls elsewhere
openssl rand -hex 32 >"$tmp/secret"
make_script
start_hook web "$tmp/web-server.pem" "$tmp/web-server.key"
web_port=$hook_port
start_hook mutual "$tmp/web-server.pem" "$tmp/web-server.key" "$tmp/web.pem"
mutual_port=$hook_port
make_conf
it_start

# ---- a program

ask /scep issue issued -
told() {
	[ -s "$tmp/outcome" ] && grep -q "$1" "$tmp/outcome"
}
it_until 10 told '"outcome": "issued", "reason": null, "serial"' ||
    it_fail 'the script hears of no outcome'
ask /scep refuse failure reason=validator_refused
grep -q 'detail=.*not in the inventory' "$tmp/scepd.log" ||
    it_fail 'nothing says why'
it_until 10 told '"outcome": "refused", "reason": "validator_refused"' ||
    it_fail 'the script hears of no refusal'
ask /scep tells failure reason=validator_refused
ask /scep broken http reason=validator
ask /scep garbage http reason=validator_answer
ask /scep killed http reason=validator
ask /scep endless http reason=validator
ask /scep slow http reason=validator
ask /scep grasping http reason=validator_answer
ask /scep changed issued -
[ "$(subject changed)" = 'subject=CN=other,O=Example' ] ||
    it_fail "changed is for $(subject changed)"
openssl x509 -in "$tmp/changed.pem" -noout -ext subjectAltName |
    grep -q '^ *DNS:other.example$' || it_fail 'changed has other names'
! openssl x509 -in "$tmp/changed.pem" -noout -checkend 259200 >/dev/null ||
    it_fail 'changed lives too long'
rm -f "$tmp/told"
for bad in ' ' wrong "$challenge "; do
	[ "$(enroll /scep early "$bad")" = failure ] ||
	    it_fail "challenge \"$bad\" is taken"
done
[ ! -e "$tmp/told" ] || it_fail 'it is asked about a wrong challenge'
chmod -x "$tmp/validate"
ask /scep unable http reason=validator
chmod +x "$tmp/validate"
# The client's transactionID is taken from here on.
ask /scep hold pending 'outcome=pending detail="ask the help desk"'

# ---- a server

ask /issue device issued -
ask /refuse device failure reason=validator_refused
ask /hold device pending outcome=pending
ask /override device issued -
[ "$(subject device)" = 'subject=CN=renamed,O=Example' ] ||
    it_fail "override is for $(subject device)"
ask /templated device issued -
[ "$(subject device)" = 'subject=CN=renamed,OU=T' ] ||
    it_fail "templated is for $(subject device)"
for word in 500 redirect huge header cut hang drip; do
	ask "/$word" device http reason=validator
done
ask /garbage device http reason=validator_answer
ask /bearer device issued -
ask /untrusted device http reason=validator
grep -q 'detail=.*fetch_tls' "$tmp/scepd.log" || it_fail 'it trusts any CA'
ask /system device http reason=validator
ask /gone device http reason=validator
ask /known device issued -
ask /unknown device http reason=validator

# The manual's check of a signature.
ask /issue signed issued -
signed() {
	grep -l '"outcome": "issued".*CN=signed' "$tmp"/web/* >"$tmp/which"
}
it_until 10 signed || it_fail 'the server hears of no outcome'
request=$(cat "$tmp/which")
body=$(sed '1,/^\r*$/d' "$request")
field() {
	sed -n "s/^$1: \\([^\r]*\\)\r*\$/\\1/p" "$request"
}
[ "$(printf '%s.%s' "$(field X-Scepd-Timestamp)" "$body" |
    openssl dgst -sha256 -hmac "$(cat "$tmp/secret")" -r | cut -d ' ' -f 1)" = \
    "$(field X-Scepd-Signature | sed 's/^v1=//')" ] ||
    it_fail 'the signature does not verify'
! grep -rq "$(cat "$tmp/secret")" "$tmp/web" --include="$(last web)" ||
    it_fail 'the secret is sent along'

# ---- it judges the challenge

asked=$(last web)
ask /instead blank failure reason=challenge_missing ' '
[ "$(last web)" = "$asked" ] || it_fail 'it is asked without a challenge'
ask /instead device failure reason=validator_refused bad-challenge-of-many
ask /instead plain issued - good-challenge
# That it cannot is our own trouble, and no stranger's.
ask /alone device http reason=validator any-challenge
grep 'endpoint=alone.*reason=validator' "$tmp/scepd.log" |
    grep -q ' err event=request ' ||
    it_fail 'it does not count as our trouble'
it_stop

! grep -q "$challenge" "$tmp/scepd.log" || it_fail 'the log has the challenge'
! grep -q 'challenge-of-many\|good-challenge' "$tmp/scepd.log" ||
    it_fail 'the log has the judged challenge'
! grep -q "$(cat "$tmp/secret")" "$tmp/scepd.log" ||
    it_fail 'the log has the secret'
! grep -q "$challenge" "$tmp/seen" ||
    it_fail 'the list of processes has the challenge'
grep -q '^SCEPD_ENDPOINT=scep$' "$tmp/seen" || it_fail 'nothing was seen'
! grep -q 'event=outcome_lost.*validator=issue' "$tmp/scepd.log" ||
    it_fail 'an outcome is lost'

# ---- a stop does not wait for it longer than for others

sed -i '1i pipeline: { drain_timeout = 1; };
    /name = "script"/s/timeout = 2/timeout = 300/' "$tmp/scepd.conf"
rm "$tmp/sleeper"
it_start
enroll /scep slow "$challenge" >"$tmp/slow.out" &
client=$!
it_until 20 test -s "$tmp/sleeper" || it_fail 'the script is not asked'
begun=$(date +%s)
it_stop
[ $(($(date +%s) - begun)) -lt 20 ] || it_fail 'a stop waits for the script'
wait "$client" || true
[ "$(cat "$tmp/slow.out")" = http ] ||
    it_fail "slow is $(cat "$tmp/slow.out"), not told to try again"
grep -q 'reason=validator .*the server stops' "$tmp/scepd.log" ||
    it_fail 'not said why'
gone() {
	! grep -qs '^State:[[:space:]]*[^Z]' "/proc/$(cat "$tmp/sleeper")/status"
}
it_until 10 gone || it_fail 'the script outlives scepd'
sed -i '1d; /name = "script"/s/timeout = 300/timeout = 2/' "$tmp/scepd.conf"

# ---- the example of the manual

command -v jq >/dev/null || {
	echo 'the example of the manual needs jq'
	exit 0
}
awk 'begun && /^\.Ed/ { exit }
    begun
    found && /^\.Bd/ { begun = 1 }
    /validator.sh runs this/ { found = 1 }' \
    "${srcdir:-.}/conf/scepd.conf.5.tail" |
    sed "s|/etc/scepd/laptops|$tmp/laptops|" >"$tmp/validate"
[ "$(head -n 1 "$tmp/validate")" = '#!/bin/sh' ] ||
    it_fail 'the manual has no script'
printf 'laptop-1\nlaptop-2\n' >"$tmp/laptops"
rm "$tmp/scepd.db"
it_start
CLIENT_TXIDS=1
export CLIENT_TXIDS
# try WANTED SUBJECT SAN [NAME=VALUE...]: one enrollment, to $tmp/try.pem; no SAN
# is ""
try() {
	wanted=$1 asked=$2 names=$3
	shift 3
	got=$(env CLIENT_SUBJECT="$asked" ${names:+"CLIENT_SANS=$names"} "$@" \
	    "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$challenge" device \
	    "$tmp/try")
	[ "$got" = "$wanted" ] || it_fail "$asked, $names is $got, not $wanted"
	[ "$got" = issued ] || grep 'event=request ' "$tmp/scepd.log" |
	    tail -n 1 | grep -q 'reason=validator_refused ' ||
	    it_fail "$asked, $names: another reason"
}
try issued /CN=laptop-1 ''
[ "$(subject try)" = 'subject=CN=laptop-1,OU=Laptops' ] ||
    it_fail "laptop-1 is for $(subject try)"
try issued /CN=laptop-2 DNS:laptop-2.corp.example
openssl x509 -in "$tmp/try.pem" -noout -ext subjectAltName |
    grep -q '^ *DNS:laptop-2.corp.example$' || it_fail 'laptop-2 has no name'
cp "$tmp/try.pem" "$tmp/old.pem"
cp "$tmp/try.key" "$tmp/old.key"
try issued /OU=Laptops/CN=laptop-2 DNS:laptop-2.corp.example CLIENT_TYPE=17 \
    CLIENT_OLD="$tmp/old"
[ "$(subject try)" = 'subject=CN=laptop-2,OU=Laptops' ] ||
    it_fail "its renewal is for $(subject try)"
for other in /CN=desktop-1 /CN=laptop-3 /CN=laptop- /CN=Laptop-1 /O=laptop-1 \
    /CN=laptop-1/O=Evil /O=Evil/CN=laptop-1 /CN=ceo/CN=laptop-1 \
    /CN=laptop-1/CN=ceo '/CN=laptop-1+CN=ceo' '/CN=laptop-1,OU=Laptops' \
    '/CN=laptop-1 ' '/CN=laptop-1#"<>;=' '/CN=laptop-1\\,O=Evil' \
    "/CN=laptop-$(printf '\303\251')" /OU=Laptops/OU=Laptops/CN=laptop-1; do
	try failure "$other" ''
done
for other in DNS:dc01.corp DNS:dc01.corp.example DNS:laptop-2.corp.example \
    DNS:laptop-1.corp.example,DNS:dc01.corp email:ceo@corp.example \
    DNS:laptop-1.corp.example.org; do
	try failure /CN=laptop-1 "$other"
done
try failure /CN=ceo/CN=laptop-1 DNS:dc01.corp
grep -q 'detail="not in the inventory: CN=laptop-1,CN=ceo"' \
    "$tmp/scepd.log" || it_fail 'nothing says why'
# Without its list it knows nothing.
mv "$tmp/laptops" "$tmp/away"
[ "$(CLIENT_SUBJECT=/CN=laptop-1 "$IT_CLIENT" enroll "$port" \
    "$tmp/ca/ra.pem" "$challenge" device "$tmp/try")" = http ] ||
    it_fail 'it answers without its list'
it_stop
