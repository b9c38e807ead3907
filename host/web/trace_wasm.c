/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/web/trace_wasm.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name)               __attribute__((export_name(#name))) name
#define IMPORT(module_, function_) __attribute__((import_module(module_), import_name(function_)))

/* host/web/trace.mjs has these numbers. */
_Static_assert(sizeof(void *) == 4 && sizeof(size_t) == 4, "a page's pointers");
_Static_assert(sizeof(struct web_event) == 24 && sizeof(struct trace_call) == 56 &&
		       sizeof(struct trace_segment) == 40 && sizeof(struct trace_loss) == 32,
	"rows");
_Static_assert(
	offsetof(struct web_results, events) == 72 && sizeof(struct web_rows) == 12, "results");

struct web_trace {
	struct trace *trace;
	struct web_results results;
	struct trace_sink sink;
	bool in_damage;
	bool failed; /* out of memory */
};

/* A step of one of the readings. */
typedef int take_frame(
	struct trace *t, const struct framing_header *h, const uint8_t *payload, size_t len);

IMPORT("env", "log") void web_log(const char *text, size_t len);

static void say(const char *text)
{
	web_log(text, strlen(text));
}

/* libc's own would take the operating system's files for it. */
_Noreturn void __assert_fail(const char *condition, const char *file, int line, const char *func)
{
	say(file);
	say(func);
	say(condition);
	__builtin_trap();
}

static void *resize(void *ctx, void *old, size_t size)
{
	if (size)
		return realloc(old, size);
	free(old);
	return NULL;
}

static const struct trace_memory memory = {.resize = resize};

/* Room for n more rows behind those that are there; NULL: none. */
static void *add(struct web_trace *w, struct web_rows *rows, size_t n, size_t size)
{
	void *row = trace_grow(&memory, rows->row, &rows->cap, rows->n + n, size);
	uint8_t *place;

	if (!row) {
		w->failed = true;
		return NULL;
	}
	rows->row = row;
	place = (uint8_t *)row + rows->n * size;
	rows->n += n;
	return place;
}

static void on_event(void *ctx, const struct trace_event *e)
{
	struct web_trace *w = ctx;
	struct web_event *to = add(w, &w->results.events, 1, sizeof(*to));
	size_t first = w->results.args.n;
	uint64_t *arg = add(w, &w->results.args, e->nargs, sizeof(*arg));

	if (!to || !arg)
		return;
	*to = (struct web_event){
		.t_ns = e->t_ns,
		.tid = e->tid,
		.func = e->func,
		.cpu = e->cpu,
		.kind = e->kind,
		.session = e->session,
		.nargs = e->nargs,
		.late = e->late,
		.args = first,
	};
	for (size_t i = 0; i < e->nargs; i++)
		arg[i] = e->arg[i];
}

static void copy(struct web_trace *w, struct web_rows *rows, const void *row, size_t size)
{
	void *to = add(w, rows, 1, size);

	if (to)
		memcpy(to, row, size);
}

static void on_call(void *ctx, const struct trace_call *c)
{
	struct web_trace *w = ctx;

	copy(w, &w->results.calls, c, sizeof(*c));
}

static void on_segment(void *ctx, const struct trace_segment *s)
{
	struct web_trace *w = ctx;

	copy(w, &w->results.segments, s, sizeof(*s));
}

static void on_loss(void *ctx, const struct trace_loss *l)
{
	struct web_trace *w = ctx;

	copy(w, &w->results.losses, l, sizeof(*l));
}

static void on_notice(void *ctx, enum trace_notice notice, uint64_t a, uint64_t b)
{
	static const char *const text[] = {
		[TRACE_NOTICE_LATER_FORMAT] = "the recording's format is of a later version",
		[TRACE_NOTICE_LATER_CODEC] = "some events are in a codec of a later version",
		[TRACE_NOTICE_LATER_PROTOCOL] = "some sessions need a later version",
		[TRACE_NOTICE_SESSIONS] = "more sessions than are shown",
	};

	say(text[notice]);
}

void *EXPORT(web_alloc)(size_t size)
{
	return malloc(size);
}

void EXPORT(web_free)(void *p)
{
	free(p);
}

struct web_trace *EXPORT(web_open)(uint64_t secret, uint32_t wants)
{
	struct web_trace *w = trace_alloc(&memory, sizeof(*w));
	struct trace_config config = {
		.memory = memory,
		.notice = on_notice,
		.secret = secret,
	};

	if (!w)
		return NULL;
	w->sink = (struct trace_sink){
		.event = wants & WEB_EVENTS ? on_event : NULL,
		.call = wants & WEB_CALLS ? on_call : NULL,
		.segment = wants & WEB_SEGMENTS ? on_segment : NULL,
		.loss = wants & WEB_LOSSES ? on_loss : NULL,
	};
	config.sink = &w->sink;
	config.sink_ctx = w;
	if (trace_new(&w->trace, &config) == 0)
		return w;
	trace_release(&memory, w);
	return NULL;
}

void EXPORT(web_close)(struct web_trace *w)
{
	if (!w)
		return;
	trace_free(w->trace);
	free(w->results.events.row);
	free(w->results.args.row);
	free(w->results.calls.row);
	free(w->results.segments.row);
	free(w->results.losses.row);
	trace_release(&memory, w);
}

static void forget_rows(struct web_results *r)
{
	r->events.n = r->args.n = r->calls.n = r->segments.n = r->losses.n = 0;
}

static int32_t outcome(struct web_trace *w, int err)
{
	const struct trace_totals *totals = trace_totals(w->trace);
	struct web_results *r = &w->results;

	w->failed = w->failed || err;
	r->all_events = totals->events;
	r->all_calls = totals->calls;
	r->all_calls_no_exit = totals->calls_no_exit;
	r->all_lost = totals->lost_total;
	r->origin_ns = totals->origin_ns;
	r->duration_ns = totals->duration_ns;
	return w->failed ? -1 : 0;
}

/* As the desk's reader has it: whole records with a valid CRC, whatever is between them is damage. */
static int32_t feed(
	struct web_trace *w, const uint8_t *data, size_t len, bool last, take_frame *take)
{
	size_t at = 0;
	int err = 0;

	while (at < len && !err && !w->failed && (last || len - at >= WEB_MIN_PIECE)) {
		const uint8_t *body, *payload, *next;
		size_t body_len, payload_len, used;
		struct framing_header h;

		used = record_parse(data + at, len - at, &body, &body_len);
		if (used && framing_body_parse(body, body_len, &h, &payload, &payload_len)) {
			w->in_damage = false;
			w->results.frames++;
			err = take(w->trace, &h, payload, payload_len);
		} else {
			next = memchr(data + at + 1, RECORD_TAG, len - at - 1);
			used = next ? (size_t)(next - data) - at : len - at;
			w->results.damaged += !w->in_damage;
			w->results.damaged_bytes += used;
			w->in_damage = true;
		}
		at += used;
	}
	return outcome(w, err) ? -1 : (int32_t)at;
}

int32_t EXPORT(web_learn)(struct web_trace *w, const uint8_t *data, size_t len, uint32_t last)
{
	assert(len <= INT32_MAX);
	return feed(w, data, len, last, trace_learn);
}

int32_t EXPORT(web_frame)(struct web_trace *w, const uint8_t *data, size_t len, uint32_t last)
{
	assert(len <= INT32_MAX);
	forget_rows(&w->results);
	return feed(w, data, len, last, trace_frame);
}

int32_t EXPORT(web_learned)(struct web_trace *w)
{
	w->in_damage = false;
	w->results.frames = w->results.damaged = w->results.damaged_bytes = 0;
	return outcome(w, trace_learned(w->trace));
}

int32_t EXPORT(web_end)(struct web_trace *w)
{
	forget_rows(&w->results);
	return outcome(w, trace_end(w->trace));
}

const struct web_results *EXPORT(web_results)(const struct web_trace *w)
{
	return &w->results;
}

uint32_t EXPORT(web_func_count)(const struct web_trace *w)
{
	return trace_func_count(w->trace);
}

const char *EXPORT(web_func_name)(const struct web_trace *w, uint32_t func)
{
	assert(func < TRACE_MAX_FUNCS);
	return trace_func(w->trace, (uint16_t)func)->name;
}
