/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the daemon tells irq.bpf.c. */
#ifndef AYP_BPF_IRQ_H
#define AYP_BPF_IRQ_H

#include "bpf/events.h"

#define AYP_SOFTIRQS 10u

struct ayp_irq_params {
	ayp_u16 func_hardirq, n_hardirq; /* id of interrupt 0, and how many have one */
	ayp_u16 func_softirq;            /* of the first of AYP_SOFTIRQS */
	ayp_u16 func_timer;
};
AYP_ASSERT_SIZE(struct ayp_irq_params, 8);

#endif
