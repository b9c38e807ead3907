/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How often the kernel missed a probe, as its link tells. */
#ifndef TARGET_PROBES_LINK_MISSED_H
#define TARGET_PROBES_LINK_MISSED_H

#include <stdint.h>

/* A link of kprobe or kprobe.multi: calls that found no slot for their return, and hits inside
 * another probe, since it was attached. 0, or -EOPNOTSUPP where it does not tell (before Linux 6.7,
 * other kinds of links). */
int link_missed(int link, uint64_t *missed);

#endif
