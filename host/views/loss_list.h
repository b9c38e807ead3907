/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What of a recording is missing: ranges of lost events by time, and the sums. While a recording is being written,
 * events that the board has produced and not sent yet are no losses but its backlog.
 *
 * Holds LOSS_LIST_MAX ranges; what is beyond them is in the sums.
 */
#ifndef HOST_LOSS_LIST_H
#define HOST_LOSS_LIST_H

#include "host/recording/recording.h"

#define LOSS_LIST_MAX 65536u

struct loss_list {
	struct trace_loss *loss;
	size_t n, cap;
	uint64_t left_out; /* ranges */
	/* By loss_list_sum: */
	uint64_t total, by_cause[LEDGER_CAUSES];
	uint64_t backlog;
};

/* As they come. Returns 0 or -ENOMEM. */
int loss_list_take(struct loss_list *l, const struct trace_loss *loss);
/* Meanwhile: by session and time, those without a time last; sums and backlog. */
void loss_list_sum(struct loss_list *l, const struct recording *r);
/* The same after the reading: the ranges have no backlog in them any more, and add up. */
void loss_list_finish(struct loss_list *l, const struct recording *r);
void loss_list_free(struct loss_list *l);

/* Events of a session that its board was to send yet when this was recorded; 0 once the session or the recording is
 * over. */
uint64_t session_backlog(const struct recording *r, uint16_t session);
/* Of all sessions: lost, without what only waits. */
uint64_t recording_lost(const struct recording *r);
/* How many of a range that is given now are lost, and do not only wait: what comes after the newest event may. */
uint64_t loss_count(const struct recording *r, const struct trace_loss *l);

#endif
