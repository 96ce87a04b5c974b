#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How weir attaches, what it says of it, and what is left when it leaves.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

readonly PINS=/sys/fs/bpf/weir

build_pair() {
	ns_add edge far
	veth edge eth0 far eth0
	address edge eth0 10.0.0.1/24
	address far eth0 10.0.0.2/24
}

# conf NAME WORK...: $TMP/NAME.conf with interface eth0 { WORK } and a filter to name.
conf() {
	local name=$1
	shift
	printf '%s\n' "interface ${device:-eth0} { $* }" \
		'filter edge { default pass; rule one drop tcp dport 4001 }' >"$TMP/$name.conf"
}

instance_folder() {
	echo "$PINS/$NS_PREFIX-$1"
}

# pins NAME: of attachments, by name, one to a line.
pins() {
	find "$(instance_folder "$1")" -type f -path '*/ns-*/*' ! -path '*/maps-*' \
		-printf '%f\n' 2>/dev/null | sort
}

# programs NAME: each pin with the id of its program.
programs() {
	local pin path
	for pin in $(pins "$1"); do
		path=$(find "$(instance_folder "$1")" -name "$pin")
		case $pin in
		clsact-*) ;; # the mark of a qdisc that is weir's
		*-cls-*) bpftool prog show pinned "$path" | sed -nE "1s/^([0-9]+):.*/$pin \\1/p" ;;
		# bpftool 7.5 shows a link and exits with 255 all the same.
		*) { bpftool link show pinned "$path" || true; } | sed -nE "1s/.* prog ([0-9]+).*/$pin \\1/p" ;;
		esac
	done
}

# xdp_of NAME IF: "MODE ID", mode as ip says it: xdp, xdpgeneric; or nothing.
xdp_of() {
	ns_ip "$1" -d link show dev "$2" |
		sed -nE '1s/.* (xdp[a-z]*)[ \/].*/\1/p; s/.*prog\/xdp id ([0-9]+).*/\1/p' | xargs
}

# tc_filters NAME IF: ids of weir's programs under clsact.
tc_filters() {
	local way
	for way in ingress egress; do
		ns_exec "$1" tc filter show dev "$2" "$way" 2>/dev/null |
			sed -nE 's/.*pref 1 .* id ([0-9]+).*/\1/p'
	done | xargs
}

has_clsact() {
	ns_exec "$1" tc qdisc show dev "$2" | grep -q 'qdisc clsact'
}

need_clsact() {
	ns_exec "$1" tc qdisc add dev "$2" clsact 2>/dev/null || skip "this kernel has no clsact"
	ns_exec "$1" tc qdisc del dev "$2" clsact
}

# refused STATUS COMMAND...: what it said is in $said.
refused() {
	said=$(assert_fails "$@" 2>&1 >/dev/null) || fail "$said"
}

assert_nothing_of_weir() {
	[ ! -e "$(instance_folder "$1")" ] || fail "pins are left: $(find "$(instance_folder "$1")")"
	assert_eq "" "$(xdp_of "$1" "$2")" "XDP of $2"
	assert_eq "" "$(tc_filters "$1" "$2")" "tc filters of $2"
}

# A program that is not weir's, in $TMP/foreign.o.
build_foreign() {
	command -v clang >/dev/null || skip "no clang"
	cat >"$TMP/foreign.c" <<-END
		__attribute__((section("xdp"), used)) int foreign_one(void *ctx)
		{
			return 2;
		}
		char terms[] __attribute__((section("license"), used)) = "GPL";
	END
	clang -target bpf -O2 -g -c "$TMP/foreign.c" -o "$TMP/foreign.o"
}

# --- XDP

test_auto_on_a_veth_is_native_and_says_so() {
	local out
	build_pair
	conf auto 'xdp auto; filter edge'
	out=$(weir edge apply "$TMP/auto.conf")
	assert_contains "$out" "eth0: xdp native; filter edge"
	assert_contains "$(xdp_of edge eth0)" "xdp "
	assert_contains "$(weir edge status)" "interface eth0  xdp native"
	assert_contains "$(weir edge -j status | tr -d ' \n')" '"xdp":{"mode":"native"'
}

test_native_and_generic_are_achieved_when_asked_for() {
	local out
	build_pair
	conf native 'xdp native; filter edge'
	conf generic 'xdp generic; filter edge'
	out=$(weir edge apply "$TMP/generic.conf")
	assert_contains "$out" "eth0: xdp generic; filter edge"
	assert_contains "$(xdp_of edge eth0)" "xdpgeneric "
	weir edge detach --all
	out=$(weir edge apply "$TMP/native.conf")
	assert_contains "$out" "eth0: xdp native; filter edge"
	assert_eq xdp "$(xdp_of edge eth0 | cut -d' ' -f1)" "mode"
}

# A device whose driver knows no XDP: ifb has none, and needs no other end.
build_slow_device() {
	ns_add edge
	ns_ip edge link add ifb9 type ifb 2>/dev/null || skip "this kernel has no ifb"
	ns_ip edge link set ifb9 up
}

test_auto_says_generic_where_the_driver_has_no_native_XDP() {
	build_slow_device
	device=ifb9 conf auto 'xdp auto; filter edge'
	assert_contains "$(weir edge apply "$TMP/auto.conf")" \
		"ifb9: xdp generic (slower than native, which was refused)"
	assert_contains "$(xdp_of edge ifb9)" "xdpgeneric "
	assert_eq "Plan: nothing to change." "$(weir edge plan "$TMP/auto.conf")" "plan"
}

test_native_is_refused_with_the_reason_and_nothing_changes() {
	local before
	build_slow_device
	device=ifb9 conf native 'xdp native; filter edge'
	refused 5 weir edge apply "$TMP/native.conf"
	# The kernel's own words, where it has any, then the remedy.
	assert_contains "$said" "ifb9: the driver refused native XDP: "
	assert_contains "$said" "not support"
	assert_contains "$said" '"xdp generic" works on any device'
	assert_nothing_of_weir edge ifb9

	device=ifb9 conf auto 'xdp auto; filter edge'
	weir edge apply "$TMP/auto.conf"
	before="$(weir edge show config) $(xdp_of edge ifb9)"
	refused 5 weir edge apply "$TMP/native.conf"
	assert_eq "$before" "$(weir edge show config) $(xdp_of edge ifb9)" "after the refusal"
}

test_native_becomes_generic_and_native_again() {
	build_pair
	conf native 'xdp native; filter edge'
	conf generic 'xdp generic; filter edge'
	weir edge apply "$TMP/native.conf"
	assert_contains "$(weir edge plan "$TMP/generic.conf")" \
		"eth0: the xdp program is detached and attached in another mode"
	assert_contains "$(weir edge apply "$TMP/generic.conf")" "eth0: xdp generic"
	assert_contains "$(xdp_of edge eth0)" "xdpgeneric "
	assert_contains "$(weir edge apply "$TMP/native.conf")" "eth0: xdp native"
	assert_eq xdp "$(xdp_of edge eth0 | cut -d' ' -f1)" "mode"
	ns_exec far ping -q -c 1 -W 2 10.0.0.1
}

test_an_ip_link_xdp_off_is_refused_by_the_kernel() {
	local before
	build_pair
	conf auto 'xdp auto; filter edge'
	weir edge apply "$TMP/auto.conf"
	before=$(xdp_of edge eth0)
	refused 2 ns_ip edge link set dev eth0 xdp off
	assert_contains "$said" "link"
	assert_eq "$before" "$(xdp_of edge eth0)" "XDP of eth0"
}

test_a_foreign_XDP_program_is_refused_by_name_and_stays() {
	local before
	build_pair
	build_foreign
	conf auto 'xdp auto; filter edge'
	ns_ip edge link set dev eth0 xdp obj "$TMP/foreign.o" sec xdp
	before=$(xdp_of edge eth0)
	assert_contains "$before" "xdp "
	refused 6 weir edge apply "$TMP/auto.conf"
	assert_contains "$said" 'the XDP program "foreign_one" (id '
	assert_contains "$said" "ip link set dev eth0 xdp off"
	assert_eq "$before" "$(xdp_of edge eth0)" "the foreign program"
	# The remedy that it names is one.
	ns_ip edge link set dev eth0 xdp off
	assert_contains "$(weir edge apply "$TMP/auto.conf")" "eth0: xdp native"
}

test_another_instance_is_foreign_too() {
	local before
	build_pair
	conf auto 'xdp auto; filter edge'
	weir edge apply "$TMP/auto.conf"
	before=$(xdp_of edge eth0)
	refused 6 "$WEIR" -n "$NS_PREFIX-edge" -i "$NS_PREFIX-other" apply "$TMP/auto.conf"
	assert_contains "$said" "is not this weir instance's"
	assert_eq "$before" "$(xdp_of edge eth0)" "XDP of eth0"
	[ ! -e "$PINS/$NS_PREFIX-other" ] || fail "the refused instance left a folder"
}

# --- again, and changed

test_the_same_file_again_changes_nothing_and_loads_nothing() {
	local before out
	build_pair
	conf auto 'xdp auto; filter edge; measure'
	weir edge apply "$TMP/auto.conf"
	before=$(programs edge)
	assert_eq 2 "$(wc -l <<<"$before")" "programs: XDP and egress"
	out=$(weir edge apply "$TMP/auto.conf")
	assert_contains "$out" "Nothing to change."
	assert_eq "$before" "$(programs edge)" "programs"
}

test_a_changed_rule_keeps_every_program() {
	local before
	build_pair
	conf auto 'xdp auto; filter edge; measure'
	weir edge apply "$TMP/auto.conf"
	before=$(programs edge)
	sed -i 's/4001/4002/' "$TMP/auto.conf"
	assert_contains "$(weir edge plan "$TMP/auto.conf")" "No program is reloaded."
	assert_contains "$(weir edge apply "$TMP/auto.conf")" "1 changed"
	assert_contains "$(weir edge show filter)" "drop tcp dport 4002"
	assert_eq "$before" "$(programs edge)" "programs"
}

# --- TC

test_tc_auto_is_tcx_or_clsact_and_says_which() {
	local out
	build_pair
	conf auto 'tc auto; filter edge; measure'
	out=$(weir edge apply "$TMP/auto.conf")
	case $out in
	*"tc ingress tcx, tc egress tcx; filter edge, measure"*)
		assert_eq "" "$(tc_filters edge eth0)" "filters under clsact"
		;;
	*"tc ingress clsact, tc egress clsact; filter edge, measure"*)
		assert_eq 2 "$(tc_filters edge eth0 | wc -w)" "filters under clsact"
		;;
	*) fail "neither tcx nor clsact: $out" ;;
	esac
	assert_eq 2 "$(pins edge | grep -c '^[ie].*gress-')" "pins"
	assert_eq "" "$(xdp_of edge eth0)" "XDP, which nobody asked for"
	weir edge detach --all
	assert_nothing_of_weir edge eth0
}

test_clsact_is_used_when_asked_for_and_its_qdisc_goes_with_it() {
	build_pair
	need_clsact edge eth0
	conf clsact 'tc clsact; filter edge; measure'
	assert_contains "$(weir edge apply "$TMP/clsact.conf")" \
		"eth0: tc ingress clsact, tc egress clsact; filter edge, measure"
	assert_eq 2 "$(tc_filters edge eth0 | wc -w)" "filters"
	assert_contains "$(weir edge apply "$TMP/clsact.conf")" "Nothing to change."
	weir edge detach eth0
	assert_eq "" "$(tc_filters edge eth0)" "filters"
	! has_clsact edge eth0 || fail "the qdisc that weir made is left"
}

test_a_clsact_qdisc_of_the_user_stays() {
	build_pair
	need_clsact edge eth0
	ns_exec edge tc qdisc add dev eth0 clsact
	conf clsact 'tc clsact; filter edge'
	weir edge apply "$TMP/clsact.conf"
	weir edge detach --all
	assert_nothing_of_weir edge eth0
	has_clsact edge eth0 || fail "the user's qdisc is gone"
}

test_a_clsact_qdisc_with_a_filter_of_somebody_else_stays() {
	build_pair
	need_clsact edge eth0
	conf clsact 'tc clsact; filter edge'
	weir edge apply "$TMP/clsact.conf"
	ns_exec edge tc filter add dev eth0 egress pref 7 bpf bytecode "1,6 0 0 4294967295,"
	weir edge detach --all
	assert_nothing_of_weir edge eth0
	assert_contains "$(ns_exec edge tc filter show dev eth0 egress)" "pref 7 bpf"
}

test_a_clsact_program_is_replaced_in_place() {
	local before
	build_pair
	need_clsact edge eth0
	conf rules 'tc clsact; filter edge'
	conf measured 'tc clsact; filter edge; measure'
	weir edge apply "$TMP/measured.conf"
	weir edge apply "$TMP/rules.conf"
	before=$(tc_filters edge eth0)
	assert_contains "$(weir edge plan "$TMP/measured.conf")" \
		"eth0: the ingress program is replaced in place, no packet missed"
	weir edge apply "$TMP/measured.conf"
	assert_eq 2 "$(tc_filters edge eth0 | wc -w)" "filters"
	[[ " $(tc_filters edge eth0) " != *" $before "* ]] || fail "it is the old program"
	# What is pinned is what runs.
	assert_eq "$(tc_filters edge eth0 | xargs -n 1 | sort -n | xargs)" \
		"$(programs edge | grep cls- | cut -d' ' -f2 | sort -n | xargs)" "programs"
}

test_a_filter_that_somebody_deleted_comes_back_with_the_next_apply() {
	build_pair
	need_clsact edge eth0
	conf clsact 'tc clsact; filter edge'
	weir edge apply "$TMP/clsact.conf"
	ns_exec edge tc filter del dev eth0 ingress pref 1
	weir edge apply "$TMP/clsact.conf"
	assert_eq 1 "$(tc_filters edge eth0 | wc -w)" "filters"
}

test_tcx_becomes_clsact_without_a_leftover() {
	local out
	build_pair
	need_clsact edge eth0
	conf auto 'tc auto; filter edge; measure'
	conf clsact 'tc clsact; filter edge; measure'
	out=$(weir edge apply "$TMP/auto.conf")
	[[ $out == *tcx* ]] || skip "this kernel has no tcx"
	assert_contains "$(weir edge apply "$TMP/clsact.conf")" "tc ingress clsact, tc egress clsact"
	assert_eq 2 "$(tc_filters edge eth0 | wc -w)" "filters"
	assert_eq 2 "$(pins edge | grep -c '^[ie].*gress-cls-')" "pins of clsact"
	assert_eq 2 "$(pins edge | grep -c '^[ie].*gress-')" "pins of tc"
}

# --- leaving and coming back

test_one_interface_leaves_and_comes_back() {
	local out
	build_pair
	veth edge eth1 far eth1
	conf auto 'xdp auto; filter edge'
	echo 'interface eth1 { xdp auto; filter edge }' >>"$TMP/auto.conf"
	weir edge apply "$TMP/auto.conf"
	assert_eq "eth0: detached" "$(weir edge detach eth0)" "detach"
	assert_eq "" "$(xdp_of edge eth0)" "XDP of eth0"
	assert_contains "$(xdp_of edge eth1)" "xdp "
	refused 3 weir edge detach eth0
	out=$(weir edge attach eth0)
	assert_contains "$out" "eth0: xdp native; filter edge"
	assert_contains "$(xdp_of edge eth0)" "xdp "
	assert_contains "$(weir edge apply "$TMP/auto.conf")" "Nothing to change."
}

test_attach_names_what_is_missing() {
	build_pair
	conf auto 'xdp auto; filter edge'
	refused 3 weir edge attach eth0
	assert_contains "$said" "nothing is applied"
	weir edge apply "$TMP/auto.conf"
	refused 3 weir edge attach eth7
	assert_contains "$said" "eth7: there is no such interface"
	refused 3 weir edge attach lo
	assert_contains "$said" "lo: the applied configuration has no interface block for it"
}

test_detach_all_leaves_nothing_behind() {
	build_pair
	routing_on edge
	cat >"$TMP/all.conf" <<-END
		interface eth0 { xdp auto; filter edge; balance; measure }
		filter edge { default pass; rule one drop tcp dport 4001 }
		service web { address 192.0.2.10; port tcp 80; forward l2; backend b1 10.0.0.2 }
	END
	weir edge apply "$TMP/all.conf"
	assert_contains "$(ns_ip edge neigh show proto 87)" "10.0.0.2"
	weir edge detach --all
	assert_nothing_of_weir edge eth0
	! has_clsact edge eth0 || fail "a clsact qdisc is left"
	assert_eq "" "$(ns_ip edge neigh show proto 87)" "neighbours of weir"
	refused 3 weir edge status
	refused 3 weir edge detach --all
	[ ! -e "$(instance_folder edge)" ] || fail "a refused detach left a folder"
}

test_a_device_that_came_back_is_attached_again() {
	local old
	build_pair
	conf auto 'xdp auto; tc auto; filter edge; measure'
	weir edge apply "$TMP/auto.conf"
	old=$(pins edge)
	ns_ip edge link del eth0
	veth edge eth0 far eth0
	address edge eth0 10.0.0.1/24
	address far eth0 10.0.0.2/24
	assert_contains "$(weir edge apply "$TMP/auto.conf")" "eth0: xdp native, tc egress "
	assert_contains "$(xdp_of edge eth0)" "xdp "
	assert_eq 2 "$(pins edge | grep -cE "gress-|xdp-")" "pins: $(pins edge | xargs), were $old"
	ns_exec far ping -q -c 1 -W 2 10.0.0.1
}

# Its number is the pin's name: the old pin must not be in the way.
test_a_device_that_came_back_with_the_same_number_is_attached_again() {
	local number mode
	for mode in 'xdp auto' 'tc auto' 'tc clsact'; do
		echo "$mode"
		ns_add "$(tr ' ' - <<<"edge $mode")"
		edge=${namespaces[-1]}
		ns_ip "$edge" link add eth0 type veth peer name eth1
		[ "$mode" != 'tc clsact' ] || need_clsact "$edge" eth0
		conf auto "$mode; filter edge; measure"
		weir "$edge" apply "$TMP/auto.conf"
		number=$(ns_ip "$edge" -o link show dev eth0 | cut -d: -f1)
		ns_ip "$edge" link del eth0
		ns_ip "$edge" link add eth0 index "$number" type veth peer name eth1
		assert_contains "$(weir "$edge" apply "$TMP/auto.conf")" "eth0: ${mode% *}"
		assert_eq 2 "$(programs "$edge" | grep -cE "gress-|xdp-")" "programs"
		assert_contains "$(weir "$edge" apply "$TMP/auto.conf")" "Nothing to change."
		weir "$edge" detach --all
		assert_nothing_of_weir "$edge" eth0
	done
}

test_detach_works_after_the_device_is_gone() {
	build_pair
	conf auto 'tc auto; filter edge; measure'
	! (need_clsact edge eth0) || conf auto 'tc clsact; filter edge; measure'
	weir edge apply "$TMP/auto.conf"
	ns_ip edge link del eth0
	weir edge detach --all
	[ ! -e "$(instance_folder edge)" ] || fail "left: $(pins edge)"
}

# --- who may, and when

test_two_weirs_at_once_are_one_and_a_refusal() {
	local before
	build_pair
	conf auto 'xdp auto; filter edge'
	weir edge apply "$TMP/auto.conf"
	before=$(weir edge show config)
	sed -i 's/4001/4002/' "$TMP/auto.conf"
	start_ready edge "$TMP/lock.log" locked \
		flock --no-fork "$(instance_folder edge)" sh -c 'echo locked; exec sleep 60'
	refused 6 weir edge apply "$TMP/auto.conf"
	assert_contains "$said" "another weir is changing this instance"
	assert_eq "$before" "$(weir edge show config)" "configuration"
}

test_a_namespace_that_is_not_there_is_not_found() {
	ns_add edge
	conf auto 'xdp auto; filter edge'
	refused 3 "$WEIR" -n "$NS_PREFIX-nowhere" -i "$NS_PREFIX-edge" apply "$TMP/auto.conf"
	assert_contains "$said" "$NS_PREFIX-nowhere"
}

test_nobody_may_not() {
	ns_add edge
	conf auto 'xdp auto; filter edge'
	chmod 755 "$TMP"
	# Nobody may read only what lies in the open.
	cp "$WEIR" "$TMP/weir"
	refused 4 ns_exec edge setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$TMP/weir" -i "$NS_PREFIX-edge" apply "$TMP/auto.conf"
	assert_contains "$said" "this takes root"
}

run_tests "$@"
