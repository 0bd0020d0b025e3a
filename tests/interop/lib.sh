# shellcheck shell=sh
# Sourced by the tests with real clients, after it/lib.sh: what each of them
# proves about a certificate it was given.

: "${tmp:?}"
interop_ca=$tmp/ca
interop_seen=0

# interop_need PROGRAM...: the test is skipped where a client is not to be had.
interop_need() {
	for program; do
		command -v "$program" >/dev/null || {
			echo "skipped: no $program here"
			exit 77
		}
	done
}

# A client that writes pages of notices: shown only when the test fails.
interop_quiet() {
	"$@" >"$tmp/client.log" 2>&1
}

# interop_expect COMMAND...: a client that must succeed
interop_expect() {
	interop_quiet "$@" || {
		cat "$tmp/client.log"
		it_fail "$*"
	}
}

# The rows of the ledger that hold this certificate, byte for byte, with the
# end of its life.
interop_rows() {
	sqlite3 "$tmp/scepd.db" "SELECT count(*) FROM issued WHERE der = x'$(
	    openssl x509 -in "$1" -outform der | od -An -v -tx1 |
	    tr -d ' \n')' AND not_after = $(date +%s -d "$(
	    openssl x509 -in "$1" -noout -enddate | sed 's/.*=//')")"
}

interop_count() {
	sqlite3 "$tmp/scepd.db" 'SELECT count(*) FROM issued'
}

# The certificate at the top; a single CA is its own root.
interop_root() {
	if [ -e "$interop_ca/root.pem" ]; then
		echo "$interop_ca/root.pem"
	else
		echo "$interop_ca/issuing.pem"
	fi
}

# interop_issued CERTIFICATE KEY [NAME]: for this key and dNSName, chains to the
# root, is in the ledger once, and scepctl shows it.
interop_issued() {
	openssl verify -CAfile "$(interop_root)" \
	    -untrusted "$interop_ca/ca-bundle.pem" -purpose sslclient "$1" \
	    >"$tmp/verify.log" ||
	    it_fail "$1 does not verify"
	[ "$(openssl x509 -in "$1" -noout -pubkey)" = \
	    "$(openssl pkey -in "$2" -pubout)" ] ||
	    it_fail "$1 is for another key"
	[ $# -lt 3 ] || openssl x509 -in "$1" -noout -ext subjectAltName |
	    grep -q "DNS:$3" || it_fail "$1 is not for $3"
	[ "$(interop_rows "$1")" = 1 ] || it_fail "$1 is not in the ledger"
	interop_serial=$(openssl x509 -in "$1" -noout -serial)
	"$SCEPCTL" -c "$tmp/scepd.conf" show "${interop_serial#serial=}" \
	    --pem >"$tmp/shown.pem" || it_fail "scepctl show $interop_serial"
	[ "$(openssl x509 -in "$tmp/shown.pem" -noout -fingerprint)" = \
	    "$(openssl x509 -in "$1" -noout -fingerprint)" ] ||
	    it_fail "scepctl shows another certificate for $interop_serial"
}

# interop_logged PATTERN: a request in the log, after its first
# $interop_seen lines
interop_logged() {
	tail -n "+$((interop_seen + 1))" "$tmp/scepd.log" |
	    grep -q "event=request .*$1" || it_fail "no line says $1"
}

# interop_renewed OLD NEW same|other: NEW renews OLD, with this key
interop_renewed() {
	interop_keys=other
	[ "$(openssl x509 -in "$1" -noout -pubkey)" != \
	    "$(openssl x509 -in "$2" -noout -pubkey)" ] || interop_keys=same
	[ "$interop_keys" = "$3" ] || it_fail "$2 has the $interop_keys key"
	! cmp -s "$1" "$2" || it_fail "$2 is the old certificate"
	interop_serial=$(openssl x509 -in "$1" -noout -serial |
	    sed 's/^serial=//' | tr A-F a-f)
	interop_logged "outcome=issued .*renews=$interop_serial"
}

# ---- the RA certificates of an NDES, and others

# interop_ra TO KEYUSAGE FROM UNTIL: TO.pem and TO.key, issued by the CA in
# $interop_ca; with times as date -d has
interop_ra() {
	openssl req -new -newkey rsa:2048 -nodes -subj "/CN=RA ${1##*/}" \
	    -keyout "$1.key" -out "$1.csr" 2>/dev/null
	cat >"$tmp/ca.conf" <<-END
		[ca]
		default_ca = d
		[d]
		database = $tmp/index
		new_certs_dir = $tmp
		rand_serial = yes
		default_md = sha256
		policy = p
		x509_extensions = x
		unique_subject = no
		[p]
		commonName = supplied
		[x]
		basicConstraints = critical, CA:FALSE
		keyUsage = critical, $2
	END
	: >"$tmp/index"
	openssl ca -batch -notext -config "$tmp/ca.conf" \
	    -cert "$interop_ca/issuing.pem" -keyfile "$interop_ca/issuing.key" \
	    -startdate "$(date -u -d "$3" +%Y%m%d%H%M%SZ)" \
	    -enddate "$(date -u -d "$4" +%Y%m%d%H%M%SZ)" \
	    -in "$1.csr" -out "$1.pem" >"$tmp/openssl.log" 2>&1 || {
		cat "$tmp/openssl.log"
		it_fail "openssl ca: $1"
	}
}

# Starts certmonger without D-Bus, on state of its own in $tmp/monger; sets
# $monger, to be ended by who started it.
interop_certmonger() {
	for name in config requests cas local tmp; do
		mkdir -p "$tmp/monger/$name"
	done
	CERTMONGER_CONFIG_DIR=$tmp/monger/config
	CERTMONGER_REQUESTS_DIR=$tmp/monger/requests
	CERTMONGER_CAS_DIR=$tmp/monger/cas
	CERTMONGER_LOCAL_CA_DIR=$tmp/monger/local
	CERTMONGER_TMPDIR=$tmp/monger/tmp
	CERTMONGER_PVT_ADDRESS=unix:path=$tmp/monger/socket
	export CERTMONGER_CONFIG_DIR CERTMONGER_REQUESTS_DIR \
	    CERTMONGER_CAS_DIR CERTMONGER_LOCAL_CA_DIR CERTMONGER_TMPDIR \
	    CERTMONGER_PVT_ADDRESS
	certmonger -L -P "$tmp/monger/socket" -n >"$tmp/monger/log" 2>&1 &
	monger=$!
	# One at a time: another waits until this one has ended.
	it_until 120 interop_quiet getcert list-cas ||
	    it_fail "certmonger does not answer"
}
