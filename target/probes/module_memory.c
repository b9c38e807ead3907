/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Kernel memory handed out and given back: totals in the kernel, read by mapping. */
#include "target/probes/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "target/base/clock.h"
#include "target/base/log.h"
#include "target/probes/kernel_btf.h"
#include "target/probes/memory_bulk.h"
#include "target/probes/memory_slab.h"
#include "target/probes/memory_totals.h"
#include "target/probes/tracefs.h"
#include "target/probes/user_attach.h"

/* The programs on tracepoints of kmem. */
#define N_EVENTS AYP_MEMP_BULK

struct memory_state {
	uint32_t unseen; /* bits of MemorySample.unseen */
	struct memory_slab slab;
};

static const struct {
	const char *event;
	bool optional; /* merged into the plain one in Linux 6.1 (11e9734bcb6a) */
	bool alloc;
} events[N_EVENTS] = {
	[AYP_MEMP_KMALLOC] = {"kmalloc", false, true},
	[AYP_MEMP_KMALLOC_NODE] = {"kmalloc_node", true, true},
	[AYP_MEMP_CACHE] = {"kmem_cache_alloc", false, true},
	[AYP_MEMP_CACHE_NODE] = {"kmem_cache_alloc_node", true, true},
	[AYP_MEMP_KFREE] = {"kfree", false, false},
	[AYP_MEMP_CACHE_FREE] = {"kmem_cache_free", false, false},
};

/* ---- raw_tp: arguments by their types ------------------------------------------------------- */

/* Of two sizes, requested and given, the given one comes second. */
static int find_arguments(struct ayp_memory_params *params, enum ayp_mem_prog prog)
{
	struct kernel_btf_arg_type args[AYP_REC_MAX_ARGS];
	int i, n = kernel_btf_tracepoint(events[prog].event, args, AYP_REC_MAX_ARGS);
	struct ayp_field *ptr = &params->ptr[prog];

	if (n < 0)
		return n;
	for (i = 0; i < n; i++) {
		struct ayp_field place = {(uint16_t)i, 8};

		if (args[i].kind == BTF_ARG_ADDRESS && !ptr->size)
			*ptr = place;
		else if (args[i].kind == BTF_ARG_TYPEDEF && !strcmp(args[i].name, "size_t"))
			params->bytes[prog] = place;
		else if (args[i].kind == BTF_ARG_STRUCT && !strcmp(args[i].name, "kmem_cache"))
			params->cache[prog] = place;
	}
	if (!ptr->size ||
		(events[prog].alloc && !params->bytes[prog].size && !params->cache[prog].size))
		return -EOPNOTSUPP;
	return 0;
}

static int prepare_raw(struct ayp_memory_params *params, enum ayp_mem_prog prog)
{
	int offset;

	if (!kernel_btf_there())
		return -ENODATA;
	if (!params->raw) {
		/* What an object takes; kmalloc's classes are told by the argument. */
		offset = kernel_btf_member("kmem_cache", "size", NULL);
		if (offset < 0)
			return offset;
		params->raw = 1;
		params->cache_size_offset = (uint32_t)offset;
	}
	return find_arguments(params, prog);
}

/* ---- tp: fields by their names, from the tracepoint's format -------------------------------- */

static int prepare_tp(struct ayp_memory_params *params, enum ayp_mem_prog prog)
{
	struct ayp_field *ptr = &params->ptr[prog], *bytes = &params->bytes[prog];
	char path[64];
	int err;

	snprintf(path, sizeof(path), "kmem/%s", events[prog].event);
	params->raw = 0;
	err = tracefs_event_field(path, "ptr", &ptr->offset, &ptr->size);
	if (!err && events[prog].alloc)
		err = tracefs_event_field(path, "bytes_alloc", &bytes->offset, &bytes->size);
	return err;
}

/* ---- both ----------------------------------------------------------------------------------- */

struct way {
	const char *mechanism, *suffix;
	int (*prepare)(struct ayp_memory_params *params, enum ayp_mem_prog prog);
};
static const struct way ways[] = {
	{"raw_tp", "raw", prepare_raw},
	{"tp", "tp", prepare_tp},
	{0},
};

static int find_all(const struct way *w, struct ayp_memory_params *params, const char **programs,
	char (*names)[48])
{
	enum ayp_mem_prog prog;
	size_t n = 0;
	int err;

	for (prog = 0; prog < N_EVENTS; prog++) {
		err = w->prepare(params, prog);
		if (err && events[prog].optional && err == -ENOENT)
			continue;
		if (err)
			return err;
		snprintf(names[n], sizeof(names[n]), "%s_%s", events[prog].event, w->suffix);
		programs[n] = names[n];
		n++;
	}
	programs[n] = NULL;
	return (int)n;
}

/* Number of programs, or a negative errno with nothing left attached. */
static int try_way(struct module *m, const struct way *w, const struct ayp_memory_params *params)
{
	struct ayp_params all = m->p->params;
	struct ayp_memory_params own = *params;
	const char *programs[N_EVENTS + 1];
	char names[N_EVENTS][48];
	struct bpf_object *o;
	size_t before = m->links.n;
	int n = find_all(w, &own, programs, names), i, err = 0;

	if (n < 0)
		return n;
	/* Helpers that take the kernel's type information (Linux 5.15, dd6e10fbd9fb). */
	all.task_regs = 1;
	o = object_load_own(&image_memory, programs, &m->p->maps, &all, &own, sizeof(own), &err);
	if (!o) {
		all.task_regs = 0;
		o = object_load_own(
			&image_memory, programs, &m->p->maps, &all, &own, sizeof(own), &err);
	}
	if (!o)
		return err;
	/* Frees before allocations: what cannot be matched must not be seen. */
	for (i = n - 1; i >= 0 && !err; i--)
		err = fd_list_add(&m->links, object_attach(o, programs[i]));
	if (err) {
		fd_list_cut(&m->links, before);
		bpf_object__close(o);
		return err;
	}
	err = programs_keep(&m->programs, o);
	return err ? err : n;
}

/* Of how many functions the cells find room in as much memory as the tables take. */
static uint32_t told_apart(const struct probes *p)
{
	size_t each =
		sizeof(struct ayp_mem_cell) * AYP_MEM_SLOTS * (size_t)libbpf_num_possible_cpus();
	size_t room = p->cfg->mem_table_bytes / each;

	if (p->n_functions <= room)
		return p->n_functions;
	log_warn("memory: what the functions allocate is told for the first %zu of %u only; "
		 "--memory-table gives it more room",
		room, p->n_functions);
	return (uint32_t)room;
}

static int plan(struct module *m)
{
	m->state = calloc(1, sizeof(struct memory_state));
	if (!m->state)
		return -ENOMEM;
	m->p->params.n_mem_sites = 1 + told_apart(m->p);
	m->p->params.mem_site_base = m->p->func_base;
	user_attach_registers(&m->p->params);
	return 0;
}

static int attach_events(struct module *m, const struct ayp_memory_params *params)
{
	const struct way *w;
	char text[128] = "no way to it on this machine";
	int n;

	for (w = ways; w->mechanism; w++) {
		if (!mechanism_wanted(m->p, w->mechanism))
			continue;
		n = try_way(m, w, params);
		if (n > 0) {
			report_live(m, w->mechanism, (uint32_t)n);
			return 0;
		}
		why(n, w->mechanism, text, sizeof(text));
		log_detail("memory: %s: %s", w->mechanism, text);
	}
	report_failed(m, 1, "%s", text);
	return -ENOTSUP;
}

/* Frees in bulk before the others, for the same reason as there; nothing counts before all is
 * active. */
static int attach(struct module *m)
{
	struct memory_state *s = m->state;
	struct ayp_memory_params params = {.pointer = sizeof(void *)};
	int err;

	s->unseen = memory_bulk_attach(m, &params);
	params.by_size = s->unseen != 0;
	err = attach_events(m, &params);
	if (err)
		fd_list_cut(&m->links, 0);
	return err;
}

static int check(struct module *m)
{
	struct ayp_memory_params params = {.pointer = sizeof(void *)};
	const struct way *w;
	int works = 0, n;

	for (w = ways; w->mechanism; w++) {
		n = try_way(m, w, &params);
		works += n > 0;
		check_line(m->ops->name, "kmem", w->mechanism, n > 0 ? 0 : n, "");
		fd_list_cut(&m->links, 0);
		fd_list_free(&m->programs);
	}
	memory_bulk_check(m);
	return works;
}

static void fill(
	ayaprof_MemorySample *to, const struct memory_sum *sum, const struct memory_view *v)
{
	struct memory_total t = memory_sum_total(sum, v);

	to->alloc_bytes = t.alloc.bytes;
	to->alloc_count = t.alloc.count;
	to->free_bytes = t.free.bytes;
	to->free_count = t.free.count;
	to->untracked = t.unfollowed.count;
	to->untracked_bytes = t.unfollowed.bytes;
	to->one_in = v->one_in > 1 ? v->one_in : 0;
}

static void sample(struct module *m, ayaprof_Sample *out)
{
	const struct maps *maps = &m->p->maps;
	struct memory_state *s = m->state;
	struct memory_view v = memory_view_now(maps);
	struct memory_sum sums[AYP_MEM_TYPES] = {0};
	uint32_t site, type;

	for (site = 0; site < maps->n_sites; site++)
		memory_sum_add(maps, site, sums);
	if (s->unseen)
		memory_slab_look(&s->slab, maps, MEMORY_SLAB_FILE, now_ns());
	for (type = 0; type < AYP_MEM_TYPES; type++) {
		ayaprof_MemorySample *to = &out->memory[out->memory_count++];

		to->type = type;
		fill(to, &sums[type], &v);
		to->unseen = s->unseen | (v.short_of ? AYP_UNSEEN_TABLE : 0);
		to->gone_bytes = s->slab.unseen[type].bytes;
		to->gone_count = s->slab.unseen[type].count;
	}
}

static void totals(struct module *m, ayaprof_Aggregate *row)
{
	const struct maps *maps = &m->p->maps;
	struct memory_view v = memory_view_now(maps);
	struct memory_sum sums[AYP_MEM_TYPES] = {0};
	uint32_t site = row->func - m->p->func_base + 1, type;

	if (row->func < m->p->func_base || site >= maps->n_sites)
		return;
	memory_sum_add(maps, site, sums);
	for (type = 0; type < AYP_MEM_TYPES; type++) {
		struct memory_total t = memory_sum_total(&sums[type], &v);

		row->alloc_bytes += t.alloc.bytes;
		row->alloc_count += t.alloc.count;
		row->free_bytes += t.free.bytes;
		row->free_count += t.free.count;
	}
}

static void release(struct module *m)
{
	free(m->state);
	m->state = NULL;
}

static const char *const by_mechanism[] = {"raw_tp", "tp", NULL};

const struct module_ops module_memory = {
	.name = "memory",
	.summary = "kernel memory: kmalloc and kmem_cache, by profiled function",
	.by_default = true,
	.turn = TURN_LATER,
	.mechanisms = by_mechanism,
	.plan = plan,
	.attach = attach,
	.misses = no_misses,
	.sample = sample,
	.totals = totals,
	.release = release,
	.check = check,
};
