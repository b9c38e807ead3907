/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A file that somebody else names, makes and changes: opened without waiting for anybody, a regular
 * file or nothing, read and not through a mapping (a mapped file that is truncated is a SIGBUS).
 * Whoever reads it bounds what is taken from it.
 */
#ifndef TARGET_BASE_FOREIGN_FILE_H
#define TARGET_BASE_FOREIGN_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct foreign_file {
	int fd; /* owned; -1: closed */
	dev_t dev;
	ino_t ino;
	uint64_t size; /* when it was opened */
};

/*
 * Follows symlinks (/proc/PID/root/PATH as well). What is no regular file is not opened, only
 * looked at: opening a FIFO waits for a writer, opening a device is an action. 0 or a negative
 * errno: -EISDIR a directory, -EINVAL something else that is no regular file, -ENOENT, -EACCES,
 * ...; f->fd is -1 then.
 */
int foreign_file_open(struct foreign_file *f, const char *path);
void foreign_file_close(struct foreign_file *f);

/* All n bytes at an offset. 0, -ENODATA where the file ends before (it may have been truncated), or
 * a negative errno. */
int foreign_file_read(const struct foreign_file *f, uint64_t offset, void *to, size_t n);

/* What an error of these means, in words for "PATH: WORDS". */
const char *foreign_file_why(int err);

#endif
