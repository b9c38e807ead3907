/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the daemon itself costs. */
#ifndef TARGET_BASE_USAGE_H
#define TARGET_BASE_USAGE_H

#include <stdint.h>

uint64_t usage_cpu_us(void);
uint64_t usage_rss_kb(void);
/* Highest resident size of this program image. getrusage's ru_maxrss would include what the process
 * had before exec (kernel/exec.c, setmax_mm_hiwater_rss). */
uint64_t usage_peak_rss_kb(void);

/* What the helper process that looks up symbols has cost so far, as it says. Its CPU time is part
 * of usage_cpu_us; its highest resident size (pages that are shared counted twice) stands by
 * itself. */
void usage_set_helper(uint64_t cpu_us, uint64_t peak_rss_kb);
uint64_t usage_helper_peak_rss_kb(void);

#endif
