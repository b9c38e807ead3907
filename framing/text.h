/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Is it console text? */
#ifndef FRAMING_TEXT_H
#define FRAMING_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Well-formed UTF-8 without control characters other than BEL BS TAB LF VT FF CR ESC. cut_front and
 * cut_back: the piece may begin or end inside a sequence whose other part is elsewhere. */
bool framing_is_text(const uint8_t *p, size_t len, bool cut_front, bool cut_back);

/* How many bytes the character of text at p has; 0 if none stands there whole. left: at least 1. */
size_t framing_text_char(const uint8_t *p, size_t left);

#endif
