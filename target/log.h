/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Messages of the daemon: one line each on stderr, prefixed with the program's name. */
#ifndef TARGET_LOG_H
#define TARGET_LOG_H

/* 0: errors, warnings and notes; 1 (-v): details; 2 (-vv): libbpf's own messages too. */
void log_set_verbosity(int level);
int log_verbosity(void);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_detail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
