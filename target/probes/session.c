/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/session.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "target/base/log.h"
#include "target/base/memory.h"
#include "target/options/option_values.h"
#include "target/syscalls/syscalls.h"
#include "target/probes/kernel_btf.h"
#include "target/probes/rcu.h"
#include "target/probes/rights.h"
#include "target/probes/task_layout.h"

/* Each attachment is a descriptor or two. The hard limit is the board's word on how many. */
static void raise_file_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur >= r.rlim_max)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

/* Kernels before 5.11 charge maps to RLIMIT_MEMLOCK; libbpf raises it only for what it loads
 * itself. */
static void raise_memory_limit(void)
{
	struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY};

	setrlimit(RLIMIT_MEMLOCK, &r);
}

void session_init(struct probes *p, void (*record)(void *, const struct ayp_rec *, size_t))
{
	size_t i;

	for (i = 0; i < MAP_COUNT; i++)
		p->maps.fd[i] = -1;
	p->maps.grace = -1;
	p->ring.poll_fd = p->ring.timer_fd = -1;
	p->record = record;
	object_set_messages();
}

struct module *session_add(struct probes *p, const struct module_ops *ops)
{
	struct module *m;

	assert(ops && ops->own_params_size <= OWN_PARAMS_MAX);
	if (p->n_modules == PROBES_MAX_MODULES)
		return NULL;
	m = &p->modules[p->n_modules++];
	*m = (struct module){.ops = ops, .p = p};
	snprintf(m->report.module, sizeof(m->report.module), "%s", ops->name);
	return m;
}

static bool named(const struct config *cfg, const char *name)
{
	size_t i;

	for (i = 0; i < cfg->n_modules; i++)
		if (!strcmp(cfg->modules[i], name))
			return true;
	return false;
}

static bool wanted_by_spec(const struct config *cfg, const struct module_ops *ops)
{
	size_t i;

	for (i = 0; i < cfg->n_probes; i++)
		if (ops->spec_types & 1u << cfg->probes[i].type)
			return true;
	return false;
}

static void choose_modules(struct probes *p)
{
	const struct config *cfg = p->cfg;
	bool by_default = !cfg->no_modules && !cfg->n_modules;
	const struct module_ops *ops;
	struct module *m;
	size_t i;

	for (i = 0; (ops = module_at(i)); i++) {
		bool on = named(cfg, ops->name) || (by_default && ops->by_default);
		bool spec = wanted_by_spec(cfg, ops);

		if (!on && !spec)
			continue;
		m = session_add(p, ops);
		if (!m)
			return;
		m->named = named(cfg, ops->name) || spec;
		m->by_spec = !on;
	}
}

/* A 32-bit program loads what it likes into a 64-bit kernel, whose machine decides what works. */
static void look_at_width(struct probes *p)
{
	char machine[65];
	bool other = syscalls_wider_kernel(machine, sizeof(machine));

	p->params.atomic = ATOMICS_IN_JIT || other;
	if (other)
		log_warn("a 32-bit program on a 64-bit kernel (%s): its own calls and those of "
			 "32-bit programs have names of "
			 "their own; user functions are looked up as of this program's machine%s; "
			 "better use the program built for %s",
			machine,
			strncmp(machine, "aarch64", 7)
				? ""
				: ", and such a kernel probes none of a 32-bit program",
			machine);
}

/* Boards differ: a list of probes for all of them goes on without those that are not there. */
static int judge_specs(const struct probes *p)
{
	if (!p->specs.missed || (p->specs.found && !p->cfg->strict_probes))
		return 0;
	if (p->specs.found)
		log_error(
			"%zu of %zu probes that -p names are not there, and --strict-probes wants "
			"all",
			p->specs.missed, p->specs.missed + p->specs.found);
	else if (p->specs.missed > 1)
		log_error("nothing of what -p names is there");
	return -ENOENT;
}

static int plan_modules(struct probes *p)
{
	size_t i, kept = 0;
	int err;

	look_at_width(p);
	for (i = 0; i < p->n_modules; i++) {
		struct module *m = &p->modules[i];

		err = module_plan(m);
		if (err && m->named && !(err == -ENOENT && m->by_spec))
			return err;
		m->planned = !err;
		kept += m->planned;
	}
	err = judge_specs(p);
	if (kept || err)
		return err;
	log_error("nothing to trace: no module is selected; use -M NAME or -p SPEC (see "
		  "--list-modules)");
	return -EINVAL;
}

/* Type information of another kernel would be read as nonsense in silence. */
static int believe_btf(struct probes *p)
{
	if (!kernel_btf_foreign() || task_layout_verify(&p->maps, &p->params) != -ESTALE)
		return 0;
	if (p->cfg->btf) {
		log_error("--btf %s does not match this kernel: it is another kernel's, or this "
			  "one built with other options",
			kernel_btf_place());
		return -ESTALE;
	}
	log_warn("%s does not match this kernel: left alone", kernel_btf_place());
	kernel_btf_distrust();
	return 0;
}

#define RING_LEAST (64u << 10)

/* The kernel has no memory for the ring. One that it has is looked for, so that it can be named. */
static void say_no_ring(const struct probes *p)
{
	size_t fits = default_ring_bytes(memory_of_board());

	if (fits >= p->cfg->ring_bytes)
		fits = p->cfg->ring_bytes / 2;
	while (fits >= RING_LEAST && !maps_ring_fits(fits))
		fits /= 2;
	if (fits < RING_LEAST)
		log_error("--ring-size %zuK: out of memory, and for less, too; this board has %llu "
			  "MiB",
			p->cfg->ring_bytes / 1024, (unsigned long long)(memory_of_board() >> 20));
	else
		log_error("--ring-size %zuK: out of memory: this board has %llu MiB; --ring-size "
			  "%zuK works",
			p->cfg->ring_bytes / 1024, (unsigned long long)(memory_of_board() >> 20),
			fits / 1024);
}

int session_open(struct probes *p)
{
	struct maps_sizes sizes = {
		.ring_bytes = p->cfg->ring_bytes, .mem_table_bytes = p->cfg->mem_table_bytes};
	const char *what = "";
	char text[128];
	int err;

	raise_file_limit();
	raise_memory_limit();
	p->params.n_funcs = names_func_count(p->names);
	p->params.wake_bytes = (uint32_t)(p->cfg->ring_bytes / 4);
	sizes.n_funcs = p->params.n_funcs;
	sizes.n_sites = p->params.n_mem_sites;
	err = maps_create(&p->maps, &sizes, &what);
	if (err) {
		if (err == -EPERM)
			log_error("cannot trace this kernel: no permission: %s",
				rights_missing(text, sizeof(text))
					? text
					: "refused although the capabilities are there: those of a "
					  "user "
					  "namespace do not count, and a seccomp filter may refuse "
					  "bpf()");
		else if (err == -ENOMEM && !strcmp(what, "ring"))
			say_no_ring(p);
		else
			log_error("cannot trace this kernel: map %s: %s; run --check to see what "
				  "works here",
				what, why(err, "", text, sizeof(text)));
		return err;
	}
	err = ring_open(&p->ring, p->maps.fd[MAP_RING], p->record, p);
	if (err)
		log_error("cannot trace this kernel: ring buffer: %s", strerror(-err));
	if (!err)
		err = pid_space_find(&p->pids, &p->maps, &p->params);
	if (err)
		return err;
	p->base.foreign_pids = p->pids.proc_differs;
	return believe_btf(p);
}

/* Is there something else that -p names, which is live or may become so? */
static bool others_by_spec(const struct probes *p, const struct module *m)
{
	const struct module *other;

	for (other = p->modules; other < p->modules + p->n_modules; other++)
		if (other != m && other->by_spec && other->planned && (other->live || other > m))
			return true;
	return false;
}

static int attach_modules(struct probes *p)
{
	size_t i, live = 0;
	int err;

	for (i = 0; i < p->n_modules; i++) {
		struct module *m = &p->modules[i];

		if (!m->planned)
			continue;
		err = module_attach(m);
		m->live = !err;
		live += m->live;
		if (!err)
			continue;
		if (m->named && (!m->by_spec || p->cfg->strict_probes || !others_by_spec(p, m))) {
			log_error("module %s cannot work here: %s; run --check to see what can",
				m->ops->name, m->report.note);
			return err;
		}
		log_warn("module %s is left out: %s", m->ops->name, m->report.note);
	}
	if (live)
		return 0;
	log_error("no probe could be attached; run --check to see why");
	return -ENOTSUP;
}

static void attach_notes(struct probes *p, const char *const *programs, const char *without)
{
	int err;
	struct bpf_object *o = object_load(&image_task, programs, &p->maps, &p->params, &err);

	for (; o && *programs && !err; programs++)
		err = fd_list_add(&p->links, object_attach(o, *programs));
	if (o && programs_keep(&p->programs, o) && !err)
		err = -ENOMEM;
	if (err)
		log_detail("%s: %s", without, strerror(-err));
}

/* What makes the others' records better, but is not needed. */
static void attach_all_notes(struct probes *p)
{
	static const char *const names[] = {"task_rename", NULL};
	static const char *const marks[] = {"mark_softirq_enter", "mark_softirq_exit",
		"mark_hardirq_enter", "mark_hardirq_exit", NULL};

	attach_notes(p, names, "threads that get another name may be shown with the old one");
	attach_notes(p, marks, "what interrupts do on the daemon's time is left out");
}

int session_start(struct probes *p)
{
	int err;

	err = kernel_btf_choose(p->cfg->btf);
	if (err)
		return err;
	choose_modules(p);
	err = plan_modules(p);
	if (!err)
		err = session_open(p);
	rcu_hurry();
	if (!err)
		err = attach_modules(p);
	if (!err)
		attach_all_notes(p);
	rcu_take_time();
	kernel_btf_free();
	return err;
}

static void detach_module(struct module *m)
{
	fd_list_free(&m->links);
	if (m->ops->detached)
		m->ops->detached(m);
}

static void *detach_all(void *arg)
{
	struct probes *p = arg;
	size_t i;

	rcu_hurry();
	for (i = 0; i < p->n_modules; i++)
		detach_module(&p->modules[i]);
	fd_list_free(&p->links);
	rcu_take_time();
	return NULL;
}

void session_detach(struct probes *p)
{
	sigset_t all, before;

	assert(!p->detaching && !p->maps.control->active);
	/* Signals are the daemon's main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	p->detaching = !pthread_create(&p->detacher, NULL, detach_all, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void wait_detached(struct probes *p)
{
	struct timespec patience;

	clock_gettime(CLOCK_REALTIME, &patience);
	patience.tv_sec++;
	if (!pthread_timedjoin_np(p->detacher, NULL, &patience))
		return;
	log_note("nothing is traced any more, but the kernel takes its time to remove the probes");
	pthread_join(p->detacher, NULL);
}

void session_end(struct probes *p)
{
	size_t i;

	if (p->detaching)
		wait_detached(p);
	p->detaching = false;

	/* What a start that failed has left attached. */
	rcu_hurry();
	for (i = 0; i < p->n_modules; i++) {
		struct module *m = &p->modules[i];

		detach_module(m);
		fd_list_free(&m->programs);
		if (m->ops->release)
			m->ops->release(m);
	}
	p->n_modules = 0;
	fd_list_free(&p->links);
	rcu_take_time();
	fd_list_free(&p->programs);
	ring_close(&p->ring);
	maps_destroy(&p->maps);
	kernel_btf_free();
}
