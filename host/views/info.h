/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What info shows: as it is collected, and as text and JSON. */
#ifndef HOST_INFO_H
#define HOST_INFO_H

#include "host/recording/recording.h"
#include "host/views/loss_list.h"
#include "host/views/memory_account.h"

struct info {
	struct recording recording;
	const struct trace_totals
		*totals; /* of the recording, like what is below set after it was read */
	size_t n_sessions;
	struct loss_list losses;
	struct memory_samples memory;
};

static inline const struct trace_session *info_session(const struct info *in, size_t i)
{
	return trace_session(in->recording.trace, (uint16_t)i);
}

/* What a board says about itself comes with the newest hello. */
const ayaprof_Hello *info_board(const struct info *in);
/* Why nothing is known of the board, when nothing is. */
const char *info_why_no_board(const struct info *in);
/* Nobody knows what its board still held: it was killed, lost its power, or went on without us. */
bool info_without_goodbye(const struct trace_session *s);
size_t info_sessions_without_goodbye(const struct info *in);
uint64_t info_retransmitted(const struct info *in);
/* Of the board's receiver, as its newest status says; NULL: its driver does not count. */
const ayaprof_UartErrors *info_board_uart(const struct info *in);

/* All to stdout. */
void info_print(const struct info *in);
void info_print_json(const struct info *in);

#endif
