/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>

#include "host/base/json.h"
#include "host/views/info.h"
#include "proto/block.h"

static void json_board(struct json *j, const struct info *in)
{
	const ayaprof_Hello *h = info_board(in);

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

static void json_sessions(struct json *j, const struct info *in)
{
	json_uint(j, "sessions", in->n_sessions);
	json_array(j, "session_list");
	for (size_t i = 0; i < in->n_sessions; i++) {
		const struct trace_session *s = info_session(in, i);

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

static void json_lost(struct json *j, const struct info *in)
{
	json_object(j, "lost");
	json_uint(j, "total", in->losses.total);
	/* Else it is what is known of: at least so many. */
	json_bool(j, "exact", info_sessions_without_goodbye(in) == 0);
	json_uint(j, "sessions_without_goodbye", info_sessions_without_goodbye(in));
	json_object(j, "by_cause");
	for (unsigned int c = 0; c < sizeof(in->losses.by_cause) / sizeof(*in->losses.by_cause);
		c++)
		json_uint(j, ayp_loss_cause_name(c), in->losses.by_cause[c]);
	json_close(j);
	json_array(j, "ranges");
	for (size_t i = 0; i < in->losses.n; i++) {
		const struct trace_loss *l = &in->losses.loss[i];

		json_flat_object(j, NULL);
		json_text(j, "cause", ayp_loss_cause_name(l->cause));
		json_uint(j, "session", l->session);
		if (l->cpu < 0)
			json_null(j, "cpu");
		else
			json_int(j, "cpu", l->cpu);
		json_uint(j, "first_ns", l->first_ns);
		json_uint(j, "last_ns", l->last_ns);
		if (l->first_ns || l->last_ns) {
			json_uint(j, "since_ns",
				trace_since_origin(in->recording.trace, l->session, l->first_ns));
			json_uint(j, "duration_ns", l->last_ns - l->first_ns);
		}
		json_uint(j, "count", l->count);
		json_close(j);
	}
	json_close(j);
	json_uint(j, "ranges_left_out", in->losses.left_out);
	json_close(j);
}

static void json_modules(struct json *j, const struct info *in)
{
	const ayaprof_Hello *h = info_board(in);

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

static void json_memory_book(struct json *j, const char *key, const struct memory_balance *b)
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

static void json_memory(struct json *j, const struct info *in)
{
	struct memory_account b;

	memory_account(&b, &in->memory);
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

void info_print_json(const struct info *in)
{
	struct json j;

	json_begin(&j, stdout);
	json_uint(&j, "format_version", in->totals->recording.format_version);
	json_text(&j, "recorder", in->totals->recording.recorder);
	json_bool(&j, "complete", in->recording.complete);
	json_bool(&j, "being_written", in->recording.being_written);
	json_board(&j, in);
	json_sessions(&j, in);
	json_uint(&j, "duration_ns", in->totals->duration_ns);
	json_uint(&j, "origin_ns", in->totals->origin_ns);
	/* Beyond 2^53 for readers that take numbers for doubles: the digits are here, and in since_ns. */
	json_digits(&j, "origin", in->totals->origin_ns);
	json_uint(&j, "events", in->totals->events);
	json_uint(&j, "calls", in->totals->calls);
	json_uint(&j, "calls_without_end", in->totals->calls_no_exit);
	json_uint(&j, "orphan_exits", in->totals->orphan_exits);
	json_uint(&j, "samples", in->totals->samples);
	json_lost(&j, in);
	json_uint(&j, "backlog", in->losses.backlog);
	json_uint(&j, "withheld", 0); /* boards of this protocol withhold nothing */
	json_memory(&j, in);
	json_uint(&j, "wire_bytes", in->totals->line.wire_bytes);
	if (in->totals->events)
		json_real(&j, "wire_bytes_per_event",
			(double)in->totals->line.wire_bytes / (double)in->totals->events);
	else
		json_null(&j, "wire_bytes_per_event");
	json_uint(&j, "frames", in->totals->line.frames);
	json_uint(&j, "frames_bad", in->totals->line.frames_bad);
	json_uint(&j, "frames_repaired", in->totals->line.frames_repaired);
	json_uint(&j, "frames_retransmitted", info_retransmitted(in));
	json_uint(&j, "frames_repeated", in->totals->line.frames_repeated);
	json_uint(&j, "frames_in_file", in->totals->frames);
	json_uint(&j, "frames_unknown", in->totals->frames_unknown);
	json_uint(&j, "file_damaged", in->recording.damaged);
	json_uint(&j, "console_bytes", in->totals->line.console_bytes);
	json_uint(&j, "bad_bytes", in->totals->line.bad_bytes);
	json_uint(&j, "connects", in->totals->line.connects);
	json_uint(&j, "sent_bytes", in->totals->line.sent_bytes);
	json_uint(&j, "kernel_messages", in->totals->logs);
	json_uint(&j, "kernel_messages_missed", in->totals->logs_missed);
	json_modules(&j, in);
	json_object(&j, "link");
	json_text(&j, "mode", ayp_link_mode_name(info_board(in)->link));
	json_uint(&j, "baud", info_board(in)->baud);
	json_text(&j, "recorded_from", in->totals->recording.link);
	json_uart(&j, "board_uart", info_board_uart(in));
	json_uart(&j, "host_uart", in->totals->line.has_uart ? &in->totals->line.uart : NULL);
	json_close(&j);
	json_end(&j);
}
