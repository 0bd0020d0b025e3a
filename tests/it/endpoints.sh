#!/bin/sh
# Several endpoints in one daemon: each with its own CA, RA, profile, challenge
# and switches, at a path of its own, and nothing of one is good at another.
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"
# shellcheck source=tests/interop/lib.sh
. "${srcdir:-.}/tests/interop/lib.sh"

interop_need pki openssl sqlite3 curl
pki --help 2>&1 | grep -q '^loaded plugins:.* curl' || {
	echo "skipped: pki without its curl plugin"
	exit 77
}

is() { # VALUE WANTED TEXT
	[ "$1" = "$2" ] || it_fail "$3: \"$1\", not \"$2\""
}

other=A1B2C3D4E5F60718
"$SCEPCTL" ca init --dir "$tmp/ca" --name Phones >"$tmp/ca.log" 2>&1 ||
    it_fail 'the first CA'
"$SCEPCTL" ca init --dir "$tmp/ca2" --mode ca --name Routers \
    >"$tmp/ca.log" 2>&1 || it_fail 'the second CA'
cat >"$tmp/scepd.conf" <<END
http: { listen = "127.0.0.1:0"; };
store: { path = "scepd.db"; };
endpoints = (
	{ name = "phones"; ra_cert = "ca/ra.pem"; ra_key = "ca/ra.key";
	  issuer = "one"; profile = "client"; challenges = [ "first" ];
	  refuse = [ "3des", "sha1" ]; },
	{ name = "Routers"; mode = "ca"; issuer = "two"; profile = "server";
	  challenges = [ "second" ]; paths = [ "/far/away" ]; },
	{ name = "tablets"; ra_cert = "ca/ra.pem"; ra_key = "ca/ra.key";
	  issuer = "one"; profile = "client"; challenges = [ "first" ]; },
	{ name = "closed"; mode = "ca"; issuer = "three"; profile = "server";
	  challenges = [ "second" ]; enabled = false; }
);
issuers = (
	{ name = "one"; cert = "ca/issuing.pem"; chain = "ca/chain.pem";
	  key = "ca/issuing.key"; },
	{ name = "two"; cert = "ca2/issuing.pem"; chain = "ca2/chain.pem";
	  key = "ca2/issuing.key"; },
	{ name = "three"; cert = "ca2/issuing.pem"; chain = "ca2/chain.pem";
	  key = "ca2/issuing.key"; }
);
profiles = (
	{ name = "client"; eku = [ "clientAuth" ]; validity = "30d"; },
	{ name = "server"; eku = [ "serverAuth" ]; validity = "90d"; }
);
challenges = (
	{ name = "first"; secret = "$challenge"; },
	{ name = "second"; secret = "$other"; }
);
END
it_start
base=${url%/scep}

# ---- which path leads where

# get TARGET: its status; the body is in $tmp/body
get() {
	curl -s -o "$tmp/body" -w '%{http_code}' "$base$1"
}

# leads STATUS PATH...: so answers GetCACaps
leads() {
	leads_want=$1
	shift
	for path; do
		is "$(get "$path?operation=GetCACaps")" "$leads_want" "$path"
	done
}

# Only one of them refuses 3DES, which GetCACaps tells.
leads 200 /scep /scep/ /SCEP/pkiclient.exe /scep/phones /scep/Phones/ \
    /scep//phones//x /cgi-bin/pkiclient.exe /certsrv/mscep/mscep.dll \
    /any/pkiclient.exe
grep -q '^AES' "$tmp/body" || it_fail "no AES: $(cat "$tmp/body")"
for path in /scep /scep/phones/pkiclient.exe /any/pkiclient.exe; do
	leads 200 "$path"
	! grep -q DES3 "$tmp/body" || it_fail "$path is not the phones'"
done
for path in /scep/routers /scep/ROUTERS/pkiclient.exe /far/away /Far/Away/x; do
	leads 200 "$path"
	grep -q DES3 "$tmp/body" || it_fail "$path is not the routers'"
done
leads 404 / /scepx /far /scep/none /scep/none/pkiclient.exe /scep/router \
    /scep/routers2 /any/thing /pkiclient.exe/x
is "$(cat "$tmp/body")" 'no such endpoint or object' 'the text of a 404'
leads 503 /scep/closed /scep/closed/pkiclient.exe
is "$(cat "$tmp/body")" 'endpoint is disabled' 'the text of a 503'
is "$(get '/scep/closed?operation=GetCACert')" 503 'GetCACert when disabled'
is "$(get '/scep/closed?operation=PKIOperation&message=MIIB')" 503 \
    'PKIOperation when disabled'

# ---- message= names a CA

# answer PATH MESSAGE: the digest of GetCACert
answer() {
	is "$(get "$1?operation=GetCACert$2")" 200 "GetCACert $1 $2"
	sha256sum <"$tmp/body"
}

phones=$(answer /scep/phones '')
routers=$(answer /scep/routers '')
[ "$phones" != "$routers" ] || it_fail 'two endpoints with one CA'
# The third issuer has none but a disabled endpoint.
for name in '' 0 1 32 ca default CAIdentifier phones Routers TWO two%00 \
    two%00x three none %zz; do
	is "$(answer /scep/phones "&message=$name")" "$phones" "phones: $name"
	is "$(answer /scep/routers "&message=$name")" "$routers" \
	    "routers: $name"
done
for name in two %74%77%6F; do
	is "$(answer /scep "&message=$name")" "$routers" "issuer $name"
done
is "$(answer /scep/routers '&message=one')" "$phones" 'issuer one'
is "$(get '/scep?operation=GetCACaps&message=two')" 200 'its capabilities'
grep -q DES3 "$tmp/body" || it_fail 'capabilities are not those of the name'
is "$(get '/scep?operation=GetCACertChain&message=two')" 200 'the old name'
is "$(sha256sum <"$tmp/body")" "$routers" 'GetCACertChain'

# ---- each enrolls at its own

# scep ENDPOINT OUT KEY ARGUMENT...: a client that trusts the endpoint's CA
scep() {
	scep_at=$1 scep_out=$2 scep_key=$3
	shift 3
	case $scep_at in
	routers)
		set -- "$@" --cacert-enc "$tmp/ca2/issuing.pem" \
		    --cacert-sig "$tmp/ca2/issuing.pem" \
		    --cacert "$tmp/ca2/root.pem"
		;;
	*)
		set -- "$@" --cacert-enc "$tmp/ca/ra.pem" \
		    --cacert-sig "$tmp/ca/ra.pem" --cacert "$tmp/ca/root.pem" \
		    --cacert "$tmp/ca/issuing.pem"
		;;
	esac
	pki --scep --url "$base/scep/$scep_at" --in "$tmp/$scep_key.key" \
	    --dn CN=device --san device.example --maxpolltime 5 \
	    --outform pem "$@" >"$tmp/$scep_out.pem" 2>"$tmp/client.log"
}

# refused REASON COMMAND...: no certificate, and the log says why
refused() {
	refused_reason=$1 refused_lines=$(wc -l <"$tmp/scepd.log")
	refused_rows=$(interop_count)
	shift
	! "$@" || it_fail "$*: has a certificate"
	tail -n "+$((refused_lines + 1))" "$tmp/scepd.log" |
	    grep -q "outcome=refused.*reason=$refused_reason" ||
	    it_fail "$*: not for $refused_reason"
	is "$(interop_count)" "$refused_rows" 'certificates'
}

must() {
	"$@" || {
		cat "$tmp/client.log"
		it_fail "$*"
	}
}

for key in a b; do
	pki --gen --type rsa --size 2048 --outform pem >"$tmp/$key.key" \
	    2>/dev/null
done
printf -- '--password %s\n' "$challenge" >"$tmp/first"
printf -- '--password %s\n' "$other" >"$tmp/second"

must scep phones phone a --options "$tmp/first"
must scep routers router a --options "$tmp/second"
openssl verify -CAfile "$tmp/ca/root.pem" -untrusted "$tmp/ca/issuing.pem" \
    -purpose sslclient "$tmp/phone.pem" || it_fail 'the chain of a phone'
openssl verify -CAfile "$tmp/ca2/root.pem" -untrusted "$tmp/ca2/issuing.pem" \
    -purpose sslserver "$tmp/router.pem" || it_fail 'the chain of a router'
for pair in phone:Client router:Server; do
	openssl x509 -in "$tmp/${pair%:*}.pem" -noout -ext extendedKeyUsage |
	    grep -q "TLS Web ${pair#*:} Authentication" ||
	    it_fail "the profile of $pair"
done
is "$(sqlite3 "$tmp/scepd.db" "SELECT group_concat(endpoint || ' ' || issuer ||
    ' ' || profile || ' ' || challenge) FROM issued")" \
    'phones one client first,Routers two server second' 'the ledger'

# ---- and nowhere else

refused challenge_endpoint scep routers x b --options "$tmp/first"
refused challenge_endpoint scep phones x b --options "$tmp/second"
refused renewal_signer scep routers x b --key "$tmp/a.key" \
    --cert "$tmp/phone.pem"
refused renewal_signer scep phones x b --key "$tmp/a.key" \
    --cert "$tmp/router.pem"
# Not even where the CA is the same.
refused renewal_signer scep tablets x b --key "$tmp/a.key" \
    --cert "$tmp/phone.pem"
must scep phones phone2 b --key "$tmp/a.key" --cert "$tmp/phone.pem"
must scep routers router2 b --key "$tmp/a.key" --cert "$tmp/router.pem"
is "$(interop_count)" 4 'certificates'
! grep -q -e "$challenge" -e "$other" "$tmp/scepd.log" ||
    it_fail 'the log has a challenge'
it_stop

# CAs that only their keys tell apart
grep -q same_name "$tmp/scepd.log" && it_fail 'one CA is its own namesake'
rm -r "$tmp/ca2"
"$SCEPCTL" ca init --dir "$tmp/ca2" --mode ca --name Phones \
    >"$tmp/ca.log" 2>&1 || it_fail 'the namesake'
"$SCEPD" -t -c "$tmp/scepd.conf" >"$tmp/check.log" 2>&1 ||
    it_fail 'a namesake is refused'
grep -q 'event=same_name.*issuers one and two' "$tmp/check.log" ||
    it_fail 'nothing is said of a namesake'
