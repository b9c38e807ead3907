/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A source that reads a recording: 16-byte records, CONTRACT section 5. */
#include "target/source/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/base/clock.h"
#include "target/base/log.h"
#include "target/base/foreign_file.h"
#include "target/replay/replay_names.h"

#define BUFFER_RECORDS 4096u

struct replay {
	struct source source;
	const struct config *cfg;
	struct names *names;
	struct source_sink sink;
	int fd;
	bool stopped;
	int error;         /* told; nothing more is read */
	uint64_t records;  /* whole ones in the file */
	uint64_t at;       /* of the next record */
	uint64_t begun_ns; /* CLOCK_MONOTONIC of activate: the first record's time */
	uint64_t due_ns;
	uint64_t counts[NAMES_MAX_FUNCS]; /* entries and instants by function */
	size_t buffered, next;            /* records in buffer, the next of them */
	uint8_t buffer[BUFFER_RECORDS * AYP_RECORD_SIZE];
};

/* What people try to replay that is not a recording, by its first bytes. Times may begin like the
 * short one: it only explains what has already been refused. */
#define SURE_MAGIC 3u
static const struct {
	const char *magic;
	size_t len;
	const char *what;
} magics[] = {
	{"\xfd"
	 "7zXZ",
		5, "xz-compressed: unpack it first (xz -d)"},
	{"\x1f\x8b\x08", 3, "gzip-compressed: unpack it first (gzip -d)"},
	{"\x28\xb5\x2f\xfd", 4, "zstd-compressed: unpack it first (zstd -d)"},
	{"\x0a", 1, "possibly a run.pb: convert it first (hostdec export -f events)"},
};

static int refill(struct replay *r)
{
	size_t got = 0, want = sizeof(r->buffer);
	uint64_t left = (r->records - r->at) * AYP_RECORD_SIZE;

	if (want > left)
		want = (size_t)left;
	while (got < want) {
		ssize_t n = pread(
			r->fd, r->buffer + got, want - got, (off_t)(r->at * AYP_RECORD_SIZE + got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int err = n < 0 ? -errno : -EIO;
			log_error("%s: cannot read on at record %llu: %s", r->cfg->replay_file,
				(unsigned long long)r->at,
				n < 0 ? strerror(-err) : "the file has shrunk");
			return err;
		}
		got += (size_t)n;
	}
	r->buffered = got / AYP_RECORD_SIZE;
	r->next = 0;
	return 0;
}

/* The next record without taking it. 0, -ENODATA at the end, or another negative errno. */
static int peek(struct replay *r, struct ayp_event *ev)
{
	if (r->stopped || r->at == r->records)
		return -ENODATA;
	if (!r->error && r->next == r->buffered)
		r->error = refill(r);
	if (r->error)
		return r->error;
	if (ayp_record_read(r->buffer + r->next * AYP_RECORD_SIZE, ev) == 0)
		return 0;
	log_error("%s: record %llu is not an event (its kind is not 0, 1 or 2): damaged, or not a "
		  "recording",
		r->cfg->replay_file, (unsigned long long)r->at);
	r->error = -EBADMSG;
	return r->error;
}

static int check_start(struct replay *r)
{
	struct ayp_event ev;
	uint8_t head[AYP_RECORD_SIZE] = {0};
	ssize_t n = pread(r->fd, head, sizeof(head), 0);
	bool record = n == AYP_RECORD_SIZE && ayp_record_read(head, &ev) == 0;

	for (size_t i = 0; n > 0 && i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (memcmp(head, magics[i].magic, magics[i].len) != 0)
			continue;
		if (record && magics[i].len < SURE_MAGIC)
			continue;
		log_error("%s is %s", r->cfg->replay_file, magics[i].what);
		return -EBADMSG;
	}
	if (record) {
		r->source.start_ns = ev.t_ns;
		return 0;
	}
	log_error("%s is not a recording of 16-byte records%s", r->cfg->replay_file,
		n == 0 ? ": it is empty" : "");
	return -EBADMSG;
}

static int replay_start(struct source *source)
{
	struct replay *r = (struct replay *)source;
	struct foreign_file file;
	int err = names_reserve_funcs(r->names, NAMES_MAX_FUNCS);

	if (err < 0)
		return err;
	err = foreign_file_open(&file, r->cfg->replay_file);
	if (err) {
		log_error("cannot read %s: %s; check --replay", r->cfg->replay_file,
			foreign_file_why(err));
		return err;
	}
	r->fd = file.fd;
	err = check_start(r);
	if (err)
		return err;
	if (file.size % AYP_RECORD_SIZE)
		log_warn("%s: the last %d bytes are not a whole record and are ignored",
			r->cfg->replay_file, (int)(file.size % AYP_RECORD_SIZE));
	r->records = file.size / AYP_RECORD_SIZE;
	return r->cfg->replay_names ? replay_names_load(r->names, r->cfg->replay_names) : 0;
}

static int replay_activate(struct source *source)
{
	((struct replay *)source)->begun_ns = now_ns();
	return 0;
}

static int replay_fd(struct source *source)
{
	return -1;
}

static uint64_t due_of(const struct replay *r, const struct ayp_event *ev)
{
	return ev->t_ns > r->source.start_ns ? r->begun_ns + (ev->t_ns - r->source.start_ns)
					     : r->begun_ns;
}

/* A function without a name still needs a class, or its calls would not be paired. */
static void name_function(struct replay *r, uint16_t func)
{
	char text[16];

	if (names_get(r->names, ayaprof_Table_TABLE_FUNC, func))
		return;
	snprintf(text, sizeof(text), "func_%u", func);
	names_set_func(r->names, func, AYP_CLASS_REPLAY, text, NULL);
}

static int replay_consume(struct source *source, unsigned int max, uint64_t now)
{
	struct replay *r = (struct replay *)source;
	bool realtime = r->cfg->replay_rate == REPLAY_REALTIME;
	struct ayp_event ev;
	unsigned int n;

	r->due_ns = 0;
	for (n = 0; n < max; n++) {
		int err = peek(r, &ev);
		if (err)
			return n ? (int)n : err;
		if (realtime && due_of(r, &ev) > now) {
			r->due_ns = due_of(r, &ev);
			break;
		}
		r->next++;
		r->at++;
		name_function(r, ev.func);
		r->counts[ev.func] += ev.kind != AYP_EXIT;
		r->sink.event(r->sink.ctx, &ev);
	}
	return (int)n;
}

static uint64_t replay_next_due(struct source *source)
{
	return ((const struct replay *)source)->due_ns;
}

static void replay_deactivate(struct source *source)
{
	((struct replay *)source)->stopped = true;
}

static uint64_t replay_produced(struct source *source)
{
	return ((const struct replay *)source)->at;
}

static size_t replay_losses(struct source *source, struct source_loss *rows, size_t cap)
{
	return 0;
}

static bool replay_sample(struct source *source, ayaprof_Sample *sample)
{
	return false;
}

static size_t replay_totals(
	struct source *source, uint32_t *func, ayaprof_Aggregate *rows, size_t cap)
{
	const struct replay *r = (const struct replay *)source;
	size_t n = 0;

	for (; n < cap && *func < NAMES_MAX_FUNCS; ++*func)
		if (r->counts[*func])
			rows[n++] = (ayaprof_Aggregate){.func = *func, .count = r->counts[*func]};
	return n;
}

static bool replay_report(struct source *source, size_t i, struct source_report *out)
{
	const struct replay *r = (const struct replay *)source;

	if (i > 0)
		return false;
	memset(out, 0, sizeof(*out));
	snprintf(out->module, sizeof(out->module), "replay");
	snprintf(out->mechanism, sizeof(out->mechanism), "%s",
		r->cfg->replay_rate == REPLAY_REALTIME ? "realtime" : "max");
	return true;
}

static void replay_free(struct source *source)
{
	struct replay *r = (struct replay *)source;

	if (r->fd >= 0)
		close(r->fd);
	free(r);
}

static const struct source_ops ops = {
	.start = replay_start,
	.activate = replay_activate,
	.fd = replay_fd,
	.consume = replay_consume,
	.next_due_ns = replay_next_due,
	.deactivate = replay_deactivate,
	.produced = replay_produced,
	.losses = replay_losses,
	.sample = replay_sample,
	.totals = replay_totals,
	.report = replay_report,
	.free = replay_free,
};

struct source *replay_source_new(
	const struct config *cfg, struct names *names, const struct source_sink *sink)
{
	struct replay *r = calloc(1, sizeof(*r));

	if (!r) {
		log_error("out of memory for reading a recording");
		return NULL;
	}
	r->source = (struct source){.ops = &ops, .name = "replay", .replay = true};
	r->cfg = cfg;
	r->names = names;
	r->sink = *sink;
	r->fd = -1;
	return &r->source;
}
