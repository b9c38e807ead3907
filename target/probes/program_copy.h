/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The programs of function.bpf.c, fit for one function: a copy that has the function's id in it, or
 * the one program that reads it from the attachment's cookie, or finds it by the address.
 */
#ifndef TARGET_PROBES_PROGRAM_COPY_H
#define TARGET_PROBES_PROGRAM_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include <bpf/bpf.h>

#include "target/probes/fd_list.h"
#include "target/probes/maps.h"

enum function_body { BODY_ENTRY, BODY_EXIT, BODY_INSTANT };

struct program_copies {
	struct bpf_object *bodies, *cookies, *places, *shared;
	const struct maps *maps;
	const struct ayp_params *params;
	bool cookies_tried, shared_tried;
	/* Copies for attachments to many functions; 0: not loaded. */
	struct {
		int attach, fd[3];
	} multi[3];
	struct fd_list copies; /* loaded copies, for their misses */
};

/* maps and params must outlive c. Loads the bodies. */
int program_copies_open(
	struct program_copies *c, const struct maps *maps, const struct ayp_params *params);
void program_copies_close(struct program_copies *c);

/* A copy for `id` (AYP_ID); attach and btf_id as the type needs. Returns a descriptor owned by c,
 * or a negative errno. */
int program_copy(struct program_copies *c, enum function_body body, uint32_t id,
	enum bpf_prog_type type, enum bpf_attach_type attach, uint32_t btf_id);

/* The cookie program of a body for kprobes and uprobes, owned by c; a negative
 * errno where attachments have no cookies. */
int program_with_cookie(struct program_copies *c, enum function_body body);

/* The same for an attachment to many functions at once; attach: BPF_TRACE_KPROBE_MULTI or alike. */
int program_with_cookie_multi(struct program_copies *c, enum function_body body, int attach);

/* Load the programs that look their function up in `places`, which must be there. 0 or a negative
 * errno; -EEXIST the second time. */
int program_places_load(struct program_copies *c, uint32_t factor, uint32_t shift);
/* One of them (not BODY_INSTANT), owned by c. */
int program_with_places(const struct program_copies *c, enum function_body body);

/* The program that looks up `user_places`, which must be there, owned by c; a negative errno where
 * attachments have no cookies. */
int program_shared(struct program_copies *c);

/* Runs the kernel left out, of all of these programs. */
uint64_t program_copies_misses(const struct program_copies *c);

#endif
