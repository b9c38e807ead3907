/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int verbosity;

void log_set_verbosity(int level)
{
	verbosity = level;
}

int log_verbosity(void)
{
	return verbosity;
}

/* One write per line, so that lines of the profiled command do not end up inside ours. */
static void log_line(const char *severity, const char *fmt, va_list args)
{
	char line[1024];
	size_t room = sizeof(line) - 1;
	int n = snprintf(line, room, "ayaprof-uart: %s", severity);
	size_t len = (size_t)n;

	n = vsnprintf(line + len, room - len, fmt, args);
	if (n < 0)
		return;
	len = (size_t)n < room - len ? len + (size_t)n : room - 1;
	line[len++] = '\n';
	for (size_t at = 0; at < len;) {
		ssize_t put = write(STDERR_FILENO, line + at, len - at);
		if (put <= 0)
			return;
		at += (size_t)put;
	}
}

#define LOG_FUNCTION(name, level, severity)                                                        \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list args;                                                                      \
		if (verbosity < (level))                                                           \
			return;                                                                    \
		va_start(args, fmt);                                                               \
		log_line(severity, fmt, args);                                                     \
		va_end(args);                                                                      \
	}

LOG_FUNCTION(log_error, 0, "")
LOG_FUNCTION(log_warn, 0, "warning: ")
LOG_FUNCTION(log_note, 0, "")
LOG_FUNCTION(log_detail, 1, "")
