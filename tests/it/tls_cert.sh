#!/bin/sh
# A listener's own certificate that clients refuse: the log says so, the check
# of the configuration too, and who comes in plain HTTP is served all the same.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"
# shellcheck source=tests/it/tls_lib.sh
. "${srcdir:-.}/tests/it/tls_lib.sh"

certificate root /CN=root root basicConstraints=critical,CA:TRUE
certificate good /CN=good root subjectAltName=DNS:scep.example \
    extendedKeyUsage=serverAuth,clientAuth
certificate address /CN=address root subjectAltName=email:a@b.example,IP:::1
certificate nameless /CN=nameless root extendedKeyUsage=serverAuth
certificate mail /CN=mail root subjectAltName=email:a@b.example
certificate client /CN=client root subjectAltName=DNS:scep.example \
    extendedKeyUsage=clientAuth
ca_begin root
dated() { # NAME NOT-BEFORE NOT-AFTER
	certificate "$1" "/CN=$1" root subjectAltName=DNS:scep.example
	ca -in "$tmp/csr" -notext -extfile "$tmp/ext" -startdate "$2" \
	    -enddate "$3" -out "$tmp/$1.pem"
}
dated past 20200101000000Z 20210101000000Z
dated future 20980101000000Z 20990101000000Z
dated ending 20200101000000Z "$(date -u -d '+3 days' +%Y%m%d%H%M%SZ)"

it_ca --single
it_conf
hash=$(echo token | "$SCEPCTL" challenge hash |
    sed -n 's/^hash = "\(.*\)";$/\1/p')
configure 'http: { listen = "127.0.0.1:0"; tls_listen = "127.0.0.1:0";
    tls_cert = "tls.pem"; tls_key = "tls.key"; };'
public=$(sed -n '1,/tls_cert/p' "$tmp/scepd.conf")
install_pair() { # NAME
	cp "$tmp/$1.pem" "$tmp/tls.pem"
	cp "$tmp/$1.key" "$tmp/tls.key"
}

# check NAME STATUS: what the check has to say is in $tmp/err
check() {
	install_pair "$1"
	got=0
	"$SCEPD" -t -c "$tmp/scepd.conf" >/dev/null 2>"$tmp/err" || got=$?
	[ "$got" -eq "$2" ] || {
		cat "$tmp/err"
		it_fail "-t with $1: $got, not $2"
	}
}
says() { # FILE WORDS...
	file=$1
	shift
	for words in "$@"; do
		grep -F "$words" "$tmp/$file" | grep -qF tls.pem || {
			cat "$tmp/$file"
			it_fail "not a word of \"$words\""
		}
	done
}
silent() {
	! grep -F tls.pem "$tmp/err" || it_fail 'complains of a good one'
}

# ---- the check

check good 0
silent
check address 0
silent
check nameless 0
says err 'warn event=tls_unfit' 'neither a DNS name nor an address'
check mail 0
says err 'neither a DNS name nor an address'
check client 0
says err 'warn event=tls_unfit' 'serverAuth is none of them'
check ending 0
says err 'warn event=expires_soon'
check past 1
says err http.tls_cert 'has expired, at 2021-01-01'
check future 1
says err http.tls_cert 'is not valid before 2098-01-01'
configure "admin: { listen = \"127.0.0.1:0\"; tls_cert = \"tls.pem\";
    tls_key = \"tls.key\"; }; accounts = ( { name = \"a\";
    hash = \"$hash\"; rights = [ \"metrics\" ]; } );"
check past 1
says err admin.tls_cert 'has expired'

# ---- a start goes on, and so does plain HTTP

configure "$public"
install_pair past
it_start
says scepd.log 'err event=tls_expired'
curl -sS "$url?operation=GetCACaps" | grep -q POSTPKIOperation ||
    it_fail 'plain HTTP is not served'
seen_expired=$(count tls_expired)
hup reloaded
more tls_expired "$seen_expired" || it_fail 'a reload does not say it'
install_pair good
seen_expired=$(count tls_expired)
hup reloaded
! more tls_expired "$seen_expired" || it_fail 'it was mended'

# ---- with an RSA key, no client may encrypt to it

tls_port=$(of_line tls_url | sed 's/.*://')
s_client() {
	openssl s_client -connect "127.0.0.1:$tls_port" -tls1_2 "$@" \
	    </dev/null >"$tmp/shown" 2>&1
}
openssl req -x509 -newkey rsa:2048 -noenc -keyout "$tmp/rsa.key" -subj /CN=rsa \
    -addext subjectAltName=IP:127.0.0.1 -out "$tmp/rsa.pem" 2>/dev/null
install_pair rsa
hup reloaded
s_client || it_fail 'no TLS 1.2 with an RSA key'
! s_client -cipher kRSA || it_fail 'no forward secrecy'
grep -Eq 'alert handshake failure|unexpected eof|reset' "$tmp/shown" ||
    it_fail 'kRSA: refused by the client itself'
it_stop
