/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/kernel_symbols.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/base/log.h"
#include "target/probes/symbol_blocks.h"
#include "target/probes/tracefs.h"

struct line {
	uint64_t address;
	char type;
	char name[512]; /* KSYM_NAME_LEN since Linux 6.1 */
	char module[64];
};

/* The next word, of at most size - 1 bytes; what follows it, NULL if there is none. */
static char *next_word(char *at, char *word, size_t size, const char *end)
{
	size_t n;

	at += strspn(at, " \t");
	n = strcspn(at, end);
	if (!n || n >= size)
		return NULL;
	memcpy(word, at, n);
	word[n] = '\0';
	return at + n;
}

/* "name\t[module]". By hand: a kernel has 200,000 of them, which are read more than once. */
static bool parse_name(char *text, struct line *l)
{
	l->module[0] = '\0';
	text = next_word(text, l->name, sizeof(l->name), " \t\n");
	if (!text)
		return false;
	text += strspn(text, " \t");
	if (*text == '[' && !next_word(text + 1, l->module, sizeof(l->module), "]\n"))
		l->module[0] = '\0';
	return true;
}

/* "ffffffff81000000 T name\t[module]" */
static bool parse_kallsyms(char *text, struct line *l)
{
	char *end;

	l->type = ' ';
	l->address = strtoull(text, &end, 16);
	if (end == text || *end != ' ' || !end[1] || !parse_name(end + 2, l))
		return false;
	l->type = end[1];
	return strchr("tTwW", l->type);
}

/* "name [module]"; also with the address, which newer kernels can be asked to print elsewhere. */
static bool parse_available(char *text, struct line *l)
{
	return parse_name(text, l);
}

/* Parts and markers that compilers and the kernel's build make; nobody calls them by name. */
static bool callable(const char *name)
{
	static const char *const prefixes[] = {"__pfx_", "__cfi_", "__SCT__", "__SCK__",
		"__ftrace_invalid", "__traceiter_", "__bpf_trace_", "__probestub_", NULL};
	const char *dot = strstr(name, ".cold");
	size_t i;

	if (dot || name[0] == '$' || name[0] == '.')
		return false;
	for (i = 0; prefixes[i]; i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return false;
	return true;
}

/* Files in /proc ask for a buffer of 1 KiB, although the kernel writes a page at a time. */
#define BUFFER 16384

static int each_line(FILE *f, int (*fn)(void *ctx, char *text), void *ctx)
{
	char *text = NULL, buffer[BUFFER];
	size_t cap = 0;
	int err = 0;

	if (!f)
		return -errno;
	setvbuf(f, buffer, _IOFBF, sizeof(buffer));
	while (!err && getline(&text, &cap, f) > 0)
		err = fn(ctx, text);
	free(text);
	fclose(f);
	return err;
}

struct listener {
	bool (*parse)(char *, struct line *);
	kernel_function_fn fn;
	int (*on_function)(void *ctx, const char *name, uint64_t address);
	int (*on_data)(void *ctx, const char *name);
	void *ctx;
};

static int hear_name(void *ctx, char *text)
{
	const struct listener *to = ctx;
	struct line l;

	return to->parse(text, &l) && callable(l.name) ? to->fn(to->ctx, l.name, l.module) : 0;
}

static int hear_symbol(void *ctx, char *text)
{
	const struct listener *to = ctx;
	struct line l;

	if (parse_kallsyms(text, &l))
		return l.address ? to->on_function(to->ctx, l.name, l.address) : 0;
	return to->on_data && strchr("dDrR", l.type) ? to->on_data(to->ctx, l.name) : 0;
}

int kernel_functions_each(kernel_function_fn fn, void *ctx)
{
	struct listener to = {.parse = parse_available, .fn = fn, .ctx = ctx};
	FILE *f = tracefs_open("available_filter_functions");

	return f ? each_line(f, hear_name, &to) : kernel_functions_unlisted(fn, ctx);
}

int kernel_functions_unlisted(kernel_function_fn fn, void *ctx)
{
	struct listener to = {.parse = parse_kallsyms, .fn = fn, .ctx = ctx};

	return each_line(fopen("/proc/kallsyms", "re"), hear_name, &to);
}

int kernel_symbols_each(int (*on_function)(void *ctx, const char *name, uint64_t address),
	int (*on_data)(void *ctx, const char *name), void *ctx)
{
	struct listener to = {.on_function = on_function, .on_data = on_data, .ctx = ctx};

	return each_line(fopen("/proc/kallsyms", "re"), hear_symbol, &to);
}

int kernel_addresses_each(int (*fn)(void *ctx, const char *name, uint64_t address), void *ctx)
{
	return kernel_symbols_each(fn, NULL, ctx);
}

static int stop(void *ctx, const char *name, uint64_t address)
{
	return 1;
}

bool kernel_symbols_hidden(void)
{
	return kernel_addresses_each(stop, NULL) != 1;
}

struct filter {
	const char *glob;
	kernel_function_fn fn;
	void *ctx;
};

static int filter(void *ctx, const char *name, const char *module)
{
	struct filter *f = ctx;

	return fnmatch(f->glob, name, 0) ? 0 : f->fn(f->ctx, name, module);
}

int kernel_functions_matching(const char *glob, kernel_function_fn fn, void *ctx)
{
	struct filter f = {glob, fn, ctx};

	return kernel_functions_each(filter, &f);
}

/* ---- by address ----------------------------------------------------------------------------- */

struct symbol_blocks *kernel_symbols_read(FILE *f)
{
	struct symbol_blocks *s = symbol_blocks_new();
	char *text = NULL;
	size_t cap = 0;
	bool ok = true;
	struct line l;

	while (s && ok && getline(&text, &cap, f) > 0)
		/* Address 0: the kernel keeps them to itself (kptr_restrict). __pfx_: room before
		 * each function, where nothing runs (Linux 6.3, 9f2899fe36a6). */
		if (parse_kallsyms(text, &l) && l.address && l.name[0] != '$' &&
			strncmp(l.name, "__pfx_", 6) != 0)
			ok = symbol_blocks_add(s, l.address, l.name, l.module);
	free(text);
	if (s && ok && symbol_blocks_seal(s)) {
		log_detail("kernel symbols: %zu KiB", symbol_blocks_size(s) >> 10);
		return s;
	}
	symbol_blocks_free(s);
	errno = ENOMEM;
	return NULL;
}

struct symbol_blocks *kernel_symbols_open(void)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char buffer[BUFFER];
	struct symbol_blocks *s;

	if (!f)
		return NULL;
	setvbuf(f, buffer, _IOFBF, sizeof(buffer));
	s = kernel_symbols_read(f);
	fclose(f);
	return s;
}
