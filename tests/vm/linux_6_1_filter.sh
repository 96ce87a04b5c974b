#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Linux 6.1: filters and what their rules do, with real sockets, at each hook
# that it has.
#
# Takes 350 s.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

take net/filter
# Marks and rejects show generic mode, where the same program runs as in native mode.
leave the_table_holds_with_generic_XDP

take net/actions
# There "tc auto" is clsact: rejected with clsact, and what leaves beside XDP.
leave what_is_rejected_is_told_so_with_tc what_leaves_is_filtered_with_tcx \
	what_leaves_is_filtered_with_clsact
# prog/limit and prog/conn show it on 6.1, beside the helpers that it takes.
leave a_limit_lets_its_rate_through_with_XDP a_limit_lets_its_rate_through_with_tc \
	a_datagram_in_answer_opens_nothing
# In generic mode the same program runs as in native mode.
leave a_host_that_drops_by_default_keeps_its_own_connections_with_generic_XDP

# The test run of the kernel, and its ring buffer.
take net/judge a_packet_in_words_names_the_rule_that_decides_with_XDP \
	a_packet_in_words_names_the_rule_that_decides_with_tc
take net/monitor packets_of_a_rule_that_logs_are_printed at_tc_the_place_is_told \
	a_log_has_one_reader_and_ends_with_weir
run_on 6.1
