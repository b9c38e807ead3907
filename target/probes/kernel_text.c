/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/kernel_text.h"

#include <string.h>

#include "target/base/log.h"

struct kernel_text *kernel_text_open(
	const struct maps *maps, const struct ayp_params *params, int *err)
{
	struct kernel_text *t = kernel_text_kcore(err);

	if (t)
		return t;
	log_detail("probes: the kernel's code: /proc/kcore: %s", strerror(-*err));
	t = kernel_text_bpf(maps, params, err);
	if (!t)
		log_detail("probes: the kernel's code: by a BPF program: %s", strerror(-*err));
	return t;
}

void kernel_text_close(struct kernel_text *t)
{
	if (t)
		t->close(t);
}
