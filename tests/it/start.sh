#!/bin/sh
# Starting scepd: what stops it says file, line and mend and leaves the folder
# as it was; -t, -T and --sample; what systemd is told; giving up root.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"

listener=
it_end_more() {
	[ -z "$listener" ] || kill "$listener" 2>/dev/null || true
}

# must_enroll NAME [TO]
must_enroll() {
	[ "$("$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$challenge" \
	    "$@")" = issued ] || it_fail "$1 is not issued"
}

listing() {
	find "$tmp" ! -path "$tmp/out" ! -path "$tmp/err" | LC_ALL=C sort
}

# refuse NAME WORDS...: scepd does not start with $tmp/bad.conf, says each of
# WORDS, and makes nothing.
refuse() {
	name=$1
	shift
	touch "$tmp/out" "$tmp/err"
	before=$(listing)
	status=0
	timeout 30 "$SCEPD" -c "$tmp/bad.conf" >"$tmp/out" 2>"$tmp/err" ||
	    status=$?
	[ "$status" -eq 1 ] || it_fail "$name: exit $status"
	[ "$before" = "$(listing)" ] || it_fail "$name: left something"
	[ "$(grep -c 'event=start_failed' "$tmp/err")" -eq 1 ] ||
	    it_fail "$name: not one line: $(cat "$tmp/err")"
	! grep -q "$challenge" "$tmp/err" || it_fail "$name: tells the secret"
	for words in "$@"; do
		grep 'event=start_failed' "$tmp/err" | grep -qF -e "$words" ||
		    it_fail "$name: not \"$words\": $(cat "$tmp/err")"
	done
}

# bad SED-COMMAND: $tmp/bad.conf is the good one, changed
bad() {
	sed "$1" "$tmp/scepd.conf" >"$tmp/bad.conf"
	! cmp -s "$tmp/scepd.conf" "$tmp/bad.conf" ||
	    it_fail "sed $1: no change"
}

# line TEXT: bad.conf and the number of its line with TEXT
line() {
	echo "bad.conf:$(grep -n -e "$1" "$tmp/bad.conf" | head -n 1 |
	    cut -d: -f1):"
}

it_ca --key ec:p256
it_conf
cp "$tmp/scepd.conf" "$tmp/bad.conf"

# ---- the file

rm "$tmp/bad.conf"
refuse 'missing file' "bad.conf: cannot open" 'correct the path'
cp "$tmp/scepd.conf" "$tmp/bad.conf"
chmod 604 "$tmp/bad.conf"
refuse 'secret for all' "$(line 'secret =')" 'chmod o='
rm "$tmp/bad.conf"
bad 's/^store: /colour = "red"; &/'
refuse 'unknown setting' "$(line colour)" colour 'remove it'
bad 's/path = "scepd.db"/pfad = "x"; &/'
refuse 'unknown setting in a group' "$(line pfad)" store.pfad 'remove it'
bad 's/name = "device";/& eku = "clientAuth";/'
refuse 'wrong type' "$(line eku)" eku 'expects'
bad 's/listen = "127.0.0.1:0"/listen = 8080/'
refuse 'wrong type of listen' "$(line listen)" http.listen 'expects'
bad 's/listen = "127.0.0.1:0"/listen = "here"/'
refuse 'no port' "$(line listen)" http.listen '127.0.0.1:8080'
bad 's/name = "device";/& rsa_min = 512;/'
refuse 'out of range' "$(line rsa_min)" rsa_min '512 is out of range 1024..8192'
bad 's/issuer = "local"/issuer = "remote"/'
refuse 'name of nothing' "$(line remote)" remote 'correct the name'
bad 's/^store: {/store: {{/'
refuse 'syntax error' "$(line 'store:')" 'syntax error'

# ---- keys and certificates

bad 's|ca/ra.key|ca/none.key|'
refuse 'missing key' "$(line 'endpoints = ')" ca/none.key 'correct the path'
bad 's|ca/issuing.pem|ca/none.pem|'
refuse 'missing CA' "$(line 'issuers = ')" ca/none.pem 'correct the path'
bad 's|ca/ra.key|ca/issuing.key|'
refuse 'not its key' "$(line 'endpoints = ')" ca/issuing.key 'is not the key of'
bad 's|"ca/issuing.key"|"ca/ra.key"|'
refuse "not the CA's key" ca/ra.key 'is not the key of'
cp "$tmp/ca/ra.key" "$tmp/ca/open.key"
chmod 644 "$tmp/ca/open.key"
bad 's|ca/ra.key|ca/open.key|'
refuse 'key for all' "$(line 'endpoints = ')" ca/open.key 'chmod g-w,o='
cp "$tmp/ca/issuing.key" "$tmp/ca/open.key"
bad 's|ca/issuing.key|ca/open.key|'
refuse "CA's key for all" ca/open.key 'chmod g-w,o='
openssl pkey -in "$tmp/ca/ra.key" -aes128 -passout pass:sesame \
    -out "$tmp/ca/shut.key"
bad 's|ca/ra.key|ca/shut.key|'
refuse 'key behind a passphrase' ca/shut.key passphrase

# ra NAME USAGES: another RA certificate, with these usages
ra() {
	printf 'keyUsage = %s\n' "$2" >"$tmp/ca/ext"
	openssl req -new -key "$tmp/ca/ra.key" -subj "/CN=$1" \
	    -out "$tmp/ca/$1.csr"
	openssl x509 -req -in "$tmp/ca/$1.csr" -CA "$tmp/ca/issuing.pem" \
	    -CAkey "$tmp/ca/issuing.key" -set_serial 77 -days 9 \
	    -extfile "$tmp/ca/ext" -out "$tmp/ca/$1.pem" 2>/dev/null
}
ra signs digitalSignature
bad 's|ca/ra.pem|ca/signs.pem|'
refuse 'RA cannot decrypt' "$(line 'endpoints = ')" ca/signs.pem \
    'lacks keyEncipherment' 'issue it again'
ra opens keyEncipherment
bad 's|ca/ra.pem|ca/opens.pem|'
refuse 'RA cannot sign' ca/opens.pem 'lacks digitalSignature'
ra both digitalSignature,keyEncipherment
openssl req -x509 -new -key "$tmp/ca/ra.key" -subj /CN=stranger -days 9 \
    -addext keyUsage=digitalSignature,keyEncipherment \
    -addext basicConstraints=CA:FALSE -out "$tmp/ca/stranger.pem"
bad 's|ca/ra.pem|ca/stranger.pem|'
refuse 'RA of another CA' ca/stranger.pem

# ---- the database

bad 's|"scepd.db"|"none/scepd.db"|'
refuse 'no folder for the database' "$(line 'none/')" "$tmp/none" 'create it'
echo 'no database' >"$tmp/text"
bad 's|"scepd.db"|"text"|'
refuse 'no database' "$tmp/text"
[ "$(cat "$tmp/text")" = 'no database' ] || it_fail 'the file was changed'

# ---- beside another one

[ ! -e "$tmp/scepd.db" ] || it_fail 'a database before the first start'
it_start
must_enroll first
taken=$port
bad "s/127.0.0.1:0/127.0.0.1:$taken/; s/scepd.db/other.db/"
refuse 'port in use' bad.conf "127.0.0.1:$taken" http.listen
cp "$tmp/scepd.conf" "$tmp/bad.conf"
refuse 'twice on one database' "$tmp/scepd.db" "pid $pid" store.path
must_enroll second
it_stop
[ "$(sqlite3 "$tmp/scepd.db" 'SELECT count(*) FROM issued')" = 2 ] ||
    it_fail 'the ledger has other than two rows'
rm "$tmp"/scepd.db*

# ---- -t, -T, --sample

before=$(listing)
"$SCEPD" -t -c "$tmp/scepd.conf" >"$tmp/out" 2>"$tmp/err" ||
    it_fail "-t: $(cat "$tmp/err")"
grep -q 'scepd.conf: ok' "$tmp/out" || it_fail '-t does not say so'
bad 's|ca/ra.key|ca/open.key|'
! "$SCEPD" -t -c "$tmp/bad.conf" >"$tmp/out" 2>"$tmp/err" ||
    it_fail '-t takes an open key'
grep -q 'open.key' "$tmp/err" || it_fail '-t does not name it'
hash=$(printf 'Sesame\n' | "$SCEPCTL" challenge hash |
    sed -n 's/^hash = "\(.*\)";$/\1/p')
bad "s|^challenges = (|& { name = \"hashed\"; hash = \"$hash\"; },|"
"$SCEPD" -T -c "$tmp/bad.conf" >"$tmp/out" || it_fail '-T'
! grep -qF -e "$challenge" -e "$hash" "$tmp/out" || it_fail '-T tells secrets'
grep -q 'max_url = 65536' "$tmp/out" || it_fail '-T without defaults'
"$SCEPD" --sample >"$tmp/bad.conf" || it_fail '--sample'
"$SCEPD" -T -c "$tmp/bad.conf" >/dev/null || it_fail 'the sample is refused'
# checked TEXT: -t refuses bad.conf with this text, as a start would
checked() {
	! "$SCEPD" -t -c "$tmp/bad.conf" >/dev/null 2>"$tmp/err" ||
	    it_fail "-t takes what must name: $1"
	grep -qF -e "$1" "$tmp/err" || it_fail "-t: $(cat "$tmp/err")"
}
checked "the sample's hash"
printf '#!/bin/sh\n' >"$tmp/sign"
chmod 722 "$tmp/sign"
bad "s|key = \"ca/issuing.key\";|type = \"exec\"; command = [ \"$tmp/sign\" ];|"
checked 'sign: mode 0722 lets others write it; chmod go-w it'
rm "$tmp/sign"
bad 's|challenges = ( {|& expires = "2020-01-01T00:00:00Z";|'
"$SCEPD" -t -c "$tmp/bad.conf" >/dev/null 2>"$tmp/err" ||
    it_fail "-t: $(cat "$tmp/err")"
grep -q 'event=challenges_expired .*endpoint scep: all' "$tmp/err" ||
    it_fail 'nobody is told that no challenge is left'
bad 's|127.0.0.1:0|localhost:8080|'
checked 'not a numeric address'
bad 's|"scepd.db"|"none/scepd.db"|'
checked 'create it'
bad 's|key = "ca/issuing.key";|type = "exec"; command = [ "/none/sign" ];|'
checked '/none/sign: No such file'

# What the machine lacks: address, folder, group.
bad 's|127.0.0.1:0|192.0.2.1:8080|'
checked 'http.listen: 192.0.2.1:8080: this machine does not have the address'
refuse 'foreign address' 'this machine does not have the address'
account="accounts = ( { name = \"a\"; hash = \"$hash\"; \
rights = [ \"metrics\" ]; } );"
socket() { # PATH MORE
	bad "s|^store: |admin: { listen = \"$1\"; ${2-} }; $account &|"
}
socket "$tmp/none/admin.sock"
checked "admin.listen: $tmp/none/admin.sock"
refuse 'no folder for the socket' "$tmp/none/admin.sock"
socket "$tmp/scepd.conf"
checked 'exists and is no socket'
socket "$tmp/admin.sock" 'group = "no-such-group";'
checked 'admin.group: there is no group'
socket /run/scepd-test-none/admin.sock
"$SCEPD" -t -c "$tmp/bad.conf" >/dev/null 2>"$tmp/err" ||
    it_fail "-t: a folder that the unit makes: $(cat "$tmp/err")"
grep -q 'RuntimeDirectory' "$tmp/err" || it_fail '-t: no word of that folder'
socket "$tmp/admin.sock"
"$SCEPD" -t -c "$tmp/bad.conf" >/dev/null 2>"$tmp/err" ||
    it_fail "-t: $(cat "$tmp/err")"
bad 's|^store: |metrics: { file = "none/scepd.prom"; }; &|'
checked 'metrics.file: '
bad 's|key = "ca/issuing.key";|& crl_file = "none/ca.crl";|'
checked 'crl_file: '
bad 's|key = "ca/issuing.key";|& crl_file = "ca";|'
checked 'name a file, not a folder'
[ "$before" = "$(listing)" ] || it_fail '-t or -T left something'

# The port in use is our own, most likely.
it_start
bad "s/127.0.0.1:0/127.0.0.1:$port/"
"$SCEPD" -t -c "$tmp/bad.conf" >/dev/null 2>"$tmp/err" ||
    it_fail "-t: beside itself: $(cat "$tmp/err")"
it_stop
rm "$tmp"/scepd.db*

# ---- usage

for words in foo '-t foo' --bogus -x; do
	status=0
	# shellcheck disable=SC2086 # words
	"$SCEPD" $words >"$tmp/out" 2>"$tmp/err" || status=$?
	[ "$status" -eq 2 ] || it_fail "scepd $words: exit $status"
	[ ! -s "$tmp/out" ] || it_fail "scepd $words: on standard output"
	head -n 1 "$tmp/err" | grep -q -e "${words##*[ -]}" ||
	    it_fail "scepd $words: which word?"
done
for words in -h --help -V --version; do
	"$SCEPD" $words >"$tmp/out" || it_fail "scepd $words"
	grep -q '^\(usage: \)\{0,1\}scepd ' "$tmp/out" || it_fail "$words"
done

# ---- what systemd is told

told() {
	grep -q "$1" "$tmp/told"
}
"$IT_CLIENT" notify "$tmp/socket" >"$tmp/told" &
listener=$!
it_until 20 test -S "$tmp/socket" || it_fail 'no socket'
NOTIFY_SOCKET=$tmp/socket
export NOTIFY_SOCKET
it_start
unset NOTIFY_SOCKET
it_until 20 told READY=1 || it_fail 'READY is not told'
must_enroll notified
kill -HUP "$pid"
it_until 20 told RELOADING=1 || it_fail 'RELOADING is not told'
it_until 20 told MONOTONIC_USEC=[1-9] || it_fail 'nor when'
ready_again() {
	[ "$(grep -c READY=1 "$tmp/told")" -eq 2 ]
}
it_until 20 ready_again || it_fail 'READY is not told again'
it_stop
it_until 20 told STOPPING=1 || it_fail 'STOPPING is not told'
kill "$listener"
listener=
rm "$tmp"/scepd.db*

# ---- from root to a user

[ "$(id -u)" -eq 0 ] || exit 0
chmod 711 "$tmp"
chown -R nobody "$tmp/ca"
mkdir "$tmp/db"
chown nobody "$tmp/db"
chgrp "$(id -g nobody)" "$tmp/scepd.conf"
chmod 640 "$tmp/scepd.conf"
sed -i '1i user = "nobody";
    s|"scepd.db"|"db/scepd.db"|' "$tmp/scepd.conf"
it_start
for id in Uid:u Gid:g; do
	want=$(id "-${id#*:}" nobody)
	got=$(sed -n "s/^${id%:*}:[[:space:]]*//p" "/proc/$pid/status")
	[ "$got" = "$(printf '%s\t%s\t%s\t%s' "$want" "$want" "$want" \
	    "$want")" ] || it_fail "${id%:*} is $got"
done
! grep '^Groups:' "/proc/$pid/status" | grep -qw 0 || it_fail "root's groups"
must_enroll dropped
[ "$(stat -c %U:%a "$tmp/db/scepd.db")" = nobody:600 ] ||
    it_fail 'the database is not its own'
! grep -q running_as_root "$tmp/scepd.log" || it_fail 'warns of root'
# What it reads again it can read.
kill -HUP "$pid"
it_until 20 grep -q 'event=reload' "$tmp/scepd.log" || it_fail 'no reload'
grep -q 'event=reloaded' "$tmp/scepd.log" || it_fail 'cannot reload'
it_stop

chown root "$tmp/ca/ra.key"
cp -p "$tmp/scepd.conf" "$tmp/bad.conf"
refuse 'key of root' ca/ra.key 'Permission denied'
bad '1s/nobody/no-such-user/'
refuse 'no such user' "$(line no-such-user)" no-such-user 'create it'
