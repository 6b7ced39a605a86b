#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: host --timeout 300
#
# Claim: Documentation/netlink/specs/percore.yaml is a valid specification, and
# says of every command and attribute what include/uapi/linux/percore.h says.
lib=$(dirname "$0")/../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
spec=$top/Documentation/netlink/specs/percore.yaml
header=$top/include/uapi/linux/percore.h
tmp=$(mktemp -d)
defer rm -rf "$tmp"

python3 -c 'import yaml' 2>/dev/null || skip_all "no python3-yaml"

fits() { # SPEC HEADER
	python3 "$here/netlink_spec.py" "$1" "$2" >"$tmp/fits.c" &&
		gcc -fsyntax-only -Wall -Werror "$tmp/fits.c"
}

does_not_fit() { ! fits "$@"; }

# The kernel's source, unpacked or as Debian packs it.
schema() {
	local name=Documentation/netlink/genetlink.yaml source

	for source in /usr/src/linux-source-6.12*; do
		case $source in
		*.tar.xz) tar -C "$tmp" --strip-components=1 --occurrence=1 -xJf \
			"$source" "linux-source-6.12/$name" && echo "$tmp/$name" ;;
		*) [ -e "$source/$name" ] && echo "$source/$name" ;;
		esac && return
	done
	return 1
}

valid() { python3 "$here/netlink_spec.py" "$spec" "$header" "$schema" >/dev/null; }

check "the specification fits the uapi header" fits "$spec" "$header"

# The test of the test: what it must not let pass
sed '/name: depth/s/depth/height/' "$spec" >"$tmp/renamed.yaml"
check "a renamed attribute is noticed" does_not_fit "$tmp/renamed.yaml" "$header"
sed '/name: port-get/,$d' "$spec" | sed '$d' >"$tmp/short.yaml"
check "a missing command is noticed" does_not_fit "$tmp/short.yaml" "$header"
sed 's/\tPERCORE_A_QUEUE_CPU,/\tPERCORE_A_QUEUE_NEW,\n&/' "$header" >"$tmp/new.h"
sed '/name: inode/{n;s/u64/u32/}' "$spec" >"$tmp/type.yaml"
check "an attribute of another type is noticed" does_not_fit "$tmp/type.yaml" "$header"
check "a new attribute of the header is noticed" does_not_fit "$spec" "$tmp/new.h"

if ! python3 -c 'import jsonschema' 2>/dev/null; then
	skip "the specification is valid" "no python3-jsonschema"
elif ! schema=$(schema); then
	skip "the specification is valid" "no linux-source-6.12"
else
	check "the specification is valid" valid
fi
finish
