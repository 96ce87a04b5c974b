#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Configurations that people start from, in files and in the manual.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

# checks FILE: without an error and without a warning.
checks() {
	local said
	said=$("$WEIR" check "$1" 2>&1) || fail "$said"
	assert_eq "$1: no errors" "$said" "what check says of $1"
}

test_examples_are_free_of_errors_and_warnings() {
	local file
	for file in "$ROOT"/ctl/examples/*.conf; do
		checks "$file"
	done
}

test_examples_are_applied() {
	local file name
	ns_add edge client
	for name in eth0 eth1 veth0 wan b1 b2; do
		veth edge "$name" client "$name"
	done
	routing_on edge
	# what nat.conf translates to
	address edge eth1 10.0.0.2/24 10.0.0.3/24
	for file in "$ROOT"/ctl/examples/*.conf; do
		[[ $file != *demo* ]] || continue
		weir edge apply "$file" >"$TMP/said" 2>&1 || fail "$file: $(cat "$TMP/said")"
		assert_contains "$(weir edge plan "$file" 2>/dev/null)" "Plan: nothing to change."
	done
}

# block FIRST-LINE: the example of weir.conf(5) that begins with it.
block() {
	awk -v first="$1" '
		/^```/ { inside = !inside; begins = inside; next }
		begins { wanted = index($0, first) == 1; begins = 0 }
		inside && wanted' "$ROOT/ctl/weir.conf.5.scd"
}

test_the_manuals_examples_are_free_of_errors() {
	echo 10.0.0.0/8 >"$TMP/bogons.txt"
	block 'define office' >"$TMP/manual.conf"
	checks "$TMP/manual.conf"
	block '{' >"$TMP/manual.json"
	said=$("$WEIR" check "$TMP/manual.json" 2>&1) || fail "$said"
	assert_contains "$said" "manual.json: no errors"
}

run_tests
