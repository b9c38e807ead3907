/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * From events to frames: names, blocks, indexes, books, and the periodic messages of a session.
 *
 *   source -> event -> block encoder -> Events message -> channels
 *
 * Every event taken gets the next index; every index ends as sent or as lost with a cause, in each
 * channel for itself. Single-threaded; memory is taken when it is made, except for names and
 * stacks, whose numbers are bounded.
 */
#ifndef TARGET_STREAM_H
#define TARGET_STREAM_H

#include "proto/block.h"
#include "target/base/config.h"
#include "target/stream/control.h"
#include "target/stream/channel.h"
#include "target/source/source.h"

/* The kernel's log, passed on as it grows. */
struct stream_log {
	int fd; /* of kmsg.h, the daemon's; -1: none, or no more */
	uint64_t due_ns;
};

#define STREAM_MAX_CHANNELS 2u
/* What event blocks are coded with. */
#define STREAM_CODEC AYP_CODEC_ADAPTIVE
#define STREAM_CPUS  256u
/* So many events may be consumed when stream_has_room says yes, without any being dropped. */
#define STREAM_BATCH 256u

/* Totals per function as last reported: a hash each, to send what has changed. */
struct totals {
	uint64_t *reported; /* by function id */
	uint32_t funcs;     /* size of reported */
	uint32_t cursor;
	unsigned int round;
	uint64_t due_ns;
};

/* What the goodbye says. */
struct stream_end {
	const char *reason;
	int exit_status; /* of the command; -1: it has not ended, or there is none */
	bool forced;     /* nobody waits any more: drop what is left, counted */
};

struct stream {
	const struct config *cfg;
	struct names *names;
	struct source *source;
	struct writer writer;
	struct stacks stacks;
	struct channel *channels[STREAM_MAX_CHANNELS];
	size_t n_channels;
	struct control control;
	bool stop_wanted; /* a host has asked for the end */
	uint64_t rss_kb;  /* the daemon's, when the probes had just become live */
	ayaprof_Hello hello;
	/* events */
	struct ayp_block_encoder *encoder;
	uint64_t next_index; /* of the oldest pending event */
	uint64_t taken;
	uint64_t taken_by_cpu[STREAM_CPUS];
	unsigned int generations;          /* of all channels, when the last block was cut */
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
	uint64_t produced; /* final number, 0 before stream_quiesce */
	/* the end */
	bool quiescing;
	struct stream_end end;
	bool totals_queued;
};

/* channels[0] is the one that summaries speak of; they must outlive the stream. Returns NULL when
 * there is no memory. */
struct stream *stream_new(
	const struct config *cfg, struct names *names, struct channel **channels, size_t n);
void stream_free(struct stream *s);

/* What the source is to call. */
struct source_sink stream_source_sink(struct stream *s);
/* The source is started: fill the hello from it and begin every recording. Nothing leaves before
 * stream_pump. */
void stream_begin(struct stream *s, struct source *source);

/* ---- each round of the loop, in this order ---- */

/* Look at the channels' other ends; then the source is consumed. */
void stream_set_now(struct stream *s, uint64_t now);
/* A recording may be read on: STREAM_BATCH more events fit every channel. */
bool stream_has_room(const struct stream *s);
/* Cut a block that has waited long enough, queue what is due; after stream_quiesce only what is
 * still needed. */
void stream_tick(struct stream *s);
/* Move frames into the sinks. */
void stream_pump(struct stream *s);

/* The source is finished: cut the last block, read the last losses and samples, balance the books.
 * Must be called once; then stream_close each round, until it says true: every channel is
 * closed. */
void stream_quiesce(struct stream *s);
bool stream_close(struct stream *s, const struct stream_end *end);

/* The books of a channel at this moment. */
void stream_fill_status(const struct stream *s, const struct channel *c, ayaprof_Status *status);

/* ---- shared by the stream's files ---- */

void stream_cut_block(struct stream *s);
/* Of struct channel_ops. */
void stream_control(void *ctx, struct channel *c, const ayaprof_Control *msg);
int stream_goodbye(void *ctx, struct channel *c, unsigned int times);
int stream_end_recording(void *ctx, struct channel *c);
/* Queue the exact totals of all functions, as far as there is room. True when all are queued. */
bool stream_final_totals(struct stream *s);
void stream_read_losses(struct stream *s);
void stream_telemetry(struct stream *s);
void stream_flush_samples(struct stream *s);
void stream_take_sample(struct stream *s);
/* Into every channel, unless it is over its share of that line and not a must. True: into all. */
bool stream_post_telemetry(struct stream *s, unsigned int kind, const void *msg, bool must);
void stream_pass_log(struct stream *s);
void stream_log_tick(struct stream *s);

#endif
