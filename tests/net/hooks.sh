#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Hooks of the stack, where weir is killed while it attaches or detaches them:
# the next apply finds its way from there, and no link is left that nobody has.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# Under strace an apply with hooks takes ten seconds.
WEIR_KILLS=${WEIR_KILLS:-4}
# shellcheck source=tests/net/lib_kill.sh
. "$(dirname "$0")/lib_kill.sh"

readonly WITHOUT='interface eth0 { xdp auto; measure }'
readonly WITH='interface eth0 { xdp auto; measure rtt, path sample 1/1, loss }'

build_pair() {
	command -v strace >/dev/null || skip "no strace"
	ns_add near far
	veth near eth0 far eth0
	address near eth0 10.0.0.1/24
	address far eth0 10.0.0.2/24
	echo "$WITHOUT" >"$TMP/without.conf"
	echo "$WITH" >"$TMP/with.conf"
}

# pins: of hooks of the stack, by name.
pins() {
	find "/sys/fs/bpf/weir/$NS_PREFIX-near" -name 'stack-*' -printf '%f\n' | sort
}

# Links of programs over maps of this test are those that are pinned, no more and no fewer.
no_link_is_loose() {
	python3 - "/sys/fs/bpf/weir/$NS_PREFIX-near" <<-'END'
		import glob, json, subprocess, sys
		KINDS = "tracing", "raw_tracepoint", "perf_event"
		def show(*words):
		    # bpftool 7.5 shows a link and exits with 255 all the same.
		    return json.loads(subprocess.run(["bpftool", "-j", *words], stdout=subprocess.PIPE).stdout)
		maps = {show("map", "show", "pinned", path)["id"] for path in glob.glob(sys.argv[1] + "/*/maps-*/weir_path*")}
		ours = {p["id"] for p in show("prog", "show") if maps & set(p.get("map_ids", []))}
		links = {l["id"] for l in show("link", "show") if l.get("prog_id") in ours and l["type"] in KINDS}
		pinned = [show("link", "show", "pinned", path) for path in glob.glob(sys.argv[1] + "/*/stack-*")]
		pinned = {l["id"] for l in pinned if l["prog_id"] in ours}
		assert maps and links == pinned, (links, pinned)
	END
}

# survives_kills BEFORE AFTER: applies of AFTER over BEFORE, killed.
survives_kills() {
	local n times=0 wanted
	local killed=("$WEIR" -n "$NS_PREFIX-near" -i "$NS_PREFIX-near" apply "$TMP/$2.conf")
	build_pair
	weir near apply "$TMP/$2.conf" >/dev/null
	wanted=$(pins)
	weir near apply "$TMP/$1.conf" >/dev/null
	for n in $(points "${killed[@]}" | sort -n); do
		weir near apply "$TMP/$1.conf" >/dev/null || fail "apply before a kill at call $n"
		kill_at "$n" "${killed[@]}"
		weir near apply "$TMP/$2.conf" >/dev/null || fail "apply after a kill at call $n"
		weir near plan --exit-code "$TMP/$2.conf" >/dev/null || fail "unfinished, $n"
		assert_eq "$wanted" "$(pins)" "hooks after a kill at call $n"
		wait_for 5 no_link_is_loose
		times=$((times + 1))
	done
	echo "killed $times times, of $(wc -l <"$TMP/trace") system calls"
	assert_between 3 "$KILLS" "$times" "points to kill at"
	weir near detach --all >/dev/null
	[ ! -e "/sys/fs/bpf/weir/$NS_PREFIX-near" ] ||
		fail "left: $(find "/sys/fs/bpf/weir/$NS_PREFIX-near")"
}

test_an_apply_that_attaches_hooks_may_be_killed_anywhere() {
	survives_kills without with
}

test_an_apply_that_detaches_hooks_may_be_killed_anywhere() {
	survives_kills with without
}

run_tests "$@"
