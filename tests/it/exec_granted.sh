#!/bin/sh
# An issuer of type exec under a profile with everything: what was granted
# reaches openssl ca, and comes back as it was; what does not come back so is
# refused, unless the setting decides leaves it to the CA.
#
# What is in single quotes is for sed and the scripts.
# shellcheck disable=SC2154,SC2016 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"

manual=${srcdir:-.}/conf/scepd.conf.5.tail
# displayed WORDS: the first display behind a line with these words
displayed() {
	awk -v words="$1" '
	begun && /^\.Ed/ { exit }
	begun { gsub(/\\e/, "\\"); print }
	found && /^\.Bd/ { begun = 1 }
	index($0, words) { found = 1 }' "$manual" |
	    sed "s|/var/lib/scepd/upstream|$tmp/upstream|"
}

sid=S-1-5-21-1004336348-1177238915-682003330-512
hex() {
	printf %s "$1" | od -An -tx1 | tr -d ' \n'
}
sid_der="30$(printf %02x $((${#sid} + 18)))a0$(printf %02x $((${#sid} + \
16)))060a2b060104018237190201a0$(printf %02x $((${#sid} + 2)))04$(printf \
%02x ${#sid})$(hex "$sid")"

# What the CA has makes no difference: a device asks for more than it gets.
make_request() {
	cat >"$tmp/r.cnf" <<-END
		[req]
		prompt = no
		distinguished_name = dn
		attributes = at
		req_extensions = ext
		utf8 = yes
		string_mask = utf8only
		[at]
		challengePassword = $challenge
		[dn]
		CN = Gerät 7/a+b
		[ext]
		subjectAltName = @names
		keyUsage = digitalSignature, dataEncipherment
		extendedKeyUsage = clientAuth, codeSigning
		basicConstraints = CA:TRUE
		1.3.6.1.4.1.311.25.2 = DER:$sid_der
		1.2.3.9 = DER:0500
		[names]
		DNS.1 = seven.example
		DNS.2 = www.seven.example
		email.1 = root@example
		otherName.1 = msUPN;UTF8:jürgen@example
		URI.1 = urn:x:1,DNS:evil.example
		URI.2 = tag:microsoft.com,2022-09-14:sid:$sid
	END
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
	    -out "$tmp/r.key" 2>/dev/null
	openssl req -new -config "$tmp/r.cnf" -key "$tmp/r.key" -outform DER \
	    -out "$tmp/r.der"
}

ask() {
	CLIENT_TXIDS=1 CLIENT_KEY_FILE="$tmp/r.key" CLIENT_CSR="$tmp/r.der" \
	    "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$challenge" device \
	    "$tmp/got"
}

# issue WHAT: one that is issued, as text in $tmp/text
issue() {
	[ "$(ask)" = issued ] || it_fail "not issued: $1"
	openssl verify -ignore_critical -CAfile "$tmp/ca/root.pem" -untrusted \
	    "$tmp/ca/issuing.pem" "$tmp/got.pem" >/dev/null ||
	    it_fail "chain: $1"
	openssl x509 -in "$tmp/got.pem" -noout -text \
	    -nameopt RFC2253,-esc_msb >"$tmp/text"
}

# refuse TEXT: one that the log has that text about
refuse() {
	[ "$(ask)" = http ] || it_fail "not refused: $1"
	grep 'event=request ' "$tmp/scepd.log" | tail -n 1 |
	    grep 'reason=issuer_answer' | grep -qF -- "$1" || {
		tail -n 1 "$tmp/scepd.log"
		it_fail "not refused: $1"
	}
}

# extensions: of $tmp/got.pem, without its key identifiers and the name of its
# CRL, one a line
extensions() {
	openssl x509 -in "$tmp/got.pem" -noout -ext basicConstraints,keyUsage,\
extendedKeyUsage,subjectAltName,crlDistributionPoints
	openssl asn1parse -in "$tmp/got.pem" | sed -n 's/.*prim: *//
	    /OBJECT  *:.*\(1\.2\.3\.4\|311\.\|template\|NTDS\)/,/OCTET/p'
}

it_ca --key ec:p256
make_request
it_profile='subject = "/O=Example Ltd/OU=Geräte/CN={CN}"; validity = "12h";
    backdate = "1h"; ku = [ "digitalSignature" ]; sid = "allow";
    eku = [ "clientAuth", "1.3.6.1.4.1.311.20.2.2" ];
    san = [ "dns", "upn", "uri" ]; san_patterns = [ "dns suffix .example",
    "upn suffix @example", "uri glob urn:*", "sid exact '"$sid"'" ];
    template_oid = "1.3.6.1.4.1.311.21.8.1.2"; template_minor = 7;
    extensions = [ "1.2.3.4 critical hex:0c026869" ];
    crl_urls = [ "http://scep.example/x.crl" ];'
it_conf

# ---- as the local CA makes it

it_start
issue local
extensions >"$tmp/local"
it_stop

# ---- openssl ca of the manual makes the same

mkdir "$tmp/upstream"
: >"$tmp/upstream/index.txt"
cp "$tmp/ca/issuing.pem" "$tmp/ca/issuing.key" "$tmp/upstream"
displayed 'exec_granted.sh runs this' >"$tmp/upstream/issue"
displayed 'and reads this' >"$tmp/upstream/ca.conf"
[ "$(head -n 1 "$tmp/upstream/issue")" = '#!/bin/sh' ] ||
    it_fail 'the manual has no script'
chmod 700 "$tmp/upstream/issue"
it_issuer="type = \"exec\"; timeout = 15;
    command = [ \"$tmp/upstream/issue\" ];"
exec_conf() { # DECIDES
	it_conf
	sed -i 's|key = "ca/issuing.key";|'"$1"'|' "$tmp/scepd.conf"
}
exec_conf ''
rm -f "$tmp"/scepd.db*
it_start
issue 'by openssl ca'
grep -qxF "        Subject: CN=Gerät 7/a\\+b,OU=Geräte,O=Example Ltd" \
    "$tmp/text" || it_fail "$(grep Subject: "$tmp/text")"
extensions | diff -u "$tmp/local" - || it_fail 'the extensions differ'
for text in DNS:www.seven.example "sid:$sid" 1.2.3.4 urn:x:1; do
	grep -qF "$text" "$tmp/text" || it_fail "no $text"
done
openssl x509 -in "$tmp/got.pem" -checkend $((12 * 3600 - 120)) >/dev/null ||
    it_fail 'it ends too early'
! openssl x509 -in "$tmp/got.pem" -checkend $((12 * 3600 + 60)) >/dev/null ||
    it_fail 'it ends too late'
[ "$(sqlite3 "$tmp/scepd.db" 'SELECT subject FROM issued')" = \
    'CN=Gerät 7/a\+b,OU=Geräte,O=Example Ltd' ] || it_fail 'the ledger'

# ---- what does not come back as it was granted

cp "$tmp/upstream/issue" "$tmp/upstream/good"
# change SCRIPT: of sed, on the script of the manual
change() {
	sed "$1" "$tmp/upstream/good" >"$tmp/upstream/issue"
	! cmp -s "$tmp/upstream/good" "$tmp/upstream/issue" ||
	    it_fail "$1 changes nothing"
}
change 's|-subj "$SCEPD_SUBJECT"|-subj "/O=Else/CN=x"|'
refuse 'its subject is \"CN=x,O=Else\", not \"CN=Ger'
change 's|-enddate "$SCEPD_NOT_AFTER"|-days 30|'
refuse 'its notAfter is'
change 's|-startdate "$SCEPD_NOT_BEFORE"|-startdate 20200101000000Z|'
refuse 'its notBefore is 2020-01-01T00:00:00Z'
# line EXPRESSION: of sed, on the lines of the extensions
line() {
	change 's|^$SCEPD_EXTENSIONS|$(echo "$SCEPD_EXTENSIONS" \| sed "'"$1"'")|'
}
line '/^2.5.29.17 /d'
refuse 'it lacks the subjectAltName dns:seven.example'
line 's/^2.5.29.17 .*/subjectAltName = DNS:evil.example/'
refuse 'its subjectAltName dns:evil.example was not granted'
line 's/^2.5.29.15 .*/keyUsage = digitalSignature, keyAgreement/'
refuse 'its keyUsage is digitalSignature,keyAgreement, not digitalSignature'
line '/^2.5.29.37 /d'
refuse 'it lacks the extKeyUsage 1.3.6.1.5.5.7.3.2'
line 's/^2.5.29.37 .*/extendedKeyUsage = codeSigning/'
refuse 'its extKeyUsage 1.3.6.1.5.5.7.3.3 was not granted'
line 's/^2.5.29.19 .*/basicConstraints = CA:TRUE/'
refuse 'it is a CA certificate'
line '/311.21.7 /d'
refuse 'it lacks the extension 1.3.6.1.4.1.311.21.7'
line 's/\\(311.25.2 .*\\)32$/\\133/'
refuse 'its extension 1.3.6.1.4.1.311.25.2 is not the one that was granted'
line '$ a 1.2.3.5 = DER:0500'
refuse 'its extension 1.2.3.5 was not granted'
line '$ a 2.5.29.30 = critical,DER:3007a0053003820161'
refuse 'its extension 2.5.29.30 was not granted'
[ "$(sqlite3 "$tmp/scepd.db" 'SELECT count(*) FROM issued')" = 1 ] ||
    it_fail 'what was refused has a row'
it_stop

# ---- a CA with rules of its own

cat >"$tmp/upstream/issue" <<-'END'
	#!/bin/sh
	cd "${0%/*}" || exit 9
	openssl x509 -req -CA issuing.pem -CAkey issuing.key -days 30 \
	    -subj /CN=x -set_serial "0x$SCEPD_SERIAL" -extfile /dev/fd/3 3<<E
	basicConstraints = CA:FALSE
	keyUsage = digitalSignature, keyEncipherment
	extendedKeyUsage = clientAuth
	certificatePolicies = 1.2.3
	1.2.3.5 = DER:0500
	E
END
words='"subject", "names", "usage", "extensions"'
exec_conf "decides = [ $words ];"
it_start
refuse 'its notAfter is'
it_stop
exec_conf "decides = [ $words, \"validity\" ];"
it_start
issue 'with rules of its own'
grep -q 'Subject: CN=x$' "$tmp/text" || it_fail 'no subject of its own'
[ "$(sqlite3 "$tmp/scepd.db" 'SELECT subject FROM issued ORDER BY id DESC
    LIMIT 1')" = CN=x ] || it_fail 'the ledger has another subject'
it_stop

# ---- the API of the manual, played by a curl that signs

command -v jq >/dev/null || {
	echo 'the example of the manual needs jq'
	exit 0
}
mkdir "$tmp/bin"
displayed 'with a curl of its own' |
    sed "2i PATH=$tmp/bin:\$PATH" >"$tmp/upstream/issue"
cat >"$tmp/bin/curl" <<-END
	#!/bin/sh
	cd "$tmp/upstream" || exit 9
	cat >asked.json
	jq -re .csr asked.json >asked.csr || exit 9
	sans=\$(jq -r '.names | map("DNS:" + .) | join(",")' asked.json)
	openssl x509 -req -in asked.csr -CA issuing.pem -CAkey issuing.key \\
	    -days 30 -extfile /dev/fd/3 3<<E | jq -Rs '{ certificate: . }'
	subjectAltName = \$sans
	extendedKeyUsage = clientAuth
	E
END
chmod 700 "$tmp/bin/curl"
it_start
issue 'by an API'
grep -q 'DNS:seven.example, DNS:www.seven.example$' "$tmp/text" ||
    it_fail 'not the names'
jq -re .until "$tmp/upstream/asked.json" |
    grep -qx '20..-..-..T..:..:..Z' || it_fail 'not the time'
it_stop
! grep -q "$challenge" "$tmp/scepd.log" || it_fail 'the log has the challenge'
