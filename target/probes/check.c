/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* --check: what this board can trace and how, found out by trying all of it. */
#include "target/probes/session.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <linux/types.h>

#include "target/base/clock.h"
#include "target/base/log.h"
#include "target/base/memory.h"
#include "target/setup/mounts.h"
#include "target/syscalls/syscalls.h"
#include "target/probes/kconfig.h"
#include "target/probes/kernel_btf.h"
#include "target/probes/kernel_symbols.h"
#include "target/probes/rights.h"
#include "target/probes/tracefs.h"

static void ignore_record(void *ctx, const struct ayp_rec *rec, size_t size)
{
}

static void ignore_event(void *ctx, const struct ayp_event *ev)
{
}

static void ignore_stack(void *ctx, const ayaprof_Stack *stack)
{
}

static int read_number_file(const char *path, int otherwise)
{
	FILE *f = fopen(path, "re");
	int v = otherwise;

	if (!f)
		return otherwise;
	if (fscanf(f, "%d", &v) != 1)
		v = otherwise;
	fclose(f);
	return v;
}

#define CLOCK_LOOKS 200

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* clock_getres says 1 ns wherever timers have high resolution. A counter's clock moves by the
 * counter's period, so all differences are multiples of it, if it is whole nanoseconds. */
static unsigned long long clock_step(void)
{
	uint64_t step = 0, before = 0, now;
	int i;

	for (i = 0; i < CLOCK_LOOKS; i++) {
		now = now_ns();
		if (before)
			step = common_divisor(now - before, step);
		before = now;
	}
	return step;
}

static void print_btf(void)
{
	bool set = kconfig_get("CONFIG_DEBUG_INFO_BTF") != 0;

	if (kernel_btf_foreign())
		printf("  BTF         %s%s\n", kernel_btf_place(),
			kernel_btf_own() ? ", beside the kernel's own"
					 : "; no fentry: it takes the kernel's own");
	else
		printf("  BTF         %s\n",
			kernel_btf_own() ? "yes"
			: set            ? "no: no fentry; --btf FILE helps sched and memory"
					 : "no; CONFIG_DEBUG_INFO_BTF is not set: no fentry; --btf "
					   "FILE helps sched and memory");
}

static void print_board(const struct config *cfg)
{
	char machine[65], missing[80];
	struct utsname u;
	bool narrow = syscalls_wider_kernel(machine, sizeof(machine));

	uname(&u);
	printf("board\n");
	printf("  kernel      %s %s, %ld CPUs%s\n", u.release, machine,
		sysconf(_SC_NPROCESSORS_CONF), narrow ? "; this program is a 32-bit one" : "");
	printf("  user        %s%s%s\n", geteuid() == 0 ? "root" : "not root",
		rights_missing(missing, sizeof(missing)) ? ": " : "",
		rights_missing(missing, sizeof(missing)) ? missing : "");
	print_btf();
	printf("  BPF JIT     %s\n", read_number_file("/proc/sys/net/core/bpf_jit_enable", 1)
					     ? "on"
					     : "off; echo 1 > /proc/sys/net/core/bpf_jit_enable");
	printf("  tracefs     %s\n", tracefs_place());
	printf("  names       %s\n", kernel_symbols_hidden()
					     ? "of kernel functions in stack samples: no, the "
					       "kernel keeps their addresses to "
					       "itself; echo 1 > /proc/sys/kernel/kptr_restrict"
					     : "of kernel functions: yes");
	if (mounts_made()[0])
		printf("  mounted     %s, for this program only\n", mounts_made());
	printf("  perf        %s\n", access("/proc/sys/kernel/perf_event_paranoid", F_OK)
					     ? "no; CONFIG_PERF_EVENTS is not set"
					     : "yes");
	printf("  clock       CLOCK_MONOTONIC, measured: multiples of %llu ns\n", clock_step());
	printf("  memory      %llu MiB: %zu KiB for the ring, %zu KiB for the spool\n",
		(unsigned long long)(memory_of_board() >> 20), cfg->ring_bytes / 1024,
		cfg->spool_mem / 1024);
}

int probes_check(const struct config *cfg)
{
	static const struct source_sink sink = {NULL, ignore_event, ignore_stack};
	struct probes p = {.cfg = cfg, .sink = &sink};
	const struct module_ops *ops;
	int works = 0, modules = 0, all = 0, n;
	struct module *m;
	size_t i;

	p.names = names_new();
	if (!p.names) {
		log_error("out of memory");
		return 1;
	}
	session_init(&p, ignore_record);
	if (kernel_btf_choose(cfg->btf)) {
		names_free(p.names);
		return 1;
	}
	print_board(cfg);
	for (i = 0; (ops = module_at(i)); i++) {
		m = session_add(&p, ops);
		if (m)
			m->planned = !module_plan(m);
	}
	if (session_open(&p)) {
		session_end(&p);
		names_free(p.names);
		return 1;
	}
	printf("modules     part      mechanism     result\n");
	fflush(stdout);
	for (i = 0; i < p.n_modules; i++) {
		m = &p.modules[i];
		all++;
		if (!m->planned) {
			printf("  %-11s cannot be set up, see above\n", m->ops->name);
			continue;
		}
		n = module_check(m);
		fflush(stdout);
		works += n;
		modules += n > 0;
	}
	printf("%d of %d modules can be used\n", modules, all);
	session_end(&p);
	names_free(p.names);
	return works ? 0 : 1;
}
