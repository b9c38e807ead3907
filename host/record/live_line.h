/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The status line of a recording on a terminal: as much of it as fits, in ASCII. */
#ifndef HOST_LIVE_LINE_H
#define HOST_LIVE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/record/recorder.h"

struct live_line {
	uint64_t at_ns, bytes; /* wire bytes then: when it was drawn last */
};

/* Write to dst what is known at now_ns, in fewer than `columns` characters: what matters least is left out,
 * whole parts at a time. baud: of a line that has one, else 0. Returns dst. */
const char *live_line_draw(struct live_line *l, char *dst, size_t columns,
	const struct recorder_state *s, uint32_t baud, bool is_gone, uint64_t now_ns);

/* For dst; wider terminals get no more. */
#define LIVE_LINE_MAX 256u

#endif
