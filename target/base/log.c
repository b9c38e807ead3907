/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "target/base/clock.h"
#include "target/base/log_output.h"

/* Lists at the start are told whole up to here; floods end here. Whoever asks for details wants
 * many. */
#define BURST        20u
#define BURST_DETAIL 2000u
#define MINUTE_NS    (60 * NS_PER_S)
/* What was left out of a list that has ended is not kept back for a minute. */
#define QUIET_NS NS_PER_S

static const struct {
	const char *severity;
	int verbosity;
} levels[] = {
	[LOG_LEVEL_ERROR] = {"", 0},
	[LOG_LEVEL_WARN] = {"warning: ", 0},
	[LOG_LEVEL_NOTE] = {"", 0},
	[LOG_LEVEL_DETAIL] = {"", 1},
};

static int verbosity;
static struct log_site *left_out; /* sites that have something to sum up */

void log_set_verbosity(int level)
{
	verbosity = level;
}

int log_verbosity(void)
{
	return verbosity;
}

static void say(enum log_level level, const char *fmt, va_list args)
{
	char line[1024];
	size_t room = sizeof(line) - 1;
	int n = snprintf(line, room, "ayaprof-uart: %s", levels[level].severity);
	size_t len = (size_t)n;

	n = vsnprintf(line + len, room - len, fmt, args);
	if (n < 0)
		return;
	len = (size_t)n < room - len ? len + (size_t)n : room - 1;
	line[len++] = '\n';
	log_output_line(line, len);
}

static void say_formatted(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void say_formatted(enum log_level level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(level, fmt, args);
	va_end(args);
}

/* ---- limits --------------------------------------------------------------------------------- */

/* A minute after one in which too much was said has only its summary. */
static void next_minute(struct log_site *site, uint64_t now)
{
	site->flooded = site->left_out > 0;
	site->said = 0;
	site->begun_ns = now;
}

static void sum_up(struct log_site *site, uint64_t now)
{
	if (site->left_out == 1)
		say_formatted(site->level, "%s", site->text);
	else
		say_formatted(site->level, "%s (and %llu more like it)", site->text,
			(unsigned long long)site->left_out - 1);
	next_minute(site, now);
	site->left_out = 0;
}

static bool may_say(struct log_site *site, uint64_t now)
{
	unsigned int burst = site->level == LOG_LEVEL_DETAIL ? BURST_DETAIL : BURST;

	if (site->begun_ns == 0 || (now >= site->begun_ns + MINUTE_NS && !site->left_out))
		next_minute(site, now);
	if (site->flooded || site->said >= burst)
		return false;
	site->said++;
	return true;
}

static void leave_out(struct log_site *site, uint64_t now, const char *fmt, va_list args)
{
	vsnprintf(site->text, sizeof(site->text), fmt, args);
	site->left_out++;
	site->newest_ns = now;
	if (site->linked)
		return;
	site->linked = true;
	site->next = left_out;
	left_out = site;
}

void log_say(struct log_site *site, enum log_level level, const char *fmt, ...)
{
	uint64_t now = now_ns();
	va_list args;

	if (verbosity < levels[level].verbosity)
		return;
	site->level = level;
	va_start(args, fmt);
	if (may_say(site, now))
		say(level, fmt, args);
	else
		leave_out(site, now, fmt, args);
	va_end(args);
}

static bool is_due(const struct log_site *site, uint64_t now)
{
	if (now >= site->begun_ns + MINUTE_NS)
		return true;
	return !site->flooded && now >= site->newest_ns + QUIET_NS;
}

static void sum_up_due(uint64_t now, bool all)
{
	struct log_site **at = &left_out;

	while (*at) {
		struct log_site *site = *at;

		if (!all && !is_due(site, now)) {
			at = &site->next;
			continue;
		}
		*at = site->next;
		site->linked = false;
		sum_up(site, now);
	}
}

void log_tick(uint64_t now)
{
	if (left_out)
		sum_up_due(now, false);
}

void log_flush(void)
{
	sum_up_due(now_ns(), true);
}

void log_progress(const char *text)
{
	log_output_try(text, strlen(text));
}
