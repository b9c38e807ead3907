/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Grace periods, of which attaching and detaching wait for hundreds. */
#ifndef TARGET_PROBES_RCU_H
#define TARGET_PROBES_RCU_H

/*
 * Ask the kernel to hurry: synchronize_rcu() then interrupts the other CPUs instead of waiting some
 * 20 ms for them (/sys/kernel/rcu_expedited, Documentation/admin-guide/kernel-parameters.txt;
 * rcu_normal, which real-time systems set, goes before it). Where that cannot be had everything
 * works, slowly. Not nested; one caller at a time.
 */
void rcu_hurry(void);
/* As it was before. */
void rcu_take_time(void);

#endif
