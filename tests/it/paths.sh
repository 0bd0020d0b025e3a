#!/bin/sh
# The folders given to configure reach programs, manual, sample and unit alike.
set -eu
: "${SCEPD:=./scepd}" "${SCEPCTL:=./scepctl}"
build=$(dirname "$SCEPD")

fail() {
	echo "FAILED: $*"
	exit 1
}

file=$("$SCEPCTL" --help | sed -n 's/.*configuration (\(.*\))$/\1/p')
store=$("$SCEPD" --sample | sed -n 's/.*#path = "\(.*\)";$/\1/p')
case $file in /*/scepd/scepd.conf) ;; *) fail "the file is \"$file\"" ;; esac
case $store in /*/lib/scepd/scepd.db) ;; *) fail "the store is \"$store\"" ;; esac

# has DOCUMENT WORD...
has() {
	document=$1
	shift
	for word; do
		grep -qF -e "$word" "$build/$document" ||
		    fail "$document: no $word"
	done
}
has scepd.8 "Pa $file" "Pa $store"
has scepctl.1 "Pa $file"
has scepd.conf.5 "Pa $file" "\"$store\""
has scepd.conf.sample "\"$store\""
has scepd.service " -c $file" "ReadWritePaths=-${store%/scepd.db}"
has sysusers-scepd.conf "${store%/scepd.db}"
grep -n '@[a-z]*dir@' "$build/scepd.service" && fail 'a folder has no value'

# What stands in the sources stays in no other build.
for document in scepd.8 scepctl.1 scepd.conf.5 scepd.service \
    sysusers-scepd.conf; do
	sed -e "s|$file||g; s|${file%/scepd.conf}||g" \
	    -e "s|${store%/scepd.db}||g" "$build/$document" |
	    grep -n -e '/etc/scepd/' -e '/var/lib/scepd/' &&
	    fail "$document: another folder than configured"
done
exit 0
