/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Time as the daemon counts it: nanoseconds of CLOCK_MONOTONIC, the clock of the kernel's events.
 */
#ifndef TARGET_BASE_CLOCK_H
#define TARGET_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S  1000000000ull
#define NS_PER_MS 1000000ull

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static inline uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

#endif
