/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/record/live_line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/base/text.h"

/* In the order they are shown. */
enum part { RATE, USE, EVENTS, LOST, BACKLOG, BAD, SPOOL, GONE, PARTS };

/* What stays longest on a narrow terminal. */
static const enum part by_worth[PARTS] = {GONE, LOST, EVENTS, RATE, BACKLOG, BAD, USE, SPOOL};

struct parts {
	char text[PARTS][64];
};

static void set(struct parts *p, enum part part, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void set(struct parts *p, enum part part, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->text[part], sizeof(p->text[part]), fmt, ap);
	va_end(ap);
}

static void join(char *dst, size_t columns, const struct parts *p)
{
	bool shown[PARTS] = {false};
	size_t used = 1, at = 0; /* the last column stays free: some terminals wrap there */

	for (size_t i = 0; i < PARTS; i++) {
		size_t len = strlen(p->text[by_worth[i]]);

		shown[by_worth[i]] = len && used + len + 2 <= columns;
		used += shown[by_worth[i]] ? len + 2 : 0;
	}
	for (size_t i = 0; i < PARTS; i++) {
		if (shown[i])
			at += (size_t)snprintf(
				dst + at, LIVE_LINE_MAX - at, "%s%s", at ? ", " : "", p->text[i]);
	}
	dst[at] = '\0';
}

const char *live_line_draw(struct live_line *l, char *dst, size_t columns,
	const struct recorder_state *s, uint32_t baud, bool is_gone, uint64_t now_ns)
{
	double seconds = (double)(now_ns - l->at_ns) / 1e9;
	double rate = seconds > 0 ? (double)(s->line.wire_bytes - l->bytes) / seconds : 0;
	struct parts p = {0};
	char size[TEXT_NUMBER];

	set(&p, RATE, "%s/s", text_bytes(size, (uint64_t)rate));
	if (baud) /* 8N1: ten bits a byte */
		set(&p, USE, "%.0f %% of %" PRIu32 " baud", rate * 1000 / baud, baud);
	set(&p, EVENTS, "%" PRIu64 " events", s->events);
	set(&p, LOST, "%" PRIu64 " lost", s->lost);
	if (s->backlog)
		set(&p, BACKLOG, "%" PRIu64 " on their way", s->backlog);
	set(&p, BAD, "%" PRIu64 " bad frames", s->line.frames_bad);
	if (s->has_status && s->status.spool_size)
		set(&p, SPOOL, "%s wait on the board", text_bytes(size, s->status.spool_bytes));
	if (is_gone)
		set(&p, GONE, "line is gone");
	join(dst, columns < LIVE_LINE_MAX ? columns : LIVE_LINE_MAX, &p);
	l->at_ns = now_ns;
	l->bytes = s->line.wire_bytes;
	return dst;
}
