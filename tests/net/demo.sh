#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# scripts/demo checks every claim that it makes; here that is a test.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

test_every_claim_of_the_demo_holds() {
	[ ! -e /run/weir-demo ] || skip "a demo is up; scripts/demo --clean removes it"
	# It builds, and in the virtual machine the host has built.
	[ -z "${WEIR_IN_VM:-}" ] || skip "the demo builds, and this machine must not"
	"$ROOT/scripts/demo" >"$TMP/demo.log" 2>&1 || fail "$(tail -n 40 "$TMP/demo.log")"
	assert_contains "$(tail -n 1 "$TMP/demo.log")" "every claim held"
	[ ! -e /run/weir-demo ] || fail "it left its folder behind"
	assert_eq "" "$(ip netns list | grep weirdemo || true)" "namespaces that it left"
	assert_eq "" "$(find /sys/fs/bpf/weir -name 'weirdemo*' 2>/dev/null || true)" "pins that it left"
}

run_tests "$@"
