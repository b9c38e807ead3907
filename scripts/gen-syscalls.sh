#!/usr/bin/env bash
# Print the compiler's syscall numbers as C initialisers: [NR] = "name", for the architecture that CC builds for.
set -euo pipefail
echo '#include <asm/unistd.h>' | ${CC:-cc} -E -dM - |
	awk '$2 ~ /^__NR_/ && $2 !~ /^__NR_(syscalls|Linux|arch_specific_syscall|SYSCALL_BASE|SYSCALL_MASK|OABI_SYSCALL_BASE)/ {
		name = substr($2, 6); $1 = $2 = ""; printf "[%s] = \"%s\",\n", $0, name }' | sort -t'[' -k2 -n
