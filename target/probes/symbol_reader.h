/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The process that reads what others have made: it is given descriptors and answers with names. It
 * has no privileges (confine.h), so a file that takes it over has got hold of nothing, and one that
 * ends it costs an answer.
 */
#ifndef TARGET_PROBES_SYMBOL_READER_H
#define TARGET_PROBES_SYMBOL_READER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "target/probes/symbol_wire.h"

struct symbol_reader {
	pid_t pid; /* 0: none is running */
	int fd;    /* the way to it; -1 */
	uint32_t replaced;
	uint32_t cpu_ms, peak_kb;      /* of all of them */
	uint32_t cpu_before, cpu_last; /* of those that ended; of this one */
};

void symbol_reader_init(struct symbol_reader *r);
void symbol_reader_stop(struct symbol_reader *r);
/* Ask about a file, which stays open here; started and replaced as is needed. False: it did not
 * answer within
 * `patience_ms`, or ended over it; then it has been ended. What it says is sound in form. */
bool symbol_reader_ask(struct symbol_reader *r, int file, uint64_t offset, int patience_ms,
	struct symbol_seen *seen);

#endif
