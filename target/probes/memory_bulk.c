/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/memory_bulk.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "proto/message.h"
#include "target/base/log.h"
#include "target/probes/kernel_symbols.h"
#include "target/probes/perf_attach.h"
#include "target/probes/tracefs.h"

#define FUNCTION "kmem_cache_free_bulk"
#define CALLBACK "rcu/rcu_invoke_kfree_bulk_callback"

/* Where the second and third argument of a function stand in struct pt_regs
 * (arch/ARCH/include/uapi/asm/ptrace.h). */
#if defined(__x86_64__)
#define REGISTERS                                                                                  \
	{                                                                                          \
		{104, 8},                                                                          \
		{                                                                                  \
			96, 8                                                                      \
		}                                                                                  \
	} /* si, dx */
#elif defined(__aarch64__) || defined(__riscv) && __riscv_xlen == 64
#define REGISTERS                                                                                  \
	{                                                                                          \
		{8, 8},                                                                            \
		{                                                                                  \
			16, 8                                                                      \
		}                                                                                  \
	}
#elif defined(__arm__)
#define REGISTERS                                                                                  \
	{                                                                                          \
		{4, 4},                                                                            \
		{                                                                                  \
			8, 4                                                                       \
		}                                                                                  \
	}
#else
#define REGISTERS                                                                                  \
	{                                                                                          \
		{0, 0},                                                                            \
		{                                                                                  \
			0, 0                                                                       \
		}                                                                                  \
	}
#endif

struct way {
	const char *mechanism, *program;
	uint32_t unseen; /* with this way */
	int (*prepare)(struct ayp_memory_params *params);
	/* A descriptor that detaches when it is closed. */
	int (*attach)(const struct bpf_object *o, const char *program);
};

/* ---- the entry of the function -------------------------------------------------------------- */

static int prepare_kprobe(struct ayp_memory_params *params)
{
	static const struct ayp_field registers[] = REGISTERS;

	if (!registers[0].size)
		return -EOPNOTSUPP;
	/* Asked before anything is loaded: the verifier takes its time with these programs. */
	if (access("/sys/bus/event_source/devices/kprobe/type", F_OK))
		return -ENOENT;
	params->bytes[AYP_MEMP_BULK] = registers[0];
	params->ptr[AYP_MEMP_BULK] = registers[1];
	return 0;
}

static int attach_kprobe(const struct bpf_object *o, const char *program)
{
	return perf_attach_kprobe(object_program_fd(o, program), FUNCTION, false, 0, false);
}

/* ---- the tracepoint of kfree_rcu() ---------------------------------------------------------- */

static int prepare_raw(struct ayp_memory_params *params)
{
	int id = tracefs_event_id(CALLBACK);

	return id < 0 ? id : 0;
}

static int prepare_tp(struct ayp_memory_params *params)
{
	struct ayp_field *n = &params->bytes[AYP_MEMP_BULK];
	struct ayp_field *array = &params->ptr[AYP_MEMP_BULK];
	int err = tracefs_event_field(CALLBACK, "nr_records", &n->offset, &n->size);

	return err ? err : tracefs_event_field(CALLBACK, "p", &array->offset, &array->size);
}

static int attach_section(const struct bpf_object *o, const char *program)
{
	return object_attach(o, program);
}

static const struct way ways[] = {
	{"kprobe", "bulk_kprobe_loop", 0, prepare_kprobe, attach_kprobe},
	{"kprobe", "bulk_kprobe", 0, prepare_kprobe, attach_kprobe},
	{"raw_tp", "bulk_raw_loop", AYP_UNSEEN_BULK, prepare_raw, attach_section},
	{"raw_tp", "bulk_raw", AYP_UNSEEN_BULK, prepare_raw, attach_section},
	{"tp", "bulk_tp_loop", AYP_UNSEEN_BULK, prepare_tp, attach_section},
	{"tp", "bulk_tp", AYP_UNSEEN_BULK, prepare_tp, attach_section},
	{0},
};

/* ---- both ----------------------------------------------------------------------------------- */

static int try_way(struct module *m, const struct way *w, const struct ayp_memory_params *params)
{
	const char *const programs[] = {w->program, NULL};
	struct ayp_memory_params own = *params;
	struct bpf_object *o;
	int err = w->prepare(&own);

	if (err)
		return err;
	o = object_load_own(
		&image_memory, programs, &m->p->maps, &m->p->params, &own, sizeof(own), &err);
	if (!o)
		return err;
	err = fd_list_add(&m->links, w->attach(o, w->program));
	if (err) {
		bpf_object__close(o);
		return err;
	}
	return programs_keep(&m->programs, o);
}

static int is_sheaf(void *ctx, const char *name, const char *module)
{
	return !strcmp(name, "__kfree_rcu_sheaf");
}

uint32_t memory_bulk_unseen(void)
{
	uint32_t unseen = AYP_UNSEEN_BULK | AYP_UNSEEN_RCU;

	return kernel_functions_unlisted(is_sheaf, NULL) > 0 ? unseen | AYP_UNSEEN_SHEAF : unseen;
}

uint32_t memory_bulk_attach(struct module *m, const struct ayp_memory_params *params)
{
	uint32_t sheaf = memory_bulk_unseen() & AYP_UNSEEN_SHEAF;
	const struct way *w;
	char text[128];
	int err;

	for (w = ways; w->mechanism; w++) {
		if (!mechanism_wanted(m->p, w->mechanism))
			continue;
		err = try_way(m, w, params);
		if (!err) {
			log_detail("memory: freed in bulk: %s (%s)", w->mechanism, w->program);
			report_live(m, w->mechanism, 1);
			return w->unseen | sheaf;
		}
		log_detail("memory: freed in bulk: %s: %s: %s", w->mechanism, w->program,
			why(err, w->mechanism, text, sizeof(text)));
	}
	report_failed(m, 1, "what is freed in bulk or by kfree_rcu() cannot be seen here");
	return AYP_UNSEEN_BULK | AYP_UNSEEN_RCU | sheaf;
}

int memory_bulk_check(struct module *m)
{
	struct ayp_memory_params params = {.pointer = sizeof(void *)};
	const struct way *w;
	int works = 0, err;

	for (w = ways; w->mechanism; w++) {
		err = try_way(m, w, &params);
		works += !err;
		check_line(m->ops->name, "bulk", w->mechanism, err, err ? "" : w->program);
		fd_list_cut(&m->links, 0);
		fd_list_free(&m->programs);
	}
	return works;
}
