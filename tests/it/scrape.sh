#!/bin/sh
# The page of NDES as each of its known readers asks for it, decodes it and finds
# the password: with what it found a device enrolls, once. A password for
# nobody in particular is good at its endpoint and in its time, no longer.
#
# shellcheck disable=SC2154 # variables of lib.sh
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"

for tool in curl iconv openssl sqlite3; do
	command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done

hash() { # SECRET
	printf '%s\n' "$1" | "$SCEPCTL" challenge hash |
	    sed -n 's/^hash = "\(.*\)";$/\1/p'
}

# get CURL-ARGUMENT... URL-PATH: the page into $tmp/page, its header into
# $tmp/head; prints the status
get() {
	curl -sS --max-time 20 --cacert "$tmp/tls.pem" -D "$tmp/head" \
	    -o "$tmp/page" -w '%{http_code}' "$@"
}

is() { # VALUE WANTED TEXT
	[ "$1" = "$2" ] || it_fail "$3: \"$1\", not \"$2\""
}

# ---- the readers: NAME_ask fetches the page, NAME_read prints the password in
# it, or nothing; NAME_full and NAME_denied tell the two refusals where that
# reader looks for them

as=scraper:pass-word
admin=/certsrv/mscep_admin/

decoded() { # [ENCODING]
	iconv -f "${1:-UTF-16LE}" -t UTF-8 "$tmp/page" 2>/dev/null
}

between() { # FROM TO: what stands between, of standard input
	awk -v from="$1" -v to="$2" '{ all = all $0 "\n" }
	    END {
		if (!(at = index(all, from)))
			exit
		all = substr(all, at + length(from))
		if ((at = index(all, to)))
			print substr(all, 1, at - 1)
	    }'
}

# Fleet tries NTLM, takes Basic where that is offered, and guesses the encoding
# from the first character.
fleet_ask() {
	is "$(get -H 'Authorization: NTLM TlRMTVNTUAABAAAAB4IIogAAAAAAAAAA' \
	    "$web$admin")" 401 'NTLM'
	tr -d '\r' <"$tmp/head" | grep -qi '^WWW-Authenticate: Basic' ||
	    it_fail 'Fleet is not offered Basic'
	# What somebody on the way could relay is not spoken.
	! grep -qi '^WWW-Authenticate: *\(NTLM\|Negotiate\)' "$tmp/head" ||
	    it_fail 'NTLM is offered'
	get -u "$as" "$web$admin"
}
fleet_text() {
	[ "$(head -c 2 "$tmp/page" | od -An -tx1)" = ' 3c 00' ] ||
	    it_fail 'Fleet takes it for another encoding'
	decoded
}
fleet_read() {
	fleet_text | sed -n \
	    's/.*the enrollment challenge password is: <B> \([^[:space:]]*\).*/\1/Ip'
}
fleet_full() {
	fleet_text | grep -qF 'The password cache is full.'
}
fleet_denied() {
	fleet_text | grep -qF \
	    'You do not have sufficient permission to enroll with SCEP.'
}

# PAN-OS, by HTTPS in FIPS mode: one of two paths; the digits behind the
# sentence, whatever octets of zero are between the letters.
panos_ask() {
	get -u "$as" "${web}${admin}mscep.dll"
}
panos_read() {
	tr -d '\000' <"$tmp/page" | LC_ALL=C sed -n \
	    's/.*challenge password is: <B> \([0-9A-F]\{16,\}\) <\/B>.*/\1/p'
}

# ManageEngine tries one encoding after the other until the sentence is there;
# UTF-16 without a mark is big-endian where it runs.
manageengine_ask() {
	get -A Java/1.8.0 -u "$as" "$web$admin"
}
manageengine_text() {
	for encoding in UTF-16BE UTF-8 ASCII UTF-16BE UTF-16LE ISO-8859-1; do
		! decoded $encoding >"$tmp/text" || ! grep -aqF "$1" \
		    "$tmp/text" || break
	done
	is "$encoding" UTF-16LE 'what ManageEngine takes it for'
	cat "$tmp/text"
}
manageengine_read() {
	decoded | grep -qF 'The enrollment challenge password is' || return 0
	manageengine_text 'The enrollment challenge password is' \
	    >"$tmp/sentence"
	for behind in 'only once' 'multiple times and will not expire.'; do
		between 'The enrollment challenge password is: <B> ' \
		    " </B> <P> This password can be used $behind" \
		    <"$tmp/sentence"
	done
}
manageengine_full() {
	manageengine_text 'The password cache is full' >/dev/null
}

# PSCertificateEnrollment posts an operation of SCEP, and takes the first word
# that looks like a password of the length it was told.
powershell_ask() {
	get -A 'Mozilla/5.0 (Windows NT; WindowsPowerShell/5.1)' -u "$as" \
	    -d operation=GetCACaps "$web$admin"
}
powershell_read() {
	decoded | tr ' ' '\n' | grep -xE "[A-F0-9]{$digits}" | head -n 1
}

# Scripts in Python split at the tags; both lines must be there.
python_ask() {
	get -A python-requests/2.31.0 -u "$as" "$web/certsrv/mscep_admin"
}
python_read() {
	decoded | grep -qF \
	    'The thumbprint (hash value) for the CA certificate is: <B>' ||
	    return 0
	decoded | between 'The enrollment challenge password is: <B>' '<' |
	    tr -d ' '
}
python_full() {
	decoded | grep -qF 'cache is full'
}

# Junos matches in any case, with a blank behind; by HTTP/1.0.
junos_ask() {
	get --http1.0 -u "$as" "$web/CertSrv/MSCEP_Admin/"
}
junos_read() {
	decoded | sed -n \
	    's/.*the enrollment challenge password is: <b> \([A-Z0-9][A-Z0-9]*\) .*/\1/Ip'
}

# ScepTestClient of .NET: the first run of hex digits behind two words.
dotnet_ask() {
	get --anyauth -u "$as" "$web$admin"
}
dotnet_read() {
	decoded | sed -n 's/challenge password/\
/p' | sed -n '2,$p' | grep -oE '[0-9A-Fa-f]{8,64}' | head -n 1
}

# Workspace ONE knows the length: nothing else on the page may have it.
workspaceone_ask() {
	get -u "$as" "$web$admin"
}
workspaceone_read() {
	decoded | grep -oE '[0-9A-Fa-f]+' | grep -xE ".{$digits}" || true
}

readers='fleet panos manageengine powershell python junos dotnet workspaceone'

# scrape READER: sets $password, which may be empty
scrape() {
	is "$("$1_ask")" 200 "the page, as $1 asks for it"
	tr -d '\r' <"$tmp/head" | grep -qix 'Content-Type: text/html' ||
	    it_fail "$1: another type"
	tr -d '\r' <"$tmp/head" | grep -qi '^Content-Length: [1-9]' ||
	    it_fail "$1: no length"
	password=$("$1_read")
}

# outcome PASSWORD WANTED REASON NAME
outcome() {
	got=$(CLIENT_TXIDS=1 "$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" \
	    "$1" "$4")
	is "$got" "$2" "$4"
	[ "$3" = - ] || grep 'event=request ' "$tmp/scepd.log" | tail -n 1 |
	    grep -q "reason=$3 " || it_fail "$4: not $3"
}

# ---- the server: the page by HTTPS alone, as it is for other machines

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout \
    "$tmp/tls.key" -out "$tmp/tls.pem" -subj /CN=127.0.0.1 -days 2 \
    -addext subjectAltName=IP:127.0.0.1 2>/dev/null
it_ca --single
scraper=$(hash pass-word)
it_global="admin: { listen = \"127.0.0.1:0\"; tls_cert = \"tls.pem\";
    tls_key = \"tls.key\"; };
    ndes: { endpoint = \"scep\"; };
    accounts = (
    { name = \"scraper\"; hash = \"$scraper\"; rights = [\"ndes\"]; },
    { name = \"other\"; hash = \"$scraper\"; rights = [\"ndes\"];
      endpoints = [\"other\"]; },
    { name = \"none\"; hash = \"$scraper\"; rights = [\"metrics\"]; } );"
it_endpoint='ndes = true; }, { name = "other"; mode = "ra";
    ra_cert = "ca/ra.pem"; ra_key = "ca/ra.key"; issuer = "local";
    profile = "device"; challenges = [ "test" ]; paths = [ "/other" ];'
it_conf
it_start
find_page() {
	web=https://127.0.0.1:$(sed -n \
	    's/.*event=listening.* admin_url="\{0,1\}\([^" ]*\).*/\1/p' \
	    "$tmp/scepd.log" | sed 's/.*://')
}
find_page

# ---- a password for each

digits=16
all=
for reader in $readers; do
	scrape "$reader"
	is "$(echo "$password" | grep -cxE '[0-9A-F]{16}')" 1 \
	    "what $reader finds"
	case $all in *$password*) it_fail "$reader gets an old one" ;; esac
	all="$all $password"
	# Another reader of the same page finds the same.
	for other in $readers; do
		is "$("${other}_read")" "$password" "$other beside $reader"
	done
	outcome "$password" issued - "$reader"
	outcome "$password" failure challenge_spent "$reader-2"
done
# What is not theirs to guess at: the digest in front has shorter groups.
decoded | grep -qE 'is: <B>( [0-9A-F]{8}){4} </B> <P> The enrollment' ||
    it_fail 'no thumbprint in front'

# A device that scepd has no name for may have any, but here and now alone.
scrape fleet
CLIENT_PATH=/other outcome "$password" failure challenge_endpoint elsewhere
sqlite3 -cmd '.timeout 10000' "$tmp/scepd.db" \
    "UPDATE challenge SET expires = 1 WHERE name LIKE 'ndes-%'"
outcome "$password" failure challenge_expired late
scrape fleet
is "$(CLIENT_TYPE=17 CLIENT_TXIDS=1 "$IT_CLIENT" enroll "$port" \
    "$tmp/ca/ra.pem" "$password" renewal)" failure 'a renewal by password'
outcome "$password" issued - enrollment

# ---- the refusals are pages, and hold nothing that looks like a password

refusal() { # full|denied
	decoded >"$tmp/text"
	! grep -qE '[0-9A-Fa-f]{8}|challenge password' "$tmp/text" ||
	    it_fail "$1: something like a password"
	is "$(between '<Title>' '</Title>' <"$tmp/text")" \
	    'Network Device Enrollment Service' "$1: title"
}

for account in other none; do
	as=$account:pass-word
	before=$(sqlite3 "$tmp/scepd.db" 'SELECT count(*) FROM challenge')
	for reader in $readers; do
		scrape "$reader"
		is "$password" '' "$reader without the right"
		refusal denied
		fleet_denied || it_fail "Fleet does not see that $account may not"
	done
	is "$(sqlite3 "$tmp/scepd.db" 'SELECT count(*) FROM challenge')" \
	    "$before" "challenges made for $account"
done
as=scraper:wrong
is "$(powershell_ask)" 401 'a wrong password of an account'
! decoded | grep -q '<' || it_fail 'a page for nobody'
as=scraper:pass-word

sqlite3 -cmd '.timeout 10000' "$tmp/scepd.db" \
    "DELETE FROM challenge WHERE name LIKE 'ndes-%'"
it_stop
sed -i 's/ndes: { endpoint = "scep"; }/ndes: { endpoint = "scep"; pool = 1; }/' \
    "$tmp/scepd.conf"
it_start
find_page
scrape fleet
kept=$password
for reader in $readers; do
	scrape "$reader"
	is "$password" '' "$reader where the cache is full"
	refusal full
done
for reader in fleet manageengine python; do
	${reader}_full || it_fail "$reader does not see that the cache is full"
done
outcome "$kept" issued - waited
scrape junos
outcome "$password" issued - room

# ---- one password for all, longer than those

it_stop
single=$(openssl rand -hex 16 | tr a-f A-F)
echo "$single" >"$tmp/single"
chmod 600 "$tmp/single"
sed -i "s/pool = 1;/single = \"single\";/
    s|challenges = ( {|challenges = ( { name = \"all\"; hash = \"$(
    hash "$single")\"; }, {|; 0,/\"test\" \]/s//\"test\", \"all\" ]/" \
    "$tmp/scepd.conf"
it_start
find_page
digits=32
for reader in $readers; do
	scrape "$reader"
	is "$password" "$single" "what $reader finds"
	outcome "$password" issued - "$reader"
	outcome "$password" issued - "$reader-2"
done

# ---- nobody else sees them

it_stop
for word in $all "$single" "$kept" pass-word; do
	! grep -qF "$word" "$tmp/scepd.log" || it_fail "logged: $word"
	! grep -qaF "$word" "$tmp/scepd.db" || it_fail "stored: $word"
done
