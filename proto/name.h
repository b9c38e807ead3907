/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Names that do not fit: cut so that two of them never become one. */
#ifndef PROTO_NAME_H
#define PROTO_NAME_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Copy `name` into a field of `cap` bytes, its end included (at least 24). One that does not fit is
 * cut, between characters of UTF-8, and ends in ~ and 16 hexadecimal digits of the whole name's
 * FNV-1a hash (64 bits). True: it was cut.
 */
bool name_fit(char *field, size_t cap, const char *name);

#endif
