/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/loop/summary.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/base/log.h"
#include "target/base/output_file.h"
#include "target/loop/summary_memory.h"
#include "target/base/usage.h"

typedef unsigned long long ull;

static double bytes_per_event(const struct transmitter *tx)
{
	return tx->events_sent ? (double)tx->wire_bytes / (double)tx->events_sent : 0.0;
}

void summary_print(const struct stream *s)
{
	const struct channel *ch = s->channels[0];
	uint64_t lost = losses_total(&ch->queue.losses);
	char causes[256] = "", memory[200];
	size_t len = 0;

	for (unsigned int c = 0; c < LOSSES_CAUSES && len < sizeof(causes); c++)
		if (ch->queue.losses.total[c])
			len += (size_t)snprintf(causes + len, sizeof(causes) - len, "%s%s %llu",
				len ? ", " : " (", ayp_loss_cause_name(c),
				(ull)ch->queue.losses.total[c]);
	log_note("%llu events: %llu sent, %llu lost%s%s; %llu bytes, %.2f per event; spool peak "
		 "%llu KiB; "
		 "%.2f s CPU, %.1f MiB%s",
		(ull)s->produced, (ull)ch->tx.events_sent, (ull)lost, causes, causes[0] ? ")" : "",
		(ull)ch->tx.wire_bytes, bytes_per_event(&ch->tx),
		(ull)(ch->queue.spool.peak + 1023) >> 10, (double)usage_cpu_us() / 1e6,
		(double)usage_peak_rss_kb() / 1024,
		summary_memory_text(memory, sizeof(memory), &s->last_sample));
}

static void put_string(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			fprintf(file, "\\%c", c);
		else if (c < 0x20)
			fprintf(file, "\\u%04x", c);
		else
			fputc(c, file);
	}
	fputc('"', file);
}

static void put_lost(FILE *file, const struct losses *l)
{
	fprintf(file, "  \"lost\": {\n    \"total\": %llu", (ull)losses_total(l));
	for (unsigned int c = 0; c < LOSSES_CAUSES; c++)
		if (l->total[c])
			fprintf(file, ",\n    \"%s\": %llu", ayp_loss_cause_name(c),
				(ull)l->total[c]);
	fputs("\n  },\n", file);
}

static void put_counts(FILE *file, struct source *source)
{
	struct source_report report;
	unsigned int attached = 0, failed = 0;

	for (size_t i = 0; source->ops->report(source, i, &report); i++) {
		attached += report.attached;
		failed += report.failed;
	}
	fprintf(file, "  \"attached\": %u,\n  \"refused\": %u,\n", attached, failed);
	fprintf(file, "  \"attach_seconds\": %.3f,\n", source->attach_seconds);
}

static void put_probes(FILE *file, struct source *source)
{
	struct source_report report;

	fputs("  \"probes\": {", file);
	for (size_t i = 0; source->ops->report(source, i, &report); i++) {
		fputs(i ? ",\n    " : "\n    ", file);
		put_string(file, report.module);
		fputs(": ", file);
		put_string(file, report.mechanism);
	}
	fputs("\n  }\n", file);
}

/* How the profiled command ended: "exit_status", as a shell has it, and "signal" where one ended
 * it. */
static void put_command(FILE *file, const struct command *c)
{
	if (!c->pid)
		return;
	fputs("  \"command\": {", file);
	if (c->running)
		fputs("\"running\": true", file);
	else
		fprintf(file, "\"exit_status\": %d", c->exit_status);
	if (c->signal) {
		fputs(", \"signal\": ", file);
		put_string(file, signal_set_name(c->signal));
	}
	fputs("},\n", file);
}

static void put_all(FILE *file, const struct stream *s, const struct command *c)
{
	const struct channel *ch = s->channels[0];

	fputs("{\n", file);
	fprintf(file, "  \"events\": %llu,\n", (ull)s->produced);
	fprintf(file, "  \"events_sent\": %llu,\n", (ull)ch->tx.events_sent);
	put_lost(file, &ch->queue.losses);
	fprintf(file, "  \"wire_bytes\": %llu,\n", (ull)ch->tx.wire_bytes);
	fprintf(file, "  \"wire_bytes_per_event\": %.4f,\n", bytes_per_event(&ch->tx));
	fprintf(file, "  \"spool_peak\": %llu,\n", (ull)ch->queue.spool.peak);
	fprintf(file, "  \"cpu_seconds\": %.6f,\n", (double)usage_cpu_us() / 1e6);
	fprintf(file, "  \"peak_rss_kb\": %llu,\n", (ull)usage_peak_rss_kb());
	fprintf(file, "  \"helper_peak_rss_kb\": %llu,\n", (ull)usage_helper_peak_rss_kb());
	fprintf(file, "  \"rss_kb\": %llu,\n", (ull)s->rss_kb);
	fprintf(file, "  \"ring_bytes\": %zu,\n", s->cfg->replay_file ? 0 : s->cfg->ring_bytes);
	fprintf(file, "  \"spool_bytes\": %zu,\n", s->cfg->spool_mem);
	put_command(file, c);
	summary_memory_json(file, &s->last_sample);
	put_counts(file, s->source);
	put_probes(file, s->source);
	fputs("}\n", file);
}

int summary_write_json(const struct stream *s, const struct command *c, const char *path)
{
	struct output_file out;
	char *text = NULL, why[OUTPUT_WHY] = "out of memory";
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);
	int err = -ENOMEM;

	if (file)
		put_all(file, s, c);
	if (file && fclose(file) == 0)
		err = output_file_begin(&out, path, 0644, "", why);
	if (!err) {
		err = output_file_write(&out, text, len, why);
		if (err)
			output_file_end(&out, false, why);
		else
			err = output_file_end(&out, true, why);
	}
	free(text);
	if (err)
		log_error("cannot write %s: %s; check --summary-json", path, why);
	return err;
}
