/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tables of system calls: numbers that are each ABI's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <cmocka.h>

#include "target/syscalls/syscalls.h"

static void check(const char *machine, enum ayp_syscall_abi abi, int nr, const char *shown)
{
	char text[SYSCALLS_NAME];
	struct syscall_table t;

	assert_true(syscalls_of(machine, abi, &t));
	assert_int_equal(syscalls_number(&t, shown + strlen(t.prefix)), nr);
	syscalls_name(&t, (uint32_t)nr, text, sizeof(text));
	assert_string_equal(text, shown);
	assert_true(syscalls_known(shown));
}

static void own(void **state)
{
	char machine[65];

	syscalls_machine(machine, sizeof(machine));
	check(machine, AYP_ABI_NATIVE, SYS_getppid, "sys_getppid");
	check(machine, AYP_ABI_NATIVE, SYS_rt_sigreturn, "sys_rt_sigreturn");
	check(machine, AYP_ABI_NATIVE, SYS_openat2, "sys_openat2");
}

/* Numbers from the kernel's arch/.../syscall tables, written down here. */
static void others(void **state)
{
#if defined(__x86_64__) || defined(__i386__)
	check("x86_64", AYP_ABI_NATIVE, 20, "sys_writev");
	check("x86_64", AYP_ABI_COMPAT, 20, "ia32_sys_getpid");
	check("x86_64", AYP_ABI_COMPAT, 11, "ia32_sys_execve");
	check("x86_64", AYP_ABI_X32, 0, "x32_sys_read");
	check("x86_64", AYP_ABI_X32, 520, "x32_sys_execve");
	check("i686", AYP_ABI_NATIVE, 20, "sys_getpid");
#endif
	check("aarch64", AYP_ABI_NATIVE, 173, "sys_getppid");
	check("aarch64", AYP_ABI_NATIVE, 221, "sys_execve");
	check("aarch64", AYP_ABI_COMPAT, 64, "arm_sys_getppid");
	check("aarch64", AYP_ABI_COMPAT, 119, "arm_sys_sigreturn");
	check("aarch64", AYP_ABI_COMPAT, 403, "arm_sys_clock_gettime64");
	check("aarch64", AYP_ABI_COMPAT, 341, "arm_sys_sync_file_range2");
}

static void unknown(void **state)
{
	char text[SYSCALLS_NAME];
	struct syscall_table t;

	assert_true(syscalls_of("aarch64", AYP_ABI_COMPAT, &t));
	assert_false(syscalls_of("aarch64", AYP_ABI_X32, &(struct syscall_table){0}));
	syscalls_name(&t, 1023, text, sizeof(text));
	assert_string_equal(text, "arm_sys_1023");
	assert_true(syscalls_known(text));
	assert_int_equal(syscalls_number(&t, "fillrect"), -1);
	assert_false(syscalls_known("arm_sys_fillrect"));
	assert_false(syscalls_known("arm_sys_"));
	assert_false(syscalls_known("getppid"));
	assert_false(syscalls_known(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own),
		cmocka_unit_test(others),
		cmocka_unit_test(unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
