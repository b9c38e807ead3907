/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Type information (BTF) read in place: the raw form the kernel gives, or the .BTF section of an
 * ELF file.
 *
 * libbpf would hold all of a kernel's, twice while reading: 10 to 20 MB for a few numbers. Here it
 * stays a file that is looked at through two small windows. The format: kernel,
 * Documentation/bpf/btf.rst.
 */
#ifndef TARGET_PROBES_BTF_FILE_H
#define TARGET_PROBES_BTF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/btf.h>

struct btf_file;

/* NULL and errno; EINVAL, EISDIR: no regular file; ENOEXEC: neither raw BTF nor ELF with it, or
 * damaged, or of the other byte order. */
struct btf_file *btf_file_open(const char *path);
void btf_file_close(struct btf_file *f);

/* The first type of a kind and a name; -ENOENT. Reads the whole file. */
int btf_file_find(struct btf_file *f, const char *name, uint32_t kind);

/* The same for n functions at once: names in strcmp's order, each once. Reads the file once,
 * however many. */
void btf_file_functions(struct btf_file *f, const char *const *names, int *ids, size_t n);

/* A type's fixed part; false: there is no such type. Id 0 is void, of kind BTF_KIND_UNKN. */
bool btf_file_type(struct btf_file *f, uint32_t id, struct btf_type *t);
/* As far as its name goes; "" if it has none. */
void btf_file_name(struct btf_file *f, uint32_t name_off, char *name, size_t size);
/* Member or parameter i of a type that has it. */
bool btf_file_member(struct btf_file *f, uint32_t id, uint32_t i, struct btf_member *m);
bool btf_file_param(struct btf_file *f, uint32_t id, uint32_t i, struct btf_param *p);

#endif
