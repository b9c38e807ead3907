/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A trace (host/trace/trace.h) for a page: what it calls, and what it reads. Compiled to
 * WebAssembly only (`make wasm`); host/web/trace.mjs is the page's side.
 *
 * The module imports one function, env.log(text, length), called with a line for a user, and with
 * what went wrong before it traps; its memory is exported. A pointer is a number of 32 bits, and
 * views of the memory that the page has made end whenever it grows, so in every call.
 *
 * A recording comes in pieces of any size from WEB_MIN_PIECE on, twice:
 *
 *     web_open(), for all pieces: web_learn(), web_learned(),
 *                 for all pieces: web_frame(), web_end(), web_close()
 *
 * What a call takes it says; the rest goes in front of the next piece. Of a recording that is being
 * written the first reading is left out, as trace.h says.
 */
#ifndef HOST_TRACE_WASM_H
#define HOST_TRACE_WASM_H

#include <stddef.h>
#include <stdint.h>

#include "host/recording/record.h"
#include "host/trace/trace.h"

#define WEB_MIN_PIECE RECORD_MAX

/* What a page wants to be given; the rest is only counted. */
enum web_wants {
	WEB_EVENTS = 1u << 0,
	WEB_CALLS = 1u << 1,
	WEB_SEGMENTS = 1u << 2,
	WEB_LOSSES = 1u << 3,
};

struct web_event {
	uint64_t t_ns;
	uint32_t tid;
	uint16_t func;
	uint8_t cpu, kind;
	uint16_t session;
	uint8_t nargs, late;
	uint32_t args; /* place of the first one in web_results.arg */
};

/* Rows of one kind, in the order they came. */
struct web_rows {
	void *row;
	size_t n, cap;
};

/* What one web_frame() or web_end() has given, until the next one of them. */
struct web_results {
	/* Of the reading so far: valid frames; bytes that are of none, and stretches of them. */
	uint64_t frames, damaged_bytes, damaged;
	/* Of the trace: see trace_totals. */
	uint64_t all_events, all_calls, all_calls_no_exit, all_lost;
	uint64_t origin_ns, duration_ns;
	struct web_rows events;   /* struct web_event */
	struct web_rows args;     /* uint64_t */
	struct web_rows calls;    /* struct trace_call */
	struct web_rows segments; /* struct trace_segment */
	struct web_rows losses;   /* struct trace_loss */
};

struct web_trace;

/* Memory to put pieces in. NULL: there is none. */
void *web_alloc(size_t size);
void web_free(void *p);

/* secret: random (trace_config). wants: enum web_wants. NULL: out of memory. */
struct web_trace *web_open(uint64_t secret, uint32_t wants);
void web_close(struct web_trace *w); /* NULL: nothing */

/* The next piece; last: nothing follows. Return how many of its bytes were taken, or -1: out of memory,
 * nothing but web_close() may follow. */
int32_t web_learn(struct web_trace *w, const uint8_t *data, size_t len, uint32_t last);
int32_t web_frame(struct web_trace *w, const uint8_t *data, size_t len, uint32_t last);
/* The first reading, the last one is over. Return 0, or -1 likewise. */
int32_t web_learned(struct web_trace *w);
int32_t web_end(struct web_trace *w);

/* Lives as long as the trace. */
const struct web_results *web_results(const struct web_trace *w);

/* Ids of functions are below the count; names end with a zero byte and hold until the next piece. */
uint32_t web_func_count(const struct web_trace *w);
const char *web_func_name(const struct web_trace *w, uint32_t func);

#endif
