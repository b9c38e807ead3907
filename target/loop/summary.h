/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a run was: one line on stderr, and a JSON file. */
#ifndef TARGET_LOOP_SUMMARY_H
#define TARGET_LOOP_SUMMARY_H

#include "target/loop/command.h"
#include "target/stream/stream.h"

/* All speak of the first channel. */
void summary_print(const struct stream *s);
/* As output_file.h says. c: its pid is 0 if there was no command. 0 or a negative errno after one
 * line. */
int summary_write_json(const struct stream *s, const struct command *c, const char *path);

#endif
