/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which of the symbols that specs chose are functions, and where their calls end. */
#ifndef TARGET_PROBES_USER_TARGETS_H
#define TARGET_PROBES_USER_TARGETS_H

#include "target/probes/function_target.h"

/*
 * Take out what is no function (parts that are entered by jumps, trampolines): said once for all
 * that globs chose, and each by its name that a spec names. Fill in the others' ends, or why they
 * have none. Before ids are given. -ENOENT after a message when a spec names nothing but such and
 * no function is left.
 */
int user_targets_read(struct function_targets *t, const struct config *cfg);

#endif
