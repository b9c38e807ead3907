/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Names of threads, as the kernel programs tell them; for threads they do not tell, the daemon
 * looks in /proc (target/stream/tasks.h). */
#ifndef TARGET_PROBES_IDENTITY_H
#define TARGET_PROBES_IDENTITY_H

#include "bpf/events.h"
#include "target/source/names.h"

/* A thread was announced, or announced again with another name. */
void identity_learn(struct names *names, const struct ayp_rec_task *rec);

#endif
