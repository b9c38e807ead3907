/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What attaching to functions needs and leaves in the kernel beside the links: programs, probes
 * made in tracefs, slots for returns; and the books of what the kernel missed.
 *
 * Return probes put a call's return address aside in a slot. A function that sleeps keeps its slot,
 * and when none is free the call runs on without its return being seen: the kernel counts that, and
 * nothing else does.
 */
#ifndef TARGET_PROBES_ATTACHER_H
#define TARGET_PROBES_ATTACHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/probes/fd_list.h"
#include "target/probes/function_target.h"
#include "target/probes/kernel_code.h"
#include "target/probes/kprobe_events.h"
#include "target/probes/program_copy.h"
#include "target/probes/uprobe_events.h"

struct attacher {
	struct maps *maps;
	struct program_copies copies;
	struct kprobe_events events;
	struct uprobe_events uprobes;
	size_t noted_events;
	uint64_t hits_before;     /* of probes whose program was not attached yet */
	struct kernel_code *code; /* while attaching; NULL: not to be read */
	uint32_t slots;           /* per function */
	bool looked;              /* for addresses, code and which_pool */
	bool node_pool; /* kprobe.multi takes slots from a pool sized by its number of functions */
	bool links_count; /* the kernel's links say what they missed */
	/* Those of an event each; the list of links owns them. */
	int *counting;
	size_t n_counting;
	size_t silent; /* attachments that miss returns and count none */
	/* Functions whose returns need slots. */
	uint16_t *pooled;
	size_t n_pooled;
};

/* slots: per function, 0: by the memory and the number of functions. maps and params must outlive
 * a. 0 or a negative errno; close in any case. */
int attacher_open(struct attacher *a, struct maps *maps, const struct ayp_params *params,
	uint32_t slots, size_t n_functions);
/* After the links are closed: remove probes from tracefs. May be called twice. */
void attacher_detached(struct attacher *a);
void attacher_close(struct attacher *a);

/* Find the kernel functions' addresses (0: not known), its code and how kprobe.multi works here;
 * once. */
void attacher_look(struct attacher *a, struct function_targets *t);

/* Nothing more will be attached: let go of what only that needs. */
void attacher_attached(struct attacher *a);

/* The links from index `first` on need slots: keep the books of them. shared: each is many
 * functions' (KPROBE_SHARED). */
int attacher_note_links(struct attacher *a, const struct fd_list *links, size_t first, bool shared);
int attacher_note_function(struct attacher *a, uint16_t func);

/* All is attached, and from now on misses count. */
void attacher_begin(struct attacher *a);
/* Events that the kernel did not make because it had no slot or was busy with another probe. Call
 * before anything is detached. */
uint64_t attacher_misses(const struct attacher *a);

#endif
