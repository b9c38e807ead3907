/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * System settings that must not stay changed, however the daemon ends: a process of its own, that
 * does nothing but wait for the end of this one, puts back what has not been put back by then. It
 * is started with the first setting, has none of our descriptors (a copy of a link would keep
 * probes attached) and heeds no signal but SIGKILL.
 *
 * All that the daemon changes on a system and does not own:
 *
 * | what | where | put back |
 * |---|---|---|
 * | console log level | console.c | at the end, else by the guard |
 * | rcu_expedited | probes/rcu.c | after attaching and detaching, else by the guard |
 * | settings of the serial line | sink/tty.c | at the end, else by the guard |
 * | events in tracefs | probes/kprobe_events.c | at the end, else by the next start: those of processes that are no more |
 * | probes, programs, maps, XDP | descriptors | by the kernel with the last descriptor |
 * | limits, mounts | own process, own namespace | with the process |
 *
 * A place can be guarded for several at once; from any thread.
 */
#ifndef TARGET_SETUP_GUARD_H
#define TARGET_SETUP_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include <asm/termbits.h>

/* The first number in `path` is about to be changed from `before` to `set`. It is put back only if
 * it is `set` then. Returns a handle; negative: nobody guards it (no process could be had), which
 * stops nothing. */
int guard_number(const char *path, int before, int set);

/* The same for a serial line, whose rate will be set_speed: put back as `before` unless its rate is
 * another one by then, or somebody has locked it. rate_only: others use it, too, so only rate and
 * flow control go back. */
int guard_tty(const char *path, const struct termios2 *before, uint32_t set_speed, bool rate_only);

/* Start it now. It keeps what this process has in memory when it starts, so early is small; without
 * this call it starts with the first setting. */
void guard_start(void);

/* It has been put back, or is to stay as it is. A negative handle does nothing. */
void guard_done(int handle);

#endif
