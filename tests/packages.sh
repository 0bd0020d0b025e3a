# shellcheck shell=sh
# Sourced by quickstart and tests/run: the Debian packages that building,
# trying and testing need, and how to get those that are missing.

# The lists are for those who source this.
# shellcheck disable=SC2034


# gcc alone brings no C library headers when recommendations are left out.
packages_build='gcc libc6-dev make autoconf automake pkgconf libssl-dev
    libmicrohttpd-dev libgnutls28-dev libsqlite3-dev libconfig-dev
    libjansson-dev libpcre2-dev libcurl4-openssl-dev openssl ca-certificates'
# An independent SCEP client, and a look into the database.
packages_check='strongswan-pki libstrongswan-standard-plugins
    libstrongswan-extra-plugins sqlite3'
packages_test='libcmocka-dev certmonger curl jq mandoc scep shellcheck systemd'

packages_present() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = \
	    installed ]
}

# apt-get with root's rights, no questions and nothing optional.
packages_apt_get() {
	if [ "$(id -u)" -eq 0 ]; then
		env DEBIAN_FRONTEND=noninteractive apt-get "$@"
	else
		sudo env DEBIAN_FRONTEND=noninteractive apt-get "$@"
	fi
}

packages_apt_install() {
	packages_apt_get install -y -q --no-install-recommends \
	    -o DPkg::Lock::Timeout=300 "$@"
}

# The lists of what apt-get can install are absent on a fresh machine and may
# be stale on an old one; fetched only when an installation fails without.
packages_fetch() {
	packages_apt_install "$@" && return
	packages_apt_get update -q && packages_apt_install "$@"
}

# packages_install PACKAGE...: installs those that are missing and says which.
# Stops the script where that cannot be done. PACKAGES=present in the
# environment says that they are there by other means.
packages_install() {
	[ "${PACKAGES-}" != present ] || return 0
	if ! command -v apt-get >/dev/null || ! command -v dpkg-query \
	    >/dev/null; then
		cat >&2 <<-END
			This system has no apt-get. Please install what the
			following Debian packages contain:

			  $*

			and run again with PACKAGES=present in the environment.
		END
		exit 1
	fi
	for package; do
		shift
		packages_present "$package" || set -- "$@" "$package"
	done
	[ $# -gt 0 ] || return 0
	if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
		cat >&2 <<-END
			These packages are missing:

			  $*

			Install them as root (there is no sudo here), then run
			this again:

			  apt-get install --no-install-recommends $*
		END
		exit 1
	fi
	echo "Installing $*"
	packages_log=$(mktemp)
	packages_fetch "$@" >"$packages_log" 2>&1 || {
		cat "$packages_log" >&2
		rm -f "$packages_log"
		echo "These packages could not be installed: $*" >&2
		exit 1
	}
	rm -f "$packages_log"
}
