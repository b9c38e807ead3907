/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How a model is built: shared by model*.c only. */
#ifndef HOST_MODEL_INTERNAL_H
#define HOST_MODEL_INTERNAL_H

#include "host/trace/ledger.h"
#include "host/base/idmap.h"
#include "host/model/model.h"
#include "framing/framing.h"

#define MODEL_MAX_SESSIONS 250u
#define MODEL_MAX_FUNCS    65536u

/* An event block as it came. */
struct block {
	uint64_t first_index;
	uint32_t count;
	bool decoded;
	bool broken; /* builds on one that is missing: as good as not there */
	uint8_t session;
	uint32_t order; /* place in the file */
	uint32_t codec;
	uint32_t raw_len;
	size_t raw_at;     /* in load.raw */
	size_t event_from; /* in load.events */
	uint64_t first_ns, last_ns;
};

/* Event indexes that are not in the file: a hole between two blocks, or a block that cannot be
 * read. */
struct gap {
	uint64_t first_index, count;
	uint64_t first_ns, last_ns; /* between the events before and behind; 0: open on that side */
	uint8_t session;
	bool undecodable;
	uint64_t left; /* work space of model_loss.c */
};

struct name_entry {
	uint8_t session;
	uint8_t table; /* ayaprof_Table */
	uint8_t cls;
	uint32_t id, owner;
	char *name, *owner_name; /* safe to print */
};

/* A Loss range as it was told. */
struct told_range {
	ayaprof_LossRange range;
	uint8_t session;
};

struct load_session {
	struct ledger book;
	uint64_t last_status_ns, last_sample_ns;
	/* Where the epochs end: index gaps cut a session's events into epochs without holes. */
	uint64_t *epoch_end_ns;
	size_t n_epochs, cap_epochs;
};

struct exact_row {
	uint8_t session;
	ayaprof_Aggregate row;
};

/* What exists only while loading. */
struct load {
	struct model *m;
	struct load_session *sessions; /* parallel to m->sessions */
	size_t cap_sessions;
	size_t cap_events, cap_args, cap_samples, cap_logs;
	uint64_t max_events; /* bound by the file's size */
	uint64_t max_samples, max_logs;
	bool told_bound, told_codec, told_format; /* said once */
	struct block *blocks;
	size_t n_blocks, cap_blocks;
	uint8_t *raw; /* of all blocks, until they are decoded */
	size_t n_raw, cap_raw;
	struct gap *gaps;
	size_t n_gaps, cap_gaps;
	struct told_range *told;
	size_t n_told, cap_told;
	struct idmap loss_index; /* (session, number, check sum) of Loss messages that were here */
	struct name_entry *names;
	size_t n_names, cap_names;
	struct idmap name_index; /* (session, table, id) -> names */
	struct idmap
		later_index; /* (session, space, id) -> id of a stack or symbol, later sessions */
	struct exact_row *exact;
	struct idmap exact_index; /* (session, func) -> exact */
	size_t n_exact, cap_exact;
	void *room; /* one decoded message of any kind */
	struct ayp_message_ctx *ctx;
	struct ayp_block_decoder *decoder;
	struct ayp_event *block_events; /* AYP_BLOCK_MAX_EVENTS */
	/* Of the recording that is being read; a file may hold several. */
	ayaprof_LineStats line;
	uint64_t frames, frame_bytes; /* that a board sent, as they stand in the file */
	bool has_recording, has_end;
	bool had_end; /* has_end, before the newest frame */
	bool cut;     /* an earlier one did not end in order */
};

/* Identities, kept with the model for its lookups. */
struct model_private {
	struct model_func *funcs;
	uint32_t n_funcs;
	struct model_task *tasks;
	struct idmap task_index;
	size_t n_tasks, cap_tasks;
	struct model_iface *ifaces;
	struct idmap iface_index;
	size_t n_ifaces, cap_ifaces;
	struct model_stack *stacks;
	struct idmap stack_index;
	size_t n_stacks, cap_stacks;
	char **symbols;
	struct idmap symbol_index;
	size_t n_symbols, cap_symbols;
	uint8_t *traits; /* enum func_traits, by function */
};

enum func_traits {
	FUNC_SYSCALL = 1u << 0, /* entered from user space only */
	FUNC_SWITCH = 1u << 1,  /* instant: the thread leaves its CPU */
	FUNC_KERNEL = 1u << 2,  /* over when its thread is in user space */
};

/* All return 0 or -ENOMEM. */
int load_frame(struct load *l, const struct framing_header *h, const uint8_t *payload,
	size_t len);                     /* model_frames.c */
void load_end_recording(struct load *l); /* its line statistics into the model's */
void load_drop_later(struct load *l);    /* model_later.c: sessions not understood */
int load_blocks_decode(struct load *l);  /* model_decode.c */
void load_blocks_sort(struct load *l);   /* model_blocks.c: by session and index */
int load_blocks_finish(struct load *l);  /* model_blocks.c: order, gaps, epochs, sort */
int load_events_sort(struct model_event *events, size_t n); /* model_sort.c: by time, stable */
int load_name(struct load *l, uint8_t session, const ayaprof_Name *name); /* model_names.c */
int load_stack(struct load *l, uint8_t session, const ayaprof_Stack *stack);
int load_names_finish(struct load *l); /* model_names.c: ids unique over sessions */
/* model_written.c: a key of a function's class, name and owner; its name as it was written, allocated
 * (NULL: out of memory), which is like no other one of `seen`. */
uint64_t model_func_key(const struct name_entry *e);
char *name_as_written(struct idmap *seen, const struct name_entry *e);
int load_calls(struct load *l); /* model_pair.c */
/* model_missed.c: calls of one thread by time, and those of them that are open at the end, outermost
 * first, closed by now. `seen` is work space of MODEL_MAX_FUNCS bytes; *steps bounds the work. */
void missed_exits(struct model *m, const uint32_t *own, size_t n, const uint32_t *open,
	size_t n_open, uint8_t *seen, uint64_t *steps);
int load_losses(struct load *l);                                       /* model_loss.c */
int load_log(struct load *l, uint8_t session, const ayaprof_Log *log); /* model_log.c */
void load_logs_finish(struct load *l); /* model_log.c: order, what is missing */

#endif
