/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Numbers as people type them, strictly: the whole text must be one. 0, -EINVAL, or -ERANGE. */
#ifndef TARGET_BASE_PARSE_H
#define TARGET_BASE_PARSE_H

#include <stddef.h>
#include <stdint.h>

/* Decimal digits only. */
int parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *value);
/* With K, M or G (times 1024), either case, an optional "iB" or "B" after it. */
int parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *value);
/* Seconds, with a decimal fraction if wanted; not negative. */
int parse_seconds(const char *text, double max, double *value);

#endif
