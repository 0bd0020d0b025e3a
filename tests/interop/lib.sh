# shellcheck shell=sh
# Sourced by the tests with real clients, after it/lib.sh: what each of them
# proves about a certificate it was given.

: "${tmp:?}"

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
	if [ -e "$tmp/ca/root.pem" ]; then
		echo "$tmp/ca/root.pem"
	else
		echo "$tmp/ca/issuing.pem"
	fi
}

# interop_issued CERTIFICATE KEY NAME: for this key and dNSName, chains to the
# root, is in the ledger once, and scepctl shows it.
interop_issued() {
	openssl verify -CAfile "$(interop_root)" \
	    -untrusted "$tmp/ca/ca-bundle.pem" -purpose sslclient "$1" ||
	    it_fail "$1 does not verify"
	[ "$(openssl x509 -in "$1" -noout -pubkey)" = \
	    "$(openssl pkey -in "$2" -pubout)" ] ||
	    it_fail "$1 is for another key"
	openssl x509 -in "$1" -noout -ext subjectAltName | grep -q "DNS:$3" ||
	    it_fail "$1 is not for $3"
	[ "$(interop_rows "$1")" = 1 ] || it_fail "$1 is not in the ledger"
	interop_serial=$(openssl x509 -in "$1" -noout -serial)
	"$SCEPCTL" -c "$tmp/scepd.conf" show "${interop_serial#serial=}" \
	    --pem >"$tmp/shown.pem" || it_fail "scepctl show $interop_serial"
	[ "$(openssl x509 -in "$tmp/shown.pem" -noout -fingerprint)" = \
	    "$(openssl x509 -in "$1" -noout -fingerprint)" ] ||
	    it_fail "scepctl shows another certificate for $interop_serial"
}
