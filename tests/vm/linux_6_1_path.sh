#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Linux 6.1: the tracepoints of the stack are there and load, UDP is read by other
# ones than on later kernels, netem delays what a queue is blamed for, and nftables
# what the stack is.
#
# Takes 190 s.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

take net/path
# Raw tracepoints are read there as they are here.
leave raw_tracepoints_see_the_devices_too
# What generic XDP and tc see there vm/linux_6_1_attach shows.
leave generic_xdp_and_tc_show_the_same_but_the_driver
# Which of the stack's own times are known there.
take net/truth_stack
run_on 6.1
