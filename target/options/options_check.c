/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Contradictions between options, found before anything starts. */
#include "target/options/options.h"

#include <errno.h>

#include "target/base/log.h"
#include "target/base/memory.h"
#include "target/options/option_values.h"
#include "target/base/output_file.h"
#include "target/source/source.h"

static bool given(const struct options *o, const char *name)
{
	return o->origin[option_index(name)] != ORIGIN_NONE;
}

static bool typed(const struct options *o, const char *name)
{
	return o->origin[option_index(name)] == ORIGIN_COMMAND_LINE;
}

/* Options without meaning beside --replay. Those from a file are the board's general settings and
 * may stay. */
static const char *const kernel_only[] = {"module", "probe", "strict-probes", "sample-hz",
	"xdp-iface", "mechanism", "return-slots", "unsafe", "btf", "ring-size", "memory-table"};

static int check_replay(const struct options *o)
{
	const struct config *c = &o->config;

	if (!c->replay_file) {
		const char *lost = given(o, "names")         ? "names"
				   : given(o, "replay-rate") ? "replay-rate"
							     : NULL;
		if (!lost)
			return 0;
		log_error("--%s has a meaning only together with --replay FILE", lost);
		return -EINVAL;
	}
	for (size_t i = 0; i < sizeof(kernel_only) / sizeof(kernel_only[0]); i++) {
		if (!typed(o, kernel_only[i]))
			continue;
		log_error("--%s and --replay exclude each other: a replay traces nothing",
			kernel_only[i]);
		return -EINVAL;
	}
	if (c->command || c->check) {
		log_error("%s and --replay exclude each other: a replay traces nothing",
			c->command ? "a command" : "--check");
		return -EINVAL;
	}
	return 0;
}

static int check_modules(const struct config *c)
{
	for (size_t i = 0; i < c->n_modules; i++) {
		if (probes_module_exists(c->modules[i]))
			continue;
		log_error("there is no module \"%s\"; --list-modules shows which there are",
			c->modules[i]);
		return -EINVAL;
	}
	if (c->mechanism && !probes_mechanism_exists(c->mechanism)) {
		log_error("there is no mechanism \"%s\"; --check shows which there are",
			c->mechanism);
		return -EINVAL;
	}
	if (c->no_modules && c->n_probes == 0 && !c->replay_file) {
		log_error("nothing to trace: -M none needs at least one -p SPEC");
		return -EINVAL;
	}
	return 0;
}

static int check_mode(const struct config *c)
{
	if (c->mode == MODE_UART && !c->tty) {
		log_error("no TTY given: ayaprof-uart [OPTIONS] TTY, or --mode log to write a "
			  "file; try --help");
		return -EINVAL;
	}
	return 0;
}

/* A console belongs to others: unless asked for, nothing of it is changed, and nothing is read. */
static int check_framing(struct options *o)
{
	struct config *c = &o->config;

	if (c->framing != FRAMING_TEXT)
		return 0;
	if (c->frame_bytes > TEXT_FRAME_BYTES_MAX) {
		log_error("--frame-bytes %zu and --framing text exclude each other: lines of text "
			  "hold %u "
			  "at most",
			c->frame_bytes, TEXT_FRAME_BYTES_MAX);
		return -EINVAL;
	}
	if (c->link == LINKMODE_AUTO)
		c->link = LINKMODE_ONEWAY;
	if (!given(o, "baud") && c->link == LINKMODE_ONEWAY)
		c->baud = 0;
	return 0;
}

/* The kernel promises a program more memory than there is, and ends one when it is to keep that. */
static int check_memory(const struct options *o)
{
	const struct config *c = &o->config;
	uint64_t memory = memory_of_board();
	const struct {
		const char *option;
		uint64_t asked, by_itself;
	} rows[] = {
		{"ring-size", c->replay_file ? 0 : c->ring_bytes, default_ring_bytes(memory)},
		{"spool-mem", c->spool_mem, default_spool_bytes(memory)},
	};

	for (size_t i = 0; memory && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!given(o, rows[i].option) || rows[i].asked <= memory / 2)
			continue;
		log_error("--%s %lluM: out of memory: this board has %llu MiB, of which half may "
			  "be asked for; --%s %lluK is what it takes by itself",
			rows[i].option, (unsigned long long)(rows[i].asked >> 20),
			(unsigned long long)(memory >> 20), rows[i].option,
			(unsigned long long)(rows[i].by_itself >> 10));
		return -EINVAL;
	}
	return 0;
}

/* What is written must be neither read by the run nor written twice. */
static int check_files(const struct options *o)
{
	const struct config *c = &o->config;
	const bool records = c->mode == MODE_LOG || c->mode == MODE_BOTH || c->mode == MODE_AUTO;
	const struct {
		const char *option, *path;
	} files[] = {
		{"--output-file", records ? c->output_file : NULL},
		{"--summary-json", c->summary_json},
		{"--config", o->config_file},
		{"--replay", c->replay_file},
		{"--names", c->replay_names},
		{"--btf", c->btf},
		{"TTY", c->tty},
	};

	for (size_t out = 0; out < 2; out++) {
		for (size_t i = out + 1; i < sizeof(files) / sizeof(files[0]); i++) {
			if (!output_same(files[out].path, files[i].path))
				continue;
			log_error("%s %s and %s %s are one file", files[out].option,
				files[out].path, files[i].option, files[i].path);
			return -EINVAL;
		}
		for (size_t i = 0; i < c->n_probes; i++) {
			if (c->probes[i].type != SPEC_USER ||
				!output_same(files[out].path, c->probes[i].path))
				continue;
			log_error("%s %s is the program to be probed", files[out].option,
				files[out].path);
			return -EINVAL;
		}
	}
	return 0;
}

int options_check(struct options *o)
{
	const struct config *c = &o->config;
	int err = check_replay(o);

	if (!err)
		err = check_framing(o);
	if (!err)
		err = check_modules(c);
	if (!err && !c->check && !c->list_modules && !c->list_functions)
		err = check_mode(c);
	if (!err)
		err = check_files(o);
	if (!err)
		err = check_memory(o);
	return err;
}
