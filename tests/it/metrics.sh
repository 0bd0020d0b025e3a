#!/bin/sh
# The figures that a collector reads: what is counted, what expires, what becomes
# of a file that cannot be written, and of CAs that follow one another.
set -eu
# shellcheck source=tests/it/lib.sh
. "${srcdir:-.}/tests/it/lib.sh"

file=$tmp/out/metrics.prom
enroll() { # CHALLENGE WANTED
	got=$("$IT_CLIENT" enroll "$port" "$tmp/ca/ra.pem" "$1" device)
	[ "$got" = "$2" ] || it_fail "enroll: $got, not $2"
}
counts() { # LINE
	grep -qxF "$1" "$file" 2>/dev/null
}
must() { # LINE
	it_until 10 counts "$1" || {
		cat "$file"
		it_fail "no line $1"
	}
}
requests() { # TYPE OUTCOME REASON N
	must "scepd_requests_total{endpoint=\"scep\",type=\"$1\",outcome=\"$2\",reason=\"$3\"} $4"
}
not_after() { # CERTIFICATE
	date -u -d "$(openssl x509 -in "$tmp/ca/$1" -noout -enddate |
	    cut -d = -f 2)" +%s
}
expiry() { # ROLE CERTIFICATE
	must "scepd_certificate_not_after_seconds{endpoint=\"scep\",role=\"$1\",subject=\"$(
	    openssl x509 -in "$tmp/ca/$2" -noout -subject -nameopt RFC2253 |
	    sed 's/^subject=//')\",serial=\"$(
	    openssl x509 -in "$tmp/ca/$2" -noout -serial |
	    sed 's/^serial=//' | tr A-F a-f)\"} $(not_after "$2")"
}

it_ca --key ec:p256
mkdir "$tmp/out"
it_global='metrics: { file = "out/metrics.prom"; interval = 1; };'
it_conf
it_start

enroll "$challenge" issued
enroll "$challenge" issued
enroll wrong failure
[ "$("$IT_CLIENT" fetch "$port" /nowhere | head -n 1)" = 404 ] ||
    it_fail 'no 404'
requests PKCSReq issued '' 2
requests PKCSReq refused challenge_wrong 1
must 'scepd_requests_total{endpoint="",type="",outcome="refused",reason="not_found"} 1'
expiry ra ra.pem
expiry ca issuing.pem
must 'scepd_pending 0'
grep -Eq '^scepd_crl_next_update_seconds\{issuer="local",ca="[0-9a-f]{40}"\} [0-9]{10}$' \
    "$file" || it_fail 'no time of the CRL'

# What Prometheus demands of the form: each family told once, before its
# samples, and lines of no other kind.
awk '/^# HELP / { if (seen[$3]++) exit 1; next }
    /^# TYPE / { if ($4 !~ /^(counter|gauge)$/) exit 1; next }
    { name = $1; sub(/\{.*/, "", name); if (!(name in seen)) exit 1 }
    $NF !~ /^-?[0-9]+$/ { exit 1 }' "$file" ||
    it_fail 'not the form of Prometheus'
[ "$(stat -c %a "$file")" = 644 ] || it_fail 'a collector cannot read it'
! grep -q "$challenge" "$file" || it_fail 'the challenge is in it'

# Gone while scepd runs: told once, and mended when the folder is back.
mv "$tmp/out" "$tmp/away"
warned() {
	grep -q 'event=metrics_failed' "$tmp/scepd.log"
}
it_until 10 warned || it_fail 'nothing is said of a missing folder'
enroll "$challenge" issued
mkdir "$tmp/out"
requests PKCSReq issued '' 3
[ "$(grep -c 'event=metrics_failed' "$tmp/scepd.log")" -eq 1 ] ||
    it_fail 'told more than once'
it_stop

# The CA to come has the same root above it, and its RA certificate the same
# name; one series that is told twice and a collector takes none of the file.
it_issuer='next = "ca/g2";'
it_conf
"$SCEPCTL" -c "$tmp/scepd.conf" ca rollover prepare \
    >"$tmp/prepare.log" 2>&1 || {
	cat "$tmp/prepare.log"
	it_fail 'no next CA'
}
it_start
crls() { # N
	[ "$(grep -c '^scepd_crl_next_update_seconds{' "$file")" -eq "$1" ]
}
it_until 10 crls 2 || it_fail 'not the CRLs of both CAs'
cas() { # N
	[ "$(grep -c 'role="ca"' "$file")" -eq "$1" ]
}
it_until 10 cas 3 || it_fail 'not the two CAs and their root'
twice=$(grep -v '^#' "$file" | sed 's/ [^ ]*$//' | sort | uniq -d)
[ -z "$twice" ] || it_fail "told twice: $twice"
it_stop
