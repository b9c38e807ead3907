/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proto/event.h"

#include <stdbool.h>

static const struct ayp_class_info classes[AYP_CLASS_COUNT] = {
	/* Before its name arrives a function may be anything; its entries and exits still pair. */
	[AYP_CLASS_UNKNOWN] = {.name = "unknown",
		.description = "no name has arrived",
		.is_call = true},
	[AYP_CLASS_KERNEL] = {.name = "kernel", .description = "kernel function", .is_call = true},
	[AYP_CLASS_USER] = {.name = "user", .description = "user function", .is_call = true},
	[AYP_CLASS_SYSCALL] = {.name = "syscall", .description = "system call", .is_call = true},
	[AYP_CLASS_HARDIRQ] = {.name = "hardirq",
		.description = "interrupt handler",
		.is_call = true,
		.per_cpu = true},
	[AYP_CLASS_SOFTIRQ] = {.name = "softirq",
		.description = "deferred interrupt work",
		.is_call = true,
		.per_cpu = true},
	[AYP_CLASS_TIMER] = {.name = "timer",
		.description = "timer interrupt or expired timer",
		.is_call = true,
		.per_cpu = true},
	[AYP_CLASS_TRACEPOINT] = {.name = "tracepoint", .description = "tracepoint passed"},
	[AYP_CLASS_SWITCH] = {.name = "switch",
		.description = "a thread left its CPU to another",
		.nargs = 2,
		.arg_names = {"next_tid", "prev_state"},
		.first_arg = AYP_ARG_TASK},
	[AYP_CLASS_SAMPLE] = {.name = "sample",
		.description = "stack sample",
		.nargs = 1,
		.arg_names = {"stack"}},
	[AYP_CLASS_PACKET] = {.name = "packet",
		.description = "packet seen by XDP",
		.nargs = 4,
		.arg_names = {"ifindex", "bytes", "dst_mac_ethertype", "src_mac"},
		.first_arg = AYP_ARG_IFACE},
	[AYP_CLASS_REPLAY] = {.name = "replay",
		.description = "from a recording of raw events",
		.is_call = true},
};

const struct ayp_class_info *ayp_class_info(unsigned int cls)
{
	return &classes[cls < AYP_CLASS_COUNT ? cls : AYP_CLASS_UNKNOWN];
}

static void put_le(uint8_t *dst, uint64_t v, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		dst[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t get_le(const uint8_t *src, unsigned int bytes)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < bytes; i++)
		v |= (uint64_t)src[i] << 8 * i;
	return v;
}

void ayp_record_write(uint8_t dst[AYP_RECORD_SIZE], const struct ayp_event *ev)
{
	put_le(dst, ev->t_ns, 8);
	put_le(dst + 8, ev->tid, 4);
	put_le(dst + 12, ev->func, 2);
	dst[14] = ev->cpu;
	dst[15] = ev->kind;
}

int ayp_record_read(const uint8_t src[AYP_RECORD_SIZE], struct ayp_event *ev)
{
	if (src[15] >= AYP_EVENT_KINDS)
		return -1;
	*ev = (struct ayp_event){
		.t_ns = get_le(src, 8),
		.tid = (uint32_t)get_le(src + 8, 4),
		.func = (uint16_t)get_le(src + 12, 2),
		.cpu = src[14],
		.kind = src[15],
	};
	return 0;
}
