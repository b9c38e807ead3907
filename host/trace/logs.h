/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Kernel messages and samples of a session in their order, each once. Frames that were sent again
 * come late: so many are kept back, and what is still later is left out.
 *
 * Holds LOGS_WINDOW records with their text and SAMPLES_WINDOW samples (a live view: fewer).
 */
#ifndef HOST_TRACE_LOGS_H
#define HOST_TRACE_LOGS_H

#include "host/trace/memory.h"
#include "host/trace/trace.h"

#define LOGS_WINDOW    64u
#define SAMPLES_WINDOW 4u

typedef void logs_give(void *ctx, const struct trace_log *r);
typedef void samples_give(void *ctx, const ayaprof_Sample *s);

struct logs {
	const struct trace_memory *mem;
	struct trace_log *record; /* by seq */
	size_t n, cap;
	bool any;      /* one has been given */
	uint64_t last; /* its seq */
};

struct samples {
	const struct trace_memory *mem;
	ayaprof_Sample *sample[SAMPLES_WINDOW + 1]; /* by time */
	size_t n;
	bool any;
	uint64_t last_ns;
	uint32_t last_crc;
};

void logs_init(struct logs *l, const struct trace_memory *mem);
void logs_free(struct logs *l);
/* Returns 0 or -ENOMEM. window: how many records may wait, at most LOGS_WINDOW. */
int logs_put(struct logs *l, uint16_t session, const ayaprof_LogRecord *r, size_t window,
	logs_give *give, void *ctx);
/* Give all but `window` of them. */
void logs_take(struct logs *l, size_t window, logs_give *give, void *ctx);

void samples_init(struct samples *s, const struct trace_memory *mem);
void samples_free(struct samples *s);
int samples_put(struct samples *s, const ayaprof_Sample *sample, size_t window, samples_give *give,
	void *ctx);
void samples_take(struct samples *s, size_t window, samples_give *give, void *ctx);

#endif
