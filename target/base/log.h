/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Messages of the daemon: one line each on stderr, prefixed with the program's name.
 *
 * A peer, the kernel or a disk can make most messages come as often as it likes, and stderr is
 * often a file in RAM. So every place in the code that says something has a limit of its own: some
 * lines at once, and from then on one a minute that says how many were left out, for as long as it
 * goes on. Nothing here waits for whoever reads stderr: lines that find no room in a pipe or a
 * terminal are counted, and the count is said once there is room again.
 */
#ifndef TARGET_BASE_LOG_H
#define TARGET_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* 0: errors, warnings and notes; 1 (-v): details; 2 (-vv): libbpf's own messages too. */
void log_set_verbosity(int level);
int log_verbosity(void);

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_NOTE, LOG_LEVEL_DETAIL };

/* A place that says something, and how often it did; zeroed at first. */
struct log_site {
	struct log_site *next; /* of those that have left something out */
	enum log_level level;
	bool linked, flooded;
	unsigned int said;  /* lines in this minute */
	uint64_t left_out;  /* since the last line */
	uint64_t begun_ns;  /* the minute */
	uint64_t newest_ns; /* when something was left out last */
	char text[200];     /* of the last one that was left out */
};

void log_say(struct log_site *site, enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define LOG_SAY(level, ...)                                                                        \
	do {                                                                                       \
		static struct log_site log_site_here;                                              \
		log_say(&log_site_here, level, __VA_ARGS__);                                       \
	} while (0)
#define log_error(...)  LOG_SAY(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)   LOG_SAY(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_note(...)   LOG_SAY(LOG_LEVEL_NOTE, __VA_ARGS__)
#define log_detail(...) LOG_SAY(LOG_LEVEL_DETAIL, __VA_ARGS__)

/* Time passes: say what was left out, where that is due. Cheap when there is nothing. */
void log_tick(uint64_t now_ns);
/* Say all that was left out: at the end. */
void log_flush(void);

/* Text that replaces itself on a terminal (progress); dropped where there is no room. */
void log_progress(const char *text);

#endif
