/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A run.pb. Records are written whole: a record that did not fit the disk, or the limit on a file's
 * size, is cut off again, so that the file stays readable, and is tried again as long as the daemon
 * runs. Into a pipe or a device they go as it takes them. */
#include "target/sink/sink.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/base/clock.h"
#include "target/base/log.h"
#include "target/base/output_file.h"

#define RETRY_NS 500000000ull
/* What everybody's programs did is for root's eyes first. */
#define FILE_MODE 0600

struct sink_file {
	struct sink sink;
	const char *path;
	int fd;
	off_t size;   /* of whole records */
	bool created; /* there was no such file before */
	bool regular; /* can be cut, and is always ready */
	uint64_t retry_ns;
	bool reported;
	bool announced;
};

static int file_open(struct sink *sink)
{
	struct sink_file *s = (struct sink_file *)sink;
	char why[OUTPUT_WHY];
	struct stat st;

	/* What stands there is cut off by the first record only: a run that cannot start destroys
	 * nothing. */
	s->fd = output_open_in_place(s->path, FILE_MODE, &s->created, why);
	if (s->fd < 0) {
		log_error("cannot write %s: %s; choose another file with -o", s->path, why);
		return s->fd;
	}
	s->regular = fstat(s->fd, &st) == 0 && S_ISREG(st.st_mode);
	snprintf(sink->description, sizeof(sink->description), "file %s", s->path);
	sink->present = true;
	sink->generation++;
	return 0;
}

static void write_failed(struct sink_file *s, int err)
{
	/* Pipes and devices cannot be cut; what stands in them is then a damaged record. */
	if (s->regular && ftruncate(s->fd, s->size) == 0)
		lseek(s->fd, s->size, SEEK_SET);
	s->sink.error = err;
	s->retry_ns = now_ns() + RETRY_NS;
	if (!s->reported)
		log_warn("%s: %s; events are kept in memory as long as there is room, then lost "
			 "and counted",
			s->path, strerror(-err));
	s->reported = true;
}

/* Said once something is recorded: a run that cannot start has one line to say, the reason. */
static bool announce(struct sink_file *s)
{
	if (s->regular && ftruncate(s->fd, 0) != 0) {
		write_failed(s, -errno);
		return false;
	}
	log_note("recording to %s", s->path);
	s->announced = true;
	return true;
}

/* The rest of a frame. Returns how much was taken, all of it by a file, or a negative errno. */
static ssize_t put(const struct sink_file *s, const uint8_t *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(s->fd, bytes + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		done += (size_t)n;
		if (!s->regular)
			break;
	}
	return (ssize_t)done;
}

static ssize_t file_write(struct sink *sink, const uint8_t *frame, size_t at, size_t len)
{
	struct sink_file *s = (struct sink_file *)sink;
	ssize_t n;

	if (sink->error && now_ns() < s->retry_ns)
		return -EAGAIN;
	if (!s->announced && !announce(s))
		return -EAGAIN;
	n = put(s, frame + at, len - at);
	if (n == -EAGAIN && !s->regular)
		return n;
	if (n < 0) {
		write_failed(s, (int)n);
		return -EAGAIN;
	}
	if (sink->error)
		log_note("%s: writing again", s->path);
	sink->error = 0;
	s->reported = false;
	s->size += (off_t)n;
	return n;
}

/* Regular files are always ready; the retry after an error goes by time. */
static int file_poll_fd(const struct sink *sink)
{
	const struct sink_file *s = (const struct sink_file *)sink;

	return s->regular || sink->error ? -1 : s->fd;
}

static short file_poll_events(struct sink *sink, bool want_room)
{
	return want_room ? POLLOUT : 0;
}

static void file_poll_ready(struct sink *sink, short revents)
{
	if (revents & (POLLERR | POLLHUP | POLLNVAL))
		write_failed((struct sink_file *)sink, -EPIPE);
}

static void file_tick(struct sink *sink, uint64_t now)
{
}

static size_t file_unsent(const struct sink *sink)
{
	return 0;
}

static void file_discard(struct sink *sink)
{
}

static void file_free(struct sink *sink)
{
	struct sink_file *s = (struct sink_file *)sink;

	if (s->created && s->size == 0)
		unlink(s->path);
	/* Some file systems tell only now that there was no room. */
	if (s->fd >= 0 && close(s->fd) && errno != EINTR)
		log_error("cannot write %s: %s", s->path, strerror(errno));
	free(s);
}

static const struct sink_ops ops = {
	.open = file_open,
	.write = file_write,
	.poll_fd = file_poll_fd,
	.poll_events = file_poll_events,
	.poll_ready = file_poll_ready,
	.tick = file_tick,
	.unsent = file_unsent,
	.discard = file_discard,
	.free = file_free,
};

struct sink *sink_file_new(const struct config *cfg)
{
	struct sink_file *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->sink.ops = &ops;
	s->sink.format = SINK_FILE;
	s->sink.link = ayaprof_LinkMode_LINK_FILE;
	s->path = cfg->output_file;
	s->fd = -1;
	return &s->sink;
}
