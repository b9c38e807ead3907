/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the C library does not do by itself with memory on a small board. */
#ifndef TARGET_BASE_MEMORY_H
#define TARGET_BASE_MEMORY_H

#include <malloc.h>
#include <stdint.h>
#include <unistd.h>

/* After much has been freed: glibc keeps it otherwise; musl gives it back at once. */
static inline void memory_give_back(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

/* Bytes of the machine's memory; 0: not known. */
static inline uint64_t memory_of_board(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

	return pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
}

#endif
