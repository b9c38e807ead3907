/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/base/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool live_shown, muted;

void say_mute(bool on)
{
	muted = on;
}

void say_live_clear(void)
{
	if (live_shown)
		fputs("\r\033[K", stderr);
	live_shown = false;
}

void say(const char *fmt, ...)
{
	va_list ap;

	if (muted)
		return;
	say_live_clear();
	fputs("hostdec: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void say_live(const char *fmt, ...)
{
	va_list ap;

	fputs("\r\033[K", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
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
