/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Text that came from a board, made safe to print; numbers made readable. */
#ifndef HOST_TEXT_H
#define HOST_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "proto/clean.h"

/* text_clean() into a new string. NULL: out of memory. */
char *text_clean_dup(const char *src);

#define TEXT_NUMBER 32
/* "1.23 s", "45.6 us"; "12.3 MB". Return dst. */
const char *text_duration(char dst[TEXT_NUMBER], uint64_t ns);
const char *text_bytes(char dst[TEXT_NUMBER], uint64_t bytes);

#endif
