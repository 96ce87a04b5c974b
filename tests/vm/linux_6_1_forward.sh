#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Linux 6.1: packets that weir sends on, and the times that it takes.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

take net/balance
# Which backend it is follows from tables that user space made.
leave weights_divide_the_connections a_drained_and_a_removed_backend_get_no_new_connection
# prog/balance shows the reasons.
leave without_a_backend_packets_are_dropped_and_counted other_ports_of_the_VIP_are_the_hosts

take net/latency
# What is printed of histograms.
leave json_buckets_sum_to_the_count text_names_the_interface_and_both_directions \
	nothing_measured_is_a_missing_precondition
# tests/vm/netem.sh measures at native XDP; in generic mode the same program runs.
leave a_delay_on_the_wire_is_measured_with_native_XDP \
	a_delay_on_the_wire_is_measured_with_generic_XDP
run_on 6.1
