/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* System calls as calls. */
#include "target/probes/probe.h"

#include <errno.h>
#include <stdio.h>
#include <asm/unistd.h>

/* Old ABIs define numbers twice. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const char *const syscall_names[AYP_SYSCALLS] = {
#include "target/syscall_names.inc"
};
#pragma GCC diagnostic pop

/*
 * Offset of the number in struct pt_regs, which sys_exit passes: x86-64 orig_ax (uapi
 * asm/ptrace.h); arm64 syscallno (since Linux 4.14, 35d0e6fb4d21). Elsewhere the number is not in
 * the registers.
 */
#if defined(__x86_64__)
#define NR_OFFSET 120
/* uretprobe (Linux 6.11, 190fec72df4a) and uprobe: what a user function's probes call, not the
 * program. */
#define PROBE_SYSCALL 335
#elif defined(__aarch64__)
#define NR_OFFSET 280
#endif
#ifndef PROBE_SYSCALL
#define PROBE_SYSCALL 0
#endif

static int prepare_raw(struct probes *p, struct ayp_params *params)
{
#ifdef NR_OFFSET
	params->syscall_nr_offset = NR_OFFSET;
	return 0;
#else
	return -EOPNOTSUPP;
#endif
}

static const char *const raw_programs[] = {"syscall_enter_raw", "syscall_exit_raw", NULL};
static const char *const tp_programs[] = {"syscall_enter_tp", "syscall_exit_tp", NULL};
static const struct candidate ways[] = {
	/* tp_btf would be the same call into the same program, after reading all of the kernel's
	   BTF. */
	{"raw_tp", &image_syscall, raw_programs, prepare_raw},
	{"tp", &image_syscall, tp_programs, NULL},
	{0},
};
static const struct part parts[] = {{"calls", ways}};

static int plan(struct module *m)
{
	int base = names_reserve_funcs(m->p->names, AYP_SYSCALLS), err = 0;
	char text[64];
	unsigned int i;

	if (base < 0)
		return base;
	m->p->params.func_syscall = base;
	m->p->params.syscall_sigreturn = __NR_rt_sigreturn;
	m->p->params.syscall_probe = PROBE_SYSCALL;
	for (i = 0; i < AYP_SYSCALLS && !err; i++) {
		if (syscall_names[i])
			snprintf(text, sizeof(text), "sys_%s", syscall_names[i]);
		else
			snprintf(text, sizeof(text), "sys_%u", i);
		err = names_set_func(m->p->names, base + i, AYP_CLASS_SYSCALL, text, NULL);
	}
	return err;
}

static int attach(struct module *m)
{
	return parts_attach(m, parts, 1);
}

static int check(struct module *m)
{
	return parts_check(m, parts, 1);
}

const struct module_ops module_syscall = {
	.name = "syscall",
	.summary = "system calls, entry to exit",
	.by_default = true,
	.plan = plan,
	.attach = attach,
	.misses = parts_misses,
	.check = check,
};
