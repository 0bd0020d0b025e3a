# shellcheck shell=sh
# Sourced by the tests of scepctl(1): a folder of its own to work in, and
# checks that print "ok - TEXT" or "not ok - TEXT". They end with: exit $bad
# The program is $SCEPCTL.

# shellcheck disable=SC2034
bad=0
set -u
umask 022

: "${SCEPCTL:=./scepctl}"
case $SCEPCTL in /*) ;; *) SCEPCTL=$PWD/$SCEPCTL ;; esac
[ -x "$SCEPCTL" ] || { echo "not ok - no program $SCEPCTL"; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
cd "$tmp" || exit 1
unset CREDENTIALS_DIRECTORY
LC_ALL=C
export LC_ALL

# check TEXT COMMAND...: the command succeeds
check() {
	text=$1
	shift
	if "$@" >check.out 2>&1; then
		printf 'ok - %s\n' "$text"
	else
		printf 'not ok - %s\n' "$text"
		sed 's/^/#   /' check.out
		bad=1
	fi
}

# expect STATUS TEXT ARG...: scepctl ends so; its output is in out and err
expect() {
	want=$1 text=$2
	shift 2
	"$SCEPCTL" "$@" >out 2>err </dev/null
	got=$?
	if [ $got -eq "$want" ]; then
		printf 'ok - %s\n' "$text"
	else
		printf 'not ok - %s %s\n' "$text" "(exit $got, not $want)"
		sed 's/^/#   /' err
		bad=1
	fi
}

# refuse STATUS WORDS TEXT ARG...: it ends so, says WORDS in one line on
# stderr, nothing on stdout, and makes nothing
refuse() {
	want=$1 words=$2 text=$3
	shift 3
	before=$(snapshot)
	expect "$want" "$text" "$@"
	check "  says \"$words\"" grep -qi -e "$words" err
	check '  in one line, nothing on stdout' \
	    test "$(wc -l <err)" -eq 1 -a ! -s out
	check '  leaves nothing behind' test "$before" = "$(snapshot)"
}

# Who only reads a store at rest leaves SQLite's empty files beside it, who
# writes removes them.
snapshot() {
	find . ! -name out ! -name err ! -name check.out \
	    ! -name '*.db-wal' ! -name '*.db-shm' | sort
}

is() { # VALUE WANTED
	[ "$1" = "$2" ] || { echo "got \"$1\", wanted \"$2\""; return 1; }
}

fingerprint() { # FILE DIGEST
	openssl x509 -in "$1" -noout -fingerprint "-$2" | cut -d= -f2 |
	    tr -d : | tr A-F a-f
}

# The value of an SQL expression over the JSON in out, which is j there.
json() {
	sqlite3 :memory: "WITH o AS (SELECT readfile('out') AS j)
	    SELECT $1 FROM o;"
}
