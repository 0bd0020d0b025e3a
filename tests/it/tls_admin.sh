#!/bin/sh
# Administrators who show a certificate: it is judged with each request, so that
# who is put out is out on a connection that lives too, and who stays, stays. A
# refusal says whose certificate it was, and why.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"
# shellcheck source=tests/it/tls_lib.sh
. "${srcdir:-.}/tests/it/tls_lib.sh"

for ca in root other; do
	certificate $ca "/CN=$ca" $ca basicConstraints=critical,CA:TRUE
done
certificate server /CN=server root subjectAltName=IP:127.0.0.1
certificate boss /CN=boss root extendedKeyUsage=clientAuth
certificate aide /CN=aide root extendedKeyUsage=clientAuth
certificate selfmade /CN=selfmade selfmade extendedKeyUsage=clientAuth
certificate serves /CN=serves root extendedKeyUsage=serverAuth
ca_begin root
certificate past /CN=past root extendedKeyUsage=clientAuth
ca -in "$tmp/csr" -notext -extfile "$tmp/ext" -startdate 20200101000000Z \
    -enddate 20200201000000Z -out "$tmp/past.pem"
crl -crldays 9

it_ca --single
it_conf
hash=$(echo token | "$SCEPCTL" challenge hash |
    sed -n 's/^hash = "\(.*\)";$/\1/p')
listen='http: { listen = "127.0.0.1:0"; };'
accounts="accounts = (
    { name = \"boss\"; auth = \"certificate\"; certificate = \"CN=boss\";
      rights = [ \"metrics\" ]; },
    { name = \"aide\"; auth = \"certificate\"; certificate = \"CN=aide\";
      rights = [ \"metrics\" ]; },
    { name = \"brief\"; auth = \"certificate\"; certificate = \"CN=brief\";
      rights = [ \"metrics\" ]; },
    { name = \"token\"; auth = \"bearer\"; hash = \"$hash\";
      rights = [ \"metrics\" ]; } );"
tls='listen = "127.0.0.1:0"; tls_cert = "server.pem"; tls_key = "server.key";'
configure "$listen admin: { $tls client_ca = \"root.pem\";
    client_crl = \"admin.crl\"; }; $accounts"
it_start
admin_port=$(of_line admin_url | sed 's/.*://')

# ---- connections that live; an answer is a line with its status in NAME.got

connections=
it_end_more() {
	# shellcheck disable=SC2086 # several
	[ -z "$connections" ] || kill $connections 2>/dev/null || true
}
connect() { # NAME DESCRIPTOR S_CLIENT-ARGUMENT...
	name=$1 fd=$2
	shift 2
	mkfifo "$tmp/$name.in"
	openssl s_client -quiet -connect "127.0.0.1:$admin_port" \
	    -CAfile "$tmp/root.pem" "$@" <"$tmp/$name.in" \
	    >"$tmp/$name.got" 2>/dev/null &
	eval "process_$name=$! fd_$name=$fd"
	connections="$connections $!"
	eval "exec $fd>\"\$tmp/$name.in\""
}
shows() { # NAME DESCRIPTOR
	connect "$1" "$2" -cert "$tmp/$1.pem" -key "$tmp/$1.key"
}
n_answers() {
	grep -c '^HTTP/1.1 ' "$tmp/$1.got" || true
}
answered() { # NAME BEFORE
	[ "$(n_answers "$1")" -gt "$2" ]
}
get() { # NAME [FIELD]: the status
	eval "fd=\$fd_$1"
	before=$(n_answers "$1")
	printf 'GET /metrics HTTP/1.1\r\nHost: h\r\n%s\r\n' "${2-}" >&"$fd"
	it_until 20 answered "$1" "$before" || it_fail "no answer to $1"
	got=$(sed -n 's|^HTTP/1.1 \([0-9]*\).*|\1|p' "$tmp/$1.got" | tail -n 1)
}
gets() { # NAME STATUS [FIELD]
	get "$1" "${3-}"
	[ "$got" = "$2" ] || it_fail "$1 gets $got, not $2"
}
token=$(printf 'Authorization: Bearer token\r\n.')
token=${token%.}
gone() { # NAME
	eval "process=\$process_$1"
	! kill -0 "$process" 2>/dev/null
}
is_out() { # NAME
	gets "$1" 401
	it_until 20 gone "$1" || it_fail "the connection of $1 lives on"
	# Nor by a new one.
	[ "$(curl -s --cacert "$tmp/root.pem" --cert "$tmp/$1.pem" --key \
	    "$tmp/$1.key" -o /dev/null -w '%{http_code}' \
	    "https://127.0.0.1:$admin_port/metrics" || true)" = 000 ] ||
	    it_fail "$1 is let in again"
}
refused() { # NAME WHY
	grep 'event=client_refused peer=127.0.0.1 ' "$tmp/scepd.log" |
	    grep -F "subject=\"CN=$1\"" | grep -qF "$2" ||
	    it_fail "$1: no line says \"$2\""
}

# ---- refused in the handshake

for name in selfmade serves past; do
	[ "$(status --cacert "$tmp/root.pem" --cert "$tmp/$name.pem" --key \
	    "$tmp/$name.key" "https://127.0.0.1:$admin_port/metrics")" = 000 ] ||
	    it_fail "$name is let in"
done
refused selfmade 'does not chain to a CA in admin.client_ca'
refused serves 'is not for TLS clients'
refused past 'has expired'
[ "$(count client_refused)" -eq 3 ] || it_fail 'not a line for each'

# ---- a page of another site has his browser show it

foreign() { # STATUS FIELD
	[ "$(status --cacert "$tmp/root.pem" --cert "$tmp/boss.pem" --key \
	    "$tmp/boss.key" -H "$2" \
	    "https://127.0.0.1:$admin_port/metrics")" = "$1" ] ||
	    it_fail "boss with $2: not $1"
}
foreign 403 'Sec-Fetch-Site: cross-site'
foreign 403 'Origin: https://evil.example'
foreign 403 'Origin: https://127.0.0.1'
foreign 403 "Origin: http://127.0.0.1:$admin_port"
foreign 200 "Origin: https://127.0.0.1:$admin_port"
foreign 200 'Sec-Fetch-Site: none'
[ "$(grep -c 'reason=cross_site' "$tmp/scepd.log")" -eq 4 ] ||
    it_fail 'not a line for each from another site'

# ---- revoked while a connection lives

shows boss 3
shows aide 4
connect plain 5
gets boss 200
gets aide 200
gets plain 200 "$token"
ca -revoke "$tmp/aide.pem"
crl -crldays 9
gets aide 200
hup reloaded
gets boss 200
is_out aide
refused aide 'is revoked in admin.client_crl'
gets plain 200 "$token"

# ---- the CRL ends, and nobody reloads

it_soon() {
	date -u -d "+$1 seconds" +%Y%m%d%H%M%SZ
}
until_out() { # NAME
	get "$1"
	[ "$got" = 401 ]
}
certificate brief /CN=brief root extendedKeyUsage=clientAuth
ca -in "$tmp/csr" -notext -extfile "$tmp/ext" -startdate 20200101000000Z \
    -enddate "$(it_soon 4)" -out "$tmp/brief.pem"
shows brief 6
gets brief 200
it_until 20 until_out brief || it_fail 'a certificate outlives its end'
refused brief 'has expired'
crl -crl_lastupdate 20200101000000Z -crl_nextupdate "$(it_soon 3)"
hup reloaded
gets boss 200
it_until 20 until_out boss || it_fail 'a CRL outlives its nextUpdate'
refused boss 'is past its nextUpdate'
gets plain 200 "$token"

# ---- the CA is taken away

crl -crldays 9
hup reloaded
exec 3>&-
rm "$tmp/boss.in"
shows boss 7
gets boss 200
configure "$listen admin: { $tls client_ca = \"other.pem\"; }; $accounts"
hup reloaded
is_out boss
refused boss 'does not chain to a CA in admin.client_ca'
gets plain 200 "$token"

# ---- what a reload cannot do is said: administration by TLS, or without

configure "$listen admin: { listen = \"127.0.0.1:0\"; };
    accounts = ( { name = \"token\"; auth = \"bearer\"; hash = \"$hash\";
      rights = [ \"metrics\" ]; } );"
hup reloaded
grep -q 'event=restart_needed setting=admin.tls_cert' "$tmp/scepd.log" ||
    it_fail 'TLS stays, and nobody says so'
gets plain 200 "$token"
it_stop
