/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The table of probe modules: a new one is a file and a row. */
#include "target/probes/probe.h"

#include <string.h>

#include "target/probes/mechanism.h"

extern const struct module_ops module_syscall, module_irq, module_sched, module_latency, module_cpu,
	module_memory, module_throughput, module_xdp, module_tracepoint;

/* Order matters twice: ids are given in it, and what attaches last disturbs the least. */
static const struct module_ops *const modules[] = {
	&module_syscall,
	&module_irq,
	&module_sched,
	&module_latency,
	&module_cpu,
	&module_memory,
	&module_throughput,
	&module_xdp,
	&module_tracepoint,
};

const struct module_ops *module_at(size_t i)
{
	return i < sizeof(modules) / sizeof(modules[0]) ? modules[i] : NULL;
}

bool probes_module_exists(const char *name)
{
	size_t i;

	for (i = 0; module_at(i); i++)
		if (!strcmp(module_at(i)->name, name))
			return true;
	return false;
}

/* Of modules whose way --mechanism cannot change, or whose parts choose among these. */
static const char *const other_mechanisms[] = {
	"raw_tp", "tp", "perf", "rtnetlink", "xdp-native", "xdp-generic"};

bool probes_mechanism_exists(const char *name)
{
	size_t i;

	for (i = 0; mechanisms[i].name; i++)
		if (!strcmp(mechanisms[i].name, name))
			return true;
	for (i = 0; i < sizeof(other_mechanisms) / sizeof(other_mechanisms[0]); i++)
		if (!strcmp(other_mechanisms[i], name))
			return true;
	return false;
}
