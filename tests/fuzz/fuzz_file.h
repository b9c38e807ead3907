/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* For parsers that take a path: the input as a file without a name. */
#ifndef TESTS_FUZZ_FUZZ_FILE_H
#define TESTS_FUZZ_FUZZ_FILE_H

#include <sys/mman.h>
#include <unistd.h>

#include "target/base/log.h"
#include "tests/fuzz/fuzz.h"

/* The path of a file with these bytes, until the next call. Messages are silenced: a hundred
 * thousand refusals a second are no news. */
static inline const char *fuzz_file(const uint8_t *data, size_t size)
{
	static char path[40];
	static int fd = -1;

	if (fd < 0) {
		log_set_verbosity(-1);
		fd = memfd_create("input", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	MUST(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	return path;
}

#endif
