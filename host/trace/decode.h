/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Blocks into events, in jobs that may run beside the caller.
 *
 *     blocks by index -> job (a group's blocks) -> [threads] -> done(), job by job, in order
 *
 * Blocks of one group build on one another and go to one decoder; groups are independent, so jobs of
 * different groups run at the same time. Jobs of one group run one after the other. Whatever
 * happens, done() hears of each block that was put in, once, in the order they were put in.
 *
 * Holds jobs in flight and one that is being filled: 2 MB each, and 3 MB more where events have
 * arguments; without threads one of 0.4 MB. Decoders of 0.6 MB, DECODE_DECODERS at most: one for
 * each group that is open. A session whose group had to give its decoder away goes on with its next
 * group.
 */
#ifndef HOST_TRACE_DECODE_H
#define HOST_TRACE_DECODE_H

#include "host/trace/stage.h"
#include "proto/block.h"

#define DECODE_DECODERS   16u
#define DECODE_MAX_FLIGHT 9u

enum decode_result {
	DECODE_OK,
	DECODE_BROKEN, /* builds on a block that is not here */
	DECODE_FAILED, /* damaged */
	DECODE_CODEC,  /* in a codec that is not known */
};

struct decode_block {
	uint64_t first_index;
	uint32_t count;
	uint32_t codec;
	uint64_t missing;    /* indexes before it that are not here */
	uint32_t bytes, len; /* place in the job's bytes */
	/* What became of it: events[from .. from + count), sorted by stage_before(), func as on the
	 * line. */
	uint32_t from;
	bool expected;  /* to be decodable, by its head */
	uint8_t result; /* enum decode_result */
};

/* Where a session stands; zeroed at its start. */
struct decode_session {
	struct ayp_block_chain chain;
	struct decoder *decoder; /* of its open group */
};

struct decoder {
	struct ayp_block_decoder *d;
	void *mem;
	struct decode_session *owner;
	unsigned int jobs; /* that use it and are not done */
	uint64_t used;     /* when last */
};

struct decode_job {
	struct decoder *decoder;
	struct decode_session *session;
	void *whose; /* given to done() */
	void *handle;
	uint8_t *bytes;
	size_t n_bytes;
	struct decode_block *block;
	size_t n_blocks;
	size_t n_claimed; /* events of all blocks */
	struct stage_event *events;
	size_t n_events;
	uint64_t *args;
	size_t n_args;
	uint32_t epoch;    /* what events get */
	unsigned int cpus; /* highest CPU + 1 */
	uint64_t *used;    /* set of function ids, TRACE_MAX_FUNCS bits */
	/* Work space. */
	struct ayp_event *plain;
	struct stage_event *scratch;
};

struct decode_source {
	struct decode_block block;
	const uint8_t *src;
	size_t len;
};

/* Results of one job. Returns 0 or -ENOMEM. */
typedef int decode_done(void *ctx, void *whose, struct decode_job *job);

struct decode {
	const struct trace_memory *mem;
	struct trace_threads threads;
	decode_done *done;
	void *ctx;
	size_t max_events, max_flight;
	struct decode_job *job[DECODE_MAX_FLIGHT + 1]; /* all there are */
	size_t n_jobs;
	struct decode_job *idle[DECODE_MAX_FLIGHT + 1];
	size_t n_idle;
	struct decode_job *flight[DECODE_MAX_FLIGHT]; /* oldest first */
	size_t n_flight;
	struct decode_job *filling;
	struct decoder decoder[DECODE_DECODERS];
	uint64_t clock;
};

void decode_init(struct decode *d, const struct trace_memory *mem,
	const struct trace_threads *threads, decode_done *done, void *ctx);
void decode_free(struct decode *d); /* waits for jobs; their results are dropped */

/*
 * The next block of a session, by index; src is copied. b: first_index, count, codec and missing are
 * set. May call done(). Returns 0 or -ENOMEM.
 */
int decode_put(struct decode *d, struct decode_session *s, void *whose, uint32_t epoch,
	const struct decode_block *b, const uint8_t *src, size_t len);
/* The same for n blocks of which the first one that can be decoded counts. */
int decode_put_any(struct decode *d, struct decode_session *s, void *whose, uint32_t epoch,
	const struct decode_source *source, size_t n);
/* Have all that was put in, done. */
int decode_drain(struct decode *d);
/* A session is over, and drained: its decoder is free. */
void decode_forget(struct decode *d, struct decode_session *s);

#endif
