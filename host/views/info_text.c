/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host/base/text.h"
#include "host/views/info.h"

/* Rows of the loss table that are shown; JSON has all. */
#define LOSS_ROWS_SHOWN 10u
/* The same of sessions. */
#define SESSIONS_SHOWN 50u

static void print_board(const struct info *in)
{
	const ayaprof_Hello *h = info_board(in);
	char a[65], b[65], c[24], d[24];

	text_clean(a, sizeof(a), h->hostname);
	text_clean(b, sizeof(b), h->kernel);
	text_clean(c, sizeof(c), h->arch);
	text_clean(d, sizeof(d), h->tool_version);
	if (h->protocol)
		printf("board      %s, Linux %s %s, %u CPUs, ayaprof-uart %s\n",
			*a ? a : "(no name)", b, c, h->cpus, d);
	else
		printf("board      unknown: %s\n", info_why_no_board(in));
}

static void print_recorded(const struct info *in)
{
	char when[40] = "", link[160], recorder[64], duration[TEXT_NUMBER];
	time_t t = (time_t)(in->totals->recording.start_wall_ns / 1000000000);
	struct tm tm;

	if (in->totals->recording.start_wall_ns > 0 && localtime_r(&t, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S, ", &tm);
	text_clean(link, sizeof(link), in->totals->recording.link);
	text_clean(recorder, sizeof(recorder), in->totals->recording.recorder);
	printf("recorded   %sby %s from %s\n", when, *recorder ? recorder : "an unknown program",
		*link ? link : "an unknown link");
	printf("length     %s, %s\n", text_duration(duration, in->totals->duration_ns),
		in->recording.being_written         ? "so far: it is being recorded"
		: !in->recording.complete           ? "cut off: the recorder did not end in order"
		: info_sessions_without_goodbye(in) ? "without the board's end"
						    : "complete");
	if (in->recording.damaged)
		printf("damage     %" PRIu64 " damaged stretch%s of the file skipped\n",
			in->recording.damaged, in->recording.damaged == 1 ? "" : "es");
	if (in->totals->frames_unknown)
		printf("unknown    %" PRIu64 " frames this version does not understand\n",
			in->totals->frames_unknown);
}

static void print_sessions(const struct info *in)
{
	for (size_t i = 0; i < in->n_sessions && i < SESSIONS_SHOWN; i++) {
		const struct trace_session *s = info_session(in, i);
		char duration[TEXT_NUMBER], command[128];

		if (s->needs_protocol) {
			printf("session %-2zu %08x: recorded, but it needs a hostdec that speaks "
			       "protocol %u\n",
				i + 1, s->id, s->needs_protocol);
			continue;
		}
		text_clean(command, sizeof(command), s->hello.command);
		printf("session %-2zu %08x: %" PRIu64 " of %" PRIu64 " events in %s%s%s%s, %s%s\n",
			i + 1, s->id, s->delivered, s->produced,
			text_duration(duration, s->last_ns - s->first_ns),
			s->hello.replay ? ", replayed" : "", *command ? ", of " : "", command,
			s->has_goodbye ? "ended: " : "no goodbye",
			s->has_goodbye ? s->end_reason : "");
		if (s->command_ended && s->exit_status)
			printf("           the command's exit status was %" PRId32 "\n",
				s->exit_status);
	}
	if (in->n_sessions > SESSIONS_SHOWN)
		printf("           ... and %zu more sessions (--json has all)\n",
			in->n_sessions - SESSIONS_SHOWN);
}

static void print_modules(const struct info *in)
{
	const ayaprof_Hello *h = info_board(in);

	for (pb_size_t i = 0; i < h->modules_count; i++) {
		char name[24], mechanism[48];

		text_clean(name, sizeof(name), h->modules[i].name);
		text_clean(mechanism, sizeof(mechanism), h->modules[i].mechanism);
		printf("%s%-10s by %s, %u attached", i ? "           " : "modules    ", name,
			*mechanism ? mechanism : "nothing", h->modules[i].attached);
		if (h->modules[i].failed)
			printf(", %u not", h->modules[i].failed);
		putchar('\n');
	}
}

/* Nothing is said of a port without errors. */
static void print_uart(const char *whose, const ayaprof_UartErrors *u)
{
	if (!u || !(u->overrun || u->framing || u->parity || u->breaks || u->buffer_overrun))
		return;
	printf("           %s port: %" PRIu64 " overruns, %" PRIu64 " of its buffer, %" PRIu64
	       " framing and %" PRIu64 " parity errors, %" PRIu64 " breaks\n",
		whose, u->overrun, u->buffer_overrun, u->framing, u->parity, u->breaks);
}

static void print_line(const struct info *in)
{
	const ayaprof_Hello *h = info_board(in);
	char bytes[TEXT_NUMBER];

	printf("line       %s", ayp_link_mode_name(h->link));
	if (h->baud)
		printf(" at %u baud", h->baud);
	printf(", %s in %" PRIu64 " frames", text_bytes(bytes, in->totals->line.wire_bytes),
		in->totals->line.frames);
	if (in->totals->events)
		printf(", %.2f bytes per event",
			(double)in->totals->line.wire_bytes / (double)in->totals->events);
	printf("\n           %" PRIu64 " bad frames, %" PRIu64 " repaired, %" PRIu64
	       " sent again, %" PRIu64 " bytes of console text",
		in->totals->line.frames_bad, in->totals->line.frames_repaired,
		info_retransmitted(in), in->totals->line.console_bytes);
	if (in->totals->line.connects > 1)
		printf(", connected %" PRIu64 " times", in->totals->line.connects);
	putchar('\n');
	print_uart("board's", info_board_uart(in));
	print_uart("this", in->totals->line.has_uart ? &in->totals->line.uart : NULL);
}

static void print_when(const struct info *in, const struct trace_loss *l)
{
	char from[TEXT_NUMBER], to[TEXT_NUMBER];

	if (l->first_ns || l->last_ns)
		printf(" from %s to %s",
			text_duration(from,
				trace_since_origin(in->recording.trace, l->session, l->first_ns)),
			text_duration(to,
				trace_since_origin(in->recording.trace, l->session, l->last_ns)));
}

/* What the board had taken in and not yet sent is in its last word; what came afterwards, and what its ring held, is in none. */
static void print_not_known(const struct info *in)
{
	for (size_t i = 0; i < in->n_sessions && i < SESSIONS_SHOWN; i++) {
		const struct trace_session *s = info_session(in, i);

		/* What waits there now is its backlog. */
		if (!info_without_goodbye(s) ||
			(in->recording.being_written && i + 1 == in->n_sessions))
			continue;
		printf("           session %zu has no goodbye: what its ring and spool held at the "
		       "end is "
		       "not known",
			i + 1);
		if (s->status.pending)
			printf(" (%" PRIu64 " events waited when it was last heard)",
				s->status.pending);
		putchar('\n');
	}
}

static void print_lost(const struct info *in)
{
	if (in->losses.backlog)
		printf("backlog    %" PRIu64 " events wait on the board\n", in->losses.backlog);
	if (!in->losses.total) {
		printf("lost       nothing%s\n",
			info_sessions_without_goodbye(in) ? " that is known of" : "");
		print_not_known(in);
		return;
	}
	printf("lost       %" PRIu64 " events:", in->losses.total);
	for (unsigned int c = 0; c < sizeof(in->losses.by_cause) / sizeof(*in->losses.by_cause);
		c++) {
		if (in->losses.by_cause[c])
			printf(" %s %" PRIu64, ayp_loss_cause_name(c), in->losses.by_cause[c]);
	}
	putchar('\n');
	for (size_t i = 0; i < in->losses.n && i < LOSS_ROWS_SHOWN; i++) {
		const struct trace_loss *l = &in->losses.loss[i];

		printf("           %" PRIu64 " %s", l->count, ayp_loss_cause_name(l->cause));
		if (l->cpu >= 0)
			printf(" on CPU %d", l->cpu);
		print_when(in, l);
		putchar('\n');
	}
	if (in->losses.n > LOSS_ROWS_SHOWN)
		printf("           ... and %" PRIu64 " more ranges (--json has %s)\n",
			in->losses.n - LOSS_ROWS_SHOWN + in->losses.left_out,
			in->losses.left_out ? "more" : "all");
	print_not_known(in);
}

static void print_memory(const struct info *in)
{
	char a[TEXT_NUMBER], b[TEXT_NUMBER], doubts[160];
	struct memory_account books;
	const struct memory_balance *t = &books.total;

	memory_account(&books, &in->memory);
	if (!books.known)
		return;
	printf("memory     %s in %" PRIu64 " allocations, outstanding %s in %" PRIu64 "\n",
		text_bytes(a, t->alloc_bytes), t->alloc_count, text_bytes(b, t->outstanding_bytes),
		t->outstanding_count);
	memory_account_doubts(doubts, sizeof(doubts), books.one_in, books.unseen);
	if (*doubts)
		printf("           outstanding is %s%s\n",
			books.one_in > 1 ? "" : "what was seen; ", doubts);
	if (t->untracked_count)
		printf("           not followed: %s in %" PRIu64 " allocations\n",
			text_bytes(a, t->untracked_bytes), t->untracked_count);
	if (t->gone_count)
		printf("           given back unseen, by the kernel's slab statistics: %s in "
		       "%" PRIu64 " at least (not in outstanding)\n",
			text_bytes(a, t->gone_bytes), t->gone_count);
}

static void print_kernel_log(const struct info *in)
{
	if (!in->totals->logs)
		return;
	printf("log        %" PRIu64 " kernel messages", in->totals->logs);
	if (in->totals->logs_missed)
		printf(", %" PRIu64 " missed", in->totals->logs_missed);
	printf(" (hostdec log)\n");
}

void info_print(const struct info *in)
{
	print_board(in);
	print_recorded(in);
	print_sessions(in);
	print_modules(in);
	print_line(in);
	printf("events     %" PRIu64 " events, %" PRIu64 " calls (%" PRIu64
	       " without end), %" PRIu64 " exits without entry, %" PRIu64 " samples\n",
		in->totals->events, in->totals->calls, in->totals->calls_no_exit,
		in->totals->orphan_exits, in->totals->samples);
	print_memory(in);
	print_kernel_log(in);
	print_lost(in);
}
