/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How a channel comes to its end, in the state QUIESCING:
 *
 *   DRAIN ----all sent----> GOODBYE --acknowledged, or repeated--> END --sent--> FLUSH --left--> DONE
 *     `-nothing moves,------^                                 (of a recording)          (channel: CLOSED)
 *       or forced: ABANDON
 *
 * Send what is left, say goodbye, end the recording, wait until all has left the machine. A line
 * that does not move any more, or a user who does not want to wait, makes it drop what is left,
 * counted, and still try to say goodbye. On a serial line where nobody acknowledges the goodbye, it
 * is repeated for some seconds; longer for a host that has answered before.
 */
#ifndef TARGET_CLOSING_H
#define TARGET_CLOSING_H

#include <stdbool.h>
#include <stdint.h>

struct channel;

enum closing_phase {
	CLOSING_DRAIN,
	CLOSING_ABANDON, /* the frame in hand may still be finished */
	CLOSING_GOODBYE,
	CLOSING_END,
	CLOSING_FLUSH,
	CLOSING_DONE
};

/* Of whoever wants the end. */
struct closing_wish {
	bool queued; /* all that is to be said before the goodbye is in the queue */
	bool forced; /* drop what is left */
};

struct closing {
	enum closing_phase phase;
	uint64_t entered_ns;  /* the phase */
	uint64_t progress_ns; /* when anything last left, or was acknowledged, for the first time */
	uint64_t progress_mark;
	bool forced;
	uint64_t forced_ns; /* since when */
	bool abandoned;     /* what was left was dropped */
	bool failed;        /* the goodbye did not get out, and nobody forced that */
	/* a goodbye that nobody acknowledges */
	uint64_t repeat_since_ns;
	uint64_t repeat_ns, repeat_gap_ns; /* gap 0: not yet */
	uint32_t goodbye_end;              /* the number after the last goodbye's */
	/* what is shown of it */
	uint64_t begun_ns, begun_backlog, shown_ns;
	bool on_terminal, shown;
};

/* Of channel_quiesce and channel_close. */
void closing_begin(struct channel *c, uint64_t now_ns);
/* One round; the channel has been pumped. True when done. */
bool closing_step(struct channel *c, const struct closing_wish *wish, uint64_t now_ns);

#endif
