# shellcheck shell=sh
# Sourced by the tests of renewal, behind lib.sh: a client that enrolls and
# renews, and what the ledger and the log say of it.
#
# shellcheck disable=SC2034,SC2154 # variables of lib.sh

is() { # VALUE WANTED TEXT
	[ "$1" = "$2" ] || it_fail "$3: \"$1\", not \"$2\""
}

sql() {
	sqlite3 -cmd '.timeout 20000' "$tmp/scepd.db" "$1"
}

# serve ENDPOINT-SETTINGS: with an empty ledger
serve() {
	[ -z "$pid" ] || it_stop
	rm -f "$tmp"/scepd.db*
	it_endpoint=$1
	it_conf
	it_start
}

# Its line in the log; a CRL may have one behind it.
last_request() {
	grep 'event=request ' "$tmp/scepd.log" | tail -n 1
}

# ask TO [VARIABLE=VALUE...]: prints the outcome; with the challenge $secret
secret=
ask() {
	ask_to=$1
	shift
	env CLIENT_TXIDS=1 CLIENT_TYPE=17 CLIENT_SANS=DNS:x.example "$@" \
	    "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$secret" device \
	    "$tmp/$ask_to"
}

# first TO: enrolls, with the challenge
first() {
	secret=$challenge
	is "$(ask "$1" CLIENT_TYPE=19)" issued "enrollment of $1"
	secret=
}

# renews OLD NEW [VARIABLE=VALUE...]
renews() {
	renews_old=$1 renews_new=$2
	shift 2
	is "$(ask "$renews_new" CLIENT_OLD="$tmp/$renews_old" "$@")" issued \
	    "renewal of $renews_old as $renews_new"
	last_request | grep -q " renews=$(serial "$renews_old") " ||
	    it_fail "the log does not say what $renews_new renews"
	"$SCEPCTL" show "$(serial "$renews_new")" --db "$tmp/scepd.db" \
	    >"$tmp/out" || it_fail "show $renews_new"
	grep -q "^supersedes  *$(serial "$renews_old")\$" "$tmp/out" ||
	    it_fail "show $renews_new: $(cat "$tmp/out")"
}

# refused REASON OLD [VARIABLE=VALUE...]
refused() {
	refused_reason=$1 refused_old=$2 refused_rows=$(sql \
	    'SELECT count(*) FROM issued')
	shift 2
	is "$(ask none CLIENT_OLD="$tmp/$refused_old" "$@")" failure \
	    "renewal of $refused_old"
	last_request | grep -q "reason=$refused_reason" ||
	    it_fail "$refused_old is not refused for $refused_reason"
	is "$(sql 'SELECT count(*) FROM issued')" "$refused_rows" certificates
}

serial() { # NAME: as scepctl writes it
	openssl x509 -in "$tmp/$1.pem" -noout -serial | sed 's/^serial=//' |
	    tr A-F a-f
}
