/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/symbolizer.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "target/probes/elf_symbols.h"
#include "target/probes/intern.h"
#include "target/probes/kernel_symbols.h"
#include "target/probes/process_maps.h"
#include "target/probes/symbol_blocks.h"

#define MAX_PROCESSES 64
#define MAX_SYMBOLS   32768u
/* Files whose tables are kept, and functions in all of them (16 bytes each). */
#define MAX_FILES     32
#define MAX_FUNCTIONS 262144u
/* A process may have loaded something, or executed another program, since. */
#define MAPS_VALID_NS 1000000000u

struct file {
	char *path;
	struct elf_symbols *symbols; /* NULL: has none */
};

struct symbolizer {
	struct names *names;
	struct symbol_blocks *kernel;
	struct process_maps processes[MAX_PROCESSES];
	struct file files[MAX_FILES];
	size_t n_files, n_functions;
	struct intern symbols;                       /* (owner, name) to id */
	struct intern kernel_addresses, file_places; /* to id */
	uint32_t n_symbols;
};

struct symbolizer *symbolizer_new(struct names *names)
{
	struct symbolizer *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->names = names;
	if (intern_init(&s->symbols, 65536) || intern_init(&s->kernel_addresses, 4096) ||
		intern_init(&s->file_places, 8192)) {
		symbolizer_free(s);
		return NULL;
	}
	/* Now, because it takes longer than a ring lasts. Without it addresses stay unknown. */
	s->kernel = kernel_symbols_open();
	return s;
}

static void forget_files(struct symbolizer *s)
{
	while (s->n_files) {
		s->n_files--;
		free(s->files[s->n_files].path);
		elf_symbols_close(s->files[s->n_files].symbols);
	}
	s->n_functions = 0;
}

void symbolizer_free(struct symbolizer *s)
{
	size_t i;

	if (!s)
		return;
	symbol_blocks_free(s->kernel);
	for (i = 0; i < MAX_PROCESSES; i++)
		process_maps_free(&s->processes[i]);
	forget_files(s);
	intern_free(&s->symbols);
	intern_free(&s->kernel_addresses);
	intern_free(&s->file_places);
	free(s);
}

/* Id of a name; past the bound everything new is one symbol, so the registry cannot be filled. */
static uint32_t symbol_id(struct symbolizer *s, const char *name, const char *owner)
{
	uint64_t hash;
	uint32_t id;

	if (s->n_symbols >= MAX_SYMBOLS) {
		name = "[too many symbols]";
		owner = "";
	}
	hash = intern_hash(intern_hash(0, owner, strlen(owner) + 1), name, strlen(name));
	if (intern_find(&s->symbols, hash, &id))
		return id;
	id = ++s->n_symbols;
	names_set(s->names, ayaprof_Table_TABLE_SYMBOL, id, 0, name, owner);
	intern_set(&s->symbols, hash, id);
	return id;
}

uint32_t symbolizer_kernel(struct symbolizer *s, uint64_t address)
{
	uint64_t hash = intern_hash(0, &address, sizeof(address));
	const char *name = NULL, *module = "";
	uint32_t id;

	if (intern_find(&s->kernel_addresses, hash, &id))
		return id;
	if (s->kernel)
		name = symbol_blocks_find(s->kernel, address, &module);
	id = symbol_id(s, name ? name : "[unknown]", name ? module : "[kernel]");
	intern_set(&s->kernel_addresses, hash, id);
	return id;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* The process's maps, fresh enough; the one read longest ago gives way. */
static struct process_maps *process(struct symbolizer *s, uint32_t tgid)
{
	struct process_maps *p = &s->processes[0];
	size_t i;

	for (i = 0; i < MAX_PROCESSES; i++) {
		if (s->processes[i].read_ns && s->processes[i].tgid == tgid) {
			p = &s->processes[i];
			break;
		}
		if (s->processes[i].read_ns < p->read_ns)
			p = &s->processes[i];
	}
	if (!p->read_ns || p->tgid != tgid || now_ns() - p->read_ns > MAPS_VALID_NS)
		process_maps_read(p, tgid);
	return p;
}

/* As the process sees it, for it may live in a container; else as we see it. */
static struct elf_symbols *open_table(uint32_t tgid, const char *path)
{
	char in_process[4200];
	struct elf_symbols *symbols;

	snprintf(in_process, sizeof(in_process), "/proc/%u/root%s", tgid, path);
	symbols = elf_symbols_open(in_process);
	return symbols ? symbols : elf_symbols_open(path);
}

static const struct file *file(struct symbolizer *s, uint32_t tgid, const char *path)
{
	struct file *f;
	size_t i;

	for (i = 0; i < s->n_files; i++)
		if (!strcmp(s->files[i].path, path))
			return &s->files[i];
	if (s->n_files == MAX_FILES || s->n_functions > MAX_FUNCTIONS)
		forget_files(s);
	f = &s->files[s->n_files];
	f->path = strdup(path);
	if (!f->path)
		return NULL;
	f->symbols = open_table(tgid, path);
	s->n_functions += f->symbols ? elf_symbols_count(f->symbols) : 0;
	s->n_files++;
	return f;
}

static void read_name(const struct file *f, uint32_t tgid, uint64_t offset, char *name, size_t size)
{
	char in_process[4200];

	snprintf(in_process, sizeof(in_process), "/proc/%u/root%s", tgid, f->path);
	if (!f->symbols || (elf_symbols_name(f->symbols, in_process, offset, name, size) &&
				   elf_symbols_name(f->symbols, f->path, offset, name, size)))
		snprintf(name, size, "[unknown]");
}

static uint32_t file_symbol(struct symbolizer *s, uint32_t tgid, const char *path, uint64_t offset)
{
	uint64_t hash = intern_hash(intern_hash(0, path, strlen(path)), &offset, sizeof(offset));
	char name[256] = "[unknown]";
	const struct file *f;
	uint32_t id;

	if (intern_find(&s->file_places, hash, &id))
		return id;
	f = file(s, tgid, path);
	if (f)
		read_name(f, tgid, offset, name, sizeof(name));
	id = symbol_id(s, name, strrchr(path, '/') + 1);
	intern_set(&s->file_places, hash, id);
	return id;
}

uint32_t symbolizer_user(struct symbolizer *s, uint32_t tgid, uint64_t address)
{
	const struct process_mapping *m = process_maps_find(process(s, tgid), address);

	if (!m || !m->path[0])
		return symbol_id(s, "[unknown]", "[anonymous]");
	if (m->path[0] != '/')
		return symbol_id(s, m->path, m->path);
	return file_symbol(s, tgid, m->path, address - m->start + m->offset);
}
