/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The kernel's own type information, read once and dropped after attaching (it takes megabytes). */
#ifndef TARGET_PROBES_KERNEL_BTF_H
#define TARGET_PROBES_KERNEL_BTF_H

struct btf;

/* NULL if this kernel has none. Owned by this file. */
const struct btf *kernel_btf(void);
void kernel_btf_free(void);

/* Id of a function for fentry; -ENOENT. */
int kernel_btf_function(const char *name);

/* Byte offset of a member of a kernel struct; -ENOENT. */
int kernel_btf_member(const char *type, const char *member);

#endif
