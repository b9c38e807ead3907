/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the daemon tells xdp.bpf.c. */
#ifndef AYP_BPF_XDP_H
#define AYP_BPF_XDP_H

#include "bpf/events.h"

struct ayp_xdp_params {
	ayp_u16 func_packet;
};
AYP_ASSERT_SIZE(struct ayp_xdp_params, 2);

#endif
