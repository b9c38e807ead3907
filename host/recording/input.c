/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/recording/input.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/say.h"
#include "host/base/temp_file.h"
#include "host/recording/reader.h"

#define CHUNK (64u << 10)
/* What has no frame in so many bytes is no recording: it may be endless. */
#define LOOK_INTO (4u << 20)

static int say_unreadable(const struct input *in, int err)
{
	say("cannot open recording %s: %s", in->name, strerror(-err));
	return err;
}

/* Is there a frame in what has been kept so far? */
static bool has_frame(int fd)
{
	struct reader_frame f;
	struct reader *r;
	bool found;

	if (reader_open_fd(&r, fd))
		return true;
	found = reader_next(r, &f) == 1;
	reader_close(r);
	return found;
}

static int keep(struct input *in, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(in->fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int err = -errno;

			say("cannot keep %s in a temporary file: %s (TMPDIR chooses another place)",
				in->name, strerror(-err));
			return err;
		}
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* One read. As input_more. */
static int copy(struct input *in)
{
	char data[CHUNK];
	ssize_t n = read(in->pipe, data, sizeof(data));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 1 : say_unreadable(in, -errno);
	if (!n) {
		if (in->pipe > STDERR_FILENO)
			close(in->pipe);
		in->pipe = -1;
		return 0;
	}
	int err = keep(in, data, (size_t)n);

	return err ? err : 1;
}

static int copy_all(struct input *in)
{
	uint64_t at = 0;
	bool looked = false;
	int got;

	while ((got = copy(in)) == 1) {
		at = (uint64_t)lseek(in->fd, 0, SEEK_CUR);
		if (looked || at < LOOK_INTO)
			continue;
		looked = true;
		if (!has_frame(in->fd)) {
			say("%s is not a recording: no valid frame in its first %u MiB", in->name,
				LOOK_INTO >> 20);
			return -EBADMSG;
		}
	}
	return got;
}

int input_open(struct input *in, const char *path, bool live)
{
	bool is_stdin = !strcmp(path, "-");
	struct stat st;
	int err, fd;

	*in = (struct input){.fd = -1, .pipe = -1, .name = is_stdin ? "standard input" : path};
	fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0 || (S_ISDIR(st.st_mode) && (errno = EISDIR))) {
		err = -errno;
		if (fd > STDERR_FILENO)
			close(fd);
		return say_unreadable(in, err);
	}
	if (S_ISREG(st.st_mode) && (!is_stdin || lseek(fd, 0, SEEK_CUR) == 0)) {
		in->fd = fd;
		in->is_named = !is_stdin;
		return 0;
	}
	if (is_stdin && isatty(fd)) {
		say("standard input is a terminal: which recording?");
		return -ENOTTY;
	}
	in->pipe = fd;
	in->fd = temp_file_open();
	if (in->fd < 0) {
		err = in->fd;
		say("cannot keep %s in a temporary file: %s (TMPDIR chooses another place)",
			in->name, strerror(-err));
		input_close(in);
		return err;
	}
	err = live ? 0 : copy_all(in);
	if (err)
		input_close(in);
	return err;
}

void input_close(struct input *in)
{
	if (in->pipe > STDERR_FILENO)
		close(in->pipe);
	if (in->fd > STDERR_FILENO)
		close(in->fd);
	in->fd = in->pipe = -1;
}

int input_more(struct input *in, int wait_ms)
{
	struct pollfd p = {.fd = in->pipe, .events = POLLIN};

	assert(in->pipe >= 0);
	if (poll(&p, 1, wait_ms) <= 0)
		return 1;
	return copy(in);
}

bool input_being_written(const struct input *in)
{
	if (in->pipe >= 0)
		return true;
	if (flock(in->fd, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	flock(in->fd, LOCK_UN);
	return false;
}
