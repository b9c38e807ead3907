/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/record/outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/say.h"
#include "target/base/output_file.h"

int output_open(struct output *o, const char *path, bool append, size_t queue, size_t max_held)
{
	char why[OUTPUT_WHY];
	struct stat st;
	bool created;
	int flags;

	*o = (struct output){.name = path, .fd = -1, .queue = queue, .max_held = max_held};
	if (!path)
		return 0;
	if (!strcmp(path, "-")) {
		o->name = "stdout";
		o->fd = STDOUT_FILENO;
		return 0;
	}
	o->fd = output_open_in_place(path, 0666, &created, why);
	if (o->fd < 0) {
		say("cannot write %s: %s", path, why);
		return o->fd;
	}
	/* Its thread may as well wait in write(2). */
	flags = fcntl(o->fd, F_GETFL);
	if (flags >= 0)
		fcntl(o->fd, F_SETFL, flags & ~O_NONBLOCK);
	if (fstat(o->fd, &st) || !S_ISREG(st.st_mode))
		return 0;
	if (append)
		lseek(o->fd, 0, SEEK_END);
	else
		o->replace = o->holds = st.st_size > 0;
	return 0;
}

int output_start(struct output *o, int wake_fd)
{
	struct writer_options opt = {.fd = o->fd,
		.keep_open = o->fd == STDOUT_FILENO,
		.size = o->queue,
		.path = o->fd == STDOUT_FILENO ? NULL : o->name,
		.wake_fd = wake_fd};
	int err;

	if (o->fd < 0)
		return 0;
	err = writer_new(&o->writer, &opt);
	if (err)
		say("cannot write %s: %s", o->name, strerror(-err));
	return err;
}

static bool hold(struct output *o, const void *data, size_t len)
{
	uint8_t *grown;

	if (o->n_held + len > o->max_held || !(grown = realloc(o->held, o->n_held + len))) {
		o->dropped += len;
		return false;
	}
	memcpy(grown + o->n_held, data, len);
	o->held = grown;
	o->n_held += len;
	return true;
}

int output_begin(struct output *o)
{
	if (!o->holds)
		return 0;
	o->holds = false;
	if (o->replace && ftruncate(o->fd, 0) < 0)
		return -errno;
	o->replace = false;
	/* The queue is empty, and takes more than is ever held. */
	for (size_t at = 0; at < o->n_held; at += WRITER_PIECE_MAX) {
		size_t len = o->n_held - at;

		output_put(o, o->held + at, len < WRITER_PIECE_MAX ? len : WRITER_PIECE_MAX);
	}
	free(o->held);
	o->held = NULL;
	o->n_held = 0;
	return 0;
}

bool output_put(struct output *o, const void *data, size_t len)
{
	if (o->fd < 0 || o->failed)
		return true;
	if (o->holds)
		return hold(o, data, len);
	if (writer_put(o->writer, data, len))
		return true;
	o->dropped += len;
	return false;
}

bool output_has_room(const struct output *o, size_t len)
{
	return o->fd < 0 || o->failed || o->holds || writer_has_room(o->writer, len);
}

int output_error(const struct output *o)
{
	return o->writer ? writer_state(o->writer).error : 0;
}

const char *output_why(int err)
{
	switch (err) {
	case -ESTALE:
		return "it was removed or replaced meanwhile";
	case -ETIMEDOUT:
		return "it takes nothing";
	default:
		return strerror(-err);
	}
}

bool output_drain(const struct output *o, uint64_t patience_ns)
{
	return !o->writer || writer_drain(o->writer, patience_ns);
}

int output_close(struct output *o, uint64_t patience_ns)
{
	struct writer_state last = {0};
	int err = 0;

	if (o->writer)
		err = writer_close(o->writer, patience_ns, &last);
	else if (o->fd >= 0 && o->fd != STDOUT_FILENO)
		close(o->fd);
	if (o->writer)
		o->dropped = last.dropped + (o->holds ? o->dropped : 0);
	free(o->held);
	o->held = NULL;
	o->fd = -1;
	o->writer = NULL;
	return err;
}
