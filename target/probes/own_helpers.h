/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Kernel functions that a probe runs to do its work. */
#ifndef TARGET_PROBES_OWN_HELPERS_H
#define TARGET_PROBES_OWN_HELPERS_H

/*
 * Is this function on the way of every probe, of whichever kind: the handler of the trap that a
 * probe is, the return's trampoline, what runs a program, a helper that ours call? A probe there is
 * hit by each other probe. Where the kernel notices, it breaks the circle and counts what it left
 * out, so that there is nothing but losses to see; where it does not (before a handler has noted
 * that it runs), the probe calls itself until the stack is full and the kernel panics.
 *
 * Returns the part of the way that it is, a phrase for messages ("the return trampoline of
 * kprobes"), or NULL: a probe may stand there. The first call reads the kernel's own list of such
 * functions, which is kept until the program ends.
 */
const char *own_helper(const char *symbol);

#endif
