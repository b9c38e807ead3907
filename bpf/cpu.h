/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the daemon tells cpu.bpf.c. */
#ifndef AYP_BPF_CPU_H
#define AYP_BPF_CPU_H

#include "bpf/events.h"

struct ayp_cpu_params {
	/* The namespace that /proc is of, when process ids there are not the kernel's; else 0 */
	ayp_u64 proc_dev, proc_ino;
	ayp_u16 func_sample;
	ayp_u16 zero[3];
};
AYP_ASSERT_SIZE(struct ayp_cpu_params, 24);

#endif
