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
portal=$(hash portal-1)
single=0123456789ABCDEF0123456789ABCDEF
it_global="admin: { listen = \"$tmp/admin.sock\"; };
    ndes: { endpoint = \"scep\"; pool = 3; };
    accounts = (
    { name = \"prometheus\"; hash = \"$prometheus\"; auth = \"bearer\";
      rights = [\"metrics\"]; },
    { name = \"grafana\"; hash = \"$prometheus\"; rights = [\"metrics\"]; },
    { name = \"mdm\"; hash = \"$mdm\"; auth = \"bearer\"; endpoints = [\"scep\"];
      profiles = [\"special\"]; rights = [\"challenge\"]; max_uses = 2;
      max_ttl = \"10m\"; },
    { name = \"portal\"; hash = \"$portal\"; unbound = true;
      rights = [\"challenge\"]; },
    { name = \"fleet\"; hash = \"$fleet\"; rights = [\"ndes\"]; } );"
it_endpoint='ndes = true;'
it_profile='}, { name = "special"; validity = "2d"; empty_subject = true; }, { name = "other";'
it_conf
it_start

# ---- who

want 401 /metrics -D "$tmp/head"
grep -qi '^WWW-Authenticate: Basic' "$tmp/head" || it_fail 'no Basic offered'
want 401 /metrics -H 'Authorization: Bearer wrong'
want 401 /metrics -H 'Authorization: Bearer '
want 401 /metrics -H 'Authorization: Negotiate abcd'
want 401 /metrics -H 'Authorization: Basic !!!!'
want 401 /metrics -u grafana:wrong
want 401 /metrics -u nobody:prom-token-1
want 403 /metrics -H 'Authorization: Bearer mdm:token'
want 200 /metrics -H 'Authorization: Bearer prom-token-1'
want 200 /metrics -u grafana:prom-token-1 -D "$tmp/head"
want 200 /metrics -I -u grafana:prom-token-1
# A token is no password, a password no token.
want 401 /metrics -u prometheus:prom-token-1
want 401 /api/challenge -X POST -H 'Authorization: Bearer portal-1'
grep -qi '^Content-Type: text/plain; version=0.0.4' "$tmp/head" ||
    it_fail 'figures of another type'
grep -qi '^Cache-Control: no-store' "$tmp/head" || it_fail 'kept by caches'
ask /metrics -u grafana:prom-token-1 |
    grep -q '^scepd_requests_total{.*reason="unauthorized"} [1-9]' ||
    it_fail 'no figures'
want 405 /metrics -X POST -d x -u grafana:prom-token-1
want 404 '/scep?operation=GetCACaps' -u grafana:prom-token-1
for path in /metrics /api/challenge /certsrv/mscep_admin/; do
	got=$("$IT_CLIENT" fetch "$port" "$path" | head -n 1)
	[ "$got" = 404 ] || it_fail "$path is $got to devices"
done

# ---- challenges for programs

want 403 /api/challenge -X POST -u grafana:prom-token-1
want 405 /api/challenge -u portal:portal-1
mdm() { # STATUS JSON
	want "$1" /api/challenge -H 'Authorization: Bearer mdm:token' -d "$2"
}
made() { # JSON: sets $secret
	mdm 200 "$1"
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
made '{"endpoint": "scep", "uses": 2, "ttl": 600, "san": ["none"],
    "subject": ["CN glob devi*"]}'
outcome "$secret" issued
outcome "$secret" issued
outcome "$secret" failure

# Whom it is for is left out only by who may.
for open in '' '{}' '{"ttl": 60}' '{"san": "none"}' '{"san": ["none"]}' \
    '{"subject": "none", "san": ["none"]}' '{"subject": "CN glob *"}' \
    '{"subject": ["CN exact a", "O glob *"]}' '{"san": "dns exact a"}' \
    '{"subject": "CN exact a", "san": "dns regex .*"}' \
    '{"subject": "none", "san": "ip glob *", "profile": "special"}'; do
	mdm 400 "$open"
	grep -q '^the account.s challenges need patterns' "$tmp/body" ||
	    it_fail "$open: another answer"
	[ "$(wc -l <"$tmp/body")" -eq 2 ] || it_fail "$open: not said why"
done
logged 'reason=unbound detail="mdm: give'
want 200 /api/challenge -u portal:portal-1 -d '{"subject": "CN glob *"}'
# What is left out may not appear.
made '{"san": "dns exact a.example", "profile": "special"}'
logged 'profile=special subject=none san="dns exact a.example" uses=1 expires='
CLIENT_SANS=DNS:a.example outcome "$secret" failure
logged 'reason=challenge_subject detail="CN has no pattern'
CLIENT_SANS=DNS:a.example CLIENT_SUBJECT=/ outcome "$secret" issued

# As many and as long as the account may say, and by itself no longer.
for much in '"uses": 3' '"ttl": 601'; do
	mdm 400 "{\"subject\": \"CN exact a\", $much}"
	grep -q "more than the account's max_" "$tmp/body" ||
	    it_fail "$much: not said why"
done
for much in '"uses": 2' '"ttl": "8d"'; do
	want 400 /api/challenge -u portal:portal-1 -d "{$much}"
done
mdm 200 '{"subject": "CN exact a"}'
[ "$(sqlite3 "$tmp/scepd.db" 'SELECT expires - created FROM challenge
    ORDER BY id DESC LIMIT 1')" = 600 ] || it_fail 'longer than max_ttl'
logged 'subject="CN exact a" san=none uses=1 expires='

secret=$(ask /api/challenge -X POST -H 'Accept: text/plain' \
    -u portal:portal-1)
[ ${#secret} -eq 32 ] || it_fail "not a challenge: $secret"
outcome "$secret" issued

# Profiles are the endpoint's own and those of the account.
mdm 403 '{"subject": "CN exact a", "profile": "other"}'
grep -q 'may not name this profile' "$tmp/body" || it_fail "$(cat "$tmp/body")"
logged "reason=no_profile detail=\"mdm: profile other at endpoint scep; add"
want 403 /api/challenge -u portal:portal-1 -d '{"profile": "special"}'
want 200 /api/challenge -u portal:portal-1 -d '{"profile": "device"}'
made '{"subject": "CN exact device", "profile": "special"}'
outcome "$secret" issued
[ "$(sqlite3 "$tmp/scepd.db" \
    'SELECT profile FROM issued ORDER BY id DESC LIMIT 1')" = special ] ||
    it_fail 'another profile'

made '{"name": "pad-7", "subject": "CN exact device", "ttl": 600}'
grep -q '"name": "pad-7"' "$tmp/body" || it_fail 'it has another name'
logged 'challenge=pad-7 subject="CN exact device" san=none uses=1 expires='
outcome "$secret" issued
for bad in '{' '[]' 'null' '{"endpoint": "none"}' '{"endpoint": null}' \
    '{"name": "pad-7"}' '{"name": "test"}' '{"name": "ndes-1"}' \
    '{"name": "api-1"}' '{"uses": 0}' '{"ttl": "never"}' '{"ttl": -1}' '{"subject": ""}' \
    '{"subject": "CN maybe a"}' '{"san": [1]}' '{"color": "red"}' \
    '{"uses": 1, "uses": 2}' '{"subject": []}' '{"san": []}' \
    '{"subject": null}' '{"subject": [""]}' '{"san": ["none", "none"]}'; do
	want 400 /api/challenge -u portal:portal-1 -d "$bad"
	[ "$(wc -l <"$tmp/body")" -eq 2 ] || it_fail "$bad: not said why"
done
# why JSON TEXT: it is refused with this text
why() {
	want 400 /api/challenge -u portal:portal-1 -d "$1"
	grep -qF -e "$2" "$tmp/body" || it_fail "$1: $(cat "$tmp/body")"
}
why '{"endpoint": "none"}' '"endpoint": there is no none'
why '{"endpoint": null}' '"endpoint": is null; leave it out'
why '{"uses": 1000000001}' 'from 1 to 1000000000'
why '{"uses": 1, "uses": 2}' 'stands there twice'
why '{' 'it ends too early'
for name in none Special; do
	why "{\"profile\": \"$name\"}" "\"profile\": there is no $name"
done
yes '"dns glob a*",' | head -n 65 | { echo '{"san": ['; cat
    echo '"dns glob b"]}'; } >"$tmp/huge"
want 400 /api/challenge -u portal:portal-1 -d "@$tmp/huge"
grep -q 'at most' "$tmp/body" || it_fail "$(cat "$tmp/body")"

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
# HEAD is GET without its page, and costs no challenge.
length() {
	tr -d '\r' <"$tmp/head" | sed -n 's/^[Cc]ontent-[Ll]ength: //p'
}
for _ in 1 2 3; do
	want 200 /certsrv/mscep_admin/ -I -u 'fleet:p:ss wörd' -D "$tmp/head"
done
[ "$(length)" = "$(wc -c <"$tmp/page" | awk '{ print 2 * $1 }')" ] ||
    it_fail 'HEAD tells another length'
ask /metrics -u grafana:prom-token-1 >"$tmp/body"
grep -qx 'scepd_ndes_unused 2' "$tmp/body" || it_fail 'not two are unused'
grep -qx 'scepd_ndes_pool 3' "$tmp/body" || it_fail 'not three may be'
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
page
grep -qF 'The password cache is full.' "$tmp/page" || it_fail 'no end again'
want 200 /certsrv/mscep_admin/ -I -u 'fleet:p:ss wörd' -D "$tmp/head"
[ "$(length)" = "$(wc -c <"$tmp/page" | awk '{ print 2 * $1 }')" ] ||
    it_fail 'HEAD tells another length when it is full'
sqlite3 -cmd '.timeout 20000' "$tmp/scepd.db" "UPDATE challenge SET expires = $(date +%s) - 1
    WHERE id = (SELECT max(id) FROM challenge WHERE name LIKE 'ndes-%')"
outcome "$fourth" failure
logged reason=challenge_expired
page
fifth=$(password)
[ ${#fifth} -eq 16 ] || it_fail 'an expired password still counts'
outcome "$second" issued
want 401 /certsrv/mscep_admin/
want 200 /certsrv/mscep_admin/mscep.dll -u portal:portal-1
iconv -f UTF-16LE -t UTF-8 "$tmp/body" | grep -qF \
    'You do not have sufficient permission to enroll with SCEP.  Please' ||
    it_fail 'no refusal that scrapers know'

# ---- who is sent by the page of another site, with what his browser knows

want 200 /certsrv/mscep_admin/ -u 'fleet:p:ss wörd' -D "$tmp/head"
for field in 'Cache-Control: no-store' 'X-Content-Type-Options: nosniff' \
    'X-Frame-Options: DENY' \
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'"; do
	tr -d '\r' <"$tmp/head" | grep -qixF "$field" ||
	    it_fail "the page lacks $field"
done
sqlite3 -cmd '.timeout 10000' "$tmp/scepd.db" \
    "DELETE FROM challenge WHERE name LIKE 'ndes-%'"
challenges() {
	sqlite3 "$tmp/scepd.db" 'SELECT count(*) FROM challenge'
}
before=$(challenges)
# foreign NAME: value...: refused, and nothing comes of it
foreign() {
	for path in /certsrv/mscep_admin/ /CertSrv/mscep_admin/mscep.dll \
	    /metrics /api/challenge /nothing; do
		want 403 "$path" -u 'fleet:p:ss wörd' "$@"
		want 403 "$path" -u portal:portal-1 "$@" \
		    -H 'Content-Type: text/plain' -d '{"ttl": 60}' \
		    -D "$tmp/head"
		grep -q 'by the page of another site' "$tmp/body" ||
		    it_fail "$path, $*: not said why"
		grep -qi '^X-Frame-Options: DENY' "$tmp/head" ||
		    it_fail "$path, $*: may stand in a frame"
	done
}
foreign -H 'Sec-Fetch-Site: cross-site' -H 'Sec-Fetch-Mode: no-cors'
foreign -H 'Sec-Fetch-Site: same-site' -H 'Origin: http://h'
foreign -H 'Origin: https://evil.example'
foreign -H 'Origin: null'
foreign -H 'Sec-Fetch-Site: same-origin' -H 'Origin: http://h' -H 'Host: g'
foreign -H "Origin: http://$(printf '\033')$(head -c 2000 /dev/zero |
    tr '\0' o)"
[ "$(challenges)" = "$before" ] || it_fail 'challenges for another site'
logged 'peer=unix status=403 path=/metrics reason=cross_site detail="Origin is https://evil.example, Host h"'
! grep -q "$(printf '\033')" "$tmp/scepd.log" || it_fail 'logged as it came'
! grep -q 'o\{200\}' "$tmp/scepd.log" || it_fail 'all of it is logged'
# It was no guess: what was never proven is still looked at.
n=0
while [ $n -lt 12 ]; do
	n=$((n + 1))
	want 403 /metrics -u "portal:foreign-$n" -H 'Origin: http://evil'
done
want 401 /metrics -u portal:foreign-13
ask /metrics -u grafana:prom-token-1 |
    grep -q '^scepd_requests_total{.*reason="cross_site"} [1-9]' ||
    it_fail 'it is not counted'
# His own browser, at the page itself.
page -H 'Sec-Fetch-Site: none' -H 'Sec-Fetch-Mode: navigate'
page -H 'Sec-Fetch-Site: same-origin' -H 'Origin: http://h' -d x=y
want 200 /api/challenge -u portal:portal-1 -H 'Origin: http://h:80' \
    -H 'Content-Type: application/json' -d '{"ttl": 60}'
# Devices have no account, and are in no browser.
for field in 'Origin: http://evil' 'Sec-Fetch-Site: cross-site'; do
	[ "$(curl -s --max-time 20 -o /dev/null -w '%{http_code}' -H "$field" \
	    "http://127.0.0.1:$port/scep?operation=GetCACaps")" = 200 ] ||
	    it_fail "$field is read where devices come"
done

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
# It says that it lasts.
for limit in 'uses = 5' 'expires = "2090-01-01T00:00:00Z"'; do
	sed "s|{ name = \"all\";|& $limit;|" "$tmp/scepd.conf" >"$tmp/limited"
	cp "$tmp/scepd.conf" "$tmp/kept.conf"
	cp "$tmp/limited" "$tmp/scepd.conf"
	hup reload_failed
	logged 'ndes.single: is challenge all, which does not last as the page'
	cp "$tmp/kept.conf" "$tmp/scepd.conf"
done
hup reloaded
page
grep -qF "is: <B> $single </B> <P> This password can be used multiple times and will not expire." \
    "$tmp/page" || it_fail 'not the one password'
outcome "$single" issued
outcome "$single" issued

# ---- where a validator judges challenges, none is made

cp "$tmp/scepd.conf" "$tmp/before.conf"
sed 's|challenges = \[ "test", "all" \];|validator = "v"; judged|
    s|judged|validator_challenge = "instead";|
    s|accounts = (|validators = ( { name = "v"; command = [ "/bin/true" ]; } ); &|
    ' "$tmp/before.conf" >"$tmp/scepd.conf"
hup reload_failed
logged 'ndes.endpoint: \"scep\" takes no challenge of the page'
sed -i '/ndes: {/d' "$tmp/scepd.conf"
hup reloaded
mdm 400 '{"subject": "CN exact a"}'
grep -q 'takes no challenges that are made here' "$tmp/body" ||
    it_fail 'not said why'
logged 'reason=no_challenges detail="mdm: validator v judges those of'
! "$SCEPCTL" -c "$tmp/scepd.conf" challenge add --once --expires 1h \
    --subject 'CN exact a' >"$tmp/out" 2>&1 || it_fail 'scepctl makes one'
grep -q 'validator v judges those of endpoint scep' "$tmp/out" ||
    it_fail 'scepctl does not say why'
cp "$tmp/before.conf" "$tmp/scepd.conf"
hup reloaded

# ---- the page of another endpoint than the one that NDES's path leads to

! grep -q 'event=ndes_path' "$tmp/scepd.log" || it_fail 'warned of no fault'
sed 's|^\( *\)endpoints = ( {|&  name = "early"; ra_cert = "ca/ra.pem";\
    ra_key = "ca/ra.key"; issuer = "local"; profile = "device"; }, {|' \
    "$tmp/before.conf" >"$tmp/scepd.conf"
hup reloaded
logged 'are for endpoint scep, and /certsrv/mscep/mscep.dll leads to endpoint early'
cp "$tmp/before.conf" "$tmp/scepd.conf"
hup reloaded

# ---- guesses

n=0
while [ $n -lt 12 ]; do
	n=$((n + 1))
	ask /metrics -o /dev/null -u "grafana:guess-$n"
done
want 429 /metrics -u grafana:guess-99
want 200 /metrics -u grafana:prom-token-1
logged reason=tries

# ---- what nobody may read

for word in prom-token-1 mdm:token portal-1 'p:ss' "$secret" "$first" "$second" \
    "$single" guess-; do
	! grep -qF -e "$word" "$tmp/scepd.log" || it_fail "logged: $word"
done
logged 'event=admin '
logged 'by=fleet'
it_stop
for word in "$secret" "$first"; do
	! grep -qaF -e "$word" "$tmp/scepd.db" || it_fail "stored: $word"
done
