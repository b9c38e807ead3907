/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The kernel looks at a probed instruction when a process has it mapped: while none has, it takes a
 * probe that it cannot set later, and drops it without a word. So the file is mapped here while
 * probes are attached, and what cannot be probed is refused. That copies each page with a probe
 * until the trial ends. What the code itself tells (user_code_takes_probe) is not tried at all, and
 * of a 32-bit program that is all there is. Nobody looks into the mapping: a file that is truncated
 * meanwhile is nobody's SIGBUS.
 */
#ifndef TARGET_PROBES_USER_TRIAL_H
#define TARGET_PROBES_USER_TRIAL_H

#include <stddef.h>

#include "target/probes/function_target.h"

struct user_trial {
	void *at; /* NULL: nothing is mapped, and nothing is tried */
	size_t size;
};

/* Map where the functions' probes are to be. All are of one file, the first's. Not where that would
 * copy more than 2 MiB, nor of a program of another width than this one's. */
void user_trial_begin(struct user_trial *trial, struct function_target *const *t, size_t n);
void user_trial_end(struct user_trial *trial);

#endif
