#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Linux 6.1: packets that weir sends on, and the times that it takes.
#
# Takes 150 s.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

take net/balance
# Which backend it is follows from tables that user space made.
leave weights_divide_the_connections a_drained_and_a_removed_backend_get_no_new_connection
# Refused by what /proc/sys says, and added up from counters that others have read.
leave forwarding_that_is_off_is_named services_of_a_pool_have_totals_of_their_own
# The fragments of datagrams to that service are sent there, too.
leave a_UDP_service_is_balanced
# prog/balance shows the reasons.
leave without_a_backend_packets_are_dropped_and_counted other_ports_of_the_VIP_are_the_hosts

take net/latency
# What is printed of histograms.
leave json_buckets_sum_to_the_count text_names_the_interface_and_both_directions \
	nothing_measured_is_a_missing_precondition
# prog/latency shows it on 6.1.
leave backends_tell_slow_from_fast
# tests/vm/netem.sh measures at native XDP; in generic mode the same program runs.
leave a_delay_on_the_wire_is_measured_with_native_XDP \
	a_delay_on_the_wire_is_measured_with_generic_XDP
run_on 6.1
