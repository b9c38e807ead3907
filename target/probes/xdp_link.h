/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A program on an interface's receiving side, never in place of one that stands there: links are
 * refused then (dev_xdp_attach in net/core/dev.c), and the kernel takes ours off even if the daemon
 * is killed (Linux 5.9, aa8d3a716b59).
 */
#ifndef TARGET_PROBES_XDP_LINK_H
#define TARGET_PROBES_XDP_LINK_H

#include <stddef.h>
#include <stdint.h>

/* flags: XDP_FLAGS_DRV_MODE or XDP_FLAGS_SKB_MODE. A descriptor that detaches when it is closed, or
 * a negative errno. */
int xdp_link(int prog_fd, unsigned int ifindex, uint32_t flags);

/* Why it was refused, in the words of the driver where the kernel passes them on, else of the
 * errno. Links come without words, so it is tried once more by netlink, and undone should it work
 * this time. Returns buf. */
const char *xdp_refusal(
	int prog_fd, unsigned int ifindex, uint32_t flags, int err, char *buf, size_t size);

#endif
