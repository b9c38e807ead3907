/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Messages of hostdec: one line each on stderr, "hostdec: " in front. */
#ifndef HOST_SAY_H
#define HOST_SAY_H

#include <stdbool.h>

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Say nothing from now on: for programs that load thousands of bad files on purpose. */
void say_mute(bool on);

/* Show a line that the next one overwrites, for a terminal only; say() clears it first. */
void say_live(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void say_live_clear(void);

/* After all output to stdout: true, and said, if some of it could not be written. */
bool say_output_failed(void);

#endif
