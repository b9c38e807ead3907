/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Recording from a link until something ends it. */
#ifndef HOST_RECORD_LOOP_H
#define HOST_RECORD_LOOP_H

#include <stdbool.h>

#include "host/link/link.h"
#include "host/record/recorder.h"

struct record_options {
	const char *port;
	struct link_options link;
	struct recorder_options files;
	double duration_s; /* 0: no limit */
	bool follow;       /* go on after a goodbye */
	bool no_reconnect;
	bool listen_only;   /* send nothing to the board */
	uint32_t negotiate; /* step the line up to this rate; 0: leave it */
	bool strict;
	bool quiet; /* no live status line */
};

/* Returns an exit status; what went wrong has been said. */
int record_run(const struct record_options *opt);

#endif
