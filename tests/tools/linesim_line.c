/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/tools/linesim_line.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define CATCH_UP_NS    250000000u /* a busy line makes up for so much of being scheduled late */
#define FLIGHT_MAX     65536u     /* bytes under way; then the wire waits */
#define DEFAULT_SPEED  115200u    /* of a sender that has never set one */
#define TOLERANCE      0.03       /* beyond, a receiver samples the wrong bits */
#define BYTE_NS(speed) (10000000000u / (speed)) /* 8N1: ten bits */

int line_init(struct line *l, size_t cap, const struct fault_options *faults, uint64_t seed)
{
	l->cap = cap;
	l->idle = true;
	l->fifo = malloc(cap);
	if (l->rules->latency_ns)
		l->flight = calloc(FLIGHT_MAX, sizeof(*l->flight));
	if (!l->fifo || (l->rules->latency_ns && !l->flight))
		return -ENOMEM;
	return faults_init(&l->faults, faults, seed);
}

int line_free(struct line *l)
{
	free(l->fifo);
	free(l->flight);
	return faults_finish(&l->faults);
}

/* ---- the receiving end ---------------------------------------------------------------------- */

static void arrive(struct line *l, uint8_t byte)
{
	if (l->to->master < 0) {
		l->lost_unplugged++;
	} else if (!l->to->open) {
		l->lost_unopened++;
	} else if (l->fill == l->cap) {
		l->overrun++;
	} else {
		l->fifo[(l->head + l->fill) % l->cap] = byte;
		l->fill++;
	}
}

static void land(struct line *l)
{
	arrive(l, l->flight[l->flight_head].byte);
	l->flight_head = (l->flight_head + 1) % FLIGHT_MAX;
	l->flying--;
}

void line_deliver(struct line *l, uint64_t now_ns)
{
	while (l->flying && l->flight[l->flight_head].due_ns <= now_ns)
		land(l);
	while (l->fill && l->to->master >= 0) {
		size_t run = l->cap - l->head < l->fill ? l->cap - l->head : l->fill;
		ssize_t n = write(l->to->master, l->fifo + l->head, run);

		if (n <= 0)
			return;
		l->head = (l->head + (size_t)n) % l->cap;
		l->fill -= (size_t)n;
		l->delivered += (uint64_t)n;
	}
}

void line_reset(struct line *l, uint64_t *lost)
{
	*lost += l->fill + l->flying;
	l->fill = l->head = 0;
	l->flying = l->flight_head = 0;
}

bool line_empty(const struct line *l)
{
	return l->idle && !l->flying && !l->fill;
}

/* ---- the wire ------------------------------------------------------------------------------- */

static bool understood(const struct line *l)
{
	double sent = (double)l->speed, expected = (double)l->to->speed;

	if (!l->rules->by_tty)
		return true;
	if (l->rules->max_baud && l->speed > l->rules->max_baud)
		return false;
	return !l->to->open || !l->to->speed ||
	       (sent <= expected * (1 + TOLERANCE) && expected <= sent * (1 + TOLERANCE));
}

void line_put(void *ctx, uint8_t byte)
{
	struct line *l = ctx;

	if (l->speed) {
		l->first_ns = l->wire ? l->first_ns : l->clock_ns;
		l->clock_ns += BYTE_NS(l->speed);
		l->busy_ns += BYTE_NS(l->speed);
		l->last_ns = l->clock_ns;
	}
	l->wire++;
	if (!understood(l)) {
		byte = fault_garbage(&l->faults);
		l->garbled++;
	}
	if (!l->flight) {
		arrive(l, byte);
		return;
	}
	if (l->flying == FLIGHT_MAX) /* babble and text come without asking for room */
		land(l);
	l->flight[(l->flight_head + l->flying++) % FLIGHT_MAX] =
		(struct line_flying){l->clock_ns + l->rules->latency_ns, byte};
}

/* ---- the sending end ------------------------------------------------------------------------ */

static ssize_t take(struct line *l, size_t want)
{
	uint8_t buf[4096];
	ssize_t n = read(l->from->master, buf, want < sizeof(buf) ? want : sizeof(buf));

	for (ssize_t i = 0; i < n; i++)
		faults_pass(&l->faults, buf[i], line_put, l);
	if (n > 0)
		l->taken += (uint64_t)n;
	return n;
}

/* Everything that the sender's terminal holds, and nothing that its program writes meanwhile. */
static void take_all(struct line *l)
{
	struct pollfd fd = {.fd = l->from->master, .events = POLLIN};

	port_hold(l->from, true);
	/* A kernel worker hands the bytes on. */
	while (poll(&fd, 1, 2) > 0 && fd.revents & POLLIN && take(l, SIZE_MAX) > 0)
		;
	port_hold(l->from, false);
}

/* A driver counts what it has not sent yet (TIOCOUTQ), and programs wait for that before they change the
 * rate; a pty says 0. So what it holds when the change is seen belongs to the old rate and counts as gone
 * already: it goes at once. */
static void follow_speed(struct line *l)
{
	uint64_t clock = l->clock_ns, speed = l->rules->baud;

	if (l->rules->by_tty)
		speed = l->from->speed ? l->from->speed : DEFAULT_SPEED;
	if (speed == l->speed)
		return;
	if (!l->idle)
		take_all(l);
	l->clock_ns = clock;
	l->speed = speed;
}

/* So many of the sender's bytes have room: one may come twice, with a line of text between. */
static size_t allowed(size_t room)
{
	return room > FAULT_MAX_TEXT ? (room - FAULT_MAX_TEXT) / 2 : 0;
}

static size_t room_for(const struct line *l, size_t want)
{
	size_t flight = l->flight ? allowed(FLIGHT_MAX - l->flying) : want;
	size_t fifo = l->rules->rtscts && l->cap - l->fill > l->flying
			      ? allowed(l->cap - l->fill - l->flying)
		      : l->rules->rtscts ? 0
					 : want;

	want = flight < want ? flight : want;
	return fifo < want ? fifo : want;
}

/* How many bytes the wire has time for. */
static size_t time_for(struct line *l, uint64_t now_ns, size_t want)
{
	if (!l->speed) {
		l->clock_ns = now_ns;
		return want;
	}
	if (l->idle && l->clock_ns < now_ns - LINE_TICK_NS)
		l->clock_ns = now_ns - LINE_TICK_NS;
	if (l->clock_ns + CATCH_UP_NS < now_ns)
		l->clock_ns = now_ns - CATCH_UP_NS;
	if (l->clock_ns >= now_ns)
		return 0;
	uint64_t due = (now_ns - l->clock_ns) / BYTE_NS(l->speed);

	return due < want ? (size_t)due : want;
}

void line_carry(struct line *l, uint64_t now_ns, bool stalled)
{
	size_t want = room_for(l, 4096);

	if (l->from->master < 0)
		l->idle = true;
	if (l->from->master < 0 || stalled || !want) {
		l->clock_ns = now_ns;
		return;
	}
	follow_speed(l);
	want = time_for(l, now_ns, want);
	if (want)
		l->idle = take(l, want) < (ssize_t)want;
}
