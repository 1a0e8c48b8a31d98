#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# libweft and the tool against the module: those of userspace's own tests that need it.
set -u
userspace=$(cd "$(dirname "$0")/../../../../userspace" 2>/dev/null && pwd -P)
api=$userspace/build/tests/kernel_api weft=$userspace/build/weft
if [ ! -x "$api" ] || [ ! -x "$weft" ]; then
	echo "1..0 # SKIP needs a tree in which 'make -C userspace test-programs' has run"
	exit 4
fi
exec "$userspace/tests/run" libweft "$api" weft "bash $userspace/tests/kernel.sh $weft"
