/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Who runs where: one instant per context switch. */
#include "target/probes/probe.h"

#include "bpf/sched.h"
#include "target/probes/task_layout.h"
#include "target/probes/tracefs.h"

static int prepare_tp(void *own)
{
	struct ayp_sched_params *params = own;
	struct ayp_field *next = &params->next_pid, *state = &params->prev_state;
	int err = tracefs_event_field("sched/sched_switch", "next_pid", &next->offset, &next->size);

	return err ? err
		   : tracefs_event_field(
			     "sched/sched_switch", "prev_state", &state->offset, &state->size);
}

static int prepare_raw(void *own)
{
	struct ayp_sched_params *params = own;

	return task_layout(&params->next_pid, &params->prev_state);
}

static const char *const raw[] = {"sched_switch_raw", NULL};
static const char *const tp[] = {"sched_switch_tp", NULL};
static const struct candidate ways[] = {
	{"raw_tp", &image_sched, raw, prepare_raw},
	{"tp", &image_sched_tp, tp, prepare_tp},
	{0},
};
static const struct part parts[] = {{"switch", ways}, {0}};

static int plan(struct module *m)
{
	struct ayp_sched_params *params = OWN_PARAMS_OF(m);
	int id = names_add_func(m->p->names, AYP_CLASS_SWITCH, "sched_switch", NULL);

	if (id < 0)
		return id;
	params->func_switch = (uint16_t)id;
	return 0;
}

const struct module_ops module_sched = {
	.name = "sched",
	.summary = "which thread runs on which CPU",
	.by_default = true,
	.own_params_size = sizeof(struct ayp_sched_params),
	.parts = parts,
	.plan = plan,
};
