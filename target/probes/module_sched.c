/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Who runs where: one instant per context switch. */
#include "target/probes/probe.h"

#include "target/probes/task_layout.h"
#include "target/probes/tracefs.h"

static int prepare_tp(struct probes *p, struct ayp_params *params)
{
	struct ayp_field *next = &params->switch_next_pid, *state = &params->switch_prev_state;
	int err = tracefs_event_field("sched/sched_switch", "next_pid", &next->offset, &next->size);

	return err ? err
		   : tracefs_event_field(
			     "sched/sched_switch", "prev_state", &state->offset, &state->size);
}

static int prepare_raw(struct probes *p, struct ayp_params *params)
{
	return task_layout(&params->switch_next_pid, &params->switch_prev_state);
}

static const char *const raw[] = {"sched_switch_raw", NULL};
static const char *const tp[] = {"sched_switch_tp", NULL};
static const struct candidate ways[] = {
	{"raw_tp", &image_sched, raw, prepare_raw},
	{"tp", &image_sched_tp, tp, prepare_tp},
	{0},
};
static const struct part parts[] = {{"switch", ways}};

static int plan(struct module *m)
{
	int id = names_add_func(m->p->names, AYP_CLASS_SWITCH, "sched_switch", NULL);

	if (id < 0)
		return id;
	m->p->params.func_switch = (uint16_t)id;
	return 0;
}

static int attach(struct module *m)
{
	return parts_attach(m, parts, 1);
}

static int check(struct module *m)
{
	return parts_check(m, parts, 1);
}

const struct module_ops module_sched = {
	.name = "sched",
	.summary = "which thread runs on which CPU",
	.by_default = true,
	.plan = plan,
	.attach = attach,
	.misses = parts_misses,
	.check = check,
};
