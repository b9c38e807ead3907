/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/syscalls/syscalls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/utsname.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#if defined(__x86_64__) || defined(__i386__)
#define TABLE    x86_64
#define SYSCALLS "target/syscalls_x86_64.inc"
#include "target/syscalls/table.inc"
#define TABLE    i386
#define SYSCALLS "target/syscalls_i386.inc"
#include "target/syscalls/table.inc"
#define TABLE    x32
#define SYSCALLS "target/syscalls_x32.inc"
#include "target/syscalls/table.inc"
/* No kernel for this machine takes these; recordings of boards do have them. */
#define TABLE    arm64
#define SYSCALLS "target/syscalls/arm64.inc"
#include "target/syscalls/table.inc"
#define TABLE    arm
#define SYSCALLS "target/syscalls/arm.inc"
#include "target/syscalls/table.inc"
#elif defined(__aarch64__)
#define TABLE    arm64
#define SYSCALLS "target/syscalls_arm64.inc"
#include "target/syscalls/table.inc"
#define TABLE    arm
#define SYSCALLS "target/syscalls/arm.inc"
#include "target/syscalls/table.inc"
#elif defined(__arm__)
#define TABLE    arm64
#define SYSCALLS "target/syscalls/arm64.inc"
#include "target/syscalls/table.inc"
#define TABLE    arm
#define SYSCALLS "target/syscalls_arm.inc"
#include "target/syscalls/table.inc"
#else
#define NO_ARM
#define TABLE    native
#define SYSCALLS "target/syscalls_native.inc"
#include "target/syscalls/table.inc"
#endif

#define ROW(prefix, table)                                                                         \
	{                                                                                          \
		prefix, (const char *)&table##_names, table##_at, COUNT_OF(table##_at)             \
	}

/* The first row is for machines that are not in the list. */
static const struct {
	const char *machine;
	struct syscall_table abi[AYP_ABIS];
} machines[] = {
#if defined(__x86_64__) || defined(__i386__)
	{"x86_64", {ROW("sys_", x86_64), ROW("ia32_sys_", i386), ROW("x32_sys_", x32)}},
	{"i386", {ROW("sys_", i386)}},
	{"i486", {ROW("sys_", i386)}},
	{"i586", {ROW("sys_", i386)}},
	{"i686", {ROW("sys_", i386)}},
#elif defined(__arm__)
	{"arm", {ROW("sys_", arm)}},
#elif !defined(__aarch64__)
	{"", {ROW("sys_", native)}},
#endif
#ifndef NO_ARM
	{"aarch64", {ROW("sys_", arm64), ROW("arm_sys_", arm)}},
	{"aarch64_be", {ROW("sys_", arm64), ROW("arm_sys_", arm)}},
#endif
};

bool syscalls_of(const char *machine, enum ayp_syscall_abi abi, struct syscall_table *out)
{
	size_t row = 0;

	for (size_t i = 0; i < COUNT_OF(machines); i++)
		if (!strcmp(machines[i].machine, machine))
			row = i;
	*out = machines[row].abi[abi];
	return out->count > 0;
}

int syscalls_number(const struct syscall_table *t, const char *name)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (t->at[i] && !strcmp(t->names + t->at[i], name))
			return (int)i;
	return -1;
}

void syscalls_name(const struct syscall_table *t, uint32_t nr, char *out, size_t size)
{
	if (nr < t->count && t->at[nr])
		snprintf(out, size, "%s%s", t->prefix, t->names + t->at[nr]);
	else
		snprintf(out, size, "%s%u", t->prefix, nr);
}

static bool is_number(const char *text)
{
	return text[0] && !text[strspn(text, "0123456789")] &&
	       strtoul(text, NULL, 10) < AYP_SYSCALLS;
}

bool syscalls_known(const char *shown)
{
	for (size_t i = 0; i < COUNT_OF(machines); i++)
		for (size_t abi = 0; abi < AYP_ABIS; abi++) {
			const struct syscall_table *t = &machines[i].abi[abi];
			size_t n = t->count ? strlen(t->prefix) : 0;

			if (!n || strncmp(shown, t->prefix, n))
				continue;
			if (is_number(shown + n) || syscalls_number(t, shown + n) >= 0)
				return true;
		}
	return false;
}

void syscalls_machine(char *out, size_t size)
{
	struct utsname u;
	int persona = personality(0xffffffff);
	bool hidden = persona != -1 && (persona & PER_MASK) == PER_LINUX32;

	/* The kernel answers a program with this personality as a 32-bit one would (setarch(8),
	 * some containers). */
	if (hidden)
		personality((unsigned long)(persona & ~PER_MASK) | PER_LINUX);
	snprintf(out, size, "%s", uname(&u) ? "" : u.machine);
	if (hidden)
		personality((unsigned long)persona);
}

bool syscalls_wider_kernel(char *out, size_t size)
{
	syscalls_machine(out, size);
	return sizeof(long) == 4 && strstr(out, "64");
}
