/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * stderr, without ever waiting for whoever reads it: a pipe that is full, a terminal that was
 * stopped. The descriptor is shared with other programs, so it is not made non-blocking; where it
 * can be opened anew, that is done instead.
 */
#ifndef TARGET_BASE_LOG_OUTPUT_H
#define TARGET_BASE_LOG_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

/* A line with its end, in one write, so that lines of the profiled command do not end up inside
 * ours. Where there is no room for it, it is counted, and the count is said before the next line
 * that finds room. */
void log_output_line(const char *line, size_t len);
/* Text that is not worth counting. False: no room. */
bool log_output_try(const char *text, size_t len);

#endif
