# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For tests of the commands on latency. Sourced after lib.sh:
#
#     build_measured 'measure rtt, path sample 1/1'
#     get 10

# build_measured WORK [MORE-CONFIG [MICROSECONDS]]: near -- far, where an HTTP server
# is; WORK is done on eth0 of near. With MICROSECONDS there is a wire between them
# that takes so long each way.
build_measured() {
	ns_add near far
	if [ -z "${3:-}" ]; then
		veth near eth0 far eth0
	else
		ns_add wire
		veth near eth0 wire eth0
		veth wire eth1 far eth0
		delay_wire wire eth0 eth1 "$3"
	fi
	address near eth0 10.0.0.1/24
	address far eth0 10.0.0.2/24
	wait_for 5 ns_exec near ping -c 1 -W 1 10.0.0.2
	http_server far far 80 10.0.0.2
	weir near apply - <<<"interface eth0 { xdp auto; $1 }; ${2:-}"
}

# get TIMES: from near, of far.
get() {
	local i
	for ((i = 0; i < $1; i++)); do
		http_get near http://10.0.0.2/ >/dev/null
	done
}
