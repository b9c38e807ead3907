/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/rights.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

/* Linux 5.8 (a17b53c4a4b5, 980737282232); headers may be older. */
#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_BPF
#define CAP_BPF 39
#endif

static bool have(const struct __user_cap_data_struct *data, unsigned int cap)
{
	return data[cap / 32].effective >> cap % 32 & 1;
}

bool rights_missing(char *out, size_t size)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
	bool bpf, perfmon;

	if (syscall(SYS_capget, &header, data))
		return false;
	bpf = have(data, CAP_BPF);
	perfmon = have(data, CAP_PERFMON);
	if (have(data, CAP_SYS_ADMIN) || (bpf && perfmon))
		return false;
	snprintf(out, size, "%s; it needs root, or both of them",
		bpf       ? "CAP_PERFMON is missing, CAP_BPF is there"
		: perfmon ? "CAP_BPF is missing, CAP_PERFMON is there"
			  : "CAP_BPF and CAP_PERFMON are missing");
	return true;
}
