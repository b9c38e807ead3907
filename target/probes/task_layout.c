/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/task_layout.h"

#include <errno.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/sched.h"
#include "target/probes/kernel_btf.h"
#include "target/probes/object.h"

static int member(const char *name, struct ayp_field *f)
{
	int at = kernel_btf_member("task_struct", name, &f->size);

	if (at < 0)
		return at;
	/* What programs can read (read_number). */
	if (at > UINT16_MAX || (f->size != 4 && f->size != 8))
		return -EOPNOTSUPP;
	f->offset = (uint16_t)at;
	return 0;
}

int task_layout(struct ayp_field *pid, struct ayp_field *state)
{
	int err;

	if (!kernel_btf_there())
		return -ENODATA;
	err = member("pid", pid);
	if (err)
		return err;
	/* Linux 5.14, 2f064a59a11f: state became __state. */
	err = member("__state", state);
	return err == -ENOENT ? member("state", state) : err;
}

int task_layout_verify(const struct maps *maps, const struct ayp_params *params)
{
	static const char *const programs[] = {"task_pid_is_there", NULL};
	LIBBPF_OPTS(bpf_test_run_opts, run);
	struct ayp_sched_params own = {0};
	struct bpf_object *o;
	int err = task_layout(&own.next_pid, &own.prev_state);

	if (err == -ENOENT)
		return -ESTALE;
	if (err)
		return err;
	o = object_load_own(&image_sched, programs, maps, params, &own, sizeof(own), &err);
	if (!o)
		return 0; /* whoever needs it says why */
	err = bpf_prog_test_run_opts(object_program_fd(o, programs[0]), &run);
	bpf_object__close(o);
	return err || run.retval ? 0 : -ESTALE;
}
