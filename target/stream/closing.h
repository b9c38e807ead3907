/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How an output comes to its end: send what is left, say goodbye, end the recording, wait until all
 * has left the machine. A line that does not move any more, or a user who does not want to wait,
 * makes it drop what is left, counted, and still try to say goodbye. On a serial line where nobody
 * acknowledges the goodbye, it is repeated for some seconds; longer for a host that has answered before.
 */
#ifndef TARGET_CLOSING_H
#define TARGET_CLOSING_H

#include <stdbool.h>
#include <stdint.h>

#include "target/stream/stream.h"

enum closing_state {
	CLOSING_DRAIN,
	CLOSING_ABANDON,
	CLOSING_GOODBYE,
	CLOSING_END,
	CLOSING_FLUSH,
	CLOSING_DONE
};

struct closing {
	enum closing_state state;
	size_t output;     /* index in the stream */
	uint64_t moved_ns; /* when anything last left, or arrived, for the first time */
	uint64_t moved_mark;
	uint64_t entered_ns; /* the state */
	uint64_t hurry_ns;   /* when the user began to be in a hurry */
	bool in_hurry;
	bool hurried; /* dropped what was left */
	bool failed;  /* the goodbye did not get out, and nobody was in a hurry */
	/* a goodbye that nobody acknowledges */
	uint64_t farewell_ns; /* when that began to be waited for */
	uint64_t repeat_ns, repeat_gap_ns;
	uint32_t goodbye_end; /* the number after the last goodbye's */
	/* progress */
	uint64_t begun_ns, begun_backlog, told_ns;
	bool on_terminal, told;
};

void closing_begin(struct closing *c, size_t output, const struct stream *s, uint64_t now);
/* One round; the stream has been pumped. `hurry`: drop what is left. True when done. */
bool closing_step(struct closing *c, struct stream *s, bool totals_queued, bool hurry,
	const char *reason, int exit_status);

#endif
