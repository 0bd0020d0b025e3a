#!/bin/sh
# captures.sh FOLDER: has real clients enroll, renew and poll. What they sent
# goes to FOLDER/live-*.http, the keys they began with to FOLDER/live-*.key, and
# where each came from to FOLDER/live.txt. FOLDER holds the CA and the RA they
# talk to, see messages.c. RELAY names the recorder, relay.c.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
folder=$(cd "$1" && pwd)
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"
# shellcheck source=tests/interop/lib.sh
. "${srcdir:-.}/tests/interop/lib.sh"

interop_need pki certmonger getcert scepclient openssl
: "${RELAY:=./tests/tool/relay}"
challenge=8CE317021F690069
relay=
client=
monger=
it_end_more() {
	for child in $client $monger $relay; do
		kill -TERM "$child" 2>/dev/null || true
		wait "$child" 2>/dev/null || true
	done
}

# end PID: ends a child of this script
end() {
	kill -TERM "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

relay_listens() {
	[ -s "$tmp/relay.port" ]
}

# A new recorder before scepd.
record() {
	[ -z "$relay" ] || end "$relay"
	rm -rf "$tmp/requests" "$tmp/relay.port"
	mkdir "$tmp/requests"
	"$RELAY" "${port%%/*}" "$tmp/requests" >"$tmp/relay.port" &
	relay=$!
	it_until 5 relay_listens || it_fail 'the recorder does not start'
	via=http://127.0.0.1:$(cat "$tmp/relay.port")/scep
}

# serve ENDPOINT-SETTINGS: scepd with the CA and the RA of FOLDER
serve() {
	[ -z "$pid" ] || it_stop
	rm -rf "$tmp/ca" "$tmp"/scepd.db*
	mkdir "$tmp/ca"
	cp "$folder/ca.pem" "$tmp/ca/issuing.pem"
	cp "$folder/ca.key" "$tmp/ca/issuing.key"
	cp "$folder/ra.pem" "$folder/ra.key" "$tmp/ca"
	it_endpoint=$1
	it_conf
	it_start
}

# requests OPERATION: the files of those, oldest first
requests() {
	find "$tmp/requests" -type f -exec grep -laE \
	    "^(GET|POST) [^ ]*operation=$1" {} + | sort
}

# keep OPERATION NUMBER NAME: that one of them is live-NAME.http
keep() {
	file=$(requests "$1" | sed -n "$2p")
	[ -n "$file" ] || it_fail "$3: no request $2 for $1"
	cp "$file" "$folder/live-$3.http"
	printf '%s\t%s\n' "live-$3.http" "$from" >>"$tmp/live.txt"
}

# from_package PACKAGE PROGRAM: whom what follows comes from
from_package() {
	# shellcheck source=/dev/null
	release=$(. /etc/os-release && echo "$PRETTY_NAME")
	from=$(printf '%s\t%s %s\t%s\t%s' "$2" "$1" "$(dpkg-query -W \
	    -f '${Version}' "$1")" "$release" "$(date -u +%Y-%m-%d)")
}

# ---- strongSwan

# swan KEY ARGUMENT...: the certificate goes to $tmp/swan.pem
swan() {
	key=$1
	shift
	pki --scep --options "$tmp/options" --url "$via" --in "$key" \
	    --dn 'C=DE, O=Test, CN=device' --san device.example \
	    --cacert-enc "$tmp/ca/ra.pem" --cacert-sig "$tmp/ca/issuing.pem" \
	    --cacert "$tmp/ca/issuing.pem" --outform pem --interval 1 "$@" \
	    >"$tmp/swan.pem" 2>"$tmp/client.log"
}

swan_must() {
	swan "$@" || {
		cat "$tmp/client.log"
		it_fail "pki $*"
	}
}

# polled NUMBER: so many messages were sent
polled() {
	[ "$(requests PKIOperation | wc -l)" -ge "$1" ]
}

# A request that is not decided, and a poll for it.
swan_waits() {
	serve 'approval = "manual";'
	record
	swan "$folder/live-strongswan.key" --maxpolltime 30 &
	client=$!
	it_until 20 polled 2 || it_fail 'pki does not poll'
	end "$client"
	client=
	keep PKIOperation 1 strongswan-pending
	keep PKIOperation 2 strongswan-poll
}

swan_renews() {
	: >"$tmp/options"
	swan_must "$tmp/next.key" --cert "$tmp/old.pem" \
	    --key "$folder/live-strongswan.key"
	printf -- '--password %s\n' "$challenge" >"$tmp/options"
}

capture_strongswan() {
	from_package strongswan-pki 'strongSwan pki'
	openssl genrsa -out "$folder/live-strongswan.key" 2048 2>/dev/null
	openssl genrsa -out "$tmp/next.key" 2048 2>/dev/null
	printf -- '--password %s\n' "$challenge" >"$tmp/options"
	serve ''
	record
	swan_must "$folder/live-strongswan.key"
	mv "$tmp/swan.pem" "$tmp/old.pem"
	swan_renews
	# Its way to renew with servers of old drafts.
	echo 'pki { scep { renewal_via_pkcs_req = yes } }' >"$tmp/swan.conf"
	STRONGSWAN_CONF=$tmp/swan.conf swan_renews
	interop_expect pki --scepca --url "$via" --caout "$tmp/got.pem" \
	    --raout "$tmp/got-ra.pem" --outform pem --force
	keep GetCACaps 1 strongswan-caps
	keep GetCACert 1 strongswan-cacert
	keep PKIOperation 1 strongswan-enroll
	keep PKIOperation 2 strongswan-renew
	keep PKIOperation 3 strongswan-renew-pkcsreq
	swan_waits
}

# ---- scepclient

# mdm: enrolls, or renews what it has
mdm() {
	interop_expect scepclient -server-url "$via" -cn device \
	    -challenge "$challenge" -debug \
	    -private-key "$tmp/mdm/key.pem" -certificate "$tmp/mdm/cert.pem"
}

capture_scepclient() {
	from_package scep scepclient
	mkdir "$tmp/mdm"
	serve 'legacy = [ "des" ];'
	record
	mdm
	keep GetCACaps 1 scepclient-caps
	keep GetCACert 1 scepclient-cacert
	keep PKIOperation 1 scepclient-enroll
	mdm
	keep PKIOperation 2 scepclient-renew
	cp "$tmp/mdm/key.pem" "$folder/live-scepclient.key"
}

# ---- certmonger

# Enrolls, renews with the same key and with another.
capture_certmonger() {
	from_package certmonger certmonger
	interop_certmonger
	serve ''
	record
	interop_expect getcert add-scep-ca -c scep -u "$via"
	printf '%s' "$challenge" >"$tmp/monger/challenge"
	interop_expect getcert request -c scep -I device \
	    -k "$tmp/monger/key.pem" -f "$tmp/monger/cert.pem" -N CN=device \
	    -D device.example -l "$tmp/monger/challenge" -w --wait-timeout 60
	cp "$tmp/monger/key.pem" "$folder/live-certmonger.key"
	for verb in resubmit rekey; do
		interop_expect getcert $verb -i device -w --wait-timeout 60
	done
	keep GetCACaps 1 certmonger-caps
	keep GetCACert 1 certmonger-cacert
	keep PKIOperation 1 certmonger-enroll
	keep PKIOperation 2 certmonger-renew
	keep PKIOperation 3 certmonger-rekey
}

rm -f "$folder"/live-*
capture_strongswan
capture_scepclient
capture_certmonger
it_stop
{
	echo '# Written by captures.sh: file, program, package, system, day.'
	cat "$tmp/live.txt"
} >"$folder/live.txt"
chmod 644 "$folder"/live*
