# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For files that run tests of other suites on another kernel, with the programs
# that this host built. Each test reports for itself, as it does here:
#
#     take net/set                  all tests of tests/net/set.sh
#     leave ports_are_left_to_apply but this one
#     take net/history the_terminal_may_go_away    of that file only this one
#     take prog/verify              and all of tests/prog/test_verify.c
#     run_on 6.1 "$@"
#
# leave and take refuse a name that no test has. What is left out is not run on
# that kernel at all, and each "leave" has to say why in a comment: on 6.1 it is
# what user space decides alone, or what another test there has shown by the
# same code of the kernel.

taken=() # suite/file
declare -A names_taken=() # blank-separated names of tests, by suite/file

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

# names_of SUITE/FILE: its tests, as their source names them.
names_of() {
	case $1 in
	net/*) sed -n 's/^test_\([A-Za-z0-9_]*\)() {$/\1/p' "tests/$1.sh" ;;
	prog/*) sed -n 's/.*cmocka_unit_test(\([A-Za-z0-9_]*\)).*/\1/p' "tests/prog/test_${1#prog/}.c" ;;
	esac | xargs
}

# need_test SUITE/FILE NAME
need_test() {
	[[ " $(names_of "$1") " == *" $2 "* ]] || die "$1 has no test \"$2\""
}

take() {
	local file=$1 name
	shift
	for name in "$@"; do
		need_test "$file" "$name"
	done
	taken+=("$file")
	names_taken[$file]="$* "
	[ $# -gt 0 ] || names_taken[$file]="$(names_of "$file") "
}

# Of the file that was taken last.
leave() {
	local file=${taken[-1]} name
	for name in "$@"; do
		need_test "$file" "$name"
		names_taken[$file]=" ${names_taken[$file]}"
		names_taken[$file]=${names_taken[$file]/ $name / }
	done
}

# names_wanted SUITE/FILE: those taken that WEIR_TEST_FILTER asks for.
names_wanted() {
	local name
	for name in ${names_taken[$1]}; do
		# shellcheck disable=SC2053
		[[ $name != ${WEIR_TEST_FILTER:-*} ]] || echo "$name"
	done
}

# The command for the guest, which goes on after a failed test. cmocka's globs
# know no alternatives: but for all of its tests, a program is started for each.
guest_command() {
	local file name names
	echo "export WEIR_TEST_EMULATED=1 CMOCKA_MESSAGE_OUTPUT=TAP ${WEIR_TEST_SEED:+WEIR_TEST_SEED=$WEIR_TEST_SEED}; status=0"
	for file in "${taken[@]}"; do
		mapfile -t names < <(names_wanted "$file")
		[ ${#names[@]} -gt 0 ] || continue
		if [[ $file == net/* ]]; then
			name=$(IFS='|' && echo "${names[*]}")
			echo "WEIR_TEST_FILTER='@($name)' tests/$file.sh || status=1"
			continue
		fi
		if [ "${names[*]}" = "$(names_of "$file")" ]; then
			echo "WEIR_TEST_FILTER='*' build/tests/prog/test_${file#prog/} || status=1"
			continue
		fi
		for name in "${names[@]}"; do
			echo "WEIR_TEST_FILTER=$name build/tests/prog/test_${file#prog/} || status=1"
		done
	done
	# shellcheck disable=SC2016
	echo 'exit $status'
}

# run_on KERNEL: what was taken. The machine ends a little before scripts/test
# would end this file, to say what it was at.
run_on() {
	local command seconds=$((${WEIR_TEST_LIMIT_S:-600} - 20)) cpus=2
	command=$(guest_command)
	# One verifier at a time.
	[ "${taken[*]}" != prog/verify ] || cpus=1
	if [[ $command != *WEIR_TEST_FILTER* ]]; then
		echo "1..0"
		exit 0
	fi
	exec scripts/vm run -k "$1" -t "$seconds" -c "$cpus" -- bash -c "$command"
}
