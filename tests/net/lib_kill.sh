# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For tests that kill a command at its system calls. Sourced after lib.sh:
#
#     for n in $(points weir_command...); do kill_at "$n" weir_command...; done

# Points at which a command is killed; a virtual machine has time for few.
readonly KILLS=${WEIR_KILLS:-$([ -n "${WEIR_IN_VM:-}" ] && echo 3 || echo 8)}

# points COMMAND...: numbers of the system calls that leave something behind, a sample of them.
points() {
	strace -qq -o "$TMP/trace" "$@" >/dev/null
	{
		grep -nE '^(bpf\((BPF_(OBJ_PIN|LINK|PROG_LOAD|RAW_TRACEPOINT_OPEN)|0x11)|mkdir|rmdir|unlink|rename|sendto|sendmsg)' \
			"$TMP/trace"
		# The swap of the image, and the end.
		grep -n '^bpf(BPF_MAP_UPDATE_ELEM' "$TMP/trace" | tail -n 2
		grep -n '^exit_group' "$TMP/trace"
	} | cut -d: -f1 | sort -nu | awk -v most="$KILLS" '{ at[NR] = $1 }
		END { step = NR > most ? NR / most : 1
			for (i = NR; i >= 1; i -= step) print at[int(i + 0.5)] }'
}

# kill_at N COMMAND...: SIGKILL at its N-th system call.
kill_at() {
	local n=$1
	shift
	# The shell says "Killed" of what is; nobody wants to read it.
	(strace -qq -o /dev/null -e inject=all:signal=KILL:when="$n" "$@" || true) >/dev/null 2>&1
}
