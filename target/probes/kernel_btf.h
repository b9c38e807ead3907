/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The kernel's type information: its own, or for kernels that have none a file that was made for
 * exactly this one (--btf, or a bundle that lies beside the program). It stays a file (btf_file.h),
 * open until kernel_btf_free.
 *
 * Offsets and prototypes come from either. Ids of functions are the kernel's own numbers: a file
 * cannot tell them.
 */
#ifndef TARGET_PROBES_KERNEL_BTF_H
#define TARGET_PROBES_KERNEL_BTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What --btf gave: a file, a directory of RELEASE.btf, NULL for nothing. Call before the others.
 * -ENOENT, -ENOEXEC after one line that says what is wrong with it. */
int kernel_btf_choose(const char *given);
void kernel_btf_free(void);
/* What was found is not this kernel's: go on without. */
void kernel_btf_distrust(void);

/* Is there any? And has the kernel some itself, as fentry needs? */
bool kernel_btf_there(void);
bool kernel_btf_own(void);
/* The file it comes from, for messages; NULL if there is none. */
const char *kernel_btf_place(void);
/* It comes from outside, so it may be another kernel's. */
bool kernel_btf_foreign(void);

/* Functions that will be asked for: all are looked for when the first one is. The names must stay
 * until kernel_btf_free. */
void kernel_btf_expect(const char *const *names, size_t n);
/* Id of a function for fentry; -ENOENT. */
int kernel_btf_function(const char *name);

/* Byte offset of a member of a kernel struct, inside anonymous ones too; *size (may be NULL): its
 * bytes, 0 if it is no number. -ENOENT. */
int kernel_btf_member(const char *type, const char *member, uint16_t *size);

/* Arguments of a raw tracepoint, as far as they tell them apart. */
enum kernel_btf_arg {
	BTF_ARG_OTHER,
	BTF_ARG_ADDRESS, /* pointer to anything unnamed: const void * */
	BTF_ARG_STRUCT,  /* pointer to a struct */
	BTF_ARG_TYPEDEF,
};
struct kernel_btf_arg_type {
	enum kernel_btf_arg kind;
	char name[32]; /* of the struct or the typedef */
};
/* How many of them it has, at most cap; -ENOENT: no such tracepoint. */
int kernel_btf_tracepoint(const char *event, struct kernel_btf_arg_type *args, size_t cap);

#endif
