/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/kprobe_blacklist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/probes/detached_mount.h"
#include "target/probes/kernel_symbols.h"

#define DEBUGFS_FILE "kprobes/blacklist"

static int add(struct kprobe_blacklist *b, const char *symbol)
{
	if (b->n == b->cap) {
		size_t cap = b->cap ? 2 * b->cap : 512;
		char **grown = realloc(b->name, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		b->name = grown;
		b->cap = cap;
	}
	b->name[b->n] = strdup(symbol);
	return b->name[b->n] ? (b->n++, 0) : -ENOMEM;
}

static FILE *open_debugfs(void)
{
	FILE *f = fopen("/sys/kernel/debug/" DEBUGFS_FILE, "re");
	int dir, fd;

	if (f)
		return f;
	dir = detached_mount("debugfs");
	if (dir < 0)
		return NULL;
	fd = openat(dir, DEBUGFS_FILE, O_RDONLY | O_CLOEXEC);
	close(dir);
	if (fd < 0)
		return NULL;
	f = fdopen(fd, "r");
	if (!f)
		close(fd);
	return f;
}

/* "0xffffffff81000000-0xffffffff81000040\tname": kprobe_blacklist_seq_show in kernel/kprobes.c. */
static int from_debugfs(struct kprobe_blacklist *b, FILE *f)
{
	char line[640], name[512];
	int err = 0;

	while (!err && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %511s", name) == 1)
			err = add(b, name);
	return err;
}

/* Sections that populate_kprobe_blacklist and arch_populate_kprobe_blacklist (kernel/kprobes.c,
 * arch/{x86/kernel/kprobes/core,arm64/kernel/probes/kprobes}.c) take as a whole. */
static const char *const sections[] = {
	"__kprobes_text", "__noinstr_text", "__entry_text", "__idmap_text", "__hyp_text"};
#define N_SECTIONS (sizeof(sections) / sizeof(*sections))
/* NOKPROBE_SYMBOL(f) makes a word of that name; in the symbol table with CONFIG_KALLSYMS_ALL. */
#define MARK "_kbl_addr_"

struct search {
	struct kprobe_blacklist *b;
	uint64_t start[N_SECTIONS], end[N_SECTIONS];
};

static int on_bound(void *ctx, const char *name, uint64_t address)
{
	struct search *s = ctx;
	size_t i, n;

	for (i = 0; i < N_SECTIONS; i++) {
		n = strlen(sections[i]);
		if (strncmp(name, sections[i], n) != 0)
			continue;
		if (!strcmp(name + n, "_start"))
			s->start[i] = address;
		else if (!strcmp(name + n, "_end"))
			s->end[i] = address;
	}
	return 0;
}

static int on_function(void *ctx, const char *name, uint64_t address)
{
	struct search *s = ctx;
	size_t i;

	for (i = 0; i < N_SECTIONS; i++)
		if (address >= s->start[i] && address < s->end[i])
			return add(s->b, name);
	return 0;
}

static int on_mark(void *ctx, const char *name)
{
	struct search *s = ctx;

	return strncmp(name, MARK, strlen(MARK)) ? 0 : add(s->b, name + strlen(MARK));
}

static int from_symbols(struct kprobe_blacklist *b)
{
	struct search s = {.b = b};
	int err = kernel_symbols_each(on_bound, on_mark, &s);

	return err ? err : kernel_addresses_each(on_function, &s);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int kprobe_blacklist_read(struct kprobe_blacklist *b)
{
	FILE *f = open_debugfs();
	int err;

	*b = (struct kprobe_blacklist){0};
	if (f) {
		err = from_debugfs(b, f);
		fclose(f);
	} else {
		err = from_symbols(b);
	}
	if (b->n)
		qsort(b->name, b->n, sizeof(*b->name), compare);
	return err == -ENOMEM ? err : 0;
}

bool kprobe_blacklist_has(const struct kprobe_blacklist *b, const char *symbol)
{
	return b->n && bsearch(&symbol, b->name, b->n, sizeof(*b->name), compare);
}

void kprobe_blacklist_free(struct kprobe_blacklist *b)
{
	while (b->n)
		free(b->name[--b->n]);
	free(b->name);
	*b = (struct kprobe_blacklist){0};
}
