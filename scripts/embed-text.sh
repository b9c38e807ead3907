#!/usr/bin/env bash
# Turn a text on stdin into the body of a C byte array, zero-terminated.
set -euo pipefail
od -An -v -tx1 | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'
echo '0x00'
