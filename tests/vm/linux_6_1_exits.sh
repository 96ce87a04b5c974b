#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Linux 6.1, as Debian builds it, has VLAN devices, bonds and bridges.
#
# Takes 130 s.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

take net/exits
run_on 6.1
