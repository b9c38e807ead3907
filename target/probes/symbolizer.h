/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Addresses to symbol ids of the names registry; each name is resolved and told once.
 *
 * The kernel's are known at once. Those of processes are asked of a helper (symbol_client.h): an
 * answer is there a moment later, and holds for a whole function and for everybody who has that
 * file mapped.
 */
#ifndef TARGET_PROBES_SYMBOLIZER_H
#define TARGET_PROBES_SYMBOLIZER_H

#include <stdbool.h>
#include <stdint.h>

#include "target/source/names.h"

struct symbolizer;

struct symbolizer *symbolizer_new(struct names *names); /* NULL: out of memory */
void symbolizer_free(struct symbolizer *s);

/* Never fails: what cannot be resolved is "[unknown]". */
uint32_t symbolizer_kernel(struct symbolizer *s, uint64_t address);

/* Of a process; 0: asked, the answer is not here yet. What cannot be resolved is "[unknown]" in the
 * file it is from, as far as that is known. */
uint32_t symbolizer_user(struct symbolizer *s, uint32_t tgid, uint64_t address, uint64_t now_ns);
/* The id of what nobody answers. */
uint32_t symbolizer_unknown(struct symbolizer *s);
/* What tells a process's mappings from those it had before, and from another process's; 0: not
 * known at the moment. */
uint64_t symbolizer_layout(struct symbolizer *s, uint32_t tgid, uint64_t now_ns);

/* Take the answers that have come. True if anything has changed. */
bool symbolizer_hear(struct symbolizer *s, uint64_t now_ns);
/* The processes that look names up; AYP_NO_PROCESS: none. */
void symbolizer_processes(const struct symbolizer *s, uint32_t id[2]);
/* Polls readable when answers are there; -1: none will come. */
int symbolizer_fd(const struct symbolizer *s);

#endif
