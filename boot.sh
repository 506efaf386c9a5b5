#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes ./configure.  Run once after cloning.

set -e
cd "$(dirname "$0")"

for tool in autoreconf:autoconf automake:automake pkg-config:pkg-config; do
    command -v "${tool%:*}" > /dev/null || {
        echo "boot.sh: ${tool%:*} is missing: apt-get install ${tool#*:}," \
             "or run utilities/install-deps" >&2
        exit 1
    }
done

exec autoreconf --force --install
