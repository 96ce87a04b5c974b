#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Linux 6.1 has no tcx: attaching under clsact, finding again what is attached,
# and repairing it.
#
# Takes 300 s.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

take net/attach
# Refused before anything of the kernel's own is touched.
leave a_namespace_that_is_not_there_is_not_found nobody_may_not attach_names_what_is_missing
# There is no tcx.
leave tcx_becomes_clsact_without_a_leftover

take net/repair
# /dev/full is as full everywhere.
leave a_full_disk_is_no_success

take net/set
# Refused by the parser.
leave ports_are_left_to_apply a_command_does_all_or_nothing
run_on 6.1
