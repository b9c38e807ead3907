/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One run of hostdec record, for the files that it is made of: record_loop.c, run_line.c, run_end.c. */
#ifndef HOST_RUN_H
#define HOST_RUN_H

#include "host/base/loop.h"
#include "host/base/writer.h"
#include "host/record/back.h"
#include "host/record/controller.h"
#include "host/record/ctl_server.h"
#include "host/record/live_line.h"
#include "host/record/record_loop.h"

#define RUN_MS     UINT64_C(1000000)
#define RUN_SECOND (1000 * RUN_MS)

enum run_line_state { LINE_DOWN, LINE_CONNECTING, LINE_UP };

/* The line of a run: it comes and goes. */
struct run_line {
	struct link link;
	enum run_line_state state;
	struct loop_fd fd;
	struct loop_timer
		timer;       /* down: until the next try; connecting: until it has taken too long */
	bool ever;           /* it has been up */
	bool fresh;          /* nothing has come on this connection */
	bool told_gone;      /* the user knows that it is not there */
	uint64_t frames;     /* valid ones, when this connection began */
	unsigned int empty;  /* connections in a row on which no frame came */
	unsigned int failed; /* tries in a row to open that failed */
	char banner[128];    /* the first line of what came on this connection before any frame */
	char told_banner[128]; /* that the user knows */
	char told_error[256];
	bool refused; /* the board serves nobody more */
};

struct run {
	const struct record_options *opt;
	struct loop *loop;
	struct run_line line;
	struct recorder *recorder;
	struct back back;
	struct controller controller;
	struct ctl_server ctl;
	struct live_line live;
	struct writer *messages; /* to stderr */
	struct loop_fd wake;     /* outputs have something to say */
	int wake_fd;
	struct loop_timer tick;
	uint64_t start_ns, first_byte_ns;
	uint64_t stats_at_ns, live_at_ns, idle_at_ns;
	bool idle_done, warned_no_frame;
	const char *reason; /* to end for; NULL: go on */
	int err;            /* the recording cannot go on */
};

/* ---- run_line.c ---- */

/* The first opening. 0, also when the line is waited for; or a negative errno, said. */
int run_line_open(struct run *r);
/* The recorder is there: bytes may come. */
void run_line_start(struct run *r);
/* Each turn: read when there is room for it, write what waits. */
void run_line_watch(struct run *r);
/* May anything be said to the board? */
bool run_line_answers(const struct run *r);

/* ---- run_end.c ---- */

/* The board has said goodbye in this run. */
bool run_heard_goodbye(const struct recorder_state *s);
/* Put everything back, say how it went. The exit status. */
int run_end(struct run *r);

#endif
