#!/bin/sh
# Prints the C source of db_migrations[] (store/store_int.h) from the files
# given: sql/001_init.sql sql/002_... in order, without a gap.
set -eu
LC_ALL=C
export LC_ALL

die() {
	echo "embed.sh: $*" >&2
	exit 1
}

[ $# -gt 0 ] || die "usage: embed.sh NNN_name.sql ..."
cat <<'END'
/* Made from sql/ by sql/embed.sh. */
#include "store/store_int.h"

const struct db_migration db_migrations[] = {
END
want=1
for file; do
	[ -r "$file" ] || die "$file: cannot be read"
	base=${file##*/}
	case $base in
	[0-9][0-9][0-9]_*.sql) ;;
	*) die "$file: not named NNN_name.sql" ;;
	esac
	[ "${base%%_*}" = "$(printf %03d "$want")" ] ||
	    die "$file: number $(printf %03d "$want") expected"
	name=${base%.sql}
	name=${name#*_}
	case $name in
	*[!a-z0-9_]*) die "$file: name has other than a-z, 0-9 and _" ;;
	esac
	printf '\t{ %d, "%s",\n' "$want" "$name"
	# A quoted string a line; "?" is escaped against trigraphs.
	sed -e 's/[\\"?]/\\&/g' -e 's/	/\\t/g' -e 's/^/	    "/' \
	    -e 's/$/\\n"/' "$file"
	printf '\t},\n'
	want=$((want + 1))
done
printf '\t{ 0, NULL, NULL }\n};\n'
