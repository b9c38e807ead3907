/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Names of threads that no probe has introduced: looked up in /proc at their first event. */
#ifndef TARGET_TASKS_H
#define TARGET_TASKS_H

#include <stdint.h>

#include "target/source/names.h"

/* Enter thread `tid` into TABLE_TASK: its comm and process id, or an empty name when it is gone, or
 * when /proc knows threads by other ids (in_proc false). */
void tasks_look_up(struct names *names, uint32_t tid, bool in_proc);

#endif
