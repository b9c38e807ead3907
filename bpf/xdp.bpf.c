/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Packets as they come in, by time, length and Ethernet header. Every packet passes. */
#include "bpf/xdp.h"
#define OWN_PARAMS struct ayp_xdp_params
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

/* The Ethernet header is in the first part of a packet that comes in several. */
static __always_inline int on_packet(struct packet_ctx *ctx, __u64 len)
{
	const __u8 *data = (void *)(long)ctx->data;
	const __u8 *end = (void *)(long)ctx->data_end;
	__u64 dst_type = 0, src = 0;

	if (data + 14 <= end) {
		dst_type = mac(data) << 16 | data[12] << 8 | data[13];
		src = mac(data + 6);
	}
	emit(own_params.func_packet, AYP_REC_INSTANT, EMIT_NO_TASK, 4, ctx->ingress_ifindex, len,
		dst_type, src);
	return XDP_PASS;
}

/* Takes packets of several buffers (Linux 5.18), so the interface keeps its freedom to have a large
 * MTU: with a program that does not the kernel refuses to raise it above a page. */
SEC("?xdp.frags")
int xdp_packet_frags(struct packet_ctx *ctx)
{
	return on_packet(ctx, bpf_xdp_get_buff_len((struct xdp_md *)ctx));
}

SEC("?xdp")
int xdp_packet(struct packet_ctx *ctx)
{
	return on_packet(ctx, (__u64)ctx->data_end - ctx->data);
}
