/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The ledger of one session: what the board says it produced against what arrived, so that
 * produced = delivered + lost holds exactly, whatever was lost in between.
 *
 * The board's totals (Status, Goodbye) are cumulative; its Loss messages tell the same in parts.
 * The greater of both is known to be lost. What the board took in and neither counted as lost nor
 * is here was lost on the line, or was still waiting on the board when the recording ended. While a
 * session may go on, the part of it that may still come is backlog, and not lost.
 */
#ifndef HOST_LEDGER_H
#define HOST_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "host/trace/overruns.h"
#include "proto/message.h"

#define LEDGER_CAUSES    ((unsigned int)_ayaprof_LossCause_ARRAYSIZE)
#define LEDGER_CPUS      257u /* cpu_plus_1; 0: not known */
#define LEDGER_TOLD_CPUS 64u
/* Indexes beyond this would take centuries to reach: such a block is not from a board. */
#define LEDGER_MAX_INDEX (UINT64_C(1) << 60)

struct ledger {
	uint64_t delivered;   /* events here */
	uint64_t undecodable; /* events of blocks that arrived but could not be read */
	uint64_t end_index;   /* highest event index seen + 1 */
	bool open;            /* the session may go on: what waits on the board may still come */
	bool resends; /* with that: what the line lost is sent again, too (an acknowledged line) */
	bool has_status;
	bool has_goodbye;
	ayaprof_Status status; /* newest */
	/* Sums of Loss messages, and of those that name a CPU as many rows as a Status has. */
	uint64_t told[LEDGER_CAUSES];
	struct ledger_told {
		uint64_t count;
		uint16_t cause, cpu;
	} told_cpu[LEDGER_TOLD_CPUS];
	unsigned int n_told_cpus;
	struct overruns overruns; /* its maker tells it what came, and when */
};

struct ledger_totals {
	uint64_t produced; /* = delivered + lost + backlog */
	uint64_t lost;     /* = sum of by_cause */
	uint64_t backlog;  /* of an open session; else 0 */
	uint64_t by_cause[LEDGER_CAUSES];
};

/* Where events of a cause were lost. */
enum ledger_stage {
	LEDGER_BEFORE_INDEX, /* before the daemon counted them: no index is missing */
	LEDGER_AFTER_INDEX,  /* by the daemon: a gap in the indexes */
	LEDGER_HOST,         /* not the board's to tell */
};
enum ledger_stage ledger_stage(unsigned int cause);
/* Causes and CPUs as indexes of the arrays above: unknown ones become 0. */
unsigned int ledger_cause(unsigned int cause);
unsigned int ledger_cpu(uint32_t cpu_plus_1);

uint64_t ledger_add(uint64_t a, uint64_t b); /* saturates */

/* Can a board have sent such a block? Others are dropped, and counted nowhere in it. */
bool ledger_block_possible(uint64_t first_index, uint32_t count);
/* A block that arrived, but builds on one that did not: its indexes are known, its events are missing
 * with that one. */
void ledger_seen(struct ledger *b, uint64_t first_index, uint64_t count);
void ledger_block(struct ledger *b, uint64_t first_index, uint64_t count, bool decoded);
void ledger_status(struct ledger *b, const ayaprof_Status *status);
void ledger_loss(struct ledger *b, const ayaprof_Loss *loss);

/* What the newest status says of one cause and CPU. */
uint64_t ledger_status_count(const struct ledger *b, unsigned int cause, unsigned int cpu);
/* What Loss messages say of one cause and CPU, at least. */
uint64_t ledger_told_count(const struct ledger *b, unsigned int cause, unsigned int cpu);
void ledger_totals(const struct ledger *b, struct ledger_totals *t);

#endif
