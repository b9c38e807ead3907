/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Uprobes on many functions with few attachments (Linux 5.15, where perf's attachments have
 * cookies), for kernels without uprobe.multi (6.6): probes share a trace event, and the program
 * tells them apart by where in its page a probe is (bpf/events.h, user_places). A perf event for
 * each took 63 s for 1,000 functions of an emulated x86-64 6.1.
 */
#ifndef TARGET_PROBES_USER_SHARED_H
#define TARGET_PROBES_USER_SHARED_H

#include "target/probes/attacher.h"

/* Sets err and attached of the functions, which are all of programs, and returns how many it took:
 * all that the kernel takes and that there is room for, or none. Once in an attacher's life. */
size_t user_attach_shared(
	struct attacher *a, struct function_target *const *t, size_t n, struct fd_list *links);

#endif
