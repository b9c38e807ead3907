/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One BPF object in the kernel: its wanted programs only, on the shared maps. An attempt that fails
 * leaves nothing behind.
 */
#ifndef TARGET_PROBES_OBJECT_H
#define TARGET_PROBES_OBJECT_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"
#include "target/probes/bpf_image.h"
#include "target/probes/fd_list.h"
#include "target/probes/maps.h"

struct bpf_object;

/* The most that an object has of constants of its own, in bytes. */
#define OWN_PARAMS_MAX 256u

/* libbpf's messages: shown from verbosity 2 on, else dropped. Call once. */
void object_set_messages(void);

/* Load `programs` (NULL-terminated names) of an image. Returns the object, or NULL and *err. */
struct bpf_object *object_load(const struct bpf_image *image, const char *const *programs,
	const struct maps *maps, const struct ayp_params *params, int *err);

/* The same of an image that has constants of its own: own_size bytes at `own`, the struct that its
 * source names as OWN_PARAMS. -EINVAL: it is another one's. */
struct bpf_object *object_load_own(const struct bpf_image *image, const char *const *programs,
	const struct maps *maps, const struct ayp_params *params, const void *own, size_t own_size,
	int *err);

/* Descriptor of a loaded program by name, owned by the object; -ENOENT if it has none. */
int object_program_fd(const struct bpf_object *o, const char *name);

/* Attach a program as its section says (raw_tp, tp). Returns a descriptor that detaches
 * when closed, or a negative errno. */
int object_attach(const struct bpf_object *o, const char *name);

/* Keep the loaded programs of an object and nothing else of it: it is closed, what libbpf knows
 * about it takes 50 KB. Their descriptors are added in the order of the object; on failure some may
 * be. */
int programs_keep(struct fd_list *l, struct bpf_object *o);

/* How often the kernel did not run a program because it was already running on that CPU
 * (Linux 5.12, 9ed9e9ba2337); 0 where it does not tell. */
uint64_t program_misses(int prog_fd);
uint64_t programs_misses(const struct fd_list *l);

#endif
