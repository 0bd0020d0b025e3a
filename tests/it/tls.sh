#!/bin/sh
# The listeners with TLS and the one for administration: what they show, what
# they refuse, and that a reload changes the certificate and drops nobody.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"
# shellcheck source=tests/it/tls_lib.sh
. "${srcdir:-.}/tests/it/tls_lib.sh"

# s_client ARGUMENT...: what openssl has to say of the listener
s_client() {
	openssl s_client -connect "127.0.0.1:$tls_port" -CAfile \
	    "$tmp/root.pem" -verify_return_error "$@" </dev/null 2>&1
}

ask() { # URL-PATH CURL-ARGUMENT...
	path=$1
	shift
	curl -sS --max-time 20 --cacert "$tmp/root.pem" "$@" \
	    "https://127.0.0.1:$tls_port$path"
}

serial() { # FILE
	openssl x509 -noout -serial -in "$1"
}

shown() {
	s_client | openssl x509 -noout -serial
}

certificate root /CN=Root root basicConstraints=critical,CA:TRUE
certificate upper /CN=Upper root basicConstraints=critical,CA:TRUE
certificate one /CN=one upper subjectAltName=IP:127.0.0.1
certificate two /CN=two upper subjectAltName=IP:127.0.0.1
certificate boss '/O=Here/CN=boss' root extendedKeyUsage=clientAuth
certificate server_only /CN=no-boss root extendedKeyUsage=serverAuth
certificate strange /CN=Strange strange basicConstraints=critical,CA:TRUE
certificate stranger /CN=stranger strange extendedKeyUsage=clientAuth
# One of the same name, of another CA.
certificate namesake '/O=Here/CN=boss' strange extendedKeyUsage=clientAuth
certificate nobody /CN=nobody root extendedKeyUsage=clientAuth
certificate mdm '/O=Here/OU=A\+B, Ltd/CN=mdm' root extendedKeyUsage=clientAuth

ca_begin root
certificate expired '/O=Here/CN=boss' root extendedKeyUsage=clientAuth
ca -in "$tmp/csr" -notext -extfile "$tmp/ext" -startdate 20200101000000Z \
    -enddate 20200201000000Z -out "$tmp/expired.pem"
certificate revoked '/O=Here/CN=boss' root extendedKeyUsage=clientAuth
ca -in "$tmp/csr" -notext -extfile "$tmp/ext" -days 9 -out "$tmp/revoked.pem"
ca -revoke "$tmp/revoked.pem"
crl -crldays 9

install_pair() { # NAME
	cat "$tmp/$1.pem" "$tmp/upper.pem" >"$tmp/new.pem"
	cp "$tmp/$1.key" "$tmp/new.key"
	mv "$tmp/new.key" "$tmp/tls.key"
	mv "$tmp/new.pem" "$tmp/tls.pem"
}
install_pair one
it_ca --single
it_conf
listeners='http: { listen = "127.0.0.1:0"; tls_listen = "127.0.0.1:0";
    tls_cert = "tls.pem"; tls_key = "tls.key"; };
    admin: { listen = "127.0.0.1:0"; tls_cert = "tls.pem";
    tls_key = "tls.key"; client_ca = "root.pem"; client_crl = "admin.crl"; };
    ndes: { endpoint = "scep"; };
    accounts = ( { name = "boss"; auth = "certificate";
    certificate = "CN=boss,O=Here"; rights = [ "metrics", "ndes" ]; },
    { name = "mdm"; auth = "certificate"; rights = [ "challenge" ];
    certificate = "CN=mdm,OU=A\\+B\\, Ltd,O=Here"; } );'
plain=$(sed -n '/^http:/p' "$tmp/scepd.conf")
configure "$listeners"
it_start
tls_port=$(of_line tls_url | sed 's/.*://')
admin_port=$(of_line admin_url | sed 's/.*://')
[ -n "$tls_port" ] || it_fail 'no listener with TLS'
[ -n "$admin_port" ] || it_fail 'no listener for administration'

# ---- what is shown

s_client -showcerts >"$tmp/shown" || it_fail 'the chain does not verify'
[ "$(grep -c 'BEGIN CERTIFICATE' "$tmp/shown")" -eq 2 ] ||
    it_fail 'not the chain of two certificates'
[ "$(shown)" = "$(serial "$tmp/one.pem")" ] || it_fail 'another certificate'
for version in 1_2 1_3; do
	s_client "-tls$version" >/dev/null || it_fail "no TLS $version"
done
for version in 1 1_1; do
	! s_client "-tls$version" -cipher 'ALL:@SECLEVEL=0' >"$tmp/shown" ||
	    it_fail "TLS $version is taken"
	# It was asked for, and the server ended it.
	grep -Eq 'unexpected eof|alert protocol version|reset' "$tmp/shown" || {
		cat "$tmp/shown"
		it_fail "TLS $version: refused by the client itself"
	}
done

# A SCEP client is never asked for a certificate; an administrator is.
for version in 1_2 1_3; do
	! s_client "-tls$version" -msg | grep -q 'CertificateRequest' ||
	    it_fail "TLS $version: a device is asked for a certificate"
done
s_client -msg -connect "127.0.0.1:$admin_port" | grep -q CertificateRequest ||
    it_fail 'no administrator is asked for a certificate'

# ---- the same service, with the same checks

ask '/scep?operation=GetCACaps' | grep -q POSTPKIOperation ||
    it_fail 'no capabilities over TLS'
[ "$(ask '/scep?operation=GetCACert' | openssl dgst -sha256)" = \
    "$(curl -s "$url?operation=GetCACert" | openssl dgst -sha256)" ] ||
    it_fail 'another answer over TLS'
[ "$(status --cacert "$tmp/root.pem" --data-binary x \
    "https://127.0.0.1:$tls_port/scep?operation=PKIOperation")" = 400 ] ||
    it_fail 'noise is taken'
# It asks before it sends: an answer behind which the connection is closed may get
# lost while somebody still sends.
head -c 70000 /dev/zero >"$tmp/large"
[ "$(status --cacert "$tmp/root.pem" -H 'Expect: 100-continue' \
    --data-binary "@$tmp/large" \
    "https://127.0.0.1:$tls_port/scep?operation=PKIOperation")" = 413 ] ||
    it_fail 'no limit over TLS'
[ "$(status -k "http://127.0.0.1:$tls_port/scep?operation=GetCACaps")" = 000 ] ||
    it_fail 'plain HTTP is answered where TLS is spoken'

# strongSwan trusts the system's CAs and no others, so it gets a system of its
# own, where these are ours.
cas=/etc/ssl/certs/ca-certificates.crt
with_ca() {
	# shellcheck disable=SC2016 # the inner shell's
	unshare -rm sh -c 'mount --bind "$1" "$2" && shift 2 && exec "$@"' \
	    sh "$tmp/root.pem" "$cas" "$@"
}
enroll() { # PASSWORD
	with_ca pki --scep --url "https://127.0.0.1:$tls_port/scep" \
	    --in "$tmp/device.key" --dn CN=device --password "$1" \
	    --cacert-enc "$tmp/ca/ra.pem" --cacert-sig "$tmp/ca/issuing.pem" \
	    --cacert "$tmp/ca/issuing.pem" --outform pem \
	    >"$tmp/device.pem" 2>"$tmp/pki.log"
}
if [ -e "$cas" ] && command -v pki >/dev/null && with_ca true 2>/dev/null
then
	openssl genrsa -out "$tmp/device.key" 2048 2>/dev/null
	enroll "$challenge" || {
		cat "$tmp/pki.log"
		it_fail 'strongSwan does not enroll over TLS'
	}
	openssl verify -CAfile "$tmp/ca/issuing.pem" "$tmp/device.pem" \
	    >/dev/null || it_fail 'not a certificate of the CA'
	! enroll wrong || it_fail 'TLS relaxes the challenge'
	grep -q 'reason=challenge_wrong' "$tmp/scepd.log" ||
	    it_fail 'no reason'
else
	echo 'strongSwan, or a mount namespace for it, is missing: left out'
fi

# ---- administration is apart

for path in '/scep?operation=GetCACaps' /ca/chain.pem /crl/local.crl /; do
	[ "$(status -k "https://127.0.0.1:$admin_port$path")" = 404 ] ||
	    it_fail "$path is answered to administrators"
done
admin() { # CERTIFICATE PATH CURL-ARGUMENT...: the status
	name=$1 path=$2
	shift 2
	status --cacert "$tmp/root.pem" --cert "$tmp/$name.pem" \
	    --key "$tmp/$name.key" "$@" "https://127.0.0.1:$admin_port$path"
}
administers() { # CERTIFICATE PATH STATUS CURL-ARGUMENT...
	name=$1 path=$2 wanted=$3
	shift 3
	got=$(admin "$name" "$path" "$@")
	[ "$got" = "$wanted" ] || it_fail "$name at $path: $got, not $wanted"
}
administers boss /metrics 200
grep -q 'event=admin .*by=boss ' "$tmp/scepd.log" || it_fail 'not by whom'
administers boss /certsrv/mscep_admin/ 200
administers boss /api/challenge 403 -d '{"subject": "CN exact a"}'
administers mdm /api/challenge 200 -d '{"subject": "CN exact a"}'
administers mdm /api/challenge 400 -d '{}'
administers mdm /metrics 403
administers boss /metrics 401 -u boss:wrong
administers boss /metrics 401 -H 'Authorization: Bearer wrong'
administers nobody /metrics 401
grep -q 'detail="no account has the certificate CN=nobody"' \
    "$tmp/scepd.log" || it_fail 'not whose certificate it was'
[ "$(status --cacert "$tmp/root.pem" \
    "https://127.0.0.1:$admin_port/metrics")" = 401 ] ||
    it_fail 'figures for everybody'
for name in stranger namesake server_only expired revoked; do
	administers "$name" /metrics 000
done
kill -0 "$pid" || it_fail 'scepd died of a handshake'

# ---- reload

# Who is revoked meanwhile is out from the next reload on, a CRL that nobody
# renews lets nobody in.
ca -revoke "$tmp/boss.pem"
crl -crldays 9
administers boss /metrics 200
hup reloaded
administers boss /metrics 000
administers mdm /api/challenge 200 -d '{"subject": "CN exact a"}'
crl -crl_lastupdate 20200101000000Z -crl_nextupdate 20200201000000Z
hup reloaded
administers mdm /api/challenge 000 -d '{"subject": "CN exact a"}'
grep -q 'event=client_refused' "$tmp/scepd.log" || it_fail 'not said why'
crl -crldays 9
hup reloaded
administers mdm /api/challenge 200 -d '{"subject": "CN exact a"}'

# A connection that lives before, during and after.
mkfifo "$tmp/in"
: >"$tmp/kept"
openssl s_client -quiet -connect "127.0.0.1:$tls_port" -CAfile \
    "$tmp/root.pem" <"$tmp/in" >"$tmp/kept" 2>/dev/null &
kept=$!
it_end_more() {
	kill "$kept" 2>/dev/null || true
}
exec 3>"$tmp/in"
answers() {
	[ "$(grep -c '^HTTP/1.1 200' "$tmp/kept")" -eq "$1" ]
}
get() { # HOW-MANY-ANSWERS-THEN
	printf 'GET /scep?operation=GetCACaps HTTP/1.1\r\nHost: h\r\n\r\n' >&3
	it_until 20 answers "$1" || it_fail "no answer $1 on one connection"
}
get 1
install_pair two
hup reloaded
[ "$(shown)" = "$(serial "$tmp/two.pem")" ] || it_fail 'the old certificate'
get 2

# What is no good keeps the old.
keep() { # NAME WORDS
	hup reload_failed
	grep 'event=reload_failed' "$tmp/scepd.log" | tail -n 1 |
	    grep -qF "$2" || it_fail "$1: no word of \"$2\""
	[ "$(shown)" = "$(serial "$tmp/two.pem")" ] ||
	    it_fail "$1: another certificate"
	get "$3"
}
cp "$tmp/one.key" "$tmp/tls.key"
keep 'mismatch' 'tls.key: is not the key of' 3
echo garbage >"$tmp/tls.key"
keep 'no key' 'tls.key' 4
cp "$tmp/two.key" "$tmp/tls.key"
echo garbage >"$tmp/tls.pem"
keep 'no certificate' 'tls.pem: no certificates in PEM' 5
install_pair one
hup reloaded
[ "$(shown)" = "$(serial "$tmp/one.pem")" ] || it_fail 'no way back'
get 6
exec 3>&-
wait "$kept" || true
it_stop

# ---- what stops a start, with file, setting and mend

refuse() { # NAME LISTENERS WORDS...
	name=$1
	configure "$2"
	shift 2
	! "$SCEPD" -t -c "$tmp/scepd.conf" >"$tmp/out" 2>&1 ||
	    it_fail "$name: passes the check"
	! "$SCEPD" -c "$tmp/scepd.conf" >>"$tmp/out" 2>&1 ||
	    it_fail "$name: starts"
	for words in "$@"; do
		[ "$(grep -cF -e "$words" "$tmp/out")" -eq 2 ] || {
			cat "$tmp/out"
			it_fail "$name: no word of \"$words\""
		}
	done
}
tls='http: { listen = "127.0.0.1:0"; tls_listen = "127.0.0.1:0";'
cp "$tmp/two.key" "$tmp/tls.key"
refuse mismatch "$tls tls_cert = \"tls.pem\"; tls_key = \"tls.key\"; };" \
    http.tls_cert 'tls.key: is not the key of' 'belong together'
install_pair one
chmod 644 "$tmp/tls.key"
refuse 'open key' "$tls tls_cert = \"tls.pem\"; tls_key = \"tls.key\"; };" \
    'tls.key' 'chmod'
chmod 600 "$tmp/tls.key"
refuse 'no file' "$tls tls_cert = \"none.pem\"; tls_key = \"tls.key\"; };" \
    none.pem
cat "$tmp/upper.pem" "$tmp/one.pem" >"$tmp/order.pem"
refuse order "$tls tls_cert = \"order.pem\"; tls_key = \"tls.key\"; };" \
    'order.pem: each certificate must be followed by that of its issuer'
openssl pkey -in "$tmp/one.key" -aes128 -passout pass:secret \
    -out "$tmp/locked.key"
refuse locked "$tls tls_cert = \"tls.pem\"; tls_key = \"locked.key\"; };" \
    'locked.key: is encrypted'
echo secret >"$tmp/pass"
configure "$tls tls_cert = \"tls.pem\"; tls_key = \"locked.key\";
    tls_key_passphrase = \"pass\"; };"
"$SCEPD" -t -c "$tmp/scepd.conf" >"$tmp/out" 2>&1 || {
	cat "$tmp/out"
	it_fail 'a passphrase does not open the key'
}

# No CA of administrators may stand above devices: not as their issuer, nor
# above it (in its chain or not), nor as the one that comes next.
"$SCEPCTL" ca init --dir "$tmp/two" >/dev/null
"$SCEPCTL" ca init --dir "$tmp/two/next" --name Next >/dev/null
cp "$tmp/scepd.conf" "$tmp/one.conf"
above() { # NAME CA CHAIN NEXT
	sed "s|\"ca/|\"two/|g; s|key = \"two/issuing.key\";|& $3 $4|" \
	    "$tmp/one.conf" >"$tmp/scepd.conf"
	cat "$tmp/upper.pem" "$tmp/two/$2.pem" >"$tmp/both.pem"
	refuse "devices' CA, $1" "$plain admin: { listen = \"127.0.0.1:0\";
	    tls_cert = \"tls.pem\"; tls_key = \"tls.key\";
	    client_ca = \"both.pem\"; }; accounts = ( { name = \"a\";
	    auth = \"certificate\"; certificate = \"CN=a\";
	    rights = [ \"ndes\" ]; } );" admin.client_ca \
	    'stands above the certificates of devices too'
}
chain='chain = "two/chain.pem";'
above 'the issuer' issuing '' ''
above 'above it' root "$chain" ''
above 'above it, in no chain' root '' ''
above 'the next' next/issuing "$chain" 'next = "two/next";'
above 'above the next' next/root "$chain" 'next = "two/next";'
cp "$tmp/one.conf" "$tmp/scepd.conf"
refuse 'admin in the clear' "$plain admin: { listen = \"0.0.0.0:0\"; };" \
    admin.listen 'in the clear'

hash=$(echo token | "$SCEPCTL" challenge hash |
    sed -n 's/^hash = "\(.*\)";$/\1/p')

# ---- TLS alone, and a Unix socket for administration

configure "http: { listen = \"none\"; tls_listen = \"127.0.0.1:0\";
    tls_cert = \"tls.pem\"; tls_key = \"tls.key\"; };
    admin: { listen = \"$tmp/admin.sock\"; };
    accounts = ( { name = \"a\"; hash = \"$hash\"; rights = [ \"metrics\" ]; } );"
: >"$tmp/scepd.log"
"$SCEPD" -c "$tmp/scepd.conf" >"$tmp/scepd.log" 2>&1 &
pid=$!
is_up() {
	[ -n "$(of_line tls_url)" ]
}
it_until 20 is_up || it_fail 'no start with TLS alone'
tls_port=$(of_line tls_url | sed 's/.*://')
[ -z "$(of_line url)" ] || it_fail 'plain HTTP is served'
ask '/scep?operation=GetCACaps' | grep -q POST || it_fail 'no TLS alone'
[ "$(of_line admin_url)" = "unix:$tmp/admin.sock" ] || it_fail 'no socket'
[ "$(stat -c %a "$tmp/admin.sock")" = 600 ] || it_fail 'the socket is open'
[ "$(status --unix-socket "$tmp/admin.sock" http://h/scep)" = 404 ] ||
    it_fail 'no answer on the socket'
! "$SCEPD" -c "$tmp/scepd.conf" >"$tmp/out" 2>&1 || it_fail 'two on a socket'
grep -q 'the socket is in use' "$tmp/out" || it_fail 'no reason'
kill -KILL "$pid"
wait "$pid" || true
[ -S "$tmp/admin.sock" ] || it_fail 'the socket is gone'
: >"$tmp/scepd.log"
"$SCEPD" -c "$tmp/scepd.conf" >"$tmp/scepd.log" 2>&1 &
pid=$!
it_until 20 is_up || it_fail 'no start over the socket of an earlier server'
it_stop
[ ! -e "$tmp/admin.sock" ] || it_fail 'the socket stays'
