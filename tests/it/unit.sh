#!/bin/sh
# The systemd unit is sandboxed: systemd-analyze scores it below 2.0 (0 is
# best). Skipped where the tool cannot be had.
set -eu
: "${srcdir:=.}"
limit=2.0

command -v systemd-analyze >/dev/null || {
	echo 'systemd-analyze is not here'
	exit 77
}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
sed -e 's|@sbindir@|/usr/sbin|g' -e 's|@sysconfdir@|/etc|g' \
    -e 's|@localstatedir@|/var|g' \
    "$srcdir/systemd/scepd.service.in" >"$tmp/scepd.service"
systemd-analyze security --offline=true --no-pager "$tmp/scepd.service" \
    >"$tmp/report" 2>&1 || {
	cat "$tmp/report"
	exit 1
}
score=$(sed -n 's/.*exposure level for scepd.service: \([0-9.]*\).*/\1/p' \
    "$tmp/report")
echo "exposure level ${score:-unknown}, the limit is $limit"
awk -v s="$score" -v l="$limit" 'BEGIN { exit !(s != "" && s < l) }' || {
	cat "$tmp/report"
	exit 1
}
