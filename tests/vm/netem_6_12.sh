#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/vm/netem.sh on Linux 6.12, which has tcx.
#
# Takes 130 s.
set -euo pipefail

WEIR_NETEM_KERNEL=6.12 exec "$(dirname "$0")/netem.sh"
