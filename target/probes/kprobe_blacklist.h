/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Functions where the kernel itself allows no kprobe (NOKPROBE_SYMBOL, __kprobes, noinstr, entry
 * code): what runs before a kprobe's handler knows that it is in one. Other ways to be called
 * (fentry) do not ask this list, and must.
 */
#ifndef TARGET_PROBES_KPROBE_BLACKLIST_H
#define TARGET_PROBES_KPROBE_BLACKLIST_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed: empty. Names are sorted. */
struct kprobe_blacklist {
	char **name;
	size_t n, cap;
};

/*
 * Read it: from debugfs (kprobes/blacklist, Linux 3.16), mounted or not; where there is
 * none, from the bounds of the kernel's sections and its own marks in the symbol table, which know
 * most of it. 0, also when nothing can be read (the list is empty then), or -ENOMEM.
 */
int kprobe_blacklist_read(struct kprobe_blacklist *b);
bool kprobe_blacklist_has(const struct kprobe_blacklist *b, const char *symbol);
void kprobe_blacklist_free(struct kprobe_blacklist *b);

#endif
