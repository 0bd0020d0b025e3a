# shellcheck shell=sh
# Sourced after lib.sh by the tests with real clients: the matrix of what each
# can do in each way to answer SCEP.
#
# One scepd has an endpoint for each way to answer SCEP, the mode, and one more
# for each, MODE-manual, where requests wait for an operator. A script names
# its client in $interop_client, and for each operation it has do_OPERATION,
# which ends the test unless the client does it. Where no client can,
# do_OPERATION calls interop_cannot. It finds
#
#	$mode	ca	the CA itself
#		ra	one RA certificate
#		split	two, one that decrypts and one that signs, as NDES has
#		ec-ca	one RA certificate with an RSA key, of a CA with an EC key
#	$url	of the endpoint
#	$enc, $sig	whom to encrypt to, and who signs the replies
#	$interop_ca	the folder of the CA

: "${tmp:?}" "${RELAY:=./tests/tool/relay}"

interop_modes='ca ra split ec-ca'

interop_make() { # MODE: its CA
	interop_ca=$tmp/$1
	case $1 in
	ca) set -- --mode ca ;;
	ec-ca) set -- --key ec:p256 ;;
	*) set -- ;;
	esac
	"$SCEPCTL" ca init --dir "$interop_ca" --name "${interop_ca##*/}" \
	    "$@" >"$tmp/ca.log" 2>&1 || {
		cat "$tmp/ca.log"
		it_fail "scepctl ca init $*"
	}
}

interop_make_split() {
	interop_make split
	interop_ra "$tmp/split/enc" keyEncipherment -1day +300days
	interop_ra "$tmp/split/ra" digitalSignature -1day +300days
}

# interop_endpoint NAME MODE SETTINGS
interop_endpoint() {
	interop_face="ra_cert = \"$2/ra.pem\"; ra_key = \"$2/ra.key\";"
	case $2 in
	ca) interop_face='mode = "ca";' ;;
	split) interop_face="$interop_face ra_enc_cert = \"split/enc.pem\";
		ra_enc_key = \"split/enc.key\";" ;;
	esac
	cat <<-END
		{ name = "$1"; $interop_face issuer = "$2";
		  profile = "device"; challenges = [ "test" ]; $3 }
	END
}

interop_issuer() { # MODE
	cat <<-END
		{ name = "$1"; cert = "$1/issuing.pem";
		  key = "$1/issuing.key"; chain = "$1/chain.pem"; }
	END
}

# interop_conf SETTINGS: of every endpoint
interop_conf() {
	interop_comma=
	echo 'http: { listen = "127.0.0.1:0"; };'
	echo 'store: { path = "scepd.db"; };'
	echo 'profiles = ( { name = "device"; } );'
	echo "challenges = ( { name = \"test\"; secret = \"$challenge\"; } );"
	echo 'endpoints = ('
	for mode in $interop_modes; do
		printf %s "$interop_comma"
		interop_endpoint "$mode" "$mode" "$1"
		interop_comma=,
		printf %s "$interop_comma"
		interop_endpoint "$mode-manual" "$mode" \
		    "$1 approval = \"manual\";"
	done
	echo '); issuers = ('
	interop_comma=
	for mode in $interop_modes; do
		printf %s "$interop_comma"
		interop_issuer "$mode"
		interop_comma=,
	done
	echo ');'
}

# interop_start SETTINGS: a scepd with all endpoints, with these settings
interop_start() {
	for mode in $interop_modes; do
		case $mode in
		split) interop_make_split ;;
		*) interop_make "$mode" ;;
		esac
	done
	interop_conf "$1" >"$tmp/scepd.conf"
	it_start
	interop_base=$url
}

interop_use() { # MODE
	mode=$1
	interop_ca=$tmp/$mode
	url=$interop_base/$mode
	enc=$interop_ca/ra.pem
	case $mode in
	ca) enc=$interop_ca/issuing.pem ;;
	split) enc=$interop_ca/enc.pem ;;
	esac
	sig=$enc
	[ "$mode" != split ] || sig=$interop_ca/ra.pem
}

interop_cannot() { # WHY
	interop_verdict="not possible: $1"
	interop_more=0
}

# certificates in the ledger
interop_issued_at() { # ENDPOINT
	sqlite3 "$tmp/scepd.db" "SELECT count(*) FROM issued
	    WHERE endpoint = '$1'"
}

# One operation in one mode. It adds one certificate to the ledger, or as many
# as it says in $interop_more.
interop_cell() {
	interop_verdict=ok interop_more=1 interop_at=$mode
	[ "$1" != poll ] || interop_at=$mode-manual
	interop_before=$(interop_issued_at "$interop_at")
	interop_seen=$(wc -l <"$tmp/scepd.log")
	"do_$1"
	interop_more=$((interop_before + interop_more))
	interop_now=$(interop_issued_at "$interop_at")
	[ "$interop_now" -eq "$interop_more" ] ||
	    it_fail "$mode $1: $interop_now certificates, not $interop_more"
	echo "$interop_client $mode $1 $interop_verdict"
}

interop_matrix() { # OPERATION...
	for mode in $interop_modes; do
		interop_use "$mode"
		for interop_op; do
			interop_cell "$interop_op"
		done
	done
}

# ---- what waits for an operator

interop_waiting() { # NAME: sets $interop_id
	interop_id=$(sqlite3 "$tmp/scepd.db" "SELECT max(id) FROM txn
	    WHERE state = 'pending' AND endpoint = '$mode-manual'")
	[ -n "$interop_id" ] &&
	    grep -q "endpoint=$mode-manual .*outcome=pending.*CN=$1" \
	    "$tmp/scepd.log"
}

# interop_approve NAME: what waits in this mode, as soon as it does
interop_approve() {
	it_until 20 interop_waiting "$1" || {
		[ ! -e "$tmp/client.log" ] || cat "$tmp/client.log"
		it_fail "$1 does not wait"
	}
	[ "$(interop_issued_at "$mode-manual")" -eq 0 ] ||
	    it_fail "$1 did not wait"
	"$SCEPCTL" -c "$tmp/scepd.conf" pending approve "$interop_id" \
	    >/dev/null || it_fail "approving $1"
}

# ---- clients that send by POST where that is advertised

interop_relay=
interop_relays() {
	[ -s "$tmp/relay.port" ]
}

# interop_by_get COMMAND...: with $url of a relay that hides POSTPKIOperation;
# sets $interop_method to what the PKIOperation was sent by
interop_by_get() {
	rm -rf "$tmp/requests" "$tmp/relay.port"
	mkdir "$tmp/requests"
	"$RELAY" "${port%%/*}" "$tmp/requests" POSTPKIOperation \
	    >"$tmp/relay.port" &
	interop_relay=$!
	it_until 20 interop_relays || it_fail 'the relay does not start'
	interop_direct=$url interop_status=0
	url=http://127.0.0.1:$(cat "$tmp/relay.port")/scep/$mode
	"$@" || interop_status=$?
	url=$interop_direct
	interop_relay_end
	interop_method=$(grep -haoE \
	    '^(GET|POST) [^ ]*operation=PKIOperation' "$tmp"/requests/* |
	    sed 's/ .*//')
	return "$interop_status"
}

interop_relay_end() {
	[ -n "$interop_relay" ] || return 0
	kill -TERM "$interop_relay" 2>/dev/null || true
	wait "$interop_relay" 2>/dev/null || true
	interop_relay=
}
