/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/syscalls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/utsname.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#if defined(__x86_64__) || defined(__i386__)
static const char *const x86_64[] = {
#include "target/syscalls_x86_64.inc"
};
static const char *const i386[] = {
#include "target/syscalls_i386.inc"
};
static const char *const x32[] = {
#include "target/syscalls_x32.inc"
};
/* No kernel for this machine takes these; recordings of boards do have them. */
static const char *const arm64[] = {
#include "target/syscalls/arm64.inc"
};
static const char *const arm[] = {
#include "target/syscalls/arm.inc"
};
#elif defined(__aarch64__)
static const char *const arm64[] = {
#include "target/syscalls_arm64.inc"
};
static const char *const arm[] = {
#include "target/syscalls/arm.inc"
};
#elif defined(__arm__)
static const char *const arm64[] = {
#include "target/syscalls/arm64.inc"
};
static const char *const arm[] = {
#include "target/syscalls_arm.inc"
};
#else
#define NO_ARM
static const char *const native[] = {
#include "target/syscalls_native.inc"
};
#endif

#define TABLE(prefix, names)                                                                       \
	{                                                                                          \
		prefix, names, COUNT_OF(names)                                                     \
	}

/* The first row is for machines that are not in the list. */
static const struct {
	const char *machine;
	struct syscall_table abi[AYP_ABIS];
} machines[] = {
#if defined(__x86_64__) || defined(__i386__)
	{"x86_64", {TABLE("sys_", x86_64), TABLE("ia32_sys_", i386), TABLE("x32_sys_", x32)}},
	{"i386", {TABLE("sys_", i386)}},
	{"i486", {TABLE("sys_", i386)}},
	{"i586", {TABLE("sys_", i386)}},
	{"i686", {TABLE("sys_", i386)}},
#elif defined(__arm__)
	{"arm", {TABLE("sys_", arm)}},
#elif !defined(__aarch64__)
	{"", {TABLE("sys_", native)}},
#endif
#ifndef NO_ARM
	{"aarch64", {TABLE("sys_", arm64), TABLE("arm_sys_", arm)}},
	{"aarch64_be", {TABLE("sys_", arm64), TABLE("arm_sys_", arm)}},
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
		if (t->names[i] && !strcmp(t->names[i], name))
			return (int)i;
	return -1;
}

void syscalls_name(const struct syscall_table *t, uint32_t nr, char *out, size_t size)
{
	if (nr < t->count && t->names[nr])
		snprintf(out, size, "%s%s", t->prefix, t->names[nr]);
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

	/* The kernel answers a program with this personality as a 32-bit one would (setarch(8), some containers). */
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
