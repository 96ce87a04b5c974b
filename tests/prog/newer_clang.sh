#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a newer clang than the default one makes of the programs loads, too: the
# verifier sees other code then. Built apart, with all that does not depend on it.
set -euo pipefail

readonly NAME=programs_of_a_newer_clang_load

cd "$(dirname "$0")/../.."
# shellcheck disable=SC2053
[[ $NAME == ${WEIR_TEST_FILTER:-*} ]] || { echo "1..0" && exit 0; }
unset WEIR_TEST_FILTER
echo "1..1"

# The highest N of the commands clang-N, 0 where there is none.
newest() {
	compgen -c clang- | sed -n 's/^clang-\([0-9]*\)$/\1/p' | sort -n | tail -n 1 | grep . || echo 0
}

default=$(clang -dumpversion | cut -d. -f1)
number=$(newest)
if [ "$number" -le "$default" ]; then
	echo "ok 1 - $NAME # SKIP no clang newer than $default here"
	exit 0
fi

apart=$(mktemp -d)
trap 'rm -rf "$apart"' EXIT
mkdir "$apart/build"
cp -a Makefile include xdp tc ctl tests "$apart"
find build -mindepth 1 -maxdepth 1 ! -name tests ! -name san ! -name bpf -exec cp -a -t "$apart/build" {} +

said=$apart/said
if make -C "$apart" -j2 CLANG="clang-$number" build/tests/prog/test_verify >"$said" 2>&1 &&
	CMOCKA_MESSAGE_OUTPUT=STDOUT "$apart/build/tests/prog/test_verify" >>"$said" 2>&1; then
	echo "ok 1 - $NAME"
else
	tail -n 60 "$said"
	echo "not ok 1 - $NAME"
	exit 1
fi
