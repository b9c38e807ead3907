/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Line bytes to a run.pb: validated frames as they came, the recorder's own records between them.
 * Each record is written whole with one write(2), so a file cut anywhere is readable up to the cut.
 * Text between frames goes to the console output unchanged.
 */
#ifndef HOST_RECORDER_H
#define HOST_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/trace/ledger.h"
#include "host/record/acker.h"
#include "proto/message.h"

struct recorder;

struct recorder_options {
	const char *output;  /* created or overwritten */
	bool append;         /* the output, if it is there, goes on behind its last whole record */
	const char *console; /* NULL: console text is only counted; "-": stdout */
	const char *raw;     /* NULL: not wanted */
	bool no_restore;     /* damaged frames are lost, whatever could be had of them */
	const char *link;    /* description for the Recording record */
	int wake_fd;         /* an eventfd(2) that says to call recorder_check; 0: none */
};

/* What is known while recording. */
struct recorder_state {
	ayaprof_LineStats line;
	uint64_t events;
	uint64_t lost;    /* by the books so far */
	uint64_t backlog; /* produced, neither here nor lost: it may still come */
	uint64_t lost_by_cause[LEDGER_CAUSES];
	bool has_status;
	ayaprof_Status status; /* newest of the newest session */
	uint32_t sessions;     /* heard so far */
	bool later_protocol;   /* a session is not understood: what it lost is not known */
	bool goodbye;          /* the newest session has ended */
	uint32_t
		unended; /* sessions without a goodbye: what their boards still held is not known */
	bool whole;      /* nothing is missing that the board would send again */
	uint64_t last_frame_ns; /* CLOCK_MONOTONIC of the last valid frame, 0: none */
};

/* Returns 0, or a negative errno after saying why. With `append`, what the output has already is known as if it had
 * been received: it is not asked for again, and stored once. */
int recorder_open(struct recorder **r, const struct recorder_options *opt);

/*
 * Disk and console have queues and threads of their own (outputs.h). No room: the disk is behind, and frames
 * that come now are refused, as if they had not been received: rather do not read a link that can wait.
 */
bool recorder_has_room(const struct recorder *r);
/* For what goes beside the recording: else it is dropped, and counted. */
bool recorder_sides_have_room(const struct recorder *r);
/* Now and then: what has gone wrong with the outputs since. Returns what ended the recording, or 0. */
int recorder_check(struct recorder *r);
/* Wait until everything is in the files. False: that took too long. */
bool recorder_flush(struct recorder *r);

/* All below: 0, or a negative errno when the recording could not be written (said once). What was
 * written before stays readable. */
int recorder_bytes(struct recorder *r, const uint8_t *data, size_t len, uint64_t now_ns);
/* Nothing has come for a moment: text that still waits for its end is passed on. */
int recorder_idle(struct recorder *r);
/* The line came or went; counts connects. A frame cut by a disconnect is damage. */
int recorder_connected(struct recorder *r, const char *text);
int recorder_disconnected(struct recorder *r, const char *text);
/* What the port has counted since the recording began. To be told after bytes were read and before they
 * are handed in: an overrun is noted at this place of the recording. */
int recorder_uart(struct recorder *r, const ayaprof_UartErrors *errors);
/* Line statistics into the file, if they changed. */
int recorder_note_stats(struct recorder *r);
/* Orderly end: what was still waiting, RecordingEnd, close. Frees r also on errors. last: what is known then, if
 * not NULL. */
int recorder_close(struct recorder *r, const char *reason, struct recorder_state *last);

/* Update and return; valid until the next call. */
const struct recorder_state *recorder_state(struct recorder *r);

/* Commands and their answers go by this; the recorder keeps the pointer. */
struct controller;
void recorder_set_controller(struct recorder *r, struct controller *c);
struct ayp_message_ctx *recorder_messages(struct recorder *r);
/* What is to be said to the board about it; the recorder's. */
struct acker *recorder_acker(struct recorder *r);
/* Bytes sent to the board so far: for the line's statistics. */
void recorder_sent(struct recorder *r, uint64_t bytes);

#endif
