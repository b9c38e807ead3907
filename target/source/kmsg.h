/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The kernel's log, read record by record from /dev/kmsg (Documentation/ABI/testing/dev-kmsg in the
 * kernel). Never blocks: what is not read yet waits in the kernel's own ring, and what is
 * overwritten there shows as a gap in the records' numbers.
 */
#ifndef TARGET_SOURCE_KMSG_H
#define TARGET_SOURCE_KMSG_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/message.h"

#define KMSG_PATH "/dev/kmsg"
/* The longest record a read gives: PRINTKRB_RECORD_MAX, CONSOLE_EXT_LOG_MAX before 6.3. */
#define KMSG_RECORD_MAX 8192u

/* Open at what is new, or at the oldest record there is. Returns a descriptor, or a negative errno
 * after one line. */
int kmsg_open(const char *path, bool from_oldest);

/* The next record: 1; 0: none now; a negative errno: nothing will come any more. Records that
 * cannot be understood are skipped. */
int kmsg_next(int fd, ayaprof_LogRecord *record);

/* One record as read, `len` bytes of any content. False if it is none. Text becomes valid UTF-8,
 * cut to fit (record->cut). */
bool kmsg_parse(const char *data, size_t len, ayaprof_LogRecord *record);

#endif
