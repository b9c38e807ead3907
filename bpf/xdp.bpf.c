/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Packets as they come in, by time, length and Ethernet header. Every packet passes. */
#include "bpf/common.bpf.h"

/* struct xdp_md without CO-RE: it is ABI. */
struct packet_ctx {
	__u32 data;
	__u32 data_end;
	__u32 data_meta;
	__u32 ingress_ifindex;
};

static __always_inline __u64 mac(const __u8 *p)
{
	return (__u64)p[0] << 40 | (__u64)p[1] << 32 | (__u64)p[2] << 24 | (__u64)p[3] << 16 |
	       (__u64)p[4] << 8 | p[5];
}

SEC("?xdp")
int xdp_packet(struct packet_ctx *ctx)
{
	const __u8 *data = (void *)(long)ctx->data;
	const __u8 *end = (void *)(long)ctx->data_end;
	__u64 dst_type = 0, src = 0;

	if (data + 14 <= end) {
		dst_type = mac(data) << 16 | data[12] << 8 | data[13];
		src = mac(data + 6);
	}
	emit(params.func_packet, AYP_REC_INSTANT, EMIT_NO_TASK, 4, ctx->ingress_ifindex, end - data,
		dst_type, src);
	return XDP_PASS;
}
