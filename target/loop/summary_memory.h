/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Module memory's part of the summary: what was not followed, and what could not be seen. */
#ifndef TARGET_LOOP_SUMMARY_MEMORY_H
#define TARGET_LOOP_SUMMARY_MEMORY_H

#include <stddef.h>
#include <stdio.h>

#include "proto/message.h"

/* "; memory: ..." to go on the summary's line; "" when there is nothing to say. Returns dst. */
const char *summary_memory_text(char *dst, size_t cap, const ayaprof_Sample *last);
/* "memory": {...}, with a comma and a line end; nothing without memory samples. */
void summary_memory_json(FILE *file, const ayaprof_Sample *last);

#endif
