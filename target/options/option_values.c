/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/options/option_values.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "target/base/parse.h"
#include "target/stream/spool.h"

#define RING_DEFAULT  (4ull << 20)
#define SPOOL_DEFAULT (4ull << 20)
/* Each of the two takes no more than this part of the memory by itself. */
#define MEMORY_SHARE 32u
#define RING_MIN     (64ull << 10)
#define RING_MAX     (1ull << 30)
/* Of followed allocations: some 1,000 and 260,000. */
#define TABLE_MIN     (96ull << 10)
#define TABLE_DEFAULT (24ull << 20)
#define TABLE_SHARE   64u

static int refuse(char *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int refuse(char *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, OPTIONS_WHY, fmt, args);
	va_end(args);
	return -EINVAL;
}

/* ---- kinds of values ------------------------------------------------------------------------ */

static int number(const char *value, uint64_t min, uint64_t max, uint64_t *to, char *why)
{
	int err = parse_u64(value, min, max, to);

	if (err == -EINVAL)
		return refuse(why, "not a whole number");
	if (err)
		return refuse(why, "must be from %llu to %llu", (unsigned long long)min,
			(unsigned long long)max);
	return 0;
}

static int size(const char *value, uint64_t min, uint64_t max, size_t *to, char *why)
{
	uint64_t v;
	int err = parse_size(value, min, max, &v);

	if (err == -EINVAL)
		return refuse(why, "not a size; write bytes or a number with K, M or G");
	if (err)
		return refuse(why, "must be from %lluK to %lluM", (unsigned long long)(min >> 10),
			(unsigned long long)(max >> 20));
	*to = (size_t)v;
	return 0;
}

struct word {
	const char *word;
	int value;
};

static int one_of(const char *value, const struct word *words, int *to, char *why)
{
	char list[100] = "";
	size_t len = 0;

	for (const struct word *w = words; w->word; w++) {
		if (strcmp(value, w->word) == 0) {
			*to = w->value;
			return 0;
		}
		len += (size_t)snprintf(
			list + len, sizeof(list) - len, "%s%s", len ? ", " : "", w->word);
	}
	return refuse(why, "must be one of: %s", list);
}

static int text(struct options *o, const char *value, const char **to, char *why)
{
	if (!*value)
		return refuse(why, "must not be empty");
	*to = options_keep(o, value);
	return *to ? 0 : refuse(why, "out of memory");
}

/* One more element; NULL: out of memory. The array is the config's. */
static void *append(void *array, size_t *n, size_t element)
{
	char *bigger = realloc(*(void **)array, (*n + 1) * element);

	if (!bigger)
		return NULL;
	*(void **)array = bigger;
	memset(bigger + *n * element, 0, element);
	return bigger + (*n)++ * element;
}

/* ---- line ----------------------------------------------------------------------------------- */

OPTION_SETTER(tty)
{
	return text(o, value, &o->config.tty, why);
}

OPTION_SETTER(baud)
{
	uint64_t v;
	int err = number(value, 50, 100000000, &v, why);

	if (!err)
		o->config.baud = (uint32_t)v;
	return err;
}

OPTION_SETTER(flow)
{
	static const struct word words[] = {{"none", 0}, {"rtscts", 1}, {0}};
	int v;
	int err = one_of(value, words, &v, why);

	if (!err)
		o->config.rtscts = v;
	return err;
}

OPTION_SETTER(link)
{
	static const struct word words[] = {{"auto", LINKMODE_AUTO}, {"oneway", LINKMODE_ONEWAY},
		{"reliable", LINKMODE_RELIABLE}, {0}};
	int v;
	int err = one_of(value, words, &v, why);

	if (err)
		return err;
	o->config.link = (enum link_mode)v;
	return 0;
}

OPTION_SETTER(frame_bytes)
{
	uint64_t v;
	int err = number(value, 256, 3900, &v, why);

	if (!err)
		o->config.frame_bytes = (size_t)v;
	return err;
}

OPTION_SETTER(framing)
{
	static const struct word words[] = {
		{"binary", FRAMING_BINARY}, {"text", FRAMING_TEXT}, {0}};
	int v;
	int err = one_of(value, words, &v, why);

	if (!err)
		o->config.framing = (enum framing_mode)v;
	return err;
}

static int flag(const char *value, bool *on, char *why)
{
	static const struct word words[] = {{"yes", 1}, {"no", 0}, {0}};
	int v = 1;
	int err = value ? one_of(value, words, &v, why) : 0; /* only a file gives a value */

	if (!err)
		*on = v;
	return err;
}

OPTION_SETTER(quiet_console)
{
	return flag(value, &o->config.quiet_console, why);
}

OPTION_SETTER(kmsg)
{
	static const struct word words[] = {
		{"off", KMSG_OFF}, {"new", KMSG_NEW}, {"all", KMSG_ALL}, {0}};
	int v;
	int err = one_of(value, words, &v, why);

	if (!err)
		o->config.kmsg = (enum kmsg_mode)v;
	return err;
}

/* ---- where to ------------------------------------------------------------------------------- */

OPTION_SETTER(mode)
{
	static const struct word words[] = {{"uart", MODE_UART}, {"log", MODE_LOG},
		{"serve", MODE_SERVE}, {"both", MODE_BOTH}, {"auto", MODE_AUTO}, {0}};
	int v;
	int err = one_of(value, words, &v, why);

	if (!err)
		o->config.mode = (enum run_mode)v;
	return err;
}

OPTION_SETTER(output_file)
{
	return text(o, value, &o->config.output_file, why);
}

OPTION_SETTER(listen)
{
	const char *colon = strrchr(value, ':'), *port = colon ? colon + 1 : value;
	char addr[64];
	size_t len = colon ? (size_t)(colon - value) : 0;
	uint64_t v;

	if (parse_u64(port, 1, 65535, &v))
		return refuse(why, "expected [ADDR:]PORT with a port from 1 to 65535");
	o->config.listen_port = (uint16_t)v;
	if (!colon)
		return 0;
	if (len >= 2 && value[0] == '[' && value[len - 1] == ']') { /* [::1]:5555 */
		value++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof(addr))
		return refuse(why, "expected [ADDR:]PORT, e.g. 0.0.0.0:5555");
	memcpy(addr, value, len);
	addr[len] = '\0';
	return text(o, addr, &o->config.listen_addr, why);
}

/* ---- what ----------------------------------------------------------------------------------- */

OPTION_SETTER(module)
{
	struct config *c = &o->config;
	char *rest = options_keep(o, value), *name;

	if (!rest)
		return refuse(why, "out of memory");
	while ((name = strsep(&rest, ",")) != NULL) {
		char **to;
		if (!*name)
			return refuse(why, "has an empty name; write NAME,NAME");
		if (strcmp(name, "none") == 0) {
			c->no_modules = true;
			continue;
		}
		to = append(&c->modules, &c->n_modules, sizeof(*to));
		if (!to)
			return refuse(why, "out of memory");
		*to = name;
	}
	if (c->no_modules && c->n_modules)
		return refuse(why, "\"none\" cannot be combined with other modules");
	return 0;
}

/* Up to a colon; one with a backslash before it is a part of the path. */
static char *cut_path(char **rest)
{
	char *path = *rest, *from = path, *to = path;

	while (*from && *from != ':') {
		if (from[0] == '\\' && from[1] == ':')
			from++;
		*to++ = *from++;
	}
	*rest = *from ? from + 1 : NULL;
	*to = '\0';
	return path;
}

OPTION_SETTER(probe)
{
	static const struct {
		char letter;
		enum probe_spec_type type;
		bool path;
		const char *form;
	} types[] = {
		{'k', SPEC_KERNEL, false, "k:GLOB"},
		{'u', SPEC_USER, true, "u:PATH:GLOB"},
		{'t', SPEC_TRACEPOINT, true, "t:CATEGORY:NAME"},
	};
	char *copy = options_keep(o, value), *kept = options_keep(o, value), *rest;
	struct probe_spec *spec;

	if (!copy || !kept)
		return refuse(why, "out of memory");
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (copy[0] != types[i].letter || copy[1] != ':')
			continue;
		rest = copy + 2;
		spec = append(&o->config.probes, &o->config.n_probes, sizeof(*spec));
		if (!spec)
			return refuse(why, "out of memory");
		spec->type = types[i].type;
		spec->text = kept;
		/* The first colon ends the path: C++ names have some of their own. */
		spec->path = types[i].path ? cut_path(&rest) : NULL;
		spec->glob = rest;
		if (!rest || !*rest || (spec->path && !*spec->path))
			return refuse(why, "expected %s", types[i].form);
		return 0;
	}
	return refuse(why, "expected k:GLOB, u:PATH:GLOB or t:CATEGORY:NAME");
}

OPTION_SETTER(strict_probes)
{
	static const struct word words[] = {{"yes", 1}, {"no", 0}, {0}};
	int v = 1;
	int err = value ? one_of(value, words, &v, why) : 0; /* only a file gives a value */

	if (!err)
		o->config.strict_probes = v;
	return err;
}

OPTION_SETTER(mechanism)
{
	return text(o, value, &o->config.mechanism, why);
}

OPTION_SETTER(return_slots)
{
	uint64_t v;
	int err = number(value, 1, 4096, &v, why);

	if (!err)
		o->config.return_slots = (uint32_t)v;
	return err;
}

OPTION_SETTER(unsafe)
{
	return flag(value, &o->config.unsafe, why);
}

OPTION_SETTER(btf)
{
	return text(o, value, &o->config.btf, why);
}

OPTION_SETTER(sample_hz)
{
	uint64_t v;
	int err = number(value, 1, 10000, &v, why);

	if (!err)
		o->config.sample_hz = (uint32_t)v;
	return err;
}

OPTION_SETTER(xdp_iface)
{
	char **to = append(&o->config.xdp_interfaces, &o->config.n_xdp_interfaces, sizeof(*to));
	const char *name;
	int err;

	if (!to)
		return refuse(why, "out of memory");
	err = text(o, value, &name, why);
	if (err)
		o->config.n_xdp_interfaces--;
	else
		*to = (char *)name;
	return err;
}

OPTION_SETTER(resolution)
{
	return number(value, 0, 1000000000, &o->config.resolution_ns, why);
}

OPTION_SETTER(interval)
{
	uint64_t v;
	int err = number(value, 1, 3600000, &v, why);

	if (!err)
		o->config.interval_ms = (uint32_t)v;
	return err;
}

/* ---- how long, how much --------------------------------------------------------------------- */

OPTION_SETTER(duration)
{
	int err = parse_seconds(value, 1e9, &o->config.duration_s);

	if (err)
		return refuse(why, "expected seconds, e.g. 10 or 2.5");
	return 0;
}

OPTION_SETTER(spool_mem)
{
	return size(value, SPOOL_MIN_SIZE, 1ull << 30, &o->config.spool_mem, why);
}

OPTION_SETTER(spool_file)
{
	return refuse(why, "not yet: this version spools in memory only; use --spool-mem");
}

OPTION_SETTER(ring_size)
{
	size_t v = 0, power = RING_MIN;
	int err = size(value, 4096, RING_MAX, &v, why);

	if (err)
		return err;
	while (power < v)
		power *= 2;
	o->config.ring_bytes = power;
	return 0;
}

OPTION_SETTER(memory_table)
{
	return size(value, TABLE_MIN, 1ull << 30, &o->config.mem_table_bytes, why);
}

OPTION_SETTER(summary_json)
{
	return text(o, value, &o->config.summary_json, why);
}

size_t default_ring_bytes(uint64_t memory)
{
	uint64_t ring = RING_DEFAULT;

	while (memory && ring > memory / MEMORY_SHARE && ring > RING_MIN)
		ring /= 2;
	return (size_t)ring;
}

size_t default_memory_table(uint64_t memory)
{
	uint64_t share = memory / TABLE_SHARE;

	if (!memory || share > TABLE_DEFAULT)
		return TABLE_DEFAULT;
	return share < TABLE_MIN ? TABLE_MIN : (size_t)share;
}

size_t default_spool_bytes(uint64_t memory)
{
	uint64_t share = memory / MEMORY_SHARE / 4096 * 4096;

	if (!memory || share > SPOOL_DEFAULT)
		return SPOOL_DEFAULT;
	return share < SPOOL_MIN_SIZE ? SPOOL_MIN_SIZE : (size_t)share;
}

/* ---- instead of the kernel, instead of a run ------------------------------------------------ */

OPTION_SETTER(replay)
{
	return text(o, value, &o->config.replay_file, why);
}

OPTION_SETTER(names)
{
	return text(o, value, &o->config.replay_names, why);
}

OPTION_SETTER(replay_rate)
{
	static const struct word words[] = {
		{"max", REPLAY_MAX}, {"realtime", REPLAY_REALTIME}, {0}};
	int v;
	int err = one_of(value, words, &v, why);

	if (!err)
		o->config.replay_rate = (enum replay_rate)v;
	return err;
}

OPTION_SETTER(config)
{
	return text(o, value, &o->config_file, why);
}

OPTION_SETTER(check)
{
	o->config.check = true;
	return 0;
}

OPTION_SETTER(list_modules)
{
	o->config.list_modules = true;
	return 0;
}

OPTION_SETTER(list_functions)
{
	return text(o, value, &o->config.list_functions, why);
}

OPTION_SETTER(verbose)
{
	o->config.verbose++;
	return 0;
}

OPTION_SETTER(version)
{
	o->version = true;
	return 0;
}

OPTION_SETTER(help)
{
	o->help = true;
	return 0;
}
