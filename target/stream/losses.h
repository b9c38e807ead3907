/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Books of lost events of one output, by cause and CPU: exact totals, and the ranges that the host
 * has not been reported yet. Losses of one cause and CPU are joined into one range until it is
 * taken, so memory is fixed however long the line stands still.
 */
#ifndef TARGET_LOSSES_H
#define TARGET_LOSSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/message.h"

#define LOSSES_CAUSES (ayaprof_LossCause_LOSS_ABANDONED + 1)
#define LOSSES_CPUS   257u /* 256 and "not known" */

struct loss_row {
	uint64_t total;
	uint64_t unreported;        /* part of total */
	uint64_t first_ns, last_ns; /* of the unreported ones */
};

struct losses {
	struct loss_row rows[LOSSES_CAUSES][LOSSES_CPUS]; /* [cause][cpu + 1] */
	uint64_t total[LOSSES_CAUSES];
	bool unreported;
};

/* `count` more events of this cause; cpu -1: not known. Causes of the host are not accepted. */
void losses_add(struct losses *l, ayaprof_LossCause cause, int cpu, uint64_t count,
	uint64_t first_ns, uint64_t last_ns);
uint64_t losses_total(const struct losses *l);
/* Move unreported ranges into *msg, as many as it holds; what does not fit stays unreported. */
void losses_take_ranges(struct losses *l, ayaprof_Loss *msg);
/* Totals into a status; rows that do not fit are summed into "CPU not known" rows of their cause.
 */
void losses_fill_status(const struct losses *l, ayaprof_Status *status);

#endif
