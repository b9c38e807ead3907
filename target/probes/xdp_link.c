/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/xdp_link.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

int xdp_link(int prog_fd, unsigned int ifindex, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int link = bpf_link_create(prog_fd, (int)ifindex, BPF_XDP, &opts);

	return link < 0 ? -errno : link;
}

/* libbpf prints what came with the kernel's answer. */
#define ANSWER "Kernel error message: "
static char answer[128];

static int keep_answer(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char text[192], *at;

	vsnprintf(text, sizeof(text), fmt, args);
	at = strstr(text, ANSWER);
	if (!at)
		return 0;
	at += strlen(ANSWER);
	snprintf(answer, sizeof(answer), "%.*s", (int)strcspn(at, "\n"), at);
	return 0;
}

static void ask_again(int prog_fd, unsigned int ifindex, uint32_t flags)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, ours, .old_prog_fd = prog_fd);
	libbpf_print_fn_t before = libbpf_set_print(keep_answer);

	answer[0] = '\0';
	if (!bpf_xdp_attach((int)ifindex, prog_fd, flags | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL))
		bpf_xdp_detach((int)ifindex, flags, &ours);
	libbpf_set_print(before);
}

const char *xdp_refusal(
	int prog_fd, unsigned int ifindex, uint32_t flags, int err, char *buf, size_t size)
{
	if (err == -EBUSY || err == -EEXIST) {
		snprintf(buf, size, "another XDP program stands there");
		return buf;
	}
	ask_again(prog_fd, ifindex, flags);
	if (answer[0])
		snprintf(buf, size, "%s", answer);
	else if (err == -EOPNOTSUPP)
		snprintf(buf, size, "the driver has no XDP, or not as the interface is set up");
	else
		snprintf(buf, size, "%s", strerror(-err));
	return buf;
}
