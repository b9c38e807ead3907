/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/link_missed.h"

#include <errno.h>

#include <bpf/bpf.h>

/*
 * struct bpf_link_info as far as it matters here; newer than this system's linux/bpf.h. `missed`
 * came with Linux 6.7, for both kinds in one series: e2b2cd592adb (kprobe_multi), 3acf8ace6823
 * (perf event).
 */
struct link_info {
	uint32_t type, id, prog_id, pad;
	union {
		struct {
			uint64_t addrs;
			uint32_t count, flags;
			uint64_t missed;
		} kprobe_multi;
		struct {
			uint32_t type, pad;
			uint64_t func_name;
			uint32_t name_len, offset;
			uint64_t addr, missed;
		} perf_kprobe;
	};
};
_Static_assert(
	sizeof(struct link_info) == 56, "struct bpf_link_info up to perf_event.kprobe.missed");

enum { LINK_TYPE_PERF_EVENT = 7, LINK_TYPE_KPROBE_MULTI = 8 };
enum { PERF_TYPE_KPROBE = 3, PERF_TYPE_KRETPROBE = 4 };

int link_missed(int link, uint64_t *missed)
{
	struct link_info info = {0};
	uint32_t size = sizeof(info);

	/* The kernel says how much of it it knows: before 6.7 less than this. */
	if (bpf_obj_get_info_by_fd(link, &info, &size) || size < sizeof(info))
		return -EOPNOTSUPP;
	if (info.type == LINK_TYPE_KPROBE_MULTI) {
		*missed = info.kprobe_multi.missed;
		return 0;
	}
	if (info.type != LINK_TYPE_PERF_EVENT ||
		(info.perf_kprobe.type != PERF_TYPE_KPROBE &&
			info.perf_kprobe.type != PERF_TYPE_KRETPROBE))
		return -EOPNOTSUPP;
	*missed = info.perf_kprobe.missed;
	return 0;
}
