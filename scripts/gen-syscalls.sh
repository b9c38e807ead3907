#!/usr/bin/env bash
# Print the system calls of an ABI for target/syscalls/table.inc, one a line, by number: SYSCALL(NR, name)
#
#   gen-syscalls.sh ABI [DEPENDENCIES]      x86_64, i386, x32, arm64, arm, or native: whatever $CC builds for
#
# DEPENDENCIES: a file for make's rule that says which headers they came from.
# From the kernel's headers for that ABI, as the compiler in $CC finds them ($CPPFLAGS: where else to look). An x86
# compiler has those of all of x86's ABIs. One for ARM has only its own width's: the other table is a copy that this script made
# with the other compiler (target/syscalls/).
set -euo pipefail
export LC_ALL=C
abi=${1:?ABI}
flags=()
case $abi in
x86_64) header=asm/unistd_64.h ;;
i386) header=asm/unistd_32.h ;;
# The bit that marks them is no part of the number here.
x32) header=asm/unistd_x32.h flags=(-D__X32_SYSCALL_BIT=0) ;;
*) header=asm/unistd.h ;;
esac

if [ $# -gt 1 ]; then
	printf '#include <%s>\n' "$header" | ${CC:-cc} ${CPPFLAGS:-} "${flags[@]}" -M -MP -MT "${2%.d}" -x c - > "$2"
fi

# "__NR_open __NR_open" is first turned into "__NR_open 5" or a sum of numbers by the preprocessor, then added up. Where two names are one number, the
# last one of the alphabet is the plain one (arm_sync_file_range is sync_file_range2's old name).
printf '#include <%s>\n' "$header" | ${CC:-cc} ${CPPFLAGS:-} "${flags[@]}" -E -dM - |
	awk '$2 ~ /^__NR_/ && NF > 2 && $2 !~ /^__NR_(syscalls|Linux|arch_specific_syscall|SYSCALL_BASE|SYSCALL_MASK|OABI_SYSCALL_BASE)$/ {
		print "@" substr($2, 6), $2 }' |
	{ printf '#include <%s>\n' "$header" && cat; } |
	${CC:-cc} ${CPPFLAGS:-} "${flags[@]}" -E -P - |
	awk '/^@/ {
		name = substr($1, 2); sum = 0; $1 = ""
		gsub(/[()]/, "")
		n = split($0, part, "+")
		for (i = 1; i <= n; i++) {
			gsub(/ /, "", part[i])
			if (part[i] !~ /^[0-9]+$/) { print "gen-syscalls: " name ": " $0 " is no number" > "/dev/stderr"; exit 1 }
			sum += part[i]
		}
		print sum, name }' |
	sort -k1,1n -k2,2 | awk '{ if (NR > 1 && $1 != number) print line; number = $1; line = "SYSCALL(" $1 ", " $2 ")" } END { if (NR) print line }'
