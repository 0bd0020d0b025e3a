# shellcheck shell=sh
# shellcheck disable=SC2154 # variables of lib.sh
# Sourced by the end-to-end tests of TLS, behind lib.sh: certificates, the CA of
# administrators, and a scepd.conf with other listeners.

# certificate NAME SUBJECT ISSUER [EXTENSION...]: $tmp/NAME.pem, NAME.key
certificate() {
	name=$1 subject=$2 issuer=$3
	shift 3
	printf '%s\n' "$@" >"$tmp/ext"
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc \
	    -keyout "$tmp/$name.key" -subj "$subject" -out "$tmp/csr" \
	    2>/dev/null
	if [ "$issuer" = "$name" ]; then
		set -- -signkey "$tmp/$name.key"
	else
		set -- -CA "$tmp/$issuer.pem" -CAkey "$tmp/$issuer.key"
	fi
	openssl x509 -req -in "$tmp/csr" "$@" -days 90 -extfile "$tmp/ext" \
	    -out "$tmp/$name.pem" 2>/dev/null
}

# of_line KEY: a value of the line that tells where scepd listens
of_line() {
	sed -n "s/.*event=listening.* $1=\"\{0,1\}\([^\" ]*\).*/\1/p" \
	    "$tmp/scepd.log"
}

status() { # CURL-ARGUMENT...
	curl -s --max-time 20 -o /dev/null -w '%{http_code}' "$@" || true
}

# hup EVENT: SIGHUP, and waits until it has led to that
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

# configure TEXT: scepd.conf with these settings in front
configure() {
	sed '1,/^store:/{ /^store:/!d; }' "$tmp/scepd.conf" >"$tmp/rest.conf"
	{ printf '%s\n' "$1"; cat "$tmp/rest.conf"; } >"$tmp/scepd.conf"
}

# ca_begin NAME: the CA of administrators, as its keeper runs it; then
# ca ARGUMENT... is openssl ca, and crl ARGUMENT... makes $tmp/admin.crl
ca_begin() {
	ca_name=$1
	printf '%s\n' "[c]" "database = $tmp/index" "serial = $tmp/serial" \
	    "new_certs_dir = $tmp" 'unique_subject = no' \
	    'default_md = sha256' 'policy = any' '[any]' \
	    'organizationName = optional' 'commonName = supplied' \
	    >"$tmp/c.conf"
	: >"$tmp/index"
	echo 77 >"$tmp/serial"
}
ca() { # ARGUMENT...
	openssl ca -batch -config "$tmp/c.conf" -name c -cert "$tmp/$ca_name.pem" \
	    -keyfile "$tmp/$ca_name.key" "$@" 2>>"$tmp/ca.log" || {
		cat "$tmp/ca.log"
		it_fail "openssl ca $*"
	}
}
crl() { # ARGUMENT...
	ca -gencrl "$@" -out "$tmp/admin.crl"
}
