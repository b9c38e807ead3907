/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the symbol helper has said, for as long as it holds: mappings of processes, until they have
 * to be looked at again; functions of files, by where they stand. Bounded; what was used or learned
 * longest ago gives way.
 */
#ifndef TARGET_PROBES_SYMBOL_CACHE_H
#define TARGET_PROBES_SYMBOL_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/probes/symbol_wire.h"

#define SYMBOL_CACHE_PROCESSES 64u
#define SYMBOL_CACHE_MAPPINGS  16u /* of a process */
#define SYMBOL_CACHE_FILES     128u
#define SYMBOL_CACHE_FUNCTIONS 8192u

struct symbol_cache {
	struct symbol_process {
		uint32_t tgid;
		bool gone;        /* could not be looked at: what is not known stays so */
		uint32_t unknown; /* the symbol for that */
		uint64_t layout;
		uint64_t checked_ns; /* 0: no process */
		size_t n;            /* ever; the newest SYMBOL_CACHE_MAPPINGS are there */
		struct symbol_mapping {
			uint64_t start, end, offset;
			uint32_t file;   /* number + 1; 0: no file's */
			uint32_t symbol; /* then this one */
		} mapping[SYMBOL_CACHE_MAPPINGS];
	} process[SYMBOL_CACHE_PROCESSES];
	struct symbol_file file[SYMBOL_CACHE_FILES];
	uint32_t n_files;
	struct symbol_function {
		uint32_t file, symbol;
		uint64_t begin, end;
	} * function; /* by file and place; they do not overlap */
	size_t n_functions, cap_functions;
};

void symbol_cache_free(struct symbol_cache *c);

/* The symbol at an address; 0: not known, or what is known of the process is too old. */
uint32_t symbol_cache_find(
	struct symbol_cache *c, uint32_t tgid, uint64_t address, uint64_t now_ns);
/* 0: not known, or too old. */
uint64_t symbol_cache_layout(struct symbol_cache *c, uint32_t tgid, uint64_t now_ns);
/* `symbol`: the id of what the answer says. */
void symbol_cache_put(struct symbol_cache *c, const struct symbol_question *q,
	const struct symbol_answer *a, uint32_t symbol, uint64_t now_ns);

#endif
