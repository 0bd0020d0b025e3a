#!/bin/sh
# What administrators' programs ask for: figures, challenges by JSON, and the
# page of NDES; who may, who may not, and that guesses are few.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"

hash() { # SECRET
	printf '%s\n' "$1" | "$SCEPCTL" challenge hash |
	    sed -n 's/^hash = "\(.*\)";$/\1/p'
}

ask() { # PATH CURL-ARGUMENT...
	path=$1
	shift
	curl -sS --max-time 20 --unix-socket "$tmp/admin.sock" "$@" \
	    "http://h$path"
}

# want STATUS PATH CURL-ARGUMENT...
want() {
	wanted=$1
	shift
	got=$(ask "$@" -o "$tmp/body" -w '%{http_code}')
	[ "$got" = "$wanted" ] || {
		cat "$tmp/body"
		it_fail "$*: $got, not $wanted"
	}
}

# outcome PASSWORD WANTED [NAME]
outcome() {
	got=$("$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$1" "${3:-device}")
	[ "$got" = "$2" ] || it_fail "an enrollment is $got, not $2"
}

logged() { # WORDS
	grep -qF -e "$1" "$tmp/scepd.log" || it_fail "the log lacks \"$1\""
}

count() {
	grep -c "event=$1" "$tmp/scepd.log" || true
}
more() { # EVENT BEFORE
	[ "$(count "$1")" -gt "$2" ]
}
hup() { # EVENT
	seen=$(count "$1")
	kill -HUP "$pid"
	it_until 20 more "$1" "$seen" || it_fail "SIGHUP: no $1"
}

it_ca --single
prometheus=$(hash prom-token-1)
mdm=$(hash mdm:token)
fleet=$(hash 'p:ss wörd')
single=0123456789ABCDEF0123456789ABCDEF
it_global="admin: { listen = \"$tmp/admin.sock\"; };
    ndes: { endpoint = \"scep\"; pool = 3; };
    accounts = (
    { name = \"prometheus\"; hash = \"$prometheus\"; rights = [\"metrics\"]; },
    { name = \"mdm\"; hash = \"$mdm\"; rights = [\"challenge\"]; },
    { name = \"fleet\"; hash = \"$fleet\"; rights = [\"ndes\"]; } );"
it_endpoint='ndes = true;'
it_conf
it_start

# ---- who

want 401 /metrics -D "$tmp/head"
grep -qi '^WWW-Authenticate: Basic' "$tmp/head" || it_fail 'no Basic offered'
want 401 /metrics -H 'Authorization: Bearer wrong'
want 401 /metrics -H 'Authorization: Bearer '
want 401 /metrics -H 'Authorization: Negotiate abcd'
want 401 /metrics -H 'Authorization: Basic !!!!'
want 401 /metrics -u prometheus:wrong
want 401 /metrics -u nobody:prom-token-1
want 403 /metrics -H 'Authorization: Bearer mdm:token'
want 200 /metrics -H 'Authorization: Bearer prom-token-1'
want 200 /metrics -u prometheus:prom-token-1 -D "$tmp/head"
want 200 /metrics -I -u prometheus:prom-token-1
grep -qi '^Content-Type: text/plain; version=0.0.4' "$tmp/head" ||
    it_fail 'figures of another type'
grep -qi '^Cache-Control: no-store' "$tmp/head" || it_fail 'kept by caches'
ask /metrics -u prometheus:prom-token-1 |
    grep -q '^scepd_requests_total{.*reason="unauthorized"} [1-9]' ||
    it_fail 'no figures'
want 405 /metrics -X POST -d x -u prometheus:prom-token-1
want 404 '/scep?operation=GetCACaps' -u prometheus:prom-token-1
for path in /metrics /api/challenge /certsrv/mscep_admin/; do
	got=$("$IT_CLIENT" fetch "$port" "$path" | head -n 1)
	[ "$got" = 404 ] || it_fail "$path is $got to devices"
done

# ---- challenges for programs

want 403 /api/challenge -X POST -u prometheus:prom-token-1
want 405 /api/challenge -u mdm:mdm:token
made() { # JSON: sets $secret
	want 200 /api/challenge -H 'Authorization: Bearer mdm:token' -d "$1"
	secret=$(sed -n 's/.*"challenge": *"\([0-9A-F]\{32\}\)".*/\1/p' \
	    "$tmp/body")
	[ -n "$secret" ] || it_fail "no challenge in $(cat "$tmp/body")"
}
made '{"subject": "CN exact laptop-7", "ttl": "10m"}'
outcome "$secret" failure laptop-8
logged reason=challenge_subject
outcome "$secret" issued laptop-7
outcome "$secret" failure laptop-7
logged reason=challenge_spent
made '{"endpoint": "scep", "uses": 2, "ttl": 600, "san": ["none"]}'
outcome "$secret" issued
outcome "$secret" issued
outcome "$secret" failure
secret=$(ask /api/challenge -X POST -H 'Accept: text/plain' -u mdm:mdm:token)
[ ${#secret} -eq 32 ] || it_fail "not a challenge: $secret"
outcome "$secret" issued
made '{"name": "pad-7", "ttl": 600}'
grep -q '"name": "pad-7"' "$tmp/body" || it_fail 'it has another name'
outcome "$secret" issued
for bad in '{' '[]' '{"name": "pad-7"}' '{"name": "test"}' \
    '{"name": "ndes-1"}' '{"name": "api-1"}' '{"endpoint": "none"}' '{"profile": "none"}' \
    '{"uses": 0}' '{"ttl": "never"}' '{"ttl": -1}' '{"subject": ""}' \
    '{"subject": "CN maybe a"}' '{"san": [1]}' '{"color": "red"}' \
    '{"uses": 1, "uses": 2}'; do
	want 400 /api/challenge -u mdm:mdm:token -d "$bad"
	[ "$(wc -l <"$tmp/body")" -eq 2 ] || it_fail "$bad: not said why"
done

# ---- the page of NDES

page() { # CURL-ARGUMENT...: as text, in $tmp/page
	want 200 /certsrv/mscep_admin/ -u 'fleet:p:ss wörd' "$@"
	iconv -f UTF-16LE -t UTF-8 "$tmp/body" >"$tmp/page"
}
password() {
	sed -n 's/.*The enrollment challenge password is: <B> \([0-9A-F]*\) <\/B> <P> This password can be used only once and will expire within 60 minutes\..*/\1/p' "$tmp/page"
}
page -D "$tmp/head"
tr -d '\r' <"$tmp/head" | grep -qix 'Content-Type: text/html' ||
    it_fail 'another type'
first=$(password)
[ ${#first} -eq 16 ] || {
	cat "$tmp/page"
	it_fail 'no password of 16 digits'
}
thumbprint=$(openssl x509 -in "$tmp/ca/issuing.pem" -outform DER |
    openssl md5 -r | cut -c 1-32 | tr a-f A-F | sed 's/......../ &/g')
grep -qF "<B>$thumbprint </B>" "$tmp/page" || it_fail 'another thumbprint'
page -d operation=GetCACaps
second=$(password)
want 405 /certsrv/mscep_admin/ -I -u 'fleet:p:ss wörd'
want 200 /CertSrv/MSCEP_Admin -u 'fleet:p:ss wörd'
cp "$tmp/body" "$tmp/third"
page
grep -qF 'The password cache is full.' "$tmp/page" || it_fail 'no end of it'
logged event=ndes_full
outcome "$first" issued
outcome "$first" failure
page
fourth=$(password)
[ ${#fourth} -eq 16 ] || it_fail 'a used password still counts'
outcome "$second" issued
want 401 /certsrv/mscep_admin/
want 200 /certsrv/mscep_admin/mscep.dll -u mdm:mdm:token
iconv -f UTF-16LE -t UTF-8 "$tmp/body" | grep -qF \
    'You do not have sufficient permission to enroll with SCEP.  Please' ||
    it_fail 'no refusal that scrapers know'

# One password for all.
echo "$single" >"$tmp/single"
cp "$tmp/scepd.conf" "$tmp/before.conf"
sed "s|pool = 3;|single = \"single\";|" "$tmp/before.conf" \
    >"$tmp/scepd.conf"
hup reload_failed
logged 'ndes.single: is none of the challenges of endpoint scep'
sed -i "s|challenges = ( {|challenges = ( { name = \"all\"; hash = \"$(
    hash "$single")\"; }, {|; s|\"test\" \]|\"test\", \"all\" ]|" \
    "$tmp/scepd.conf"
hup reloaded
page
grep -qF "is: <B> $single </B> <P> This password can be used multiple times and will not expire." \
    "$tmp/page" || it_fail 'not the one password'
outcome "$single" issued
outcome "$single" issued

# ---- guesses

n=0
while [ $n -lt 12 ]; do
	n=$((n + 1))
	ask /metrics -o /dev/null -u "prometheus:guess-$n"
done
want 429 /metrics -u prometheus:guess-99
want 200 /metrics -u prometheus:prom-token-1
logged reason=tries

# ---- what nobody may read

for word in prom-token-1 mdm:token 'p:ss' "$secret" "$first" "$second" \
    "$single" guess-; do
	! grep -qF -e "$word" "$tmp/scepd.log" || it_fail "logged: $word"
done
logged 'event=admin '
logged 'by=fleet'
it_stop
for word in "$secret" "$first"; do
	! grep -qaF -e "$word" "$tmp/scepd.db" || it_fail "stored: $word"
done
