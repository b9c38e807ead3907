/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/pid_space.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "target/base/log.h"
#include "target/probes/object.h"
#include "target/probes/rights.h"

/* include/linux/proc_ns.h: PROC_PID_INIT_INO */
#define INITIAL_NAMESPACE 0xEFFFFFFCu
/* No namespace has this number. */
#define NO_NAMESPACE 1u

/* The process id that programs in our context see, or a negative errno. */
static int64_t ask_kernel(const struct maps *maps, const struct ayp_params *params)
{
	static const char *const programs[] = {"own_process", NULL};
	LIBBPF_OPTS(bpf_test_run_opts, run);
	struct bpf_object *o;
	int err;

	o = object_load(&image_task, programs, maps, params, &err);
	if (!o)
		return err;
	err = bpf_prog_test_run_opts(object_program_fd(o, programs[0]), &run);
	bpf_object__close(o);
	if (err)
		return err;
	return run.retval ? (int64_t)run.retval : -ESRCH;
}

static bool namespace_of(const char *path, uint64_t *dev, uint64_t *ino)
{
	struct stat st;

	if (stat(path, &st))
		return false;
	/* As the kernel has it (MKDEV), which is not how stat packs it. */
	*dev = (uint64_t)major(st.st_dev) << 20 | minor(st.st_dev);
	*ino = st.st_ino;
	return true;
}

/* On how many levels of namespaces, from /proc's own on, we have an id (proc_pid_status(5): NSpid).
 * 0: cannot be said. */
static unsigned int levels_in_proc(void)
{
	static const char key[] = "NSpid:";
	char line[256];
	unsigned int n = 0;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, strlen(key)))
			continue;
		for (char *at = line; (at = strchr(at, '\t')); at++)
			n++;
		break;
	}
	if (f)
		fclose(f);
	return n;
}

static uint32_t self_in_proc(void)
{
	char text[16];
	ssize_t n = readlink("/proc/self", text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return (uint32_t)strtoul(text, NULL, 10);
}

/* Which namespace is /proc of? */
static void look_at_proc(struct pid_space *s)
{
	uint64_t dev, ino;

	if (levels_in_proc() == 1) {
		s->proc_differs = namespace_of("/proc/self/ns/pid", &s->dev, &s->ino);
		return;
	}
	/* Of one around ours. Its first process is in it. */
	if (namespace_of("/proc/1/ns/pid", &dev, &ino)) {
		s->proc_differs = ino != INITIAL_NAMESPACE;
		s->dev = dev;
		s->ino = ino;
	} else if (self_in_proc() != s->self) {
		s->proc_differs = true;
		s->ino = NO_NAMESPACE;
	}
}

int pid_space_find(struct pid_space *s, const struct maps *maps, const struct ayp_params *params)
{
	uint64_t dev = 0, ino = 0;
	bool initial = namespace_of("/proc/self/ns/pid", &dev, &ino) && ino == INITIAL_NAMESPACE;
	int64_t self = ask_kernel(maps, params);
	char missing[80];

	*s = (struct pid_space){0};
	if (self == -EPERM && rights_missing(missing, sizeof(missing))) {
		log_error("cannot trace this kernel: no permission to load programs: %s", missing);
		return -EPERM;
	}
	if (self < 0 && !initial) {
		log_error("cannot trace from within a PID namespace here: the kernel does not say "
			  "which process "
			  "this one is (%s; Linux 5.10 does); start it outside",
			strerror((int)-self));
		return (int)self;
	}
	s->self = self < 0 ? (uint32_t)getpid() : (uint32_t)self;
	if (initial || self < 0)
		return 0;
	look_at_proc(s);
	log_note("in a PID namespace: process ids in the recording are those of the initial one, "
		 "where this "
		 "program is %u%s",
		s->self,
		!s->proc_differs ? ""
		: s->ino == NO_NAMESPACE
			? "; /proc has other ids: user functions in stacks have no names"
			: "; user functions in stacks have names only for processes of /proc's own "
			  "namespace");
	return 0;
}
