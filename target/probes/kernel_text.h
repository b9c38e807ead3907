/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The running kernel's code by virtual address, as it is in this moment. Two sources:
 *
 * - /proc/kcore: needs CAP_SYS_RAWIO, and a kernel that has it (CONFIG_PROC_KCORE; none for 32-bit arm, fs/Kconfig).
 *   Knows what is memory, and gives nothing else.
 * - A BPF program that the daemon has run in its own context (BPF_PROG_TEST_RUN of raw tracepoints, Linux 5.10,
 *   1b4d60ec162f): needs what tracing needs anyway. Reads whatever is mapped, also registers of devices, so whoever asks
 *   must know that there is memory, or has come there page by page: the kernel leaves a page unmapped between areas.
 *
 * Both are refused by lockdown=confidentiality.
 */
#ifndef TARGET_PROBES_KERNEL_TEXT_H
#define TARGET_PROBES_KERNEL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"
#include "target/probes/maps.h"

struct kernel_text {
	const char *source; /* what a user would call it; static */
	bool any_mapping;   /* reads what is no memory, too */
	/* Returns how many bytes there are from the begin on; 0: nothing is there. */
	size_t (*read)(struct kernel_text *t, uint64_t address, void *to, size_t n);
	void (*close)(struct kernel_text *t); /* frees t */
};

/* The first source that works, kcore before BPF. maps and params are needed for this call only.
 * NULL and *err, a negative errno: of the last; each failure is told by -v. */
struct kernel_text *kernel_text_open(
	const struct maps *maps, const struct ayp_params *params, int *err);
/* NULL: nothing to do. */
void kernel_text_close(struct kernel_text *t);

/* ---- each source ----------------------------------------------------------------------------- */

/* NULL and *err, a negative errno: the kernel has none, or refuses it; -EOPNOTSUPP: its machine is
 * not the one that this program is built for. */
struct kernel_text *kernel_text_kcore(int *err);
/* The same of a file. */
struct kernel_text *kernel_text_kcore_file(const char *path, int *err);
/* NULL and *err, a negative errno: the kernel runs no such program, or a 64-bit kernel has a 32-bit
 * program (-EOPNOTSUPP). */
struct kernel_text *kernel_text_bpf(
	const struct maps *maps, const struct ayp_params *params, int *err);

#endif
