/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host/base/cli.h"
#include "host/commands.h"
#include "host/base/json.h"
#include "host/trace/ledger.h"
#include "host/model/memory_books.h"
#include "host/model/model.h"
#include "host/base/say.h"
#include "host/base/text.h"
#include "proto/block.h"

enum { OPT_JSON };

static const struct cli_option options[] = {
	[OPT_JSON] = {0, "json", NULL, "as JSON"},
};

static const struct cli_spec spec = {
	.usage = "info run.pb [--json]",
	.about = "What is in a recording: the board, the sessions, how much arrived, and what was "
		 "lost, why and when.",
	.options = options,
	.n_options = sizeof(options) / sizeof(*options),
};

/* Rows of the loss table that the text shows; JSON has all. */
#define LOSS_ROWS_SHOWN 10u

/* What a board says about itself comes with the newest hello. */
static const ayaprof_Hello *board_of(const struct model *m)
{
	static const ayaprof_Hello nobody;

	for (size_t i = m->n_sessions; i-- > 0;) {
		if (m->sessions[i].has_hello)
			return &m->sessions[i].hello;
	}
	return &nobody;
}

/* Why nothing is known of the board, when nothing is. */
static const char *why_no_board(const struct model *m)
{
	for (size_t i = 0; i < m->n_sessions; i++) {
		if (m->sessions[i].needs_protocol)
			return "it speaks a later protocol";
	}
	return "no hello arrived";
}

/* Nobody knows what its board still held: it was killed, lost its power, or went on without us. */
static bool without_goodbye(const struct model_session *s)
{
	return !s->has_goodbye && !s->needs_protocol;
}

static size_t sessions_without_goodbye(const struct model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_sessions; i++)
		n += without_goodbye(&m->sessions[i]);
	return n;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void json_board(struct json *j, const struct model *m)
{
	const ayaprof_Hello *h = board_of(m);

	json_object(j, "board");
	json_text(j, "hostname", h->hostname);
	json_text(j, "kernel", h->kernel);
	json_text(j, "arch", h->arch);
	json_uint(j, "cpus", h->cpus);
	json_text(j, "boot_id", h->boot_id);
	json_text(j, "tool_version", h->tool_version);
	json_uint(j, "protocol", h->protocol);
	json_close(j);
}

static void json_sessions(struct json *j, const struct model *m)
{
	json_uint(j, "sessions", m->n_sessions);
	json_array(j, "session_list");
	for (size_t i = 0; i < m->n_sessions; i++) {
		const struct model_session *s = &m->sessions[i];

		json_flat_object(j, NULL);
		json_uint(j, "id", s->id);
		json_uint(j, "produced", s->produced);
		json_uint(j, "events", s->delivered);
		json_uint(j, "first_ns", s->first_ns);
		json_uint(j, "last_ns", s->last_ns);
		json_bool(j, "goodbye", s->has_goodbye);
		json_text(j, "end_reason", s->end_reason);
		json_uint(j, "pending", s->status.pending);
		if (s->needs_protocol)
			json_uint(j, "needs_protocol", s->needs_protocol);
		else
			json_null(j, "needs_protocol");
		json_bool(j, "replay", s->hello.replay);
		json_text(j, "command", s->hello.command);
		if (s->command_ended)
			json_int(j, "exit_status", s->exit_status);
		else
			json_null(j, "exit_status");
		json_uint(j, "resolution_ns", s->hello.resolution_ns);
		json_text(j, "codec", s->has_hello ? ayp_codec_name(s->hello.codec) : "");
		json_uint(j, "spool_peak", s->status.spool_peak);
		json_uint(j, "board_cpu_us", s->status.cpu_us);
		json_uint(j, "board_rss_kb", s->status.rss_kb);
		json_close(j);
	}
	json_close(j);
}

static void json_lost(struct json *j, const struct model *m)
{
	json_object(j, "lost");
	json_uint(j, "total", m->lost_total);
	/* Else it is what is known of: at least so many. */
	json_bool(j, "exact", sessions_without_goodbye(m) == 0);
	json_uint(j, "sessions_without_goodbye", sessions_without_goodbye(m));
	json_object(j, "by_cause");
	for (unsigned int c = 0; c < sizeof(m->lost_by_cause) / sizeof(*m->lost_by_cause); c++)
		json_uint(j, ayp_loss_cause_name(c), m->lost_by_cause[c]);
	json_close(j);
	json_array(j, "ranges");
	for (size_t i = 0; i < m->n_losses; i++) {
		const struct model_loss *l = &m->losses[i];

		json_flat_object(j, NULL);
		json_text(j, "cause", ayp_loss_cause_name(l->cause));
		json_uint(j, "session", l->session);
		if (l->cpu < 0)
			json_null(j, "cpu");
		else
			json_int(j, "cpu", l->cpu);
		json_uint(j, "first_ns", l->first_ns);
		json_uint(j, "last_ns", l->last_ns);
		json_uint(j, "count", l->count);
		json_close(j);
	}
	json_close(j);
	json_close(j);
}

static void json_modules(struct json *j, const struct model *m)
{
	const ayaprof_Hello *h = board_of(m);

	json_array(j, "modules");
	for (pb_size_t i = 0; i < h->modules_count; i++) {
		json_flat_object(j, NULL);
		json_text(j, "name", h->modules[i].name);
		json_text(j, "mechanism", h->modules[i].mechanism);
		json_uint(j, "attached", h->modules[i].attached);
		json_uint(j, "failed", h->modules[i].failed);
		json_close(j);
	}
	json_close(j);
}

/* Still running at the end, or their exit was lost or missed. */
static uint64_t calls_without_end(const struct model *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->n_calls; i++)
		n += (m->calls[i].flags & CALL_NO_EXIT) != 0;
	return n;
}

/* As the boards counted until their last word; what came late has been sent again in any case. */
static uint64_t retransmitted(const struct model *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->n_sessions; i++)
		n = ledger_add(n, m->sessions[i].status.frames_again);
	return n > m->line.frames_late ? n : m->line.frames_late;
}

/* Of the board's receiver, as its newest books say; NULL: its driver does not count. */
static const ayaprof_UartErrors *board_uart(const struct model *m)
{
	for (size_t i = m->n_sessions; i-- > 0;) {
		if (m->sessions[i].status.has_uart)
			return &m->sessions[i].status.uart;
	}
	return NULL;
}

static void json_uart(struct json *j, const char *key, const ayaprof_UartErrors *u)
{
	if (!u) {
		json_null(j, key);
		return;
	}
	json_flat_object(j, key);
	json_uint(j, "overrun", u->overrun);
	json_uint(j, "framing", u->framing);
	json_uint(j, "parity", u->parity);
	json_uint(j, "breaks", u->breaks);
	json_uint(j, "buffer_overrun", u->buffer_overrun);
	json_close(j);
}

static void json_memory_book(struct json *j, const char *key, const struct memory_book *b)
{
	json_flat_object(j, key);
	json_uint(j, "alloc_bytes", b->alloc_bytes);
	json_uint(j, "alloc_count", b->alloc_count);
	json_uint(j, "free_bytes", b->free_bytes);
	json_uint(j, "free_count", b->free_count);
	json_uint(j, "gone_bytes", b->gone_bytes);
	json_uint(j, "gone_count", b->gone_count);
	json_uint(j, "outstanding_bytes", b->outstanding_bytes);
	json_uint(j, "outstanding_count", b->outstanding_count);
	json_uint(j, "untracked_bytes", b->untracked_bytes);
	json_uint(j, "untracked", b->untracked_count);
	json_close(j);
}

static void json_memory(struct json *j, const struct model *m)
{
	struct memory_books b;

	memory_books(&b, m);
	if (!b.known) {
		json_null(j, "memory");
		return;
	}
	json_object(j, "memory");
	json_bool(j, "estimate", b.estimate);
	json_uint(j, "one_in", b.one_in);
	json_bool(j, "table_full", b.unseen & AYP_UNSEEN_TABLE);
	json_array(j, "unseen");
	if (b.unseen & AYP_UNSEEN_BULK)
		json_text(j, NULL, "bulk");
	if (b.unseen & AYP_UNSEEN_RCU)
		json_text(j, NULL, "kfree_rcu");
	if (b.unseen & AYP_UNSEEN_SHEAF)
		json_text(j, NULL, "kfree_rcu_sheaf");
	json_close(j);
	json_memory_book(j, "total", &b.total);
	json_memory_book(j, "kmalloc", &b.type[0]);
	json_memory_book(j, "kmem_cache", &b.type[1]);
	json_close(j);
}

static void print_json(const struct model *m)
{
	struct json j;

	json_begin(&j, stdout);
	json_uint(&j, "format_version", m->recording.format_version);
	json_text(&j, "recorder", m->recording.recorder);
	json_bool(&j, "complete", m->complete);
	json_board(&j, m);
	json_sessions(&j, m);
	json_uint(&j, "duration_ns", m->duration_ns);
	json_uint(&j, "origin_ns", m->origin_ns);
	json_uint(&j, "events", m->n_events);
	json_uint(&j, "calls", m->n_calls);
	json_uint(&j, "calls_without_end", calls_without_end(m));
	json_uint(&j, "orphan_exits", m->orphan_exits);
	json_uint(&j, "samples", m->n_samples);
	json_lost(&j, m);
	json_memory(&j, m);
	json_uint(&j, "wire_bytes", m->line.wire_bytes);
	if (m->n_events)
		json_real(&j, "wire_bytes_per_event",
			(double)m->line.wire_bytes / (double)m->n_events);
	else
		json_null(&j, "wire_bytes_per_event");
	json_uint(&j, "frames", m->line.frames);
	json_uint(&j, "frames_bad", m->line.frames_bad);
	json_uint(&j, "frames_repaired", m->line.frames_repaired);
	json_uint(&j, "frames_retransmitted", retransmitted(m));
	json_uint(&j, "frames_repeated", m->line.frames_repeated);
	json_uint(&j, "frames_in_file", m->frames);
	json_uint(&j, "frames_unknown", m->frames_unknown);
	json_uint(&j, "file_damaged", m->frames_damaged);
	json_uint(&j, "console_bytes", m->line.console_bytes);
	json_uint(&j, "bad_bytes", m->line.bad_bytes);
	json_uint(&j, "connects", m->line.connects);
	json_uint(&j, "sent_bytes", m->line.sent_bytes);
	json_uint(&j, "kernel_messages", m->n_logs);
	json_uint(&j, "kernel_messages_missed", m->logs_missed);
	json_modules(&j, m);
	json_object(&j, "link");
	json_text(&j, "mode", ayp_link_mode_name(board_of(m)->link));
	json_uint(&j, "baud", board_of(m)->baud);
	json_text(&j, "recorded_from", m->recording.link);
	json_uart(&j, "board_uart", board_uart(m));
	json_uart(&j, "host_uart", m->line.has_uart ? &m->line.uart : NULL);
	json_close(&j);
	json_end(&j);
}

/* ---- text ----------------------------------------------------------------------------------- */

static void print_board(const struct model *m)
{
	const ayaprof_Hello *h = board_of(m);
	char a[65], b[65], c[24], d[24];

	text_clean(a, sizeof(a), h->hostname);
	text_clean(b, sizeof(b), h->kernel);
	text_clean(c, sizeof(c), h->arch);
	text_clean(d, sizeof(d), h->tool_version);
	if (h->protocol)
		printf("board      %s, Linux %s %s, %u CPUs, ayaprof-uart %s\n",
			*a ? a : "(no name)", b, c, h->cpus, d);
	else
		printf("board      unknown: %s\n", why_no_board(m));
}

static void print_recorded(const struct model *m)
{
	char when[40] = "", link[160], recorder[64], duration[TEXT_NUMBER];
	time_t t = (time_t)(m->recording.start_wall_ns / 1000000000);
	struct tm tm;

	if (m->recording.start_wall_ns > 0 && localtime_r(&t, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S, ", &tm);
	text_clean(link, sizeof(link), m->recording.link);
	text_clean(recorder, sizeof(recorder), m->recording.recorder);
	printf("recorded   %sby %s from %s\n", when, *recorder ? recorder : "an unknown program",
		*link ? link : "an unknown link");
	printf("length     %s, %s\n", text_duration(duration, m->duration_ns),
		!m->complete                  ? "cut off: the recorder did not end in order"
		: sessions_without_goodbye(m) ? "without the board's end"
					      : "complete");
	if (m->frames_damaged)
		printf("damage     %" PRIu64 " damaged stretch%s of the file skipped\n",
			m->frames_damaged, m->frames_damaged == 1 ? "" : "es");
	if (m->frames_unknown)
		printf("unknown    %" PRIu64 " frames this version does not understand\n",
			m->frames_unknown);
}

static void print_sessions(const struct model *m)
{
	for (size_t i = 0; i < m->n_sessions; i++) {
		const struct model_session *s = &m->sessions[i];
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
}

static void print_modules(const struct model *m)
{
	const ayaprof_Hello *h = board_of(m);

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

static void print_line(const struct model *m)
{
	const ayaprof_Hello *h = board_of(m);
	char bytes[TEXT_NUMBER];

	printf("line       %s", ayp_link_mode_name(h->link));
	if (h->baud)
		printf(" at %u baud", h->baud);
	printf(", %s in %" PRIu64 " frames", text_bytes(bytes, m->line.wire_bytes), m->line.frames);
	if (m->n_events)
		printf(", %.2f bytes per event", (double)m->line.wire_bytes / (double)m->n_events);
	printf("\n           %" PRIu64 " bad frames, %" PRIu64 " repaired, %" PRIu64
	       " sent again, %" PRIu64 " bytes of console text",
		m->line.frames_bad, m->line.frames_repaired, retransmitted(m),
		m->line.console_bytes);
	if (m->line.connects > 1)
		printf(", connected %" PRIu64 " times", m->line.connects);
	putchar('\n');
	print_uart("board's", board_uart(m));
	print_uart("this", m->line.has_uart ? &m->line.uart : NULL);
}

static void print_when(const struct model *m, const struct model_loss *l)
{
	char from[TEXT_NUMBER], to[TEXT_NUMBER];

	if (l->first_ns || l->last_ns)
		printf(" from %s to %s",
			text_duration(from, model_since_origin(m, l->session, l->first_ns)),
			text_duration(to, model_since_origin(m, l->session, l->last_ns)));
}

/* What the board had taken in and not yet sent is in its last word; what came afterwards, and what its ring held, is in none. */
static void print_not_known(const struct model *m)
{
	for (size_t i = 0; i < m->n_sessions; i++) {
		const struct model_session *s = &m->sessions[i];

		if (!without_goodbye(s))
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

static void print_lost(const struct model *m)
{
	if (!m->lost_total) {
		printf("lost       nothing%s\n",
			sessions_without_goodbye(m) ? " that is known of" : "");
		print_not_known(m);
		return;
	}
	printf("lost       %" PRIu64 " events:", m->lost_total);
	for (unsigned int c = 0; c < sizeof(m->lost_by_cause) / sizeof(*m->lost_by_cause); c++) {
		if (m->lost_by_cause[c])
			printf(" %s %" PRIu64, ayp_loss_cause_name(c), m->lost_by_cause[c]);
	}
	putchar('\n');
	for (size_t i = 0; i < m->n_losses && i < LOSS_ROWS_SHOWN; i++) {
		const struct model_loss *l = &m->losses[i];

		printf("           %" PRIu64 " %s", l->count, ayp_loss_cause_name(l->cause));
		if (l->cpu >= 0)
			printf(" on CPU %d", l->cpu);
		print_when(m, l);
		putchar('\n');
	}
	if (m->n_losses > LOSS_ROWS_SHOWN)
		printf("           ... and %zu more ranges (--json has all)\n",
			m->n_losses - LOSS_ROWS_SHOWN);
	print_not_known(m);
}

static void print_memory(const struct model *m)
{
	char a[TEXT_NUMBER], b[TEXT_NUMBER], doubts[160];
	struct memory_books books;
	const struct memory_book *t = &books.total;

	memory_books(&books, m);
	if (!books.known)
		return;
	printf("memory     %s in %" PRIu64 " allocations, outstanding %s in %" PRIu64 "\n",
		text_bytes(a, t->alloc_bytes), t->alloc_count, text_bytes(b, t->outstanding_bytes),
		t->outstanding_count);
	memory_books_doubts(doubts, sizeof(doubts), books.one_in, books.unseen);
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

static void print_kernel_log(const struct model *m)
{
	if (!m->n_logs)
		return;
	printf("log        %zu kernel messages", m->n_logs);
	if (m->logs_missed)
		printf(", %" PRIu64 " missed", m->logs_missed);
	printf(" (hostdec log)\n");
}

static void print_text(const struct model *m)
{
	print_board(m);
	print_recorded(m);
	print_sessions(m);
	print_modules(m);
	print_line(m);
	printf("events     %zu events, %zu calls (%" PRIu64 " without end), %" PRIu64
	       " exits without entry, %zu samples\n",
		m->n_events, m->n_calls, calls_without_end(m), m->orphan_exits, m->n_samples);
	print_memory(m);
	print_kernel_log(m);
	print_lost(m);
}

static bool set_option(void *ctx, struct cli *c, int option)
{
	*(bool *)ctx = true; /* there is only --json */
	return true;
}

int cmd_info(int argc, char **argv)
{
	const char *input;
	struct model m;
	bool json = false;
	int got = cli_view(&spec, argc, argv, &input, set_option, &json);

	if (got != CLI_END)
		return got == CLI_HELP ? EXIT_OK : EXIT_USAGE;
	if (model_load(&m, input, true))
		return EXIT_FAILED;
	if (json)
		print_json(&m);
	else
		print_text(&m);
	model_free(&m);
	return say_output_failed() ? EXIT_FAILED : EXIT_OK;
}
