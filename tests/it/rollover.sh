#!/bin/sh
# scepctl ca rollover: the CA that follows, when it takes over, and what is
# refused. What the daemon makes of it is another test's.
#
# Functions are called by check; programs in quotes are another shell's.
# shellcheck disable=SC2317,SC2016,SC2154

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/it/scepctl_lib.sh
. "$here/scepctl_lib.sh"

# conf DIR MODE [LINES]: DIR.conf, for the CA in DIR, with more in its issuer
conf() {
	ra=
	[ "$2" = ca ] || ra="ra_cert = \"$1/ra.pem\"; ra_key = \"$1/ra.key\";"
	chain=
	[ ! -e "$1/chain.pem" ] || chain="chain = \"$1/chain.pem\";"
	cat >"$1.conf" <<-EOF
	endpoints = ( { name = "main"; mode = "$2"; $ra issuer = "local";
	    profile = "p"; challenges = [ "lab" ]; } );
	issuers = ( { name = "local"; cert = "$1/issuing.pem"; $chain
	    key = "$1/issuing.key"; ${3-} } );
	profiles = ( { name = "p"; } );
	challenges = ( { name = "lab"; secret = "open sesame"; } );
	EOF
	chmod 600 "$1.conf"
}

# The line behind the one that names an extension.
extension() {
	openssl x509 -in "$1" -noout -text | grep -A1 "X509v3 $2" |
	    sed -n '2s/^ *//p'
}

name_of() {
	openssl x509 -in "$1" -noout -subject -nameopt RFC2253 | sed 's/.*t=//'
}

days_left() { # FILE: of a certificate, rounded
	end=$(date -d "$(openssl x509 -in "$1" -noout -enddate |
	    cut -d= -f2)" +%s)
	echo $(((end - $(date +%s) + 43200) / 86400))
}

belongs() { # KEY CERTIFICATE
	public=$(openssl pkey -in "$1" -pubout) || return 1
	is "$public" "$(openssl x509 -in "$2" -noout -pubkey)"
}

modes() { # DIR: rw------- for keys, rw-r--r-- for the rest
	for file in "$1"/*; do
		case $file in
		*.key) is "$(stat -c %a "$file")" 600 || return 1 ;;
		*) is "$(stat -c %a "$file")" 644 || return 1 ;;
		esac
	done
}

files_are() { # DIR NAMES
	is "$(cd "$1" && echo ./* | sed 's|\./||g')" "$2"
}

no_key_shown() {
	cat out err >all && ! grep -q -e PRIVATE -e '[A-Za-z0-9+/=]\{66,\}' all
}

contents() { # DIR
	find "$1" -type f -exec cksum {} + | LC_ALL=C sort
}

state_is() { # DIR STATE
	"$SCEPCTL" ca rollover show -c "$1.conf" --json >out || return 1
	is "$(json "j->>'state'")" "$2"
}

# ---- prepare: every shape of CA ----

shape() { # KEY LEVEL MODE
	d=$1-$2-$3 n=$1-$2-$3/g2
	set -- "$@" --dir "$d" --name T --key "$1" --mode "$3"
	level=$2 mode=$3
	shift 3
	[ "$level" = two ] || set -- "$@" --single
	"$SCEPCTL" ca init "$@" >/dev/null || bad=1
	conf "$d" "$mode"
	refuse 1 "next = \"$tmp/$n\";" "prepare without a folder, $d" \
	    ca rollover prepare -c "$d.conf"
	conf "$d" "$mode" "next = \"$n\";"
	check '  state none' state_is "$d" none
	was=$(contents "$d")
	expect 0 "prepare, $d" ca rollover prepare -c "$d.conf"
	check '  no key shown' no_key_shown
	check '  fingerprint' grep -qw "$(fingerprint "$n/issuing.pem" sha256)" \
	    out
	check '  next step' grep -q 'scepctl ca rollover activate' out
	files='ca-bundle.pem issuing.key issuing.pem'
	[ "$level" = one ] || files="ca-bundle.pem chain.pem issuing.key\
 issuing.pem root.pem"
	check '  files' files_are "$n" "$files"
	check '  modes' modes "$n"
	check '  key' belongs "$n/issuing.key" "$n/issuing.pem"
	check '  a new one' sh -c '! cmp -s "$1" "$2"' - "$n/issuing.key" \
	    "$d/issuing.key"
	check '  name' is "$(name_of "$n/issuing.pem")" \
	    "$(name_of "$d/issuing.pem") G2"
	ku='Certificate Sign, CRL Sign'
	[ "$mode" = ra ] || ku="Digital Signature, Key Encipherment, $ku"
	check '  keyUsage' is "$(extension "$n/issuing.pem" \
	    'Key Usage: critical')" "$ku"
	check '  basicConstraints' is "$(extension "$n/issuing.pem" \
	    'Basic Constraints: critical')" 'CA:TRUE, pathlen:0'
	if [ "$level" = two ]; then
		check '  verifies' openssl verify -x509_strict -CAfile \
		    "$d/root.pem" "$n/issuing.pem"
		check '  its chain' cmp "$n/chain.pem" "$d/chain.pem"
		check '  10 years' is "$(days_left "$n/issuing.pem")" 3653
	else
		check '  verifies' openssl verify -x509_strict -CAfile \
		    "$n/ca-bundle.pem" "$n/issuing.pem"
		check '  20 years' is "$(days_left "$n/issuing.pem")" 7305
	fi
	check '  state prepared' state_is "$d" prepared
	rest=$(find "$d" -path "$n" -prune -o -type f -exec cksum {} + |
	    LC_ALL=C sort)
	check '  the current CA is untouched' is "$rest" "$was"
	now=$(contents "$d")
	refuse 1 'nothing is overwritten' '  once only' \
	    ca rollover prepare -c "$d.conf"
	check '  and is as it was' is "$(contents "$d")" "$now"
}

for type in rsa:2048 ec:p256; do
	for level in one two; do
		shape "$type" "$level" ra
		case $type in rsa:*) shape "$type" "$level" ca ;; esac
	done
done
check 'RSA is followed by RSA of 3072 bits' sh -c 'openssl pkey -in \
    rsa:2048-two-ra/g2/issuing.key -noout -text | grep -q "3072 bit"'
check 'EC is followed by EC' sh -c 'openssl pkey -in \
    ec:p256-two-ra/g2/issuing.key -noout -text | grep -q P-256'

# ---- prepare: options, and the generation after ----

d=ec:p256-two-ra
mv $d ca
# ca.conf, whose folder for the next CA is new and not there
fresh() {
	rm -rf new
	conf ca ra 'next = "new";'
}

fresh
mkdir -m 750 new
expect 0 'prepare with options, into an empty folder' ca rollover prepare \
    -c ca.conf --name '/C=DE/O=Example/CN=Other' --key rsa:2048 --ca-days 100
check '  name' is "$(name_of new/issuing.pem)" 'CN=Other,O=Example,C=DE'
check '  life' is "$(days_left new/issuing.pem)" 100
check '  folder keeps its mode' is "$(stat -c %a new)" 750
check '  says that it ends first' grep -q 'expires no later' err

mkdir stick
mv ca/root.key stick/
fresh
refuse 1 'root-key' 'prepare, root key off line' \
    ca rollover prepare -c ca.conf
expect 0 '  on a stick' ca rollover prepare -c ca.conf \
    --root-key stick/root.key
check '  verifies' openssl verify -CAfile ca/root.pem new/issuing.pem
check '  the root key is not there' test ! -e new/root.key

# The folder's CA is the configured one by now.
mkdir -p later
mv new later/g2
cp ca/ra.pem ca/ra.key later/g2/
conf g2 ra 'next = "";'
mv g2.conf later/
sed -i 's|next|chain = "g2/chain.pem"; &|' later/g2.conf
refuse 1 "next = \"$tmp/later/g3\";" 'the next folder stands beside' \
    ca rollover prepare -c later/g2.conf
sed -i 's|next = ""|next = "g3"|' later/g2.conf
expect 0 'the generation after' ca rollover prepare -c later/g2.conf \
    --root-key stick/root.key
check '  name' is "$(name_of later/g3/issuing.pem)" 'CN=T Issuing CA G3'

# Another root, and a CA between.
ossl() {
	openssl "$@" >/dev/null 2>ossl.err || {
		cat ossl.err
		bad=1
	}
	rm -f ossl.err
}
printf 'correct horse\n' >pass
printf 'wrong horse\n' >pass.wrong
"$SCEPCTL" ca init --dir other --name Other --key ec:p256 >/dev/null
ossl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out mid.key
ossl req -new -key mid.key -subj /CN=Middle -out mid.csr
printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,%s\n' \
    keyCertSign,cRLSign >ext
ossl x509 -req -in mid.csr -CA other/root.pem -CAkey other/root.key \
    -set_serial 7 -days 3000 -extfile ext -out mid.pem
ossl pkcs8 -topk8 -in mid.key -passout file:pass -out mid.enc
chmod 600 pass pass.wrong mid.key mid.enc
fresh
expect 0 'prepare under another root' ca rollover prepare -c ca.conf \
    --root-cert other/root.pem --root-key other/root.key
check '  verifies' openssl verify -CAfile other/root.pem new/issuing.pem
check '  its chain' cmp new/chain.pem other/root.pem
fresh
refuse 1 'above it with --chain' 'prepare under a CA that is no root' \
    ca rollover prepare -c ca.conf --root-cert mid.pem --root-key mid.key
expect 0 '  with its chain, and a passphrase' ca rollover prepare \
    -c ca.conf --root-cert mid.pem --root-key mid.enc \
    --chain other/root.pem --passphrase-file pass
check '  its chain in order' sh -c 'cat mid.pem other/root.pem |
    openssl storeutl -noout -text -certs /dev/stdin >a
    openssl storeutl -noout -text -certs new/chain.pem >b; cmp a b'
check '  no passphrase shown' sh -c '! grep -q horse out err'

# ---- prepare: what exists ----

key=other/issuing.key cert=other/issuing.pem
ossl pkcs12 -export -inkey $key -in $cert -certfile other/root.pem \
    -passout file:pass -out other.p12
ossl pkey -in $key -aes-256-cbc -passout file:pass -out other.enc
chmod 600 other.p12 other.enc
imported() { # TEXT OPTION...
	text=$1
	shift
	fresh
	expect 0 "import, $text" ca rollover prepare -c ca.conf "$@"
	check '  files' files_are new \
	    'ca-bundle.pem chain.pem issuing.key issuing.pem root.pem'
	check '  modes' modes new
	check '  key' belongs new/issuing.key $cert
	check '  certificate' cmp new/issuing.pem $cert
	check '  no secret shown' no_key_shown
	check '  no passphrase shown' sh -c '! grep -q horse out err'
	check '  state' state_is ca prepared
}
imported 'PEM' --cert $cert --key-file $key --chain other/root.pem
imported 'encrypted PEM' --cert $cert --key-file other.enc \
    --chain other/chain.pem --passphrase-file pass
imported 'PKCS#12' --p12 other.p12 --passphrase-file pass

# The key of an exec issuer is its program's.
fresh
sed 's|key = "ca/issuing.key";|type = "exec"; command = [ "/bin/true" ];|' \
    ca.conf >exec.conf
chmod 600 exec.conf
expect 0 'import for an exec issuer' ca rollover prepare -c exec.conf \
    --cert $cert --chain other/root.pem
check '  files' files_are new \
    'ca-bundle.pem chain.pem issuing.pem root.pem'
check '  no word of a key' sh -c '! grep -q issuing.key out'
expect 0 '  activate' ca rollover activate -c exec.conf
fresh
refuse 2 "program's" 'make one for an exec issuer' \
    ca rollover prepare -c exec.conf
refuse 2 "program's" 'import a key for an exec issuer' ca rollover prepare \
    -c exec.conf --cert $cert --key-file $key

# ---- prepare: refusals ----

"$SCEPCTL" ca init --dir small --key rsa:2048 --name Small --mode ca \
    --ca-days 10 >/dev/null
conf small ca 'next = "new";'
fresh
p='ca rollover prepare -c ca.conf'
k='--root-key stick/root.key'
# Word splitting is wanted for $p and $k.
# shellcheck disable=SC2086
{
refuse 3 'no issuer "x".*local' 'unknown issuer' $p --issuer x
refuse 2 'not one of rsa:2048' 'unknown key type' $p --key dsa:1
refuse 2 'not a number' 'life of nothing' $p --ca-days 0
refuse 2 'RSA' 'EC in mode ca' ca rollover prepare -c small.conf \
    --key ec:p256
refuse 2 'root-key' 'root without key' $p --root-cert other/root.pem
refuse 2 'name' 'name that is none' $p $k --name /x
refuse 2 'name' 'name too long' $p $k --name "$(printf '%070d' 0)"
refuse 1 'of the current CA already' 'name of the current CA' $p $k \
    --name 'T Issuing CA'
refuse 1 'of the current CA already' 'the same in other case' $p $k \
    --name 't  issuing ca'
refuse 1 'of a CA above it already' 'name of the root' $p $k \
    --name 'T Root CA'
refuse 1 'is not the key of' 'key of another root' $p \
    --root-key other/root.key
refuse 1 'is not the key of' 'key of no root' $p --root-key ca/ra.key
refuse 1 'cannot open' 'missing root key' $p --root-key nothing
refuse 1 'cannot open' 'missing root' $p --root-cert nothing $k
refuse 1 'passphrase' 'wrong passphrase' $p --root-cert mid.pem \
    --root-key mid.enc --chain other/root.pem --passphrase-file pass.wrong
refuse 1 'name a file .* --passphrase-file' 'no passphrase' $p \
    --root-cert mid.pem --root-key mid.enc --chain other/root.pem
refuse 1 'name a file .* --passphrase-file' 'import without passphrase' $p \
    --p12 other.p12
refuse 2 'is for a CA that is made' 'name for an import' $p --cert $cert \
    --key-file $key --name x
refuse 2 'is for a CA that is made' 'root for an import' $p --p12 other.p12 $k
refuse 2 'either --cert' 'both ways to import' $p --cert $cert --p12 other.p12
refuse 2 'either --cert' 'certificate alone' $p --cert $cert
refuse 2 'needs --cert' 'key alone' $p --key-file $key
refuse 2 'chain' 'chain of nothing' $p --chain other/root.pem
refuse 2 'passphrase-file is for' 'passphrase of nothing' $p \
    --passphrase-file pass
refuse 2 'unexpected word' 'operand' $p x
refuse 1 'is not the key of' 'import, wrong key' $p --cert $cert \
    --key-file ca/issuing.key --chain other/root.pem
refuse 1 'not a root' 'import without its chain' $p --cert $cert \
    --key-file $key
refuse 1 'already' 'import of the current CA' $p --cert ca/issuing.pem \
    --key-file ca/issuing.key --chain ca/root.pem
refuse 1 'not a CA' 'import of no CA' $p --cert ca/ra.pem \
    --key-file ca/ra.key --chain ca/ca-bundle.pem
refuse 1 'mode ra' 'import for mode ca' ca rollover prepare \
    -c small.conf --cert $cert --key-file $key --chain other/root.pem
refuse 1 'name the configuration' 'no configuration' \
    ca rollover prepare -c nothing.conf
# A disk that fills up.
check 'prepare without room' sh -c 'trap "" XFSZ; ulimit -f 0
    "$1" ca rollover prepare -c ca.conf '"$k"' >/dev/null 2>&1; [ $? -eq 1 ]' \
    - "$SCEPCTL"
check '  leaves nothing behind' is "$(find . -name '*new*')" ''
: >new
refuse 1 'nothing is overwritten' 'a file in its place' $p $k
rm new
}

# ---- activate ----

a='ca rollover activate -c ca.conf'
fresh
# shellcheck disable=SC2086
{
refuse 1 'make it with scepctl ca rollover prepare' 'activate nothing' $a
"$SCEPCTL" $p $k --ca-days 100 >/dev/null
for time in tomorrow +x 30d 2040-01-01 2040-01-01T00:00:00 \
    2040-02-30T00:00:00Z '' +99999999999999y; do
	refuse 2 'neither a time' "at \"$time\"" $a --at "$time"
done
refuse 2 'is over' 'a time that is over' $a --at 2020-01-01T00:00:00Z
refuse 2 'exclude' 'both ways' $a --at +1d --cancel
refuse 3 'no issuer' 'unknown issuer' $a --issuer x
refuse 1 'no time is set' 'cancel what is not set' $a --cancel
refuse 1 'expired' 'after its end' $a --at +101d
expect 0 'activate in 30 days' $a --at +30d
check '  one line' is "$(wc -l <new/from)" 1
check '  mode' is "$(stat -c %a new/from)" 644
day=$(date -u -d "$(cat new/from)" +%s)
check '  30 days' test $((day - $(date +%s))) -gt 2591900 -a \
    $((day - $(date +%s))) -le 2592000
check '  state' state_is ca scheduled
check '  JSON' is "$(json "j->>'from'")" "$(cat new/from)"
when=$(date -u -d '+40 days' +%Y-%m-%dT%H:%M:%SZ)
expect 0 'changed to another time' $a --at "$when"
check '  it is' is "$(cat new/from)" "$when"
expect 0 'cancelled' $a --cancel
check '  no file' test ! -e new/from
check '  state' state_is ca prepared
expect 0 'activate now' $a
check '  no temporary file' files_are new \
    'ca-bundle.pem chain.pem from issuing.key issuing.pem root.pem'
check '  state' state_is ca active
expect 0 'show it' ca rollover show -c ca.conf
check '  which is which' is "$(sed -n 's/ CA  .*//p' out | tr '\n' ' ')" \
    'Old New '
was=$(contents new)
refuse 1 'in charge since' 'activate again' $a
refuse 1 'in charge since' 'activate later' $a --at +1d
refuse 1 'in charge since' 'cancel after the fact' $a --cancel
check '  nothing has changed' is "$(contents new)" "$was"
}
rm -rf new
expect 0 'a CA that lives for 10 days is followed' ca rollover prepare \
    -c small.conf
expect 0 '  after its end' ca rollover activate -c small.conf --at +11d
check '  with a warning' grep -q 'expires before that' err

# ---- show ----

rm -rf new
fresh
expect 0 'show without a next CA' ca rollover show -c ca.conf --json
check '  JSON' is "$(json "j->>'issuer', j->>'state', j->>'from',
    j->>'folder', j->>'next', j->'current'->>'sha1'")" \
    "local|none||$tmp/new||$(fingerprint ca/issuing.pem sha1)"
conf ca ra
expect 0 'show without a folder' ca rollover show -c ca.conf --json
check '  JSON' is "$(json "j->>'state', j->>'folder' IS NULL")" 'none|1'
fresh
"$SCEPCTL" ca rollover prepare -c ca.conf --root-key stick/root.key >/dev/null
"$SCEPCTL" ca rollover activate -c ca.conf --at 2035-01-31T00:00:00Z >/dev/null
expect 0 'show as text' ca rollover show -c ca.conf
for digest in sha256 sha1; do
	for file in ca/issuing.pem new/issuing.pem; do
		check "  $digest of $file" grep -qw \
		    "$(fingerprint $file $digest)" out
	done
done
check '  date' grep -qx 'from  *2035-01-31T00:00:00Z' out
check '  state' grep -qx 'state  *scheduled' out
expect 0 'show as JSON' ca rollover show -c ca.conf --json
check '  next' is "$(json "j->'next'->>'subject', j->'next'->>'sha256'")" \
    "CN=T Issuing CA G2|$(fingerprint new/issuing.pem sha256)"
check '  dates' is "$(json "length(j->'next'->>'not_before'),
    length(j->'next'->>'not_after')")" '20|20'
refuse 3 'no issuer' 'show an unknown issuer' ca rollover show -c ca.conf \
    --issuer x
rm new/issuing.key
refuse 1 'new/issuing.key is missing' 'show half a folder' \
    ca rollover show -c ca.conf

# Several issuers: one must be chosen.
sed 's|^issuers = (|& { name = "second"; cert = "other/issuing.pem"; '"\
key = \"other/issuing.key\"; next = \"second\"; },|" ca.conf >two.conf
chmod 600 two.conf
refuse 2 'choose one with --issuer (second, local)' 'several issuers' \
    ca rollover show -c two.conf
expect 0 'one of several' ca rollover prepare -c two.conf --issuer second \
    --root-cert other/root.pem --root-key other/root.key
check '  it is there' test -f second/issuing.pem
check '  next step names it' \
    grep -q 'scepctl ca rollover activate --issuer second$' out

# ---- words ----

for verb in prepare activate show; do
	expect 0 "$verb --help" ca rollover $verb --help
	check '  names its options' grep -q -e --issuer out
done
expect 0 'ca rollover --help' ca rollover --help
check '  lists them' is "$(grep -c '^  ca rollover' out)" 3
refuse 2 'incomplete command ca rollover' 'ca rollover alone' ca rollover
refuse 2 'unknown command ca rollover x' 'ca rollover x' ca rollover x
refuse 2 'unknown command ca roll' 'half a word' ca roll prepare

exit $bad
