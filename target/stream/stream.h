/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * From events to frames: names, blocks, indexes, books, and the periodic messages of a session.
 *
 *   source -> event -> block encoder -> Events message -> outputs (spool -> sink)
 *
 * Every event taken gets the next index; every index ends as sent or as lost with a cause, in each
 * output for itself. Single-threaded; memory is taken when it is made, except for names and stacks,
 * whose numbers are bounded.
 */
#ifndef TARGET_STREAM_H
#define TARGET_STREAM_H

#include "proto/block.h"
#include "target/base/config.h"
#include "target/stream/control.h"
#include "target/stream/line.h"
#include "target/source/source.h"

/* The kernel's log, passed on as it grows. */
struct stream_log {
	int fd; /* of kmsg.h, the daemon's; -1: none, or no more */
	uint64_t due_ns;
};

#define STREAM_MAX_OUTPUTS 2u
/* What event blocks are coded with. */
#define STREAM_CODEC AYP_CODEC_ADAPTIVE
#define STREAM_CPUS  256u
/* So many events may be consumed when stream_has_room says yes, without any being dropped. */
#define STREAM_BATCH 256u

/* Totals per function as last told: a hash each, to send what has changed. */
struct totals {
	uint64_t *told; /* by function id */
	uint32_t funcs; /* size of told */
	uint32_t cursor;
	unsigned int round;
	uint64_t due_ns;
};

struct stream {
	const struct config *cfg;
	struct names *names;
	struct source *source;
	struct writer writer;
	struct stacks stacks;
	struct line lines[STREAM_MAX_OUTPUTS];
	size_t n_lines;
	struct control control;
	bool stop_wanted; /* a host has asked for the end */
	uint64_t rss_kb;  /* the daemon's, when the probes had just become live */
	ayaprof_Hello hello;
	/* events */
	struct ayp_block_encoder *encoder;
	uint64_t next_index; /* of the oldest pending event */
	uint64_t taken;
	uint64_t taken_by_cpu[STREAM_CPUS];
	unsigned int generations;          /* of all outputs, when the last block was cut */
	uint32_t task_of_cpu[STREAM_CPUS]; /* newest tid seen, to look names up once per switch */
	bool task_known[STREAM_CPUS];
	uint64_t now_ns; /* of the current round of the loop */
	uint64_t pending_since_ns;
	uint64_t last_event_ns;
	/* periodic */
	ayaprof_Samples samples;
	ayaprof_Sample last_sample; /* for the summary; all 0: none was taken */
	uint64_t sample_due_ns, second_due_ns;
	struct totals totals;
	struct stream_log log;
	uint64_t kernel_lost[LOSSES_CAUSES][LOSSES_CPUS]; /* as last read from the source */
	uint64_t losses_read_ns;
	uint64_t produced; /* final number, 0 before stream_close_books */
};

/* outputs[0] is the one that summaries speak of. Returns NULL when there is no memory. */
struct stream *stream_new(
	const struct config *cfg, struct names *names, struct output **outputs, size_t n_outputs);
void stream_free(struct stream *s);

/* What the source is to call. */
struct source_sink stream_source_sink(struct stream *s);
/* The source is started: fill the hello from it and begin every output. Nothing leaves before stream_pump. */
void stream_begin(struct stream *s, struct source *source);

/* Once per round of the loop, before the source is consumed. */
void stream_set_now(struct stream *s, uint64_t now);
/* A recording may be read on: STREAM_BATCH more events fit every output. */
bool stream_has_room(const struct stream *s);
/* Cut a block that has waited long enough, send what is due. `closing`: only what is still needed.
 */
void stream_tick(struct stream *s, bool closing);
/* Something has come on output i's sink. */
void stream_hear(struct stream *s, size_t i);
/* Move frames into the sinks. */
void stream_pump(struct stream *s);

/* The source is finished: cut the last block, read the last losses and samples, balance the books.
 */
void stream_close_books(struct stream *s);
/* Queue the exact totals of all functions, as far as there is room. True when all are queued. */
bool stream_final_totals(struct stream *s);
/* Queue the goodbye on output i, to be called when that is empty, and again to repeat it; where nobody acknowledges
 * frames of a line, `times` of it. exit_status: the command's, or -1: it has not ended, or there is none. 0 or a negative errno. */
int stream_goodbye(
	struct stream *s, size_t i, unsigned int times, const char *reason, int exit_status);
/* Queue the last frame of a recording, when the goodbye has left; nothing on a line. As above. */
int stream_end_recording(struct stream *s, size_t i, const char *reason);

/* The books of output i at this moment. */
void stream_fill_status(const struct stream *s, size_t i, ayaprof_Status *status);

/* Shared with telemetry.c and kernel_log.c. */
void stream_read_losses(struct stream *s);
void stream_telemetry(struct stream *s);
void stream_flush_samples(struct stream *s);
void stream_take_sample(struct stream *s);
/* Into every output, unless it is over its share of that line and not a must. True: into all. */
bool stream_post_telemetry(struct stream *s, unsigned int kind, const void *msg, bool must);
void stream_pass_log(struct stream *s);
void stream_log_tick(struct stream *s);

#endif
