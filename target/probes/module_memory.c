/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Kernel memory handed out and given back: totals in the kernel, read by mapping. */
#include "target/probes/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "target/log.h"
#include "target/probes/kernel_btf.h"
#include "target/probes/tracefs.h"
#include "target/probes/user_attach.h"

static const struct {
	const char *event;
	bool optional; /* merged into the plain one in Linux 6.1 (11e9734bcb6a) */
	bool alloc;
} events[AYP_MEM_PROGS] = {
	[AYP_MEMP_KMALLOC] = {"kmalloc", false, true},
	[AYP_MEMP_KMALLOC_NODE] = {"kmalloc_node", true, true},
	[AYP_MEMP_CACHE] = {"kmem_cache_alloc", false, true},
	[AYP_MEMP_CACHE_NODE] = {"kmem_cache_alloc_node", true, true},
	[AYP_MEMP_KFREE] = {"kfree", false, false},
	[AYP_MEMP_CACHE_FREE] = {"kmem_cache_free", false, false},
};

/* ---- raw_tp: arguments by their types ------------------------------------------------------- */

/* Of two sizes, requested and given, the given one comes second. */
static int find_arguments(struct ayp_params *params, enum ayp_mem_prog prog)
{
	struct kernel_btf_arg_type args[AYP_REC_MAX_ARGS];
	int i, n = kernel_btf_tracepoint(events[prog].event, args, AYP_REC_MAX_ARGS);
	struct ayp_field *ptr = &params->mem_ptr[prog];

	if (n < 0)
		return n;
	for (i = 0; i < n; i++) {
		struct ayp_field place = {(uint16_t)i, 8};

		if (args[i].kind == BTF_ARG_ADDRESS && !ptr->size)
			*ptr = place;
		else if (args[i].kind == BTF_ARG_TYPEDEF && !strcmp(args[i].name, "size_t"))
			params->mem_bytes[prog] = place;
		else if (args[i].kind == BTF_ARG_STRUCT && !strcmp(args[i].name, "kmem_cache"))
			params->mem_cache[prog] = place;
	}
	if (!ptr->size || (events[prog].alloc && !params->mem_bytes[prog].size &&
				  !params->mem_cache[prog].size))
		return -EOPNOTSUPP;
	return 0;
}

static int prepare_raw(struct ayp_params *params, enum ayp_mem_prog prog)
{
	int offset;

	if (!kernel_btf_there())
		return -ENODATA;
	if (!params->mem_raw) {
		/* What an object takes; kmalloc's classes are told by the argument. */
		offset = kernel_btf_member("kmem_cache", "size", NULL);
		if (offset < 0)
			return offset;
		params->mem_raw = 1;
		params->cache_size_offset = (uint32_t)offset;
	}
	return find_arguments(params, prog);
}

/* ---- tp: fields by their names, from the tracepoint's format -------------------------------- */

static int prepare_tp(struct ayp_params *params, enum ayp_mem_prog prog)
{
	struct ayp_field *ptr = &params->mem_ptr[prog], *bytes = &params->mem_bytes[prog];
	char path[64];
	int err;

	snprintf(path, sizeof(path), "kmem/%s", events[prog].event);
	params->mem_raw = 0;
	err = tracefs_event_field(path, "ptr", &ptr->offset, &ptr->size);
	if (!err && events[prog].alloc)
		err = tracefs_event_field(path, "bytes_alloc", &bytes->offset, &bytes->size);
	return err;
}

/* ---- both ----------------------------------------------------------------------------------- */

struct way {
	const char *mechanism, *suffix;
	int (*prepare)(struct ayp_params *params, enum ayp_mem_prog prog);
};
static const struct way ways[] = {
	{"raw_tp", "raw", prepare_raw},
	{"tp", "tp", prepare_tp},
	{0},
};

static int find_all(
	const struct way *w, struct ayp_params *params, const char **programs, char (*names)[48])
{
	enum ayp_mem_prog prog;
	size_t n = 0;
	int err;

	for (prog = 0; prog < AYP_MEM_PROGS; prog++) {
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
static int try_way(struct module *m, const struct way *w)
{
	struct ayp_params params = m->p->params;
	const char *programs[AYP_MEM_PROGS + 1];
	char names[AYP_MEM_PROGS][48];
	struct bpf_object *o;
	int n = find_all(w, &params, programs, names), i, err = 0;

	if (n < 0)
		return n;
	/* Helpers that take the kernel's type information (Linux 5.15, dd6e10fbd9fb). */
	params.task_regs = 1;
	o = object_load(&image_memory, programs, &m->p->maps, &params, &err);
	if (!o) {
		params.task_regs = 0;
		o = object_load(&image_memory, programs, &m->p->maps, &params, &err);
	}
	if (!o)
		return err;
	/* Frees before allocations: what cannot be matched must not be seen. */
	for (i = n - 1; i >= 0 && !err; i--)
		err = fd_list_add(&m->links, object_attach(o, programs[i]));
	if (err) {
		fd_list_cut(&m->links, 0);
		bpf_object__close(o);
		return err;
	}
	err = programs_keep(&m->programs, o);
	return err ? err : n;
}

static int plan(struct module *m)
{
	m->p->params.n_mem_sites = 1 + m->p->n_functions;
	m->p->params.mem_site_base = m->p->func_base;
	user_attach_registers(&m->p->params);
	return 0;
}

static int attach(struct module *m)
{
	const struct way *w;
	char text[128] = "no way to it on this machine";
	int n;

	for (w = ways; w->mechanism; w++) {
		if (!mechanism_wanted(m->p, w->mechanism))
			continue;
		n = try_way(m, w);
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

static int check(struct module *m)
{
	const struct way *w;
	int works = 0, n;

	for (w = ways; w->mechanism; w++) {
		n = try_way(m, w);
		works += n > 0;
		check_line(m->ops->name, "kmem", w->mechanism, n > 0 ? 0 : n, "");
		fd_list_cut(&m->links, 0);
		fd_list_free(&m->programs);
	}
	return works;
}

/* Sum of a slot over the CPUs. */
static struct ayp_mem_cell sum(const struct maps *maps, uint32_t site, uint32_t slot)
{
	struct ayp_mem_cell s = {0};
	uint32_t cpu;

	for (cpu = 0; cpu < maps->cpus; cpu++) {
		size_t i = ((size_t)cpu * maps->n_sites + site) * AYP_MEM_SLOTS + slot;

		s.bytes += maps->mem_cells[i].bytes;
		s.count += maps->mem_cells[i].count;
	}
	return s;
}

static enum ayp_mem_type alloc_type(enum ayp_mem_prog prog)
{
	return prog <= AYP_MEMP_KMALLOC_NODE ? AYP_MEM_KMALLOC : AYP_MEM_KMEM_CACHE;
}

static void add_site(
	const struct maps *maps, uint32_t site, ayaprof_MemorySample by_type[AYP_MEM_TYPES])
{
	enum ayp_mem_prog prog;
	struct ayp_mem_cell s;
	int type;

	for (prog = 0; prog < AYP_MEM_PROGS; prog++) {
		if (events[prog].alloc) {
			ayaprof_MemorySample *to = &by_type[alloc_type(prog)];

			s = sum(maps, site, AYP_MEM_SLOT_ALLOC(prog));
			to->alloc_bytes += s.bytes;
			to->alloc_count += s.count;
			to->untracked += sum(maps, site, AYP_MEM_SLOT_UNTRACKED(prog)).count;
		}
		for (type = 0; type < AYP_MEM_TYPES; type++) {
			s = sum(maps, site, AYP_MEM_SLOT_FREE(prog, type));
			by_type[type].free_bytes += s.bytes;
			by_type[type].free_count += s.count;
		}
	}
}

static void sample(struct module *m, ayaprof_Sample *out)
{
	ayaprof_MemorySample by_type[AYP_MEM_TYPES] = {
		{.type = AYP_MEM_KMALLOC},
		{.type = AYP_MEM_KMEM_CACHE},
	};
	uint32_t site;
	int type;

	for (site = 0; site < m->p->maps.n_sites; site++)
		add_site(&m->p->maps, site, by_type);
	for (type = 0; type < AYP_MEM_TYPES; type++)
		out->memory[out->memory_count++] = by_type[type];
}

static void totals(struct module *m, ayaprof_Aggregate *row)
{
	ayaprof_MemorySample by_type[AYP_MEM_TYPES] = {0};
	uint32_t site = row->func - m->p->func_base + 1;

	if (row->func < m->p->func_base || site >= m->p->maps.n_sites)
		return;
	add_site(&m->p->maps, site, by_type);
	row->alloc_bytes = by_type[0].alloc_bytes + by_type[1].alloc_bytes;
	row->alloc_count = by_type[0].alloc_count + by_type[1].alloc_count;
	row->free_bytes = by_type[0].free_bytes + by_type[1].free_bytes;
	row->free_count = by_type[0].free_count + by_type[1].free_count;
}

const struct module_ops module_memory = {
	.name = "memory",
	.summary = "kernel memory: kmalloc and kmem_cache, by profiled function",
	.by_default = true,
	.plan = plan,
	.attach = attach,
	.sample = sample,
	.totals = totals,
	.check = check,
};
