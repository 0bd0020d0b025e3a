# shellcheck shell=sh
# Sourced by the end-to-end tests: a scepd of their own, on a free port, with
# its CA, configuration, database and log in $tmp, ended with the script.
#
#   it_ca ARGUMENT...	makes the CA in $tmp/ca, as scepctl ca init does
#   it_conf		writes $tmp/scepd.conf; $it_global, $it_endpoint,
#			$it_issuer and $it_profile hold settings to add, and
#			$it_abuse those of `abuse`, which as it is locks nobody;
#			$it_mode is ra or ca
#   it_start		starts scepd; sets $pid, $port, and $url of its endpoint
#   it_stop		ends it; fails unless it ended well
#   it_fail TEXT	ends the test with the reason and scepd's log
#   it_until SECONDS COMMAND...   waits until the command succeeds
#
# The challenge is $challenge. SCEPD, SCEPCTL, IT_CLIENT (client.c) and srcdir
# come from the build.

set -eu
umask 077

: "${SCEPD:=./scepd}" "${SCEPCTL:=./scepctl}"
: "${IT_CLIENT:=./tests/it/client}"
# Tests change folders.
case $SCEPD in /*) ;; *) SCEPD=$PWD/$SCEPD ;; esac
case $SCEPCTL in /*) ;; *) SCEPCTL=$PWD/$SCEPCTL ;; esac
case $IT_CLIENT in /*) ;; *) IT_CLIENT=$PWD/$IT_CLIENT ;; esac
# A proxy has no way to this machine's own address.
no_proxy='*'
export no_proxy

challenge=7F3C9A5B21D8E640
it_global=
it_abuse='lock_after = 0; delay_max = 0;'
it_endpoint=
it_issuer=
it_profile=
it_mode=ra
pid=
port=
url=
tmp=$(mktemp -d)
# libconfig forgets to free what stands before a syntax error.
echo 'leak:libconfig' >"$tmp/lsan"
LSAN_OPTIONS=suppressions=$tmp/lsan:print_suppressions=0
export LSAN_OPTIONS

# A test that starts more than scepd ends that here.
it_end_more() {
	:
}

it_end() {
	status=$?
	trap - EXIT
	it_end_more
	if [ -n "$pid" ]; then
		kill -TERM "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	fi
	rm -rf "$tmp"
	exit $status
}
trap it_end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

it_fail() {
	echo "FAILED: $*"
	if [ -s "$tmp/scepd.log" ]; then
		echo "--- log of scepd"
		tail -n 40 "$tmp/scepd.log"
	fi
	exit 1
}

it_until() {
	# $(( )) knows no fractions: a look every twentieth of a second.
	it_looks=$(($1 * 20))
	shift
	until "$@"; do
		[ $((it_looks -= 1)) -gt 0 ] || return 1
		sleep 0.05
	done
}

it_ca() {
	"$SCEPCTL" ca init --dir "$tmp/ca" "$@" >"$tmp/ca.log" 2>&1 || {
		cat "$tmp/ca.log"
		it_fail "scepctl ca init $*"
	}
}

it_conf() {
	it_ra=
	[ "$it_mode" != ra ] ||
	    it_ra='ra_cert = "ca/ra.pem"; ra_key = "ca/ra.key";'
	it_chain=
	[ ! -e "$tmp/ca/chain.pem" ] || it_chain='chain = "ca/chain.pem";'
	cat >"$tmp/scepd.conf" <<-END
		http: { listen = "127.0.0.1:0"; };
		store: { path = "scepd.db"; };
		abuse: { $it_abuse };
		$it_global
		endpoints = ( {
		    name = "scep"; mode = "$it_mode"; $it_ra
		    issuer = "local"; profile = "device";
		    challenges = [ "test" ];
		    $it_endpoint
		} );
		issuers = ( {
		    name = "local";
		    cert = "ca/issuing.pem"; key = "ca/issuing.key";
		    $it_chain
		    $it_issuer
		} );
		profiles = ( { name = "device"; $it_profile } );
		challenges = ( { name = "test"; secret = "$challenge"; } );
	END
}

it_listens() {
	url=$(sed -n 's/.*event=listening.* url="\{0,1\}\([^" ]*\).*/\1/p' \
	    "$tmp/scepd.log")
	[ -n "$url" ] || ! kill -0 "$pid" 2>/dev/null
}

it_start() {
	: >"$tmp/scepd.log"
	"$SCEPD" -c "$tmp/scepd.conf" >"$tmp/scepd.log" 2>&1 &
	pid=$!
	it_until 20 it_listens || it_fail "scepd does not say where it listens"
	[ -n "$url" ] || it_fail "scepd did not start"
	port=${url##*:}
	url=$url/scep
}

it_stop() {
	kill -TERM "$pid" || it_fail "scepd had ended before"
	it_status=0
	wait "$pid" || it_status=$?
	pid=
	[ "$it_status" -eq 0 ] || it_fail "scepd ended with $it_status"
}
