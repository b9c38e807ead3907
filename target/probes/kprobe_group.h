/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Kprobes on many functions with few trace events, one for all entries, some for all ends at return
 * instructions (kernel_code.h), one for all return probes of those whose ends are not known (Linux
 * 5.15). An event each would cost a directory, a perf event and a grace period or two each:
 * 223 functions of an emulated arm64 6.12 took 1.7 s to attach and 28 s to detach that way.
 */
#ifndef TARGET_PROBES_KPROBE_GROUP_H
#define TARGET_PROBES_KPROBE_GROUP_H

#include "target/probes/attacher.h"
#include "target/probes/fd_list.h"
#include "target/probes/function_target.h"

/*
 * Attach to those of t that can be: attached and err are set in each. Once in an attacher's life;
 * needs attacher_look. Returns how many; if none, nothing stays behind.
 */
size_t kprobe_group_attach(
	struct attacher *a, struct function_target *const *t, size_t n, struct fd_list *links);

/* The same with return probes only. */
size_t kprobe_group_attach_return(
	struct attacher *a, struct function_target *const *t, size_t n, struct fd_list *links);

#endif
