/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The running kernel's memory by virtual address, as it is in this moment: /proc/kcore. */
#ifndef TARGET_PROBES_KCORE_H
#define TARGET_PROBES_KCORE_H

#include <stddef.h>
#include <stdint.h>

struct kcore;

/* NULL and *err, a negative errno: the kernel has none, or refuses it (CAP_SYS_RAWIO, lockdown); -EOPNOTSUPP: its
 * machine is not the one that this program is built for. */
struct kcore *kcore_open(int *err);
/* The same of a file. */
struct kcore *kcore_open_file(const char *path, int *err);
void kcore_close(struct kcore *k);

/* Returns how many bytes there are; 0: nothing is there. */
size_t kcore_read(const struct kcore *k, uint64_t address, void *to, size_t n);

#endif
