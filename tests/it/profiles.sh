#!/bin/sh
# Profiles from end to end: what a request asks for, and what of it openssl finds
# in the certificate.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"

# serve PROFILE-SETTINGS: with an empty ledger
serve() {
	[ -z "$pid" ] || it_stop
	rm -f "$tmp"/scepd.db*
	it_profile=$1
	it_conf
	it_start
}

# request SUBJECT EXTENSION...: makes $tmp/r.der
request() {
	{
		echo '[req]'
		echo 'prompt = no'
		echo 'distinguished_name = dn'
		echo 'attributes = at'
		echo 'req_extensions = ext'
		echo 'utf8 = yes'
		echo '[at]'
		echo "challengePassword = $challenge"
		echo '[dn]'
		echo "$1" | tr '/' '\n'
		shift
		echo '[ext]'
		for line; do
			echo "$line"
		done
	} >"$tmp/r.cnf"
	openssl req -new -config "$tmp/r.cnf" -key "$tmp/r.key" -outform DER \
	    -out "$tmp/r.der" 2>"$tmp/out" || it_fail "$(cat "$tmp/out")"
}

txid=CLIENT_TXIDS=1	# of each message its own
ask() {
	env "$txid" CLIENT_KEY_FILE="$tmp/r.key" CLIENT_CSR="$tmp/r.der" \
	    "$@" "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$challenge" \
	    device "$tmp/got"
}

endpoint=scep
# foretold STATUS WORD: scepctl policy test says so of $tmp/r.der
foretold() {
	foretold_got=0
	"$SCEPCTL" -c "$tmp/scepd.conf" policy test --endpoint "$endpoint" --csr \
	    "$tmp/r.der" >"$tmp/foretold" 2>&1 || foretold_got=$?
	[ "$foretold_got" -eq "$1" ] || it_fail "$(cat "$tmp/foretold")"
	grep -q " $2\$" "$tmp/foretold" || it_fail "$(cat "$tmp/foretold")"
}

issue() {
	foretold 0 'would be issued'
	issued "$@"
}

# The same of a request that waited.
issued() {
	[ "$(ask)" = issued ] || it_fail "not issued: $*"
	openssl verify -ignore_critical -CAfile "$tmp/ca/root.pem" -untrusted \
	    "$tmp/ca/issuing.pem" "$tmp/got.pem" >/dev/null ||
	    it_fail "chain: $*"
	openssl x509 -in "$tmp/got.pem" -noout -text -nameopt RFC2253 \
	    >"$tmp/text"
}

# refuse REASON
refuse() {
	foretold 1 "$1"
	[ "$(ask)" = failure ] || it_fail "not refused for $1"
	grep 'event=request ' "$tmp/scepd.log" | tail -n 1 |
	    grep -q "reason=$1" ||
	    it_fail "not refused for $1"
}

# has TEXT...: each is in the certificate; lacks TEXT...: none is
has() {
	for text; do
		grep -qF -- "$text" "$tmp/text" || {
			cat "$tmp/text"
			it_fail "no $text"
		}
	done
}
lacks() {
	for text; do
		! grep -qF -- "$text" "$tmp/text" || {
			cat "$tmp/text"
			it_fail "has $text"
		}
	done
}

it_ca --key ec:p256
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
    -out "$tmp/r.key" 2>/dev/null
sid=S-1-5-21-1004336348-1177238915-682003330-1107
sid_der="1.3.6.1.4.1.311.25.2 = DER:$(printf '%s' "30$(printf %02x \
    $((${#sid} + 18)))a0$(printf %02x $((${#sid} + 16)))060a2b060104018237190201\
a0$(printf %02x $((${#sid} + 2)))04$(printf %02x ${#sid})$(printf %s "$sid" |
    od -An -tx1 | tr -d ' \n')")"
more='keyUsage = critical,digitalSignature,keyEncipherment,dataEncipherment'
eku='extendedKeyUsage = clientAuth,serverAuth'

# ---- the default: what is asked beyond it is dropped, and logged

serve ''
request CN=a 'subjectAltName = DNS:a.example,otherName:msUPN;UTF8:u@example' \
    "$more" "$eku" 'basicConstraints = CA:FALSE' '1.2.3.4 = DER:0500' \
    "$sid_der"
issue default
has 'Subject: CN=a' 'DNS:a.example' 'Digital Signature, Key Encipherment' \
    'TLS Web Client Authentication' 'CA:FALSE'
lacks 'Data Encipherment' 'TLS Web Server' '1.2.3.4' 311.25.2 othername \
    311.21.7 "$sid"
grep 'event=request ' "$tmp/scepd.log" | tail -n 1 |
    grep -q 'surplus="\?san:upn,ku:dataEncipherment,eku:1.3.6.1.5.5.7.3.1,sid,ext:1.2.3.4' ||
    it_fail 'the log does not tell what was dropped'
serve 'surplus = "refuse";'
refuse surplus
request CN=a 'subjectAltName = DNS:a.example' 'keyUsage = digitalSignature' \
    'extendedKeyUsage = clientAuth' 'basicConstraints = CA:FALSE' \
    'subjectKeyIdentifier = hash'
issue 'no surplus'

# ---- subject, names

serve 'subject = "/O=Example Ltd/OU=Devices/CN={CN}/serialNumber={dns}";'
request O=Other/CN=b 'subjectAltName = DNS:b.example'
issue template
has 'Subject: serialNumber=b.example,CN=b,OU=Devices,O=Example Ltd'
# Its renewal may ask for the name it has, or for the one it had asked for.
cp "$tmp/got.pem" "$tmp/old.pem"
cp "$tmp/r.key" "$tmp/old.key"
[ "$(ask CLIENT_OLD="$tmp/old" CLIENT_TYPE=17)" = issued ] ||
    it_fail 'a renewal under a template'
request 'O=Example Ltd/OU=Devices/CN=b/serialNumber=b.example' \
    'subjectAltName = DNS:b.example'
[ "$(ask CLIENT_OLD="$tmp/old" CLIENT_TYPE=17)" = issued ] ||
    it_fail 'a renewal with the issued name'
request O=Other 'subjectAltName = DNS:b.example'
refuse subject
# What it takes of other names is one that is granted.
request CN=b 'subjectAltName = DNS:b.example,DNS:c.example'
refuse subject
serve 'subject = "/O=Example/CN={email}"; san = [ "dns" ];'
request CN=b 'subjectAltName = DNS:b.example,email:ceo@example.com'
refuse subject
serve 'subject_patterns = [ "CN regex dev-[0-9]+" ];
    san_patterns = [ "dns suffix .example.com" ]; san_required = [ "dns" ];'
request CN=dev-1 'subjectAltName = DNS:x.example.com'
issue patterns
request CN=other 'subjectAltName = DNS:x.example.com'
refuse subject_pattern
request CN=dev-1 'subjectAltName = DNS:x.example.org'
refuse san_pattern
request CN=dev-1 'subjectAltName = email:a@example.com'
refuse san_required

# They hold for what a template makes of any name, too.
serve 'subject = "/O=Example/CN={dns}"; subject_patterns = [ "CN glob dev*" ];'
request CN=dev-1 'subjectAltName = DNS:dc01.corp.example'
refuse subject_pattern
request CN=dc01 'subjectAltName = DNS:dev-1.example'
refuse subject_pattern
request CN=dev-1 'subjectAltName = DNS:dev-1.example'
issue 'patterns of a template'
has 'Subject: CN=dev-1.example,O=Example'
serve 'subject = "/CN={serialNumber}"; subject_patterns = [ "CN glob dev*",
    "serialNumber regex .*" ];'
request CN=dev-1/serialNumber=root
refuse subject_pattern
request CN=dev-1/serialNumber=dev-2
issue 'patterns of another type'

# ---- what Windows wants, and other extensions

serve "template_oid = \"1.3.6.1.4.1.311.21.8.1.2\"; template_major = 101;
    template_minor = 7; sid = \"allow\"; ku = [ \"digitalSignature\" ];
    san = [ \"dns\" ]; extensions = [ \"1.2.3.4 critical hex:0c026869\",
    \"1.2.3.5 base64:BQA=\" ]; key_types = [ \"rsa\", \"ec\" ];
    ec_curves = [ \"p384\" ];"
request CN=w "$sid_der" 'subjectAltName = @names
[names]
DNS.1 = w.example
URI.1 = tag:microsoft.com,2022-09-14:sid:'"$sid"'
URI.2 = tag:microsoft.com,2022-09-14:sid:S-1-5-32-544
[more]'
issue windows
has "tag:microsoft.com,2022-09-14:sid:$sid" 'X509v3 Key Usage: critical'
lacks 'Key Encipherment' S-1-5-32-544
openssl asn1parse -in "$tmp/got.pem" >"$tmp/asn1"
value() { # OID: the hex of its extension, behind critical if it is
	sed -n "/OBJECT  *:$1\$/,/OCTET STRING/p" "$tmp/asn1" |
	    sed -n 's/.*\[HEX DUMP\]://p'
}
[ "$(value 1.2.3.4)" = 0C026869 ] || it_fail "1.2.3.4: $(value 1.2.3.4)"
sed -n '/OBJECT  *:1.2.3.4$/{n;p;}' "$tmp/asn1" | grep -q 'BOOLEAN *:255' ||
    it_fail '1.2.3.4 is not critical'
[ "$(value 1.2.3.5)" = 0500 ] || it_fail "1.2.3.5: $(value 1.2.3.5)"
# OpenSSL 3.5 has a name for it.
template=$(value '\(1.3.6.1.4.1.311.21.7\|Microsoft certificate template\)')
[ "$template" = 3013060B2B06010401823715080102020165020107 ] || it_fail "template: $(cat "$tmp/asn1")"
grep -A1 '311.25.2\|NTDS' "$tmp/asn1" | grep -qi "$(printf %s "$sid" |
    od -An -tx1 | tr -d ' \n')" || it_fail "sid: $(cat "$tmp/asn1")"
# Its renewal is the same account, also where it does not say so.
cp "$tmp/got.pem" "$tmp/old.pem"
cp "$tmp/r.key" "$tmp/old.key"
request CN=w 'subjectAltName = @names
[names]
DNS.1 = w.example
URI.1 = tag:microsoft.com,2022-09-14:sid:'"$sid"'
[more]'
[ "$(ask CLIENT_OLD="$tmp/old" CLIENT_TYPE=17)" = issued ] ||
    it_fail 'a renewal without its account'
openssl asn1parse -in "$tmp/got.pem" | grep -A1 '311.25.2\|NTDS' |
    grep -qi "$(printf %s "$sid" | od -An -tx1 | tr -d ' \n')" ||
    it_fail 'a renewal loses its account'
for curve in 256 384; do
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-$curve \
	    -out "$tmp/r.key" 2>/dev/null
	request CN=e
	if [ $curve = 256 ]; then
		[ "$(ask CLIENT_PASSWORD=1)" = failure ] || it_fail 'P-256'
		grep -q 'reason=csr_key' "$tmp/scepd.log" || it_fail 'P-256'
	else
		[ "$(ask CLIENT_PASSWORD=1)" = issued ] || it_fail 'P-384'
	fi
done

# ---- how many

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
    -out "$tmp/r.key" 2>/dev/null
serve 'max_active = 1;'
request CN=c
issue first
request CN=C
refuse max_active
request CN=d
issue 'another subject'
cp "$tmp/got.pem" "$tmp/old.pem"
cp "$tmp/r.key" "$tmp/old.key"
[ "$(ask CLIENT_OLD="$tmp/old" CLIENT_TYPE=17)" = issued ] ||
    it_fail 'a renewal takes the place of its old one'
serve 'duplicate_key = "same_subject";'
issue first
issue 'the same subject'
request CN=e
refuse duplicate_key
serve 'duplicate_key = "refuse";'
issue first
refuse duplicate_key
cp "$tmp/got.pem" "$tmp/old.pem"
[ "$(ask CLIENT_OLD="$tmp/old" CLIENT_TYPE=17)" = issued ] ||
    it_fail 'a renewal follows renew.key'

# ---- life, keys, usages, addresses

seconds() { # OPTION: of the certificate's dates, since 1970
	date -d "$(openssl x509 -in "$tmp/got.pem" -noout "-$1" |
	    cut -d= -f2)" +%s
}
serve 'validity = "2h"; backdate = "30m"; rsa_min = 2048; rsa_max = 2048;
    ku = [ "keyEncipherment", "nonRepudiation" ];
    eku = [ "serverAuth", "1.3.6.1.4.1.311.20.2.2" ];
    crl_urls = [ "http://pki.example/x.crl" ];
    ca_issuers_urls = [ "http://pki.example/x.crt" ];
    ocsp_urls = [ "http://ocsp.example/" ];'
now=$(date +%s)
request CN=life
issue 'life and usages'
has 'Non Repudiation, Key Encipherment' 'TLS Web Server Authentication, ' \
    URI:http://pki.example/x.crl 'CA Issuers - URI:http://pki.example/x.crt' \
    'OCSP - URI:http://ocsp.example/'
lacks 'Digital Signature' 'Client Auth'
begins=$(seconds startdate) ends=$(seconds enddate)
[ $((ends - begins)) -eq 9000 ] || it_fail "it lives $((ends - begins)) s"
late=$((begins - now + 1800))
{ [ "$late" -ge 0 ] && [ "$late" -le 60 ]; } ||
    it_fail 'it is not backdated by half an hour'
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 \
    -out "$tmp/r.key" 2>/dev/null
request CN=long
refuse csr_key
serve 'rsa_min = 3072;'
issue 'RSA with 3072 bits'
cp "$tmp/r.key" "$tmp/rsa3072.key"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
    -out "$tmp/r.key" 2>/dev/null
request CN=short
refuse csr_key

# ---- the name of a challenge

serve 'subject = "/O=Example/CN={challenge}";'
request 'CN=whatever it likes'
issue 'a subject by the challenge'
has 'Subject: CN=test,O=Example'
given=$challenge
challenge=$("$SCEPCTL" -c "$tmp/scepd.conf" challenge add --name pad-7 --once \
    2>"$tmp/out")
request CN=pad-8
issue 'a subject by a challenge of the store'
has 'Subject: CN=pad-7,O=Example'
# Under patterns only one that is named so.
serve 'subject = "/O=Example/CN={challenge}"; subject_patterns = [ "CN glob pad*" ];'
request CN=pad-9
for name in pad-9 root; do
	challenge=$("$SCEPCTL" -c "$tmp/scepd.conf" challenge add \
	    --name "$name" 2>"$tmp/out")
	request CN=pad-9
	if [ "$name" = root ]; then
		refuse subject_pattern
	else
		issue 'a name that the patterns take'
	fi
done
challenge=$given
serve 'subject = "/O=Example/CN={challenge}"; approval = "manual";'
request CN=pad-9
txid=CLIENT_TXID=waits
[ "$(ask)" = pending ] || it_fail 'it does not wait'
"$SCEPCTL" -c "$tmp/scepd.conf" pending approve 1 >/dev/null ||
    it_fail 'it is not approved'
issued 'a subject by the challenge of a request that waited'
txid=CLIENT_TXIDS=1
has 'Subject: CN=test,O=Example'

# ---- the profiles of the manual

awk '/profiles.sh enrolls under these/ { found = 1 }
    begun && /^\.Ed/ { exit }
    begun { gsub(/\\e/, "\\"); print }
    found && /^\.Bd/ { begun = 1 }' \
    "${srcdir:-.}/conf/scepd.conf.5.tail" >"$tmp/profiles"
kinds='apple android computers users routers'
[ "$(sed -n 's/^\t\tname = "\(.*\)";/\1/p' "$tmp/profiles" | tr '\n' ' ')" = \
    "$kinds " ] || it_fail 'the manual has other profiles'
it_stop
rm -f "$tmp"/scepd.db*
it_profile=
it_conf
for kind in $kinds; do
	sed -n '/^endpoints/,/^} );/{ s/^endpoints = ( {//; s/^} );//
	    s/name = "scep"/name = "'"$kind"'"/
	    s/profile = "device"/profile = "'"$kind"'"/; p; }' \
	    "$tmp/scepd.conf" >"$tmp/ep.$kind"
done
{
	sed '/^endpoints/,/^} );/d; /^profiles/d' "$tmp/scepd.conf"
	cat "$tmp/profiles"
	echo 'endpoints = ('
	first=
	for kind in $kinds; do
		echo "$first {"
		cat "$tmp/ep.$kind"
		echo '}'
		first=,
	done
	echo ');'
} >"$tmp/all.conf"
mv "$tmp/all.conf" "$tmp/scepd.conf"
chmod 600 "$tmp/scepd.conf"
it_start
as() {
	endpoint=$1
	CLIENT_PATH=/scep/$1
	export CLIENT_PATH
}
sid_uri="URI:tag:microsoft.com,2022-09-14:sid:$sid"

as apple
request CN=C02XK1ABJGH5/O=Example 'subjectAltName = email:a@example'
issue apple
has 'Subject: O=Example,CN=C02XK1ABJGH5'
lacks email:a@example
refuse duplicate_key
as android
request CN=localhost 'subjectAltName = DNS:www.example'
issue android
has 'Subject: CN=test,OU=Android,O=Example'
lacks www.example
refuse max_active
as computers
named() { # CN NAME...: a request with these names, as in DNS:a
	subject=$1
	shift
	n=0
	lines=
	for name; do
		n=$((n + 1))
		lines="$lines
${name%%:*}.$n = ${name#*:}"
	done
	request "$subject" "subjectAltName = @names
[names]$lines
[more]"
}
named CN=PC-1 DNS:pc-1.corp.example "$sid_uri"
issue computers
has 'Subject: CN=pc-1.corp.example,OU=Computers,O=Example' \
    DNS:pc-1.corp.example "$sid_uri"
openssl asn1parse -in "$tmp/got.pem" |
    grep -q '1.3.6.1.4.1.311.21.7\|Microsoft certificate template' ||
    it_fail 'no template'
named CN=PC-1 DNS:pc-1.corp.example
refuse san_required
named CN=PC-1 DNS:pc-1.corp.example.org "$sid_uri"
refuse san_pattern
for own in 500 512 999; do
	named CN=PC-1 DNS:pc-1.corp.example "${sid_uri%-*}-$own"
	refuse san_pattern
done
as users
upn='otherName:msUPN;UTF8:jane@corp.example'
named CN=jane "$upn" "$sid_uri"
issue users
has 'Subject: CN=jane@corp.example,OU=Users,O=Example' "$sid_uri" \
    'E-mail Protection'
named CN=jane "$upn" "$sid_uri" DNS:jane.example
refuse surplus
named CN=jane otherName:msUPN\;UTF8:jane@other.example "$sid_uri"
refuse san_pattern
as routers
cp "$tmp/rsa3072.key" "$tmp/r.key"
request CN=r1.net.example 'subjectAltName = DNS:dc01.corp.example'
issue routers
lacks dc01
# The CA is younger than a week.
[ $(($(seconds enddate) - $(seconds startdate))) -ge $((730 * 86400)) ] ||
    it_fail 'a router has another life'
request CN=r1
refuse subject_pattern
