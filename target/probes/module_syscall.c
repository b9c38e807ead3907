/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* System calls as calls, of every ABI that the kernel takes. */
#include "target/probes/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "bpf/syscall.h"
#include "target/probes/call_instants.h"
#include "target/syscalls/syscalls.h"
#include "target/probes/kernel_btf.h"

/* Numbers that the headers do not know yet but a newer kernel may have. */
#define LATER_CALLS 128u

/*
 * What a kernel's own facts are, by its machine.
 *
 * nr_offset: of the number in struct pt_regs, which sys_exit passes: x86-64 orig_ax (uapi
 * asm/ptrace.h); arm64 syscallno (since Linux 4.14, 35d0e6fb4d21). 0: the number is not in the
 * registers.
 *
 * probe: uretprobe (Linux 6.11, 190fec72df4a) and uprobe: what a user function's probes call, not
 * the program.
 *
 * in_regs, in_task: what tells a call of a 32-bit program. arm64: pstate in struct pt_regs (uapi
 * struct user_pt_regs), 32-bit user mode; or TIF_32BIT in thread_info.flags. x86: TS_COMPAT in
 * thread_info.status, whose place differs. thread_info is first in task_struct
 * (THREAD_INFO_IN_TASK, which both have since 4.10).
 */
static const struct kernel_facts {
	const char *machine;
	uint16_t nr_offset, probe;
	struct ayp_mark in_regs, in_task;
} kernels[] = {
	{"x86_64", 120, 335, {0}, {AYP_MARK_TASK, 0, 0x2, 0x2}},
	{"aarch64", 280, 0, {AYP_MARK_REGS, 264, 0x1f, 0x10},
		{AYP_MARK_TASK, 0, 1u << 22, 1u << 22}},
};

static const struct kernel_facts *kernel_facts(void)
{
	static const struct kernel_facts none;
	char machine[65];
	size_t i;

	syscalls_machine(machine, sizeof(machine));
	for (i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
		if (!strcmp(kernels[i].machine, machine))
			return &kernels[i];
	return &none;
}

/* struct thread_info of x86: `flags`, since Linux 5.11 (b86678cf0f1d) `syscall_work`, then
 * `status`. */
static uint16_t x86_status_offset(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname u;
	uint16_t size;
	int at = kernel_btf_member("thread_info", "status", &size);

	if (at >= 0 && size == 4)
		return (uint16_t)at;
	if (uname(&u) || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return 16;
	return major > 5 || (major == 5 && minor >= 11) ? 16 : 8;
}

static void prepare_task_mark(const struct kernel_facts *k, struct ayp_syscall_params *params)
{
	if (!params->ids[AYP_ABI_COMPAT].count)
		return;
	params->compat = k->in_task;
	if (k->machine && !strcmp(k->machine, "x86_64"))
		params->compat.offset = x86_status_offset();
}

static int prepare_raw(void *own)
{
	struct ayp_syscall_params *params = own;
	const struct kernel_facts *k = kernel_facts();

	if (!k->nr_offset)
		return -EOPNOTSUPP;
	params->nr_offset = k->nr_offset;
	prepare_task_mark(k, params);
	if (params->ids[AYP_ABI_COMPAT].count && k->in_regs.base)
		params->compat = k->in_regs;
	return 0;
}

int syscall_prepare_instants(struct ayp_syscall_params *params)
{
	const struct kernel_facts *k = kernel_facts();

	if (!k->nr_offset)
		return -EOPNOTSUPP;
	params->nr_offset = k->nr_offset;
	params->compat = k->in_regs.base ? k->in_regs : k->in_task;
	if (!k->in_regs.base && !strcmp(k->machine, "x86_64"))
		params->compat.offset = x86_status_offset();
	return 0;
}

static int prepare_tp(void *own)
{
	prepare_task_mark(kernel_facts(), own);
	return 0;
}

static const char *const raw_programs[] = {"syscall_enter_raw", "syscall_exit_raw", NULL};
static const char *const tp_programs[] = {"syscall_enter_tp", "syscall_exit_tp", NULL};
static const struct candidate ways[] = {
	/* tp_btf would be the same call into the same program, after reading all of the kernel's
	   BTF. */
	{"raw_tp", &image_syscall, raw_programs, prepare_raw},
	{"tp", &image_syscall, tp_programs, prepare_tp},
	{0},
};
static const struct part parts[] = {{"calls", ways}, {0}};

static void set_sigreturns(
	struct ayp_syscall_params *params, const struct syscall_table *t, uint16_t first, size_t *n)
{
	static const char *const names[] = {"rt_sigreturn", "sigreturn"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int nr = syscalls_number(t, names[i]);

		if (nr >= 0 && *n < AYP_SIGRETURNS)
			params->sigreturn[(*n)++] = (uint16_t)(first + nr);
	}
}

static void set_execs(struct ayp_syscall_params *params, const struct syscall_table *t, size_t *n)
{
	static const char *const names[] = {"execve", "execveat"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int nr = syscalls_number(t, names[i]);

		if (nr >= 0 && *n < AYP_EXECS)
			params->exec[(*n)++] = (uint16_t)nr;
	}
}

static int plan_abi(struct module *m, enum ayp_syscall_abi abi, const struct syscall_table *t)
{
	struct ayp_syscall_params *params = OWN_PARAMS_OF(m);
	uint32_t count = t->count + LATER_CALLS, i;
	char text[SYSCALLS_NAME];
	int base, err = 0;

	if (count > AYP_SYSCALLS)
		count = AYP_SYSCALLS;
	base = names_reserve_funcs(m->p->names, count);
	if (base < 0)
		return base;
	params->ids[abi] = (struct ayp_syscall_ids){(uint16_t)base, (uint16_t)count};
	for (i = 0; i < count && !err; i++) {
		syscalls_name(t, i, text, sizeof(text));
		err = names_set_func(
			m->p->names, (uint16_t)((uint32_t)base + i), AYP_CLASS_SYSCALL, text, NULL);
	}
	return err;
}

static int plan(struct module *m)
{
	struct ayp_syscall_params *params = OWN_PARAMS_OF(m);
	size_t n_sigreturns = 0, n_execs = 0;
	struct syscall_table t;
	char machine[65];
	unsigned int abi;
	int err = 0;

	memset(params->sigreturn, 0xff, sizeof(params->sigreturn));
	memset(params->exec, 0xff, sizeof(params->exec));
	syscalls_machine(machine, sizeof(machine));
	for (abi = 0; abi < AYP_ABIS && !err; abi++) {
		if (!syscalls_of(machine, (enum ayp_syscall_abi)abi, &t))
			continue;
		err = plan_abi(m, (enum ayp_syscall_abi)abi, &t);
		set_sigreturns(params, &t, params->ids[abi].first, &n_sigreturns);
		set_execs(params, &t, &n_execs);
	}
	params->probe = kernel_facts()->probe;
	return err;
}

const struct module_ops module_syscall = {
	.name = "syscall",
	.summary = "system calls, entry to exit",
	.by_default = true,
	.own_params_size = sizeof(struct ayp_syscall_params),
	.parts = parts,
	.plan = plan,
};
