# shellcheck shell=sh
# Sourced by quickstart and tests/run: an out-of-tree build, kept up to date.

build_has_configure() {
	[ -x "$1/configure" ] && [ -z "$(find "$1/configure.ac" \
	    "$1/Makefile.am" -newer "$1/configure")" ]
}

# configure ran here since it changed, and with the same arguments
build_is_configured() {
	build_source=$1
	shift
	[ -f Makefile ] && [ "$(cat configured 2>/dev/null)" = "$*" ] &&
	    [ -z "$(find "$build_source/configure" -newer config.status)" ]
}

build_configure() {
	build_source=$1
	shift
	"$build_source/configure" "$@" && printf '%s\n' "$*" >configured
}

build_steps() (
	source=$1
	target=$2
	shift 2
	# With the arguments that were chosen there.
	if [ "$source" = "$target" ]; then
		cd "$source" && make -j"$(nproc)"
		return
	fi
	{ build_has_configure "$source" ||
	    (cd "$source" && autoreconf -fi); } &&
	    mkdir -p "$target" && cd "$target" &&
	    { build_is_configured "$source" "$@" ||
	    build_configure "$source" "$@"; } &&
	    make -j"$(nproc)"
)

# build_in SOURCE TARGET [CONFIGURE-ARGUMENT...], absolute folders: silent
# unless it fails; then the log stays beside TARGET, or in SOURCE if they are the
# same.
build_in() {
	build_log=$2.log
	[ "$1" != "$2" ] || build_log=$1/build.log
	if [ "$1" != "$2" ] && [ -e "$1/config.status" ]; then
		echo "$1 is configured itself, so that no other folder can be" \
		    "built from it; first: make -C $1 distclean" >&2
		return 1
	fi
	if build_steps "$@" >"$build_log" 2>&1; then
		rm -f "$build_log"
		return
	fi
	tail -n 40 "$build_log" >&2
	echo "The build failed; all of its output is in $build_log" >&2
	return 1
}
