/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the daemon, its helper and the helper's reader say to each other, over sockets that keep
 * messages apart (SOCK_SEQPACKET): one of these structures each, of exactly its size. All three are
 * one program, so layouts agree; contents are not believed.
 */
#ifndef TARGET_PROBES_SYMBOL_WIRE_H
#define TARGET_PROBES_SYMBOL_WIRE_H

#include <stdint.h>

#include "target/probes/elf_lookup.h"
#include "target/probes/process_maps.h"

/* Daemon to helper: what is at an address of a process? */
struct symbol_question {
	uint32_t id;
	uint32_t tgid;
	uint64_t address;
};

enum symbol_kind {
	SYMBOL_GONE,     /* the process cannot be looked at (any more) */
	SYMBOL_NO_FILE,  /* [start, end) is no file's; owner says what it is */
	SYMBOL_FILE,     /* no function is known */
	SYMBOL_FUNCTION, /* its name */
	SYMBOL_KINDS
};

/* Which file it was: equal, the same contents. */
struct symbol_file {
	uint64_t dev, ino, size;
	int64_t changed_ns; /* its status (ctime) */
};

struct symbol_answer {
	uint32_t id;
	uint32_t kind;
	uint64_t layout;             /* of the process's mappings: another one, other mappings */
	uint64_t start, end, offset; /* the mapping: addresses, place in the file */
	struct symbol_file file;
	uint64_t begin,
		/* file offsets, that of the question between them: the answer holds for all of
		 * these */
		finish;
	/* What the helper and its reader have cost so far. */
	uint32_t cpu_ms, peak_kb;
	uint32_t reader;   /* its process id */
	uint32_t replaced; /* readers that did not answer in time, or ended */
	char owner[PROCESS_MAPS_OWNER];
	char name[ELF_LOOKUP_NAME];
};

/* Helper to reader, with the file's descriptor: what is at a place in it? */
struct symbol_look {
	uint64_t offset;
};

struct symbol_seen {
	int32_t err; /* of elf_lookup */
	uint32_t cpu_ms, peak_kb;
	struct elf_place place;
};

#endif
