/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/perf_attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/perf_event.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "target/probes/tracefs.h"

static int perf_open(struct perf_event_attr *attr, int cpu)
{
	int fd;

	attr->size = sizeof(*attr);
	fd = (int)syscall(SYS_perf_event_open, attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/*
 * The program on the event: a link where the kernel has them (it carries the cookie), else the old
 * way, whose attachment lives as long as the event.
 *
 * The event of a clock samples once it is enabled. Those of points in code stay disabled: their
 * programs run from the moment they are attached (perf_trace_run_bpf_submit, kprobe_perf_func,
 * __uprobe_perf_func look for programs before they look for events), and an enabled event would
 * have the kernel fill in a record for nobody.
 */
static int attach(int perf_fd, int prog_fd, uint64_t cookie, bool with_cookie, bool enable)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	int link, err;

	if (perf_fd < 0)
		return perf_fd;
	opts.perf_event.bpf_cookie = cookie;
	link = bpf_link_create(prog_fd, perf_fd, BPF_PERF_EVENT, &opts);
	if (link >= 0) {
		/* The link holds the event. */
		if (enable && ioctl(perf_fd, PERF_EVENT_IOC_ENABLE, 0)) {
			err = -errno;
			close(link);
			close(perf_fd);
			return err;
		}
		close(perf_fd);
		return link;
	}
	err = -errno;
	if (!with_cookie && !ioctl(perf_fd, PERF_EVENT_IOC_SET_BPF, prog_fd) &&
		(!enable || !ioctl(perf_fd, PERF_EVENT_IOC_ENABLE, 0)))
		return perf_fd;
	close(perf_fd);
	return err;
}

/* Programs on these run on every CPU; the event has to be on one, and that one has to be online. */
static int perf_open_anywhere(struct perf_event_attr *attr)
{
	int cpus = libbpf_num_possible_cpus(), fd = -ENODEV, cpu;

	for (cpu = 0; cpu < cpus && fd == -ENODEV; cpu++)
		fd = perf_open(attr, cpu);
	return fd;
}

int perf_attach_tracepoint(int prog_fd, const char *path, uint64_t cookie, bool with_cookie)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT, .disabled = 1};
	int id = tracefs_event_id(path);

	if (id < 0)
		return id;
	attr.config = (__u64)id;
	return attach(perf_open_anywhere(&attr), prog_fd, cookie, with_cookie, false);
}

static int read_pmu(const char *pmu, const char *file, const char *format)
{
	char path[128];
	int value;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/%s", pmu, file);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	if (fscanf(f, format, &value) != 1)
		value = -EINVAL;
	fclose(f);
	return value;
}

static int attach_pmu(int prog_fd, const char *pmu, uint64_t config1, uint64_t config2,
	bool on_return, uint64_t cookie, bool with_cookie)
{
	struct perf_event_attr attr = {.config1 = config1, .config2 = config2, .disabled = 1};
	int type = read_pmu(pmu, "type", "%d"), bit = 0;

	if (type < 0)
		return type;
	if (on_return)
		bit = read_pmu(pmu, "format/retprobe", "config:%d");
	if (bit < 0)
		return bit;
	attr.type = (uint32_t)type;
	attr.config = on_return ? 1ull << bit : 0;
	return attach(perf_open_anywhere(&attr), prog_fd, cookie, with_cookie, false);
}

int perf_attach_kprobe(
	int prog_fd, const char *symbol, bool on_return, uint64_t cookie, bool with_cookie)
{
	return attach_pmu(prog_fd, "kprobe", (uintptr_t)symbol, 0, on_return, cookie, with_cookie);
}

int perf_attach_uprobe(int prog_fd, const char *path, uint64_t offset, bool on_return,
	uint64_t cookie, bool with_cookie)
{
	return attach_pmu(
		prog_fd, "uprobe", (uintptr_t)path, offset, on_return, cookie, with_cookie);
}

int perf_attach_clock(int prog_fd, int cpu, uint32_t hz, int *event)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.disabled = 1,
		.freq = 1,
		.sample_freq = hz,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED,
	};
	int fd = perf_open(&attr, cpu), link;

	*event = fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0 && *event < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	link = attach(fd, prog_fd, 0, false, true);
	if (link < 0 && *event >= 0) {
		close(*event);
		*event = -1;
	}
	return link;
}

bool perf_event_runs(int event, uint64_t *enabled_ns)
{
	struct {
		uint64_t count, enabled_ns;
	} now;
	uint64_t before = *enabled_ns;

	/* An event whose CPU has gone is off (kernel/events/core.c, perf_event_exit_cpu_context):
	 * its times stand. */
	if (read(event, &now, sizeof(now)) != sizeof(now))
		return false;
	*enabled_ns = now.enabled_ns;
	return now.enabled_ns > before;
}
