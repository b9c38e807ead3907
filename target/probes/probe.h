/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Inside probes/: what a probe module is and what it shares with the others. Nobody else includes
 * this.
 *
 * A module says what it wants (plan: ids, names, constants), then the shared maps are made, then it
 * attaches. What a kernel can do is found out by doing it: each part of a module has candidates,
 * best first, and each attempt is an object of its own, so that a refusal never breaks anything
 * else.
 *
 * Functions return 0 or a negative errno unless they say otherwise.
 */
#ifndef TARGET_PROBES_PROBE_H
#define TARGET_PROBES_PROBE_H

#include <pthread.h>

#include "target/source/source.h"
#include "target/probes/maps.h"
#include "target/probes/object.h"
#include "target/probes/identity.h"
#include "target/probes/pid_space.h"
#include "target/probes/ring.h"
#include "target/probes/spec.h"

struct probes;
struct module;

/* When a module plans and attaches: by this, then by name. */
enum module_turn {
	TURN_EVENTS = 0,    /* knows nothing of other modules */
	TURN_FUNCTIONS = 1, /* latency: which functions there are (p->func_base, n_functions) */
	TURN_LATER = 2, /* goes by that, or would be called by each probe that the others attach */
};

/*
 * module_NAME.c defines `const struct module_ops module_NAME`, which is all that is needed: the
 * build finds the file. name, summary, and parts or attach and check must be there; all else is
 * optional.
 */
struct module_ops {
	const char *name;    /* NAME */
	const char *summary; /* one line for --list-modules */
	bool by_default;
	enum module_turn turn;
	unsigned int spec_types; /* which -p specs need it: 1 << SPEC_* */
	/* What m->own_params is: the OWN_PARAMS of its kernel programs (bpf/NAME.h); 0: they have
	 * none. */
	size_t own_params_size;
	/* Terminated by name NULL. What attach, check and misses do where they are NULL
	 * (part.c). */
	const struct part *parts;
	/* What --mechanism may name beside those of the parts; terminated by NULL. */
	const char *const *mechanisms;
	/* Reserve ids, set names, fill m->own_params, count what -p names in p->specs. An error
	 * ends the run when the user asked for it; -ENOENT after a message: nothing of what -p
	 * names is there. NULL: there is nothing to plan. */
	int (*plan)(struct module *m);
	/* Attach what can be attached and fill m->report. 0 if anything is live. */
	int (*attach)(struct module *m);
	/* The moment from which everything counts. */
	void (*activate)(struct module *m);
	/* A record of m->stack_func that is no plain event: true and *ev filled if it became
	 * one. */
	bool (*stack)(struct module *m, const struct ayp_rec_stack *rec, struct ayp_event *ev);
	/* Hand over, by probes_event, events of records that had to wait. True if some still do.
	 * `last`: no more records will come, so the wait is short. */
	bool (*late)(struct module *m, bool last);
	void (*sample)(struct module *m, ayaprof_Sample *sample);
	/* Add to the row of row->func. */
	void (*totals)(struct module *m, ayaprof_Aggregate *row);
	/* How often the kernel did not run a program that would have made an event. */
	uint64_t (*misses)(struct module *m);
	/* About once a second while live: has something come or gone that probes hang on? */
	void (*look)(struct module *m, uint64_t now_ns);
	/* The links are closed: remove what else is left in the kernel. From any thread; twice. */
	void (*detached)(struct module *m);
	void (*release)(struct module *m);
	/* --check: try every mechanism and print one line each; how many work. */
	int (*check)(struct module *m);
};

struct module {
	const struct module_ops *ops;
	struct probes *p;
	void *state; /* the module's own */
	/* Constants of the module's kernel programs, ops->own_params_size bytes, zero at first.
	 * Part of the struct. */
	_Alignas(8) unsigned char own_params[OWN_PARAMS_MAX];
	uint16_t stack_func; /* whose records ops->stack takes */
	bool named;          /* the user asked for it, so it must work */
	bool by_spec;        /* only what -p names */
	bool planned, live;
	struct source_report report;
	struct fd_list programs; /* loaded */
	struct fd_list links;    /* closing one detaches */
};

#define PROBES_MAX_MODULES 16

struct probes {
	struct source base; /* first: the daemon's view */
	const struct config *cfg;
	struct names *names;
	const struct source_sink *sink;
	struct ayp_params params;
	struct maps maps;
	struct pid_space pids;
	struct ring ring;
	struct module modules[PROBES_MAX_MODULES];
	size_t n_modules;
	struct spec_counts specs; /* of all modules' plans */
	uint16_t func_base;       /* first of latency's functions */
	uint32_t n_functions;
	struct fd_list programs; /* of no module */
	struct fd_list links;
	void (*record)(void *ctx, const struct ayp_rec *rec, size_t size);
	uint64_t handed_over;
	uint64_t misses_before, misses; /* what the kernel left out: at activation, since */
	uint64_t misses_due_ns;
	uint64_t look_due_ns;
	bool stopped;
	pthread_t detacher; /* owns all links while `detaching` */
	bool detaching;
};

/* The arm32 JIT has no atomic adds (see ayp_params.atomic). */
#ifdef __arm__
#define ATOMICS_IN_JIT 0
#else
#define ATOMICS_IN_JIT 1
#endif

/* modules.c: all modules, in the order in which they plan and attach. NULL past the end. */
const struct module_ops *module_at(size_t i);

/* An event for the daemon; from consume only. */
void probes_event(struct probes *p, const struct ayp_event *ev);

/* ---- part.c: the plain kind of module -------------------------------------------------------- */

/* One way to get at something. */
struct candidate {
	const char *mechanism;
	const struct bpf_image *image;
	const char *const *programs; /* NULL-terminated; all must attach */
	/* Optional: constants this way needs, in a copy of m->own_params; -errno when this kernel
	 * or machine cannot. */
	int (*prepare)(void *own_params);
};
struct part {
	const char *name;
	const struct candidate *candidates; /* best first, terminated by mechanism NULL */
};

/* The module's functions, or what they mean where it has none. */
int module_plan(struct module *m);
/* Parts: every one by its first candidate that works; 0 if any part is live. */
int module_attach(struct module *m);
/* Parts: try every candidate of every part, print what happened, leave nothing attached. Returns
 * how many work. */
int module_check(struct module *m);
/* Calls that it did not see: as its ops say, or of all m->programs. */
uint64_t module_misses(struct module *m);
/* For ops of modules that only sample: what their programs missed is no event that is lost. */
uint64_t no_misses(struct module *m);

/* The module's constants as a type of its own. */
#define OWN_PARAMS_OF(m) ((void *)(m)->own_params)

/* Note a live mechanism ("a" or "a+b") and how many probes it has, or a failure and why. */
void report_live(struct module *m, const char *mechanism, uint32_t probes);
void report_failed(struct module *m, uint32_t probes, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A line of --check's table. err 0: works. `detail` may be "". */
void check_line(
	const char *module, const char *part, const char *mechanism, int err, const char *detail);

/* May this mechanism be used (config: mechanism)? */
bool mechanism_wanted(const struct probes *p, const char *mechanism);

/* ENOTSUPP of the kernel's, which is in no header for programs: also of an instruction that takes
 * no probe. */
#define KERNEL_ENOTSUPP 524

/* What an errno of an attempt means in plain words, with the kernel option if one is known to be
 * missing. Returns buf. */
const char *why(int err, const char *mechanism, char *buf, size_t size);

#endif
