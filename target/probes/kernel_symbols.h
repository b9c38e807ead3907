/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Functions of the running kernel: which can be traced, and which one an address is in. */
#ifndef TARGET_PROBES_KERNEL_SYMBOLS_H
#define TARGET_PROBES_KERNEL_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* module is "" for the kernel itself. Return 0 to go on. */
typedef int (*kernel_function_fn)(void *ctx, const char *name, const char *module);

/* Every function that can be traced as far as the kernel tells (available_filter_functions, else
 * the symbol table), in address order, duplicates of a name included. Returns 0, what fn returned,
 * or a negative errno. */
int kernel_functions_each(kernel_function_fn fn, void *ctx);
/* The same from the symbol table: has the other names of a function, and functions that cannot be
 * traced. */
int kernel_functions_unlisted(kernel_function_fn fn, void *ctx);
/* Every function and its address, which is never 0 (the kernel may keep them to itself:
 * kptr_restrict). */
int kernel_addresses_each(int (*fn)(void *ctx, const char *name, uint64_t address), void *ctx);
/* The same in one go with every name of data, of which a kernel may keep none
 * (CONFIG_KALLSYMS_ALL). */
int kernel_symbols_each(int (*on_function)(void *ctx, const char *name, uint64_t address),
	int (*on_data)(void *ctx, const char *name), void *ctx);
/* Does the kernel keep all addresses to itself (kptr_restrict), or all of its symbol table? */
bool kernel_symbols_hidden(void);
int kernel_functions_matching(const char *glob, kernel_function_fn fn, void *ctx);

/* The symbol table by address (symbol_blocks.h); NULL and errno. */
struct symbol_blocks *kernel_symbols_open(void);
/* The same of a text like that of /proc/kallsyms. */
struct symbol_blocks *kernel_symbols_read(FILE *f);

#endif
