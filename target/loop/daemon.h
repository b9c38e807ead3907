/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A run, from opening the line to the summary. */
#ifndef TARGET_LOOP_DAEMON_H
#define TARGET_LOOP_DAEMON_H

#include "target/base/config.h"

/* Returns the exit status: 0 done, 1 failed after one line that says why. */
int daemon_run(const struct config *cfg);

#endif
