#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Linux 6.12 has tcx, unlike 6.1, and is older than what the other suites run on:
# what depends on links and on the way to the hooks, and packets at each hook.
#
# Takes 150 s.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

take net/attach native_becomes_generic_and_native_again \
	an_ip_link_xdp_off_is_refused_by_the_kernel \
	a_foreign_XDP_program_is_refused_by_name_and_stays \
	the_same_file_again_changes_nothing_and_loads_nothing \
	tc_auto_is_tcx_or_clsact_and_says_which \
	tcx_becomes_clsact_without_a_leftover \
	a_device_that_came_back_with_the_same_number_is_attached_again \
	detach_all_leaves_nothing_behind
take net/filter
run_on 6.12
