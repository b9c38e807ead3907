/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Giving up what a process does not need, so that whoever takes it over has gained nothing. Each
 * step is tried; one that this kernel or container does not have leaves the others.
 */
#ifndef TARGET_PROBES_CONFINE_H
#define TARGET_PROBES_CONFINE_H

#define CONFINE_FILES 16 /* that it may have open */

/* For a process that opens files of others: as privileged as that needs, writes none, grows little,
 * is ended with its parent, and goes first when memory runs out. */
void confine_opener(void);

/* For one that is given descriptors: another user (nobody), no privileges, no file system,
 * descriptors 0 to 2 only, no children, and no system calls but those for reading a descriptor and
 * for talking to its parent. */
void confine_reader(void);

#endif
