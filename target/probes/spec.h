/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What -p says: does a name match, and what to say when nothing does. */
#ifndef TARGET_PROBES_SPEC_H
#define TARGET_PROBES_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "target/base/config.h"

/* A pattern as a shell has them. One without wildcards means the function in every shape that
 * compilers gave it: NAME.constprop.0, NAME.isra.0, ... */
bool spec_matches(const char *glob, const char *name);
/* The same for functions of programs: the symbol, or the name as it was written in C++ or Rust,
 * with or without its arguments; without wildcards also every instance of a template. */
bool spec_matches_user(const char *glob, const char *symbol);

/* NULL, or what is wrong with a pattern that can match nothing. */
const char *spec_wrong_pattern(const char *glob);

/* One line: this specification finds nothing, and why. An error where that ends the run, else a
 * warning. */
void spec_missed(const struct config *cfg, const struct probe_spec *spec, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* As the user wrote it. */
const char *spec_text(const struct probe_spec *spec);

/* Specifications that found something, and that found nothing. */
struct spec_counts {
	size_t found, missed;
};

#endif
