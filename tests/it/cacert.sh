#!/bin/sh
# GetCACert and GetCACaps as a stranger gets them: the certificates are those
# whose fingerprints scepctl told when it made them, under the exact types.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"
# shellcheck source=tests/interop/lib.sh
. "${srcdir:-.}/tests/interop/lib.sh"

interop_need curl openssl sqlite3

# get QUERY: the answer in $tmp/body, its type in $type
get() {
	status=$(curl -sS -D "$tmp/head" -o "$tmp/body" -w '%{http_code}' \
	    "$url?$1")
	[ "$status" = 200 ] || it_fail "$1: status $status"
	type=$(tr -d '\r' <"$tmp/head" | sed -n 's/^content-type: //Ip')
}

is() { # VALUE WANTED TEXT
	[ "$1" = "$2" ] || it_fail "$3: \"$1\", not \"$2\""
}

fingerprint() { # FILE DIGEST
	openssl x509 -in "$1" -noout -fingerprint "-$2" | sed 's/.*=//' |
	    tr -d : | tr '[:upper:]' '[:lower:]'
}

told() { # CERTIFICATE DIGEST: by scepctl ca init --json
	sqlite3 :memory: "SELECT lower(replace(replace(json_extract(readfile(
	    '$tmp/ca.log'), '\$.$1.$2'), ':', ''), ' ', ''))"
}

# The body is these certificates, in this order, and no others.
served() { # CERTIFICATE...
	rm -f "$tmp"/got-*.pem
	if [ "$type" = application/x-x509-ca-cert ]; then
		openssl x509 -inform DER -in "$tmp/body" -out "$tmp/got-1.pem"
	else
		openssl pkcs7 -inform DER -in "$tmp/body" -print_certs |
		    awk -v dir="$tmp" '/BEGIN/ { n++ }
			n > 0 { print >(dir "/got-" n ".pem") }'
	fi
	set -- "$@" end
	n=1
	while [ "$1" != end ]; do
		for digest in sha256 sha1 md5; do
			is "$(fingerprint "$tmp/got-$n.pem" $digest)" \
			    "$(told "$1" $digest)" "$digest of $1"
		done
		n=$((n + 1))
		shift
	done
	[ ! -e "$tmp/got-$n.pem" ] || it_fail "GetCACert: one more"
}

# serve ARGUMENT...: of scepctl ca init
serve() {
	rm -rf "$tmp/ca" "$tmp"/scepd.db*
	it_ca --json "$@"
	it_conf
	it_start
}

# Whatever stands in message, and whoever asks.
same_for_all() {
	cp "$tmp/body" "$tmp/first"
	for message in '' default 0 7 SCEP%20Authority %00 ca; do
		get "operation=GetCACert&message=$message"
		cmp -s "$tmp/body" "$tmp/first" ||
		    it_fail "GetCACert differs for message=$message"
	done
}

it_mode=ra
serve --key ec:p256
get operation=GetCACert
is "$type" application/x-x509-ca-ra-cert 'type of GetCACert, with RA'
served ra issuing root
same_for_all
get 'operation=GetCACaps&message=default'
is "$type" text/plain 'type of GetCACaps'
printf '%s\n' AES DES3 SHA-1 SHA-256 SHA-384 SHA-512 POSTPKIOperation \
    Renewal SCEPStandard | cmp - "$tmp/body" || it_fail "GetCACaps"
it_stop

it_mode=ca
serve --mode ca --key rsa:2048
get operation=GetCACert
is "$type" application/x-x509-ca-cert 'type of GetCACert, without RA'
served issuing
same_for_all
it_stop
serve --mode ca --key rsa:2048 --single
get operation=GetCACert
is "$type" application/x-x509-ca-cert 'type of GetCACert, one CA'
served issuing
it_stop
