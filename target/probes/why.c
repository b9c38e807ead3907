/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An attempt failed: say it in words a board's owner can act on. */
#include "target/probes/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "target/probes/kconfig.h"
#include "target/probes/kernel_btf.h"

/* Kernel options a mechanism lives on. */
static const struct {
	const char *mechanism, *option;
} needs[] = {
	{"fentry", "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS"},
	{"fentry", "CONFIG_DEBUG_INFO_BTF"},
	{"kprobe.multi", "CONFIG_FPROBE"},
	{"kprobe", "CONFIG_KPROBES"},
	{"kprobe", "CONFIG_KPROBE_EVENTS"},
	{"kretprobe", "CONFIG_KPROBES"},
	{"kretprobe", "CONFIG_KPROBE_EVENTS"},
	{"uprobe", "CONFIG_UPROBE_EVENTS"},
	{"raw_tp", "CONFIG_BPF_EVENTS"},
	{"tp", "CONFIG_BPF_EVENTS"},
	{"tp", "CONFIG_FTRACE"},
	{"perf", "CONFIG_PERF_EVENTS"},
	{"xdp", "CONFIG_BPF_SYSCALL"},
};

/* Errors that do not say what they mean. */
static const struct {
	int err;
	const char *text;
} known[] = {
	{KERNEL_ENOTSUPP, "not supported on this architecture (errno 524)"},
	{EACCES, "refused by the verifier (Permission denied)"},
	{ENODATA, "takes type information, and this kernel has no BTF: --btf FILE gives it some"},
	{ESRCH, "no such function, or it cannot be traced"},
};

/* Each attachment is a descriptor or two. */
static const char *files_ran_out(char *buf, size_t size)
{
	struct rlimit r = {0};

	getrlimit(RLIMIT_NOFILE, &r);
	snprintf(buf, size,
		"the limit on open files, %llu, is too low; raise it: ulimit -n 65536 "
		"(LimitNOFILE= "
		"in a systemd unit)",
		(unsigned long long)r.rlim_cur);
	return buf;
}

const char *why(int err, const char *mechanism, char *buf, size_t size)
{
	const char *text = strerror(-err);
	size_t i, n;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].err == -err)
			text = known[i].text;
	if (err == -KERNEL_ENOTSUPP && !strncmp(mechanism, "uprobe", 6))
		text = "the kernel cannot put a probe on the instruction there (errno 524)";
	if (err == -EMFILE)
		return files_ran_out(buf, size);
	if (!strcmp(mechanism, "fentry") && !kernel_btf_own())
		text = "this kernel has no BTF";
	n = (size_t)snprintf(buf, size, "%s", text);
	if (n >= size)
		return buf;
	if ((err == -EPERM || err == -EACCES) && geteuid() != 0) {
		snprintf(buf + n, size - n, " (needs root or CAP_BPF+CAP_PERFMON)");
		return buf;
	}
	for (i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (!strcmp(needs[i].mechanism, mechanism) && !kconfig_get(needs[i].option)) {
			snprintf(buf + n, size - n, " (no %s)", needs[i].option);
			break;
		}
	return buf;
}
