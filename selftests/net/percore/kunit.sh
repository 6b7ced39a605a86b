#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --driver none --timeout 120
#
# Claim: the KUnit suites of percore pass: how long a connection is its core's
# alone, and what a wrong guess costs. They need a kernel with KUnit, which
# Debian's is not: selftests/run --kernel debug.
lib=$(dirname "$0")/../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/kunit.sh
. "$lib/kunit.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$(dirname "$0")/lib.sh"

need_kunit
kunit "$top/net/percore" "${MODULE%.ko}_kunit.ko" 8
finish
