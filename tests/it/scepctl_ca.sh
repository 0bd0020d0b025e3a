#!/bin/sh
# scepctl ca init and ca import: what they make is judged by the openssl
# command.
#
# Functions are called by check; programs in quotes are another shell's.
# shellcheck disable=SC2317,SC2016,SC2154

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/it/scepctl_lib.sh
. "$here/scepctl_lib.sh"

# A certificate's text without its key and signature.
facts() {
	openssl x509 -in "$1" -noout -text -certopt no_pubkey,no_sigdump
}

# The line behind the one that names an extension.
extension() {
	facts "$1" | grep -A1 "X509v3 $2" | sed -n '2s/^ *//p'
}

no_extension() {
	all=$(facts "$1") || return 1
	case $all in *"X509v3 $2"*) return 1 ;; esac
}

key_is() { # FILE TYPE
	case $2 in
	rsa:*) want="Private-Key: (${2#rsa:} bit" ;;
	ec:p256) want='NIST CURVE: P-256' ;;
	ec:p384) want='NIST CURVE: P-384' ;;
	esac
	openssl pkey -in "$1" -noout -text | grep -qF "$want"
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

names() { # OPTION...
	openssl x509 -noout -nameopt RFC2253 "$@" | tr '\n' ' '
}

days_left() { # FILE: of a certificate, rounded
	end=$(date -d "$(openssl x509 -in "$1" -noout -enddate |
	    cut -d= -f2)" +%s)
	echo $(((end - $(date +%s) + 43200) / 86400))
}

backdated() {
	begin=$(date -d "$(openssl x509 -in "$1" -noout -startdate |
	    cut -d= -f2)" +%s)
	age=$(($(date +%s) - begin))
	[ "$age" -ge 86400 ] && [ "$age" -lt 86700 ]
}

ca_ku='Certificate Sign, CRL Sign'
ra_ku='Digital Signature, Key Encipherment'
leaf_path='CA:TRUE, pathlen:0'

# ---- ca init: every key type, level and mode ----

made() { # TYPE LEVEL MODE
	type=$1 level=$2 mode=$3 d=ca-$1-$2-$3
	set -- --dir "$d" --name 'Test' --key "$type" --mode "$mode"
	[ "$level" = two ] || set -- "$@" --single
	expect 0 "ca init, $type, $level level, mode $mode" ca init "$@"
	files='ca-bundle.pem issuing.key issuing.pem'
	ku=$ca_ku
	[ "$level" = one ] || files="ca-bundle.pem chain.pem issuing.key\
 issuing.pem root.key root.pem"
	if [ "$mode" = ra ]; then
		files=$(echo "$files" | sed \
		    's/issuing.pem/issuing.pem ra.key ra.pem/')
	else
		ku="$ra_ku, $ca_ku"
	fi
	check '  files' is "$(cd "$d" && echo ./* | sed 's|\./||g')" "$files"
	check '  modes' modes "$d"
	check '  key type' key_is "$d/issuing.key" "$type"
	check '  key and certificate' belongs "$d/issuing.key" "$d/issuing.pem"
	check '  keyUsage' is "$(extension "$d/issuing.pem" \
	    'Key Usage: critical')" "$ku"
	check '  basicConstraints' is "$(extension "$d/issuing.pem" \
	    'Basic Constraints: critical')" "$leaf_path"
	check '  no EKU' no_extension "$d/issuing.pem" 'Extended Key Usage'
	check '  backdated' backdated "$d/issuing.pem"
	check '  verifies' openssl verify -x509_strict \
	    -CAfile "$d/ca-bundle.pem" "$d/issuing.pem"
	if [ "$level" = two ]; then
		check '  root key type' key_is "$d/root.key" "$type"
		check '  root key' belongs "$d/root.key" "$d/root.pem"
		check '  root keyUsage' is "$(extension "$d/root.pem" \
		    'Key Usage: critical')" "$ca_ku"
		check '  root' is "$(extension "$d/root.pem" \
		    'Basic Constraints: critical')" 'CA:TRUE'
		check '  no EKU in root' no_extension "$d/root.pem" \
		    'Extended Key Usage'
		check '  root backdated' backdated "$d/root.pem"
		check '  chain is the root' cmp "$d/chain.pem" "$d/root.pem"
		check '  advice' grep -q 'root.key' out
	fi
	[ "$mode" = ra ] || return
	check '  RA key' belongs "$d/ra.key" "$d/ra.pem"
	check '  RA key type' key_is "$d/ra.key" rsa:2048
	check '  RA keyUsage' is "$(extension "$d/ra.pem" \
	    'Key Usage: critical')" "$ra_ku"
	check '  RA no CA' is "$(extension "$d/ra.pem" \
	    'Basic Constraints: critical')" 'CA:FALSE'
	check '  RA no EKU' no_extension "$d/ra.pem" 'Extended Key Usage'
	check '  RA backdated' backdated "$d/ra.pem"
	check '  RA verifies' openssl verify -x509_strict \
	    -CAfile "$d/ca-bundle.pem" "$d/ra.pem"
}

for type in rsa:2048 rsa:3072 rsa:4096 ec:p256 ec:p384; do
	for level in one two; do
		made "$type" "$level" ra
		case $type in rsa:*) made "$type" "$level" ca ;; esac
	done
done

# ---- ca init: the rest ----

expect 0 'ca init with defaults' ca init --dir defaults
check '  rsa:3072' key_is defaults/issuing.key rsa:3072
check '  RA rsa:2048' key_is defaults/ra.key rsa:2048
check '  root 20 years' is "$(days_left defaults/root.pem)" 7305
check '  issuing CA 10 years' is "$(days_left defaults/issuing.pem)" 3653
check '  RA 5 years' is "$(days_left defaults/ra.pem)" 1827
check '  names' is "$(names -subject -issuer -in defaults/ra.pem)" \
    'subject=CN=scepd SCEP RA issuer=CN=scepd Issuing CA '
for digest in sha256 sha1 md5; do
	for cert in root issuing; do
		check "  prints $digest of $cert" grep -qw \
		    "$(fingerprint defaults/$cert.pem $digest)" out
	done
done

expect 0 'ca init with lives past their issuers' ca init --dir lives \
    --root-days 100 --ca-days 200 --ra-days 300 --key ec:p256 \
    --ra-key rsa:3072 --name '/C=DE/O=Example/CN=My' --json
check '  root' is "$(days_left lives/root.pem)" 100
check '  issuing CA ends with root' is "$(days_left lives/issuing.pem)" 100
check '  RA ends with issuing CA' is "$(days_left lives/ra.pem)" 100
check '  RA key type' key_is lives/ra.key rsa:3072
check '  name' is "$(names -subject -in lives/root.pem)" \
    'subject=CN=My Root CA,O=Example,C=DE '
check '  JSON' is "$(json "j->>'dir', j->>'mode',
    j->'files' LIKE '%\"root.key\"%', json_array_length(j, '\$.files')")" \
    'lives|ra|1|8'
for cert in root issuing ra; do
	check "  JSON, fingerprints of $cert" is "$(json \
	    "j->'$cert'->>'sha256', length(j->'$cert'->>'sha1'),
	    length(j->'$cert'->>'md5'), j->'$cert'->>'key_type'")" \
	    "$(fingerprint lives/$cert.pem sha256)|40|32|$(
	    [ $cert = ra ] && echo rsa || echo ec)"
done

mkdir empty
chmod 750 empty
expect 0 'ca init into an empty folder, slash behind' ca init --dir empty/ \
    --single --key ec:p256
check '  folder keeps its mode' is "$(stat -c %a empty)" 750
mkdir -p link.d
ln -s link.d link
expect 0 'ca init through a link' ca init --dir link --single --key ec:p256
check '  it is there' test -f link.d/issuing.pem -a -h link
check 'no temporary folder is left' \
    is "$(find . -name '.*' ! -name . | head -n 1)" ''

refuse 1 'not an empty folder' 'ca init over a CA' ca init --dir empty
: >file
refuse 1 'not an empty folder' 'ca init over a file' ca init --dir file
refuse 1 'No such file' 'ca init in a missing folder' \
    ca init --dir missing/ca --single --key ec:p256
refuse 1 'cannot create' 'ca init in an unwritable place' \
    ca init --dir /proc/scepctl-test --single --key ec:p256
# A disk that fills up while the RA's key, the fourth file, is written.
check 'ca init without room' sh -c 'trap "" XFSZ; ulimit -f 2
    "$1" ca init --dir room --single --key ec:p256 >out 2>err; [ $? -eq 1 ] &&
    grep -q "ra.key: cannot write" err' - "$SCEPCTL"
check '  leaves nothing behind' is "$(find . -name '*room*')" ''
if [ "$(id -u)" -ne 0 ]; then
	mkdir sealed
	chmod 555 sealed
	refuse 1 'cannot create' 'ca init in a sealed folder' \
	    ca init --dir sealed/ca --single --key ec:p256
fi
refuse 2 'dir is missing' 'ca init without --dir' ca init
refuse 2 'not one of rsa:2048' 'ca init, unknown key type' \
    ca init --dir x --key dsa:1024
refuse 2 'not one of rsa:2048' 'ca init, small RSA key' \
    ca init --dir x --key rsa:1024
refuse 2 'not one of rsa:2048' 'ca init, EC key for the RA' \
    ca init --dir x --ra-key ec:p256
refuse 2 'RSA' 'ca init, EC key in mode ca' \
    ca init --dir x --mode ca --key ec:p256
refuse 2 'not one of ra, ca' 'ca init, unknown mode' ca init --dir x --mode y
refuse 2 'no RA' 'ca init, RA key in mode ca' \
    ca init --dir x --mode ca --ra-key rsa:2048
refuse 2 'ca-days' 'ca init --single with --root-days' \
    ca init --dir x --single --root-days 5
for n in 0 -1 1x 36501 99999999999999999999; do
	refuse 2 'not a number' "ca init --ra-days $n" \
	    ca init --dir x --ra-days=$n
done
refuse 2 '/O=Example' 'ca init, name without CN at its end' \
    ca init --dir x --name /O=Example
refuse 2 '/O=Example' 'ca init, empty name' ca init --dir x --name ''
refuse 2 'name' 'ca init, CN too long' ca init --dir x \
    --name "$(printf '%070d' 0)"

# ---- ca import ----

ossl() {
	openssl "$@" >/dev/null 2>ossl.err || {
		cat ossl.err
		exit 1
	}
	rm -f ossl.err
}

# sign NAME SUBJECT DAYS EXTENSIONS [ISSUER]: old.NAME.pem and old.NAME.key
sign() {
	ossl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
	    -out "old.$1.key"
	ossl req -new -key "old.$1.key" -subj "/CN=$2" -out "old.$1.csr"
	printf '%b\n' "$4" >old.ext
	if [ $# -eq 5 ]; then
		set -- "$@" -CA "old.$5.pem" -CAkey "old.$5.key" \
		    -set_serial 77
	else
		set -- "$1" "$2" "$3" "$4" - -signkey "old.$1.key"
	fi
	name=$1 days=$3
	shift 5
	# OpenSSL 3.4 and newer refuse an end before the start, but let both be
	# chosen.
	if [ "$days" -lt 0 ] && openssl x509 -help 2>&1 |
	    grep -q -e -not_before; then
		set -- "$@" -not_before 20200101000000Z \
		    -not_after 20210101000000Z
	else
		set -- "$@" -days "$days"
	fi
	ossl x509 -req -in "old.$name.csr" -extfile old.ext \
	    -out "old.$name.pem" "$@"
	chmod 600 "old.$name.key"
}

ca_ext='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign'
all_ext='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign,digitalSignature,keyEncipherment'
sign root 'Old Root' 4000 "$ca_ext"
sign mid 'Old Middle' 3000 "$ca_ext" root
sign sub 'Old Issuing' 2000 "$ca_ext" mid
sign self 'Old Single' 1000 "$all_ext"
sign gone 'Old Expired' -1 "$ca_ext"
sign leaf 'Old Leaf' 100 'basicConstraints=critical,CA:FALSE' root
sign mute 'Old Mute' 100 'basicConstraints=critical,CA:TRUE\nkeyUsage=cRLSign'
sign short 'Old Short' 30 "$ca_ext" root
cat old.root.pem old.mid.pem >old.chain.pem
cat old.sub.pem old.mid.pem old.root.pem >old.bundle.pem
openssl x509 -in old.sub.pem -outform DER -out old.sub.der
openssl pkey -in old.sub.key -outform DER -out old.sub.kder
printf 'correct horse\n' >pass
printf 'wrong horse\n' >pass.wrong
ossl pkey -in old.sub.key -aes-256-cbc -passout file:pass -out old.sub.enc
ossl pkcs8 -topk8 -in old.sub.key -passout file:pass -v2 aes-128-cbc \
    -outform DER -out old.sub.p8
ossl rsa -in old.sub.key -aes128 -traditional -passout file:pass \
    -out old.sub.trad
ossl pkcs12 -export -inkey old.sub.key -in old.sub.pem \
    -certfile old.chain.pem -passout file:pass -out old.p12
ossl pkcs12 -export -inkey old.sub.key -in old.sub.pem -passout file:pass \
    -out old.alone.p12
ossl pkcs12 -export -inkey old.self.key -in old.self.pem -passout pass: \
    -keypbe NONE -certpbe NONE -out old.open.p12
mkdir cred
cp pass cred/ca-pass
chmod 600 pass pass.wrong cred/ca-pass old.sub.kder old.sub.enc old.sub.p8 \
    old.sub.trad old.p12 old.alone.p12 old.open.p12

count=0
# imported TEXT ARG...: works, into in-$count, under the three-level chain
imported() {
	text=$1
	shift
	count=$((count + 1)) d=in-$count
	expect 0 "ca import, $text" ca import --dir $d "$@"
	check '  files' is "$(cd $d && echo ./* | sed 's|\./||g')" \
"ca-bundle.pem chain.pem issuing.key issuing.pem ra.key ra.pem root.pem"
	check '  modes' modes $d
	check '  same certificate' is "$(openssl x509 -in $d/issuing.pem)" \
	    "$(openssl x509 -in old.sub.pem)"
	check '  same key' belongs $d/issuing.key old.sub.pem
	check '  chain in order' is "$(openssl crl2pkcs7 -nocrl -certfile \
	    $d/chain.pem | openssl pkcs7 -print_certs -noout |
	    sed -n '/^subject=/{s/ = /=/g;p;}' | tr '\n' ' ')" \
	    'subject=CN=Old Middle subject=CN=Old Root '
	check '  root' is "$(openssl x509 -in $d/root.pem)" \
	    "$(openssl x509 -in old.root.pem)"
	check '  RA key' belongs $d/ra.key $d/ra.pem
	check '  RA keyUsage' is "$(extension $d/ra.pem \
	    'Key Usage: critical')" "$ra_ku"
	check '  RA verifies' openssl verify -CAfile $d/ca-bundle.pem \
	    $d/ra.pem
}

imported 'PEM' --cert old.sub.pem --key old.sub.key --chain old.chain.pem
check '  the RA began no earlier than its CA' is \
    "$(openssl x509 -in in-1/ra.pem -noout -startdate)" \
    "$(openssl x509 -in old.sub.pem -noout -startdate)"
imported 'DER' --cert old.sub.der --key old.sub.kder --chain old.chain.pem
imported 'chain with the CA itself' --cert old.sub.pem --key old.sub.key \
    --chain old.bundle.pem
imported 'encrypted PEM' --cert old.sub.pem --key old.sub.enc \
    --chain old.chain.pem --passphrase-file pass
imported 'encrypted DER' --cert old.sub.pem --key old.sub.p8 \
    --chain old.chain.pem --passphrase-file pass
imported 'encrypted traditional PEM' --cert old.sub.pem --key old.sub.trad \
    --chain old.chain.pem --passphrase-file pass
imported 'PKCS#12' --p12 old.p12 --passphrase-file pass
imported 'PKCS#12 and chain' --p12 old.alone.p12 --passphrase-file pass \
    --chain old.chain.pem
CREDENTIALS_DIRECTORY=$tmp/cred
export CREDENTIALS_DIRECTORY
imported 'passphrase from a credential' --p12 old.p12 \
    --passphrase-credential ca-pass
refuse 1 'cannot open' 'ca import, credential that is not there' \
    ca import --dir x --p12 old.p12 --passphrase-credential other
refuse 1 'no credential' 'ca import, credential elsewhere' \
    ca import --dir x --p12 old.p12 --passphrase-credential ../pass
unset CREDENTIALS_DIRECTORY
refuse 1 'CREDENTIALS_DIRECTORY' 'ca import, credential without systemd' \
    ca import --dir x --p12 old.p12 --passphrase-credential ca-pass

expect 0 'ca import, self-signed CA, PKCS#12 without encryption' \
    ca import --dir in-self --p12 old.open.p12 --ra-key rsa:3072 \
    --ra-days 10000 --name Mine
check '  files' is "$(cd in-self && echo ./* | sed 's|\./||g')" \
    'ca-bundle.pem issuing.key issuing.pem ra.key ra.pem'
check '  RA key type' key_is in-self/ra.key rsa:3072
check '  RA ends with its CA' is "$(days_left in-self/ra.pem)" 1000
check '  RA name' is "$(names -subject -in in-self/ra.pem)" \
    'subject=CN=Mine SCEP RA '
expect 0 'ca import, mode ca' ca import --dir in-mode --mode ca \
    --cert old.self.pem --key old.self.key
check '  files' is "$(cd in-mode && echo ./* | sed 's|\./||g')" \
    'ca-bundle.pem issuing.key issuing.pem'

# The RA certificate is renewed by importing the CA from where it is.
expect 0 'ca import, the CA that ca init made' ca import --dir renewed \
    --cert lives/issuing.pem --key lives/issuing.key \
    --chain lives/chain.pem --name My
check '  the same CA' cmp renewed/ca-bundle.pem lives/ca-bundle.pem
check '  a new RA' sh -c '! cmp -s renewed/ra.pem lives/ra.pem'
check '  verifies' openssl verify -CAfile lives/ca-bundle.pem renewed/ra.pem

# What the message says to do with an old file is done.
if openssl pkcs12 -legacy -export -inkey old.sub.key -in old.sub.pem \
    -certfile old.chain.pem -passout file:pass -out OLD.p12 2>/dev/null; then
	chmod 600 OLD.p12
	refuse 1 'outdated cipher' 'ca import, RC2' ca import --dir x \
	    --p12 OLD.p12 --passphrase-file pass
	sed 's/.*make a new one: //; s/PASSFILE/pass/g' err >convert
	check '  the commands it names' sh convert
	imported 'PKCS#12 made by them' --p12 NEW.p12 --passphrase-file pass
	check '  no key is left' test ! -e TMP.pem
fi

sub="--cert old.sub.pem --chain old.chain.pem"
# Word splitting is wanted for $sub.
# shellcheck disable=SC2086
{
refuse 1 'passphrase' 'ca import, wrong passphrase' ca import --dir x $sub \
    --key old.sub.enc --passphrase-file pass.wrong
refuse 1 'is given.*; name a file .* --passphrase-file' \
    'ca import, missing passphrase' \
    ca import --dir x $sub --key old.sub.enc
refuse 1 'is not the key of' 'ca import, key of another certificate' \
    ca import --dir x $sub --key old.mid.key
refuse 1 'cannot open' 'ca import, missing key file' \
    ca import --dir x $sub --key nothing.key
refuse 1 'no private key' 'ca import, certificate for a key' \
    ca import --dir x $sub --key cred/ca-pass
chmod 644 old.sub.kder
refuse 1 'chmod' 'ca import, key that others can read' \
    ca import --dir x $sub --key old.sub.kder
chmod 644 pass.wrong
refuse 1 'chmod' 'ca import, passphrase that others can read' ca import \
    --dir x $sub --key old.sub.enc --passphrase-file pass.wrong
chmod 600 pass.wrong
refuse 1 'not an empty folder' 'ca import over a CA' ca import --dir in-1 \
    $sub --key old.sub.key
refuse 2 'either --cert and --key, or --p12' 'ca import, both ways' \
    ca import --dir x $sub --key old.sub.key --p12 old.p12
refuse 2 'exclude' 'ca import, two passphrases' ca import --dir x $sub \
    --key old.sub.key --passphrase-file pass --passphrase-credential p
}
refuse 1 'does not open' 'ca import, PKCS#12, wrong passphrase' \
    ca import --dir x --p12 old.p12 --passphrase-file pass.wrong
refuse 1 'none is given; .* --passphrase-file' \
    'ca import, PKCS#12, missing passphrase' \
    ca import --dir x --p12 old.p12
refuse 1 'not a PKCS#12' 'ca import, PEM as PKCS#12' \
    ca import --dir x --p12 old.sub.key
refuse 1 'expired' 'ca import, expired CA' \
    ca import --dir x --cert old.gone.pem --key old.gone.key
refuse 1 'not a CA certificate' 'ca import, no CA' ca import --dir x \
    --cert old.leaf.pem --key old.leaf.key --chain old.root.pem
refuse 1 'not a CA certificate' 'ca import, CA without keyCertSign' \
    ca import --dir x --cert old.mute.pem --key old.mute.key
refuse 1 'not a root' 'ca import, no chain' \
    ca import --dir x --cert old.sub.pem --key old.sub.key
refuse 1 'not a root' 'ca import, chain without root' ca import --dir x \
    --cert old.sub.pem --key old.sub.key --chain old.mid.pem
refuse 1 'does not belong' 'ca import, chain with a gap' ca import --dir x \
    --cert old.sub.pem --key old.sub.key --chain old.root.pem
cat old.chain.pem old.self.pem >old.stranger.pem
refuse 1 'does not belong' 'ca import, stranger in the chain' ca import \
    --dir x --cert old.sub.pem --key old.sub.key --chain old.stranger.pem
refuse 1 'mode ra' 'ca import, mode ca without the keyUsage' ca import \
    --dir x --mode ca --cert old.short.pem --key old.short.key \
    --chain old.root.pem
refuse 1 'certificates' 'ca import, bundle as certificate' ca import --dir x \
    --cert old.bundle.pem --key old.sub.key
refuse 2 'either' 'ca import, nothing to import' ca import --dir x
refuse 2 'either' 'ca import, no key' ca import --dir x --cert old.sub.pem

exit "$bad"
