/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/kernel_symbols.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/log.h"
#include "target/probes/symbol_blocks.h"
#include "target/probes/tracefs.h"

struct line {
	uint64_t address;
	char type;
	char name[512]; /* KSYM_NAME_LEN since Linux 6.1 */
	char module[64];
};

/* "ffffffff81000000 T name\t[module]" */
static bool parse_kallsyms(char *text, struct line *l)
{
	unsigned long long address;

	l->module[0] = '\0';
	l->type = ' ';
	if (sscanf(text, "%llx %c %511s [%63[^]]", &address, &l->type, l->name, l->module) < 3)
		return false;
	l->address = address;
	return strchr("tTwW", l->type);
}

/* "name [module]"; also with the address, which newer kernels can be asked to print elsewhere. */
static bool parse_available(char *text, struct line *l)
{
	l->module[0] = '\0';
	return sscanf(text, "%511s [%63[^]]", l->name, l->module) >= 1;
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

static int each_line(
	FILE *f, bool (*parse)(char *, struct line *), kernel_function_fn fn, void *ctx)
{
	char *text = NULL;
	size_t cap = 0;
	struct line l;
	int err = 0;

	while (!err && getline(&text, &cap, f) > 0)
		if (parse(text, &l) && callable(l.name))
			err = fn(ctx, l.name, l.module);
	free(text);
	return err;
}

int kernel_functions_each(kernel_function_fn fn, void *ctx)
{
	FILE *f = tracefs_open("available_filter_functions");
	int err;

	if (!f)
		return kernel_functions_unlisted(fn, ctx);
	err = each_line(f, parse_available, fn, ctx);
	fclose(f);
	return err;
}

int kernel_functions_unlisted(kernel_function_fn fn, void *ctx)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	int err;

	if (!f)
		return -errno;
	err = each_line(f, parse_kallsyms, fn, ctx);
	fclose(f);
	return err;
}

int kernel_addresses_each(int (*fn)(void *ctx, const char *name, uint64_t address), void *ctx)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char *text = NULL;
	size_t cap = 0;
	struct line l;
	int err = 0;

	if (!f)
		return -errno;
	while (!err && getline(&text, &cap, f) > 0)
		if (parse_kallsyms(text, &l) && l.address)
			err = fn(ctx, l.name, l.address);
	free(text);
	fclose(f);
	return err;
}

int kernel_data_each(int (*fn)(void *ctx, const char *name), void *ctx)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char *text = NULL;
	size_t cap = 0;
	struct line l;
	int err = 0;

	if (!f)
		return -errno;
	while (!err && getline(&text, &cap, f) > 0)
		/* No function, but read as far as its type. */
		if (!parse_kallsyms(text, &l) && strchr("dDrR", l.type))
			err = fn(ctx, l.name);
	free(text);
	fclose(f);
	return err;
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
	struct symbol_blocks *s;

	if (!f)
		return NULL;
	s = kernel_symbols_read(f);
	fclose(f);
	return s;
}
