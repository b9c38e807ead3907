/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/base/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "host/base/writer.h"

#define LINE_MAX_BYTES 4096

static bool live_shown, muted;
static struct writer *through;

void say_through(struct writer *w)
{
	through = w;
}

void say_mute(bool on)
{
	muted = on;
}

/* `head` and the text, as one piece. */
static void put(const char *head, const char *tail, const char *fmt, va_list ap)
{
	char line[LINE_MAX_BYTES];
	int n = snprintf(line, sizeof(line), "%s%s", live_shown ? "\r\033[K" : "", head);
	size_t len = (size_t)n, room = sizeof(line) - len - strlen(tail);

	n = vsnprintf(line + len, room, fmt, ap);
	len += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
	memcpy(line + len, tail, strlen(tail) + 1);
	if (through)
		writer_put(through, line, len + strlen(tail));
	else
		fputs(line, stderr);
	live_shown = false;
}

static void put_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void put_text(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put("", "", fmt, ap);
	va_end(ap);
}

void say_live_clear(void)
{
	if (live_shown)
		put_text("%s", "");
}

void say(const char *fmt, ...)
{
	va_list ap;

	if (muted)
		return;
	va_start(ap, fmt);
	put("hostdec: ", "\n", fmt, ap);
	va_end(ap);
}

unsigned int say_columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col ? size.ws_col : 80;
}

void say_live(const char *fmt, ...)
{
	va_list ap;

	if (through && writer_state(through).waiting)
		return;
	live_shown = true; /* cleared first, whatever stands there */
	va_start(ap, fmt);
	put("", "", fmt, ap);
	va_end(ap);
	if (!through)
		fflush(stderr);
	live_shown = true;
}

bool say_output_failed(void)
{
	bool failed = ferror(stdout);

	errno = EIO;
	if (fflush(stdout))
		failed = true;
	if (failed)
		say("cannot write the output: %s", strerror(errno));
	return failed;
}
