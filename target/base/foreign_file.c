/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/base/foreign_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse_kind(const struct stat *st)
{
	if (S_ISREG(st->st_mode))
		return 0;
	return S_ISDIR(st->st_mode) ? -EISDIR : -EINVAL;
}

/* Without /proc there is no way from a look to the same file's contents. So it is opened by its
 * name once more, and believed if it still is that file. */
static int open_by_name(const char *path, const struct stat *looked)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && st.st_dev == looked->st_dev && st.st_ino == looked->st_ino &&
		S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -ESTALE;
}

static int open_looked_at(int look, const char *path, const struct stat *st)
{
	char self[40];
	int fd;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", look);
	fd = open(self, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0)
		return fd;
	return errno == ENOENT ? open_by_name(path, st) : -errno;
}

int foreign_file_open(struct foreign_file *f, const char *path)
{
	int look = open(path, O_PATH | O_CLOEXEC), err;
	struct stat st;

	*f = (struct foreign_file){.fd = -1};
	if (look < 0)
		return -errno;
	err = fstat(look, &st) ? -errno : refuse_kind(&st);
	if (!err)
		f->fd = err = open_looked_at(look, path, &st);
	close(look);
	if (err < 0) {
		f->fd = -1;
		return err;
	}
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
	return 0;
}

void foreign_file_close(struct foreign_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

int foreign_file_read(const struct foreign_file *f, uint64_t offset, void *to, size_t n)
{
	char *at = to;

	if (offset > INT64_MAX || n > INT64_MAX - offset)
		return -ENODATA;
	while (n) {
		ssize_t got = pread64(f->fd, at, n, (off64_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			return -ENODATA;
		at += got;
		offset += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

const char *foreign_file_why(int err)
{
	if (err == -EISDIR)
		return "it is a directory, not a file";
	if (err == -EINVAL)
		return "it is not a regular file";
	if (err == -ENODATA)
		return "it ends before what it says it has; is it truncated, or being written?";
	if (err == -ESTALE)
		return "it is another file than a moment ago";
	if (err == -EACCES || err == -EPERM)
		return "no permission; needs root";
	return strerror(-err);
}
