#!/bin/sh
# Challenges that a program was given for one device: good for that one alone,
# where and when it was said, and made for nobody who may not.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"

for tool in curl openssl sqlite3; do
	command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done

# post STATUS JSON CURL-ARGUMENT...
post() {
	wanted=$1 json=$2
	shift 2
	got=$(curl -sS --max-time 20 --unix-socket "$tmp/admin.sock" "$@" \
	    -d "$json" -o "$tmp/body" -w '%{http_code}' http://h/api/challenge)
	[ "$got" = "$wanted" ] || {
		cat "$tmp/body"
		it_fail "$json $*: $got, not $wanted"
	}
}
made() { # JSON: sets $secret
	post 200 "$1" -u mdm:mdm-pass-1
	secret=$(sed -n 's/.*"challenge": *"\([0-9A-F]\{32\}\)".*/\1/p' \
	    "$tmp/body")
	[ -n "$secret" ] || it_fail "no challenge in $(cat "$tmp/body")"
}
issued() { # NAME VARIABLE=VALUE...
	issued_name=$1
	shift
	got=$(env "$@" "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" \
	    "$secret" "$issued_name")
	[ "$got" = issued ] || it_fail "an enrollment is $got"
}

it_ca --single
mdm=$(echo mdm-pass-1 | "$SCEPCTL" challenge hash |
    sed -n 's/^hash = "\(.*\)";$/\1/p')
it_global="admin: { listen = \"$tmp/admin.sock\"; };
    accounts = (
    { name = \"mdm\"; hash = \"$mdm\"; rights = [\"challenge\"];
      max_uses = 2; profiles = [\"pads\"]; },
    { name = \"token\"; hash = \"$mdm\"; auth = \"bearer\";
      rights = [\"challenge\"]; },
    { name = \"prometheus\"; hash = \"$mdm\"; rights = [\"metrics\"]; },
    { name = \"narrow\"; hash = \"$mdm\"; rights = [\"challenge\"];
      endpoints = [\"other\"]; } );"
it_endpoint='}, { name = "other"; paths = [ "/other" ];
    ra_cert = "ca/ra.pem"; ra_key = "ca/ra.key"; issuer = "local";
    profile = "device"; challenges = [ "test" ];'
it_profile='}, { name = "pads"; subject = "/O=Example/CN={challenge}";
    subject_patterns = ["CN glob printer-*"];'
it_conf
it_start

# ---- good for one device

# bound REASON NAME VARIABLE=VALUE...: $secret does not vouch for that
bound() {
	bound_reason=$1 bound_name=$2
	shift 2
	got=$(env CLIENT_TXIDS=1 "$@" "$IT_CLIENT" enroll "$port" \
	    "$tmp/ca/ra.pem" "$secret" "$bound_name")
	[ "$got" = failure ] || it_fail "$* is $got by a bound challenge"
	grep 'event=request ' "$tmp/scepd.log" | tail -n 1 |
	    grep -q "reason=$bound_reason " || it_fail "$*: not $bound_reason"
}
dns=DNS:a.example
made '{"endpoint": "scep", "subject": "CN exact a", "uses": 2,
    "san": "dns exact a.example", "ttl": 600}'
bound challenge_subject b CLIENT_SANS=$dns
bound challenge_subject a CLIENT_SANS=$dns CLIENT_SUBJECT=/O=x/CN=a
bound challenge_san a CLIENT_SANS=$dns,DNS:b.example
bound challenge_san a
bound challenge_san a \
    "CLIENT_SANS=$dns,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:root@x"
# An account of Windows, as a URI and in an extension.
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
    -out "$tmp/sid.key" 2>/dev/null
sid=S-1-5-21-1-2-3-500
for line in "URI = tag:microsoft.com,2022-09-14:sid:$sid" "[ ext ]
1.3.6.1.4.1.311.25.2 = DER:3024a022060a2b060104018237190201a0140412$(
    printf %s $sid | od -An -tx1 | tr -d ' \n')"; do
	cat >"$tmp/sid.conf" <<-END
		[ req ]
		prompt = no
		distinguished_name = dn
		attributes = at
		req_extensions = ext
		[ dn ]
		CN = a
		[ at ]
		challengePassword = $secret
		[ ext ]
		subjectAltName = @san
		[ san ]
		DNS = a.example
		$line
	END
	openssl req -new -config "$tmp/sid.conf" -key "$tmp/sid.key" \
	    -outform DER -out "$tmp/sid.csr"
	grep -qaF $sid "$tmp/sid.csr" || it_fail "no SID in the request: $line"
	bound challenge_san a CLIENT_KEY_FILE="$tmp/sid.key" \
	    CLIENT_CSR="$tmp/sid.csr"
done
bound challenge_endpoint a CLIENT_SANS=$dns CLIENT_PATH=/other
bound renewal_signer a CLIENT_SANS=$dns CLIENT_TYPE=17
issued a CLIENT_SANS=$dns
issued a CLIENT_SANS=$dns
bound challenge_spent a CLIENT_SANS=$dns
# Who names the subject alone did not leave the subjectAltNames open.
made '{"endpoint": "scep", "subject": ["CN exact x"]}'
bound challenge_san x CLIENT_SANS=DNS:admin.corp,IP:10.0.0.1
bound challenge_san x CLIENT_SANS=IP:10.0.0.1
issued x
# Who names the challenge does not name whatever he likes.
made '{"endpoint": "scep", "profile": "pads", "name": "domain-admin",
    "subject": "CN glob printer-*"}'
bound subject_pattern printer-1
made '{"endpoint": "scep", "profile": "pads", "name": "printer-9",
    "subject": "CN glob printer-*"}'
issued printer-1
[ "$(sqlite3 "$tmp/scepd.db" 'SELECT subject FROM issued ORDER BY id DESC
    LIMIT 1')" = CN=printer-9,O=Example ] || it_fail 'it is not printer-9'
made '{"endpoint": "other", "subject": "CN exact a"}'
bound challenge_endpoint a
sqlite3 -cmd '.timeout 10000' "$tmp/scepd.db" \
    "UPDATE challenge SET expires = 1 WHERE id = (SELECT max(id)
    FROM challenge)"
bound challenge_expired a CLIENT_PATH=/other

# ---- made for nobody else

challenges() {
	sqlite3 "$tmp/scepd.db" 'SELECT count(*) FROM challenge'
}
before=$(challenges)
any='{"endpoint": "scep", "subject": "CN exact a"}'
post 401 "$any"
post 401 "$any" -H 'Authorization: Bearer '
post 401 "$any" -H 'Authorization: Bearer wrong'
post 401 "$any" -u mdm:
post 401 "$any" -u nobody:mdm-pass-1
post 403 "$any" -u prometheus:mdm-pass-1
post 403 "$any" -u narrow:mdm-pass-1
post 400 '{"subject": "CN exact a"}' -u mdm:mdm-pass-1
# Nor for anybody, nor for more than the account may.
for much in '"uses": 3' '"uses": 1000000000' '"ttl": "8d"' \
    '"san": "dns glob *"'; do
	post 400 "{\"endpoint\": \"scep\", \"subject\": \"CN exact a\",
	    $much}" -u mdm:mdm-pass-1
done
post 400 '{"endpoint": "scep", "subject": "CN glob *"}' -u mdm:mdm-pass-1
post 400 '{"endpoint": "scep", "san": "dns exact a"}' -u mdm:mdm-pass-1
# Nor by a pattern that leaves open whom it is for, however it is written.
# open TYPE WOULD-DO PATTERN...: a list of one type
open() {
	open_type=$1 open_wants=$2
	shift 2
	for pattern; do
		case $open_type in
		subject) names="\"subject\": \"$pattern\"" ;;
		*) names="\"subject\": \"CN exact x\", \"san\": \"$pattern\"" ;;
		esac
		post 400 "{\"endpoint\": \"scep\", $names}" -u mdm:mdm-pass-1
		grep -qF -e "\"$pattern\" leaves open whom it is for: use" \
		    "$tmp/body" || it_fail "$pattern: $(cat "$tmp/body")"
		grep -qF -e "$open_wants" "$tmp/body" ||
		    it_fail "$pattern: $(cat "$tmp/body")"
		grep 'reason=unbound' "$tmp/scepd.log" | tail -n 1 |
		    grep -qF -e "$pattern" || it_fail "$pattern is not logged"
	done
}
open subject '"CN exact laptop-7", or a glob that fixes 4 characters, such as "CN glob lab-*"' \
    'CN glob *.*' 'CN regex [A-Z][a-z]+' 'CN glob *a*' 'CN glob * *' \
    'CN regex .*[^a-z]' 'CN glob *.com' 'CN glob administrator@*'
open san '"dns exact a.example.com", or a glob that fixes a domain, such as "dns glob *.example.com"' \
    'dns glob *.*' 'dns glob *.*.*' 'dns suffix .com' 'dns glob *bank.com'
open san 'such as "email glob *@example.com"' 'email glob *@*.*.*'
open san 'use "ip exact 192.0.2.7"; what' 'ip glob ?*.*.*.?'
open san 'use "sid exact S-1-5-21-1-2-3-1104"; what' 'sid glob S-1-5-21-1-2-3-*'
[ "$(challenges)" = "$before" ] || it_fail 'a challenge was made for nobody'
# What fixes enough takes that, and nothing beside it.
made '{"endpoint": "scep", "subject": "CN glob dev-*", "uses": 2,
    "san": "dns suffix .dev.example"}'
bound challenge_subject x-dev-1 CLIENT_SANS=DNS:a.dev.example
bound challenge_san dev-1 CLIENT_SANS=DNS:a.example
issued dev-1 CLIENT_SANS=DNS:a.dev.example
before=$(challenges)
post 200 '{"endpoint": "other", "subject": "CN exact a"}' -u narrow:mdm-pass-1
post 200 "$any" -H 'Authorization: Bearer mdm-pass-1'
[ "$(challenges)" = $((before + 2)) ] || it_fail 'no challenge was made'
