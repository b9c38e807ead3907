/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Kernel types for machines whose kernel has no BTF to generate vmlinux.h from: what the programs
 * use and nothing else. Numbers are the kernel's stable interface (uapi/linux/bpf.h).
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_ANY = 0,
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
	BPF_RB_AVAIL_DATA = 0,
	BPF_F_USER_STACK = 256,
};

struct bpf_pidns_info {
	__u32 pid;
	__u32 tgid;
};

enum xdp_action {
	XDP_PASS = 2,
};

#endif
