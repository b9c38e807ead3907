/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Messages of hostdec: one line each on stderr, "hostdec: " in front. */
#ifndef HOST_SAY_H
#define HOST_SAY_H

#include <stdbool.h>

struct writer;

/* From now on through this queue, so that a terminal that is stopped holds up nobody; NULL: directly.
 * The writer stays the caller's. */
void say_through(struct writer *w);

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Say nothing from now on: for programs that load thousands of bad files on purpose. */
void say_mute(bool on);

/* Columns of the terminal on stderr now; 0: it is none. */
unsigned int say_columns(void);
/* Show a line that the next one overwrites, for a terminal only; say() clears it first. Not shown while the
 * terminal takes nothing. */
void say_live(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void say_live_clear(void);

/* After all output to stdout: true, and said, if some of it could not be written. */
bool say_output_failed(void);

#endif
