/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Kernel functions that a probe runs to do its work. */
#ifndef TARGET_PROBES_OWN_HELPERS_H
#define TARGET_PROBES_OWN_HELPERS_H

#include <stdbool.h>

/*
 * Does our programs' every run go through this function: a helper that they call, or what the kernel does
 * to call them? A probe there would be hit by each other probe: the kernel breaks the circle and counts
 * what it left out, so such a function has nothing but losses to show.
 */
bool is_own_helper(const char *symbol);

#endif
