#!/bin/sh
# An issuer of type exec: a script around openssl ca. What it issues is proven
# and recorded; what it refuses, botches or never ends is told to the client
# and leaves no certificate behind.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"

rows() {
	sqlite3 "$tmp/scepd.db" 'SELECT count(*) FROM issued'
}

# ask NAME WANTED REASON: one enrollment that comes to nothing
ask() {
	before=$(rows)
	lines=$(grep -c 'event=request ' "$tmp/scepd.log" || true)
	got=$("$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$challenge" "$1")
	[ "$got" = "$2" ] || it_fail "$1 is $got, not $2"
	[ "$(rows)" = "$before" ] || it_fail "$1 has a row"
	[ "$(grep -c 'event=request ' "$tmp/scepd.log")" -eq \
	    $((lines + 1)) ] || it_fail "$1 has not one line in the log"
	grep 'event=request ' "$tmp/scepd.log" | tail -n 1 |
	    grep -q "reason=$3 .*subject=\"CN=$1\"" ||
	    it_fail "$1: not reason=$3"
	[ "$(sqlite3 "$tmp/scepd.db" "SELECT state || ' ' || reason FROM txn
	    ORDER BY id DESC LIMIT 1")" = "failed $3" ] ||
	    it_fail "$1: the transaction is not failed"
}

# issue NAME: one enrollment, to $tmp/NAME.pem and .key
issue() {
	before=$(rows)
	got=$("$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$challenge" \
	    "$1" "$tmp/$1")
	[ "$got" = issued ] || it_fail "$1 is $got"
	[ "$(rows)" = $((before + 1)) ] || it_fail "$1 has no row"
	openssl verify -CAfile "$tmp/ca/root.pem" -untrusted \
	    "$tmp/ca/issuing.pem" "$tmp/$1.pem" || it_fail "$1: chain"
	[ "$(openssl x509 -in "$tmp/$1.pem" -noout -pubkey)" = \
	    "$(openssl pkey -in "$tmp/$1.key" -pubout)" ] ||
	    it_fail "$1 is for another key"
	[ "$(sqlite3 "$tmp/scepd.db" "SELECT hex(serial) || ' ' || issuer ||
	    ' ' || subject FROM issued ORDER BY id DESC LIMIT 1")" = \
	    "$(openssl x509 -in "$tmp/$1.pem" -noout -serial | cut -d= -f2) \
upstream CN=$1" ] || it_fail "$1: another row"
}

make_openssl_ca() {
	mkdir "$tmp/upstream" "$tmp/upstream/new"
	: >"$tmp/upstream/index"
	echo 1000 >"$tmp/upstream/serial"
	cat >"$tmp/upstream/ca.conf" <<-END
		[ca]
		default_ca = upstream
		[upstream]
		database = $tmp/upstream/index
		serial = $tmp/upstream/serial
		new_certs_dir = $tmp/upstream/new
		certificate = $tmp/ca/issuing.pem
		private_key = $tmp/ca/issuing.key
		default_md = sha256
		default_days = 30
		unique_subject = no
		policy = any
		x509_extensions = leaf
		[any]
		commonName = supplied
		[leaf]
		basicConstraints = CA:FALSE
		keyUsage = critical, digitalSignature, keyEncipherment
		extendedKeyUsage = clientAuth
	END
}

# The names of requests choose what becomes of them.
make_issuer() {
	cat >"$tmp/upstream/issue" <<-END
		#!/bin/sh
		cd $tmp/upstream || exit 9
		env | sort >env
		id=\$\$
		cat >\$id.csr
		case \$(openssl req -in \$id.csr -noout -subject) in
		*refused) echo 'not in the inventory' >&2; exit 1 ;;
		*broken) exit 7 ;;
		*killed) kill -9 \$\$ ;;
		*silent) exit 0 ;;
		*chatty) echo 'no certificate'; exit 0 ;;
		*endless) exec yes ;;
		*hanging) sleep 300 & echo \$! >sleeper; sleep 300 ;;
		*swapped) cat new/1000.pem; exit 0 ;;
		*self-made)
			openssl req -new -x509 -newkey rsa:2048 -nodes \\
			    -keyout x.key -subj /CN=x
			exit 0
			;;
		esac
		flock lock openssl ca -config ca.conf -batch -notext \\
		    -in \$id.csr 2>err && cat $tmp/ca/issuing.pem
	END
	chmod 700 "$tmp/upstream/issue"
}

it_ca --key ec:p256
make_openssl_ca
make_issuer
it_conf
sed -i "s|name = \"local\";|name = \"upstream\"; type = \"exec\";|
    s|issuer = \"local\"|issuer = \"upstream\"|
    s|key = \"ca/issuing.key\";|command = [ \"$tmp/upstream/issue\" ];|
    s|command =|timeout = 2; &|" \
    "$tmp/scepd.conf"
it_start

issue first
for word in SCEPD_ENDPOINT=scep SCEPD_PROFILE=device SCEPD_TRANSACTION_ID=client \
    SCEPD_PEER=127.0.0.1; do
	grep -qx "$word" "$tmp/upstream/env" || it_fail "no $word"
done
[ "$(grep -Ec '^(SCEPD|SCEPCTL|HOME|no_proxy)=' "$tmp/upstream/env")" = 0 ] ||
    it_fail "it sees scepd's own environment"

ask refused failure issuer_refused
grep -q 'not in the inventory' "$tmp/scepd.log" || it_fail 'nothing says why'
ask broken http issuer
ask killed http issuer
ask silent http issuer_answer
ask chatty http issuer_answer
ask swapped http issuer_answer
ask self-made http issuer_answer
ask endless http issuer
begun=$(date +%s)
ask hanging http issuer
[ $(($(date +%s) - begun)) -lt 20 ] || it_fail 'it may hang for too long'
gone() {
	# A zombie that nobody has buried yet is gone too.
	! grep -qs '^State:[[:space:]]*[^Z]' \
	    "/proc/$(cat "$tmp/upstream/sleeper")/status"
}
it_until 10 gone || it_fail 'its children outlive it'
issue last

# ---- a CA that begins its serial numbers anew

: >"$tmp/upstream/index"
echo 1000 >"$tmp/upstream/serial"
ask repeated http store_conflict
grep -q 'the CA has issued serial 1000 before' "$tmp/scepd.log" ||
    it_fail 'nothing says which serial number'
it_stop
! grep -q "$challenge" "$tmp/scepd.log" || it_fail 'the log has the challenge'
! grep -q 'BEGIN CERT' "$tmp/scepd.log" || it_fail 'the log has a certificate'

# ---- the example of the manual

manual=${srcdir:-.}/conf/scepd.conf.5.tail
# displayed WORDS: the first display behind a line with these words
displayed() {
	awk -v words="$1" '
	begun && /^\.Ed/ { exit }
	begun { gsub(/\\e/, "\\"); print }
	found && /^\.Bd/ { begun = 1 }
	index($0, words) { found = 1 }' "$manual" |
	    sed "s|/etc/scepd/upstream|$tmp/ca|"
}
displayed 'exec_issuer.sh runs this' >"$tmp/upstream/issue"
[ "$(head -n 1 "$tmp/upstream/issue")" = '#!/bin/sh' ] ||
    it_fail 'the manual has no script'
sed -i 's/timeout = 2/timeout = 15/' "$tmp/scepd.conf"
it_start
issue laptop-1
openssl x509 -in "$tmp/laptop-1.pem" -noout -ext extendedKeyUsage |
    grep -q 'Client Auth' || it_fail 'leaf.ext of the manual is not used'
ask desktop-1 failure issuer_refused
grep -q 'not in the inventory: /CN=desktop-1' "$tmp/scepd.log" ||
    it_fail 'nothing says why'
mv "$tmp/ca/issuing.key" "$tmp/ca/issuing.away"
ask laptop-2 http issuer
it_stop
! grep -q "$challenge" "$tmp/scepd.log" || it_fail 'the log has the challenge'
