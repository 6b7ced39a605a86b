#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: host --timeout 900
#
# Claim: every source file of the modules builds for Debian's 6.12 kernel
# without a warning, from a clean copy of the tree, and is in the kernel's form.
lib=$(dirname "$0")/lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/vmbox/lib.sh
. "$top/tools/vmbox/lib.sh"
headers=$(printf '%s\n' /usr/src/linux-headers-6.12*-amd64 | sort -V | tail -n 1)
scripts=$cache/src/scripts
copy=$(mktemp -d)
defer rm -rf "$copy"

cd "$top" || exit 1
rsync -a --exclude-from=.gitignore Kbuild include net drivers "$copy/"
mapfile -t sources < <(find include net drivers -name '*.[ch]' ! -name '*.mod.c' | sort)
mapfile -t shell < <(grep -rlE --exclude-dir=.git '^#!/bin/(ba)?sh' \
	.ci tools selftests | sort)

kbuild() { # WORD...: what to make, and how
	make -C "$headers" M="$copy" "$@" 2>&1 |
		grep -vE '^(make.*directory|  [A-Z]+ )' | head -n 60
	return "${PIPESTATUS[0]}"
}

# Debian's kernel has no KUnit to link them with.
kunit() {
	local suites

	mapfile -t suites < <(cd "$copy" && find net drivers -name '*_test.c' | sed 's/c$/o/')
	kbuild W=1e CONFIG_KUNIT=m KCFLAGS=-DCONFIG_KUNIT_MODULE=1 "${suites[@]}"
}

# Form is checked with the tools of the kernel that is built for. Ignored: copies
# of proto_ops are there to be changed; names in CamelCase are the kernel's;
# LINUX_VERSION_CODE and its comparison are what include/compat is for, and
# unversioned() sees to the rest.
checkpatch() {
	perl "$scripts/checkpatch.pl" --no-tree --strict --max-line-length=80 \
		--ignore CONST_STRUCT,CAMELCASE,LINUX_VERSION_CODE,CONSTANT_COMPARISON \
		--terse --no-summary --quiet --file "$@"
}

unversioned() { ! grep -rn LINUX_VERSION_CODE net drivers include/net include/uapi; }

if [ -d "$headers" ]; then
	check "the modules build with W=1" kbuild W=1e modules
	check "sparse finds nothing" kbuild C=2 CF=-Wsparse-error modules
	check "the KUnit suites compile with W=1" kunit
else
	skip "the modules build with W=1" "no headers of Debian's 6.12 kernel"
fi
if [ -e "$scripts/checkpatch.pl" ]; then
	check "checkpatch --strict finds nothing" checkpatch "${sources[@]}"
	check "kernel-doc finds nothing" perl "$scripts/kernel-doc" -none -Werror "${sources[@]}"
else
	skip "checkpatch --strict finds nothing" "tools/vmbox/vmbox --setup gets it"
fi
check "the kernel's version is asked for in include/compat only" unversioned
if command -v shellcheck >/dev/null; then
	check "shellcheck finds nothing" shellcheck "${shell[@]}"
else
	skip "shellcheck finds nothing" "not installed"
fi
finish
