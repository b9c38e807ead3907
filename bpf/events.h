/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Records between the kernel programs (bpf/) and the daemon (target/probes/), and the maps they
 * share.
 *
 * These structs cross the kernel boundary of one machine only. They never go on the wire: what the
 * wire carries is in proto/PROTOCOL.md. Fixed widths and asserted sizes keep both compilers honest.
 */
#ifndef AYP_BPF_EVENTS_H
#define AYP_BPF_EVENTS_H

#ifndef __bpf__
#include <stdint.h>
typedef uint8_t ayp_u8;
typedef uint16_t ayp_u16;
typedef uint32_t ayp_u32;
typedef uint64_t ayp_u64;
#else
#include "vmlinux.h"
typedef __u8 ayp_u8;
typedef __u16 ayp_u16;
typedef __u32 ayp_u32;
typedef __u64 ayp_u64;
#endif

/*
 * kind of a record. 0..2 are events and mean what CONTRACT section 5 says (proto/event.h repeats
 * them as enum ayp_event_kind); the others are raw material that the daemon turns into events or
 * names before anything is coded.
 */
enum ayp_rec_kind {
	AYP_REC_ENTRY = 0,
	AYP_REC_EXIT = 1,
	AYP_REC_INSTANT = 2,
	AYP_REC_STACK = 3, /* struct ayp_rec_stack: becomes an instant whose arg[0] is a stack id */
	AYP_REC_TASK = 4,  /* struct ayp_rec_task: an identity, not an event, not counted */
};

/* Every ring record begins with this; an event's arguments, u64 each, follow it directly. */
struct ayp_rec {
	ayp_u64 t_ns; /* bpf_ktime_get_ns(): CLOCK_MONOTONIC */
	ayp_u32 tid;  /* thread id in the initial pid namespace; 0 for the idle task of any CPU */
	ayp_u16 func; /* id given by the daemon before loading */
	ayp_u8 cpu;
	ayp_u8 kind; /* enum ayp_rec_kind */
};

#define AYP_REC_MAX_ARGS 6u

#define AYP_STACK_DEPTH 64u
struct ayp_rec_stack {
	struct ayp_rec rec;
	ayp_u32 tgid;
	ayp_u16 kernel_frames;
	ayp_u16 user_frames;
	/* the process's id in /proc; 0: /proc is of a PID namespace that does not show it */
	ayp_u32 proc_tgid;
	ayp_u32 zero;
	ayp_u64 kernel[AYP_STACK_DEPTH]; /* innermost first; [kernel_frames..) is not valid */
	ayp_u64 user[AYP_STACK_DEPTH];
};

struct ayp_rec_task {
	struct ayp_rec rec; /* rec.tid is the thread */
	ayp_u32 tgid;
	ayp_u32 zero;
	char comm[16];
};

/*
 * Books of one function on one CPU: map `cells` (ARRAY, mappable), index cpu * n_funcs + func.
 *
 * Programs interrupt and preempt each other between the load and the store of an add, so counters
 * are added to atomically where the JIT can (params.atomic). The arm32 JIT cannot; there a cell's
 * half belongs to one program, which the kernel hardly ever runs on top of itself on one CPU.
 */
enum ayp_cell_half {
	AYP_HALF_BEGIN = 0, /* entries and instants */
	AYP_HALF_END = 1,   /* exits */
	AYP_HALVES = 2,
};
struct ayp_cell {
	ayp_u64 produced[AYP_HALVES]; /* events attempted, = handed over + lost */
	ayp_u64 lost[AYP_HALVES];     /* no room in the ring */
	/* Runs that are no events, of functions only: what the kernel tells about missed ones
	 * counts these, too. */
	ayp_u64 own[AYP_HALVES];  /* the daemon's own calls */
	ayp_u64 idle[AYP_HALVES]; /* others' while ayp_control.active is 0 */
};

/* One CPU's notes: map `books` (ARRAY, mappable). Written by nested programs; nothing in it has to
 * be exact. */
struct ayp_cpu_book {
	ayp_u64 first_lost_ns; /* 0: none yet */
	ayp_u64 last_lost_ns;
	ayp_u32 last_tid; /* thread whose identity was checked last */
	ayp_u8 in_softirq, in_hardirq;
	ayp_u16 last_syscall; /* function id of the one entered last, or AYP_NO_SYSCALL */
	ayp_u32 unasked;      /* records since the ring was asked how full it is */
	ayp_u32 renames;      /* ayp_control.renames when last_tid was looked at */
	ayp_u64 strays;       /* runs at an address that `places` does not know: no events */
};

/*
 * Which function begins or ends at an address: map `places` (ARRAY, mappable) of buckets, for
 * programs that are called for many functions and have no cookie for each. Bucket: the address's
 * low half times place_factor, without its low place_shift bits; the daemon picks a factor with
 * which no bucket runs over. A low half of 0 is no place.
 */
#define AYP_PLACES_IN_BUCKET 4u
struct ayp_place_bucket {
	ayp_u32 low[AYP_PLACES_IN_BUCKET];
	ayp_u32 func[AYP_PLACES_IN_BUCKET];
};

/* Map `text` (ARRAY, 1 entry): what read_text has copied out of the kernel. A page everywhere, or
 * part of one. */
#define AYP_TEXT_BYTES 4096u
struct ayp_text {
	unsigned char byte[AYP_TEXT_BYTES];
};

#define AYP_NO_PROCESS 0xffffffffu

/* Map `control` (ARRAY, mappable, 1 entry), written by the daemon, read by every program. */
struct ayp_control {
	ayp_u32 active;    /* nothing is emitted or counted as an event while 0 */
	ayp_u32 self_tgid; /* the daemon, which never traces itself; as the kernel counts */
	ayp_u32 renames;   /* threads that got another name so far: written by the programs */
	ayp_u32 zero;
	/* Processes that work for the daemon, or AYP_NO_PROCESS: they are not traced either. */
	ayp_u32 helper_tgid[2];
	/* Written by the programs, too: a table of allocations had no room (enum ayp_mem_class). */
	ayp_u32 mem_full[4];
};

/* Value of map `tasks` (LRU_HASH by tid): the identity that was told last. */
struct ayp_task_seen {
	ayp_u32 tgid;
	ayp_u32 exec; /* function id + 1 of the execve it is in, 0: in none */
	ayp_u64 comm[2];
};

/*
 * Memory accounting: map `mem_cells` (ARRAY, mappable), index
 * (cpu * n_mem_sites + site) * AYP_MEM_SLOTS + slot. Site 0: no profiled function was active; site
 * i: function mem_site_base + i - 1. A slot belongs to one program, as above.
 */
enum ayp_mem_type {
	AYP_MEM_KMALLOC = 0,
	AYP_MEM_KMEM_CACHE = 1,
	AYP_MEM_TYPES = 2,
};
enum ayp_mem_prog {
	AYP_MEMP_KMALLOC = 0,
	AYP_MEMP_KMALLOC_NODE = 1,
	AYP_MEMP_CACHE = 2,
	AYP_MEMP_CACHE_NODE = 3,
	AYP_MEMP_KFREE = 4,
	AYP_MEMP_CACHE_FREE = 5,
	AYP_MEMP_BULK = 6, /* an array of objects at once */
	AYP_MEM_PROGS = 7,
	AYP_MEM_ALLOC_PROGS = 4, /* the first so many */
};
/*
 * Allocations that were not given back yet are followed in tables of fixed size, one for each class
 * of addresses: a hash of the address puts 7 of 8 into class 0, 7 of the other 8 into class 1, the
 * rest into class 2. When a table has no room its class and those before it are given up, for good:
 * the others have then been followed completely since the start, each of them stands for 8 (or 64),
 * and nothing has to be moved while the kernel goes on. Large allocations, few and a great part of
 * the bytes, stand for themselves (AYP_MEM_LARGE, in the table of class 2).
 */
enum ayp_mem_class {
	AYP_MEM_CLASS_0 = 0,
	AYP_MEM_CLASS_1 = 1,
	AYP_MEM_CLASS_2 = 2,
	AYP_MEM_TABLES = 3,
	AYP_MEM_LARGE = 3,
	AYP_MEM_CLASSES = 4,
};
#define AYP_MEM_CLASS_SHIFT 3u     /* a class stands for 1 << 3 times as many as the one before */
#define AYP_MEM_LARGE_BYTES 32768u /* and at the begin of a page */
#define AYP_MEM_PAGE        4096u
/* Slots: what a program handed out and put into a table; what it saw come back of it (by type);
 * what it did not put into any. */
#define AYP_MEM_SLOT_ALLOC(prog, cls) ((unsigned int)(prog)*AYP_MEM_CLASSES + (unsigned int)(cls))
#define AYP_MEM_SLOT_FREE(prog, type, cls)                                                         \
	((AYP_MEM_ALLOC_PROGS + (unsigned int)(prog)*AYP_MEM_TYPES + (unsigned int)(type)) *       \
			AYP_MEM_CLASSES +                                                          \
		(unsigned int)(cls))
#define AYP_MEM_SLOT_PASSED(prog) AYP_MEM_SLOT_FREE(AYP_MEM_PROGS, 0, (prog))
#define AYP_MEM_SLOTS             76u
struct ayp_mem_cell {
	ayp_u64 bytes, count;
};

/* Value of maps `allocs0`, `allocs1` and `allocs2` (HASH by address): an allocation not yet given
 * back. */
struct ayp_alloc {
	ayp_u64 bytes;
	ayp_u16 site;
	ayp_u8 type; /* enum ayp_mem_type */
	ayp_u8 cls;  /* enum ayp_mem_class */
	ayp_u8 zero[4];
};

/*
 * How many of a size are in the tables: map `mem_sizes` (ARRAY, mappable), index (cpu *
 * AYP_MEM_TYPES + type) * AYP_MEM_SIZES + bytes / 8. Kept only where not everything that gives back
 * is seen (params.mem_by_size).
 */
#define AYP_MEM_SIZES 1025u
struct ayp_mem_size {
	ayp_u32 live[AYP_MEM_CLASSES]; /* of one CPU: may be below 0, their sum is right */
};

/* The most pointers that are looked at of an array: kfree_rcu() collects a page of them. */
#define AYP_MEM_BULK_MAX 512u
#define AYP_MEM_LOOP_MAX 65536u /* where bpf_loop() is there; pages may be large */

/* Value of map `innermost` (LRU_HASH): profiled functions a thread is in, outermost first. Key: the
 * thread id, or 1 << 32 | cpu while the CPU is idle. */
#define AYP_INNERMOST_DEPTH 16u
struct ayp_innermost {
	ayp_u16 func[AYP_INNERMOST_DEPTH];
	ayp_u32 depth;
	ayp_u32 zero;
	/* Of a program's function: its stack pointer at entry. 0: a kernel function's. */
	ayp_u64 sp[AYP_INNERMOST_DEPTH];
	/* And where it returns to, lower half. */
	ayp_u32 back[AYP_INNERMOST_DEPTH];
};

/*
 * What a function's program is told (cookie, or immediate): the function's id; when a probed jump
 * or return is taken (AYP_WHEN_*, 0: always); whether a probe is at a jump back to the function's
 * first instruction, or at an entry that such a jump may lead to.
 */
#define AYP_ID_FUNC(id)     ((id)&0xffffu)
#define AYP_ID_WHEN(id)     ((id) >> 16 & 0x1fffu)
#define AYP_ID_AGAIN        (1u << 29)
#define AYP_ID(func, when)  ((ayp_u32)(func) | (ayp_u32)(when) << 16)
#define AYP_WHEN_X86        0x01u /* + the low half of the opcode: 16 conditions of the flags */
#define AYP_WHEN_X86_LAST   0x10u
#define AYP_WHEN_ARM64      0x20u /* + the condition's code: 14 conditions of the flags */
#define AYP_WHEN_ARM64_LAST 0x2du
/* arm64 without flags, of a register (31: zero): it is 0, or it is not; a bit of it is. */
#define AYP_WHEN_REGISTER 0x80u
#define AYP_WHEN_WIDE     0x20u /* all of it; else its lower half */
#define AYP_WHEN_NOT_0    0x40u
#define AYP_WHEN_BIT      0x1000u
#define AYP_WHEN_AT(bit)  (((bit)&63u) << 5)
#define AYP_WHEN_BIT_IS_1 0x800u
#define AYP_WHEN_OF(reg)  ((reg)&31u) /* of both */

/*
 * Map `user_places` (ARRAY, mappable): what a probe in a program is for, where one attachment
 * stands for many probes. A program's pages lie anywhere, so of an address only its place in the
 * page is known: probes at the same place of different pages are in different groups, and an
 * attachment's cookie is its group. Place: group * AYP_USER_PLACES + address % 4096 /
 * AYP_USER_PLACE_BYTES; AYP_USER_PLACES_IN_ROW of them in an entry, whose size the kernel would
 * round up to 8 bytes. 0: no probe; else an id as above, with
 */
#define AYP_ID_KIND    (3u << 30) /* one of these, always: */
#define AYP_ID_ENTRY   (1u << 30)
#define AYP_ID_END     (2u << 30) /* an end of a call */
#define AYP_ID_INSTANT (3u << 30) /* the entry of a function whose ends are not known */
#if defined(__TARGET_ARCH_x86) || defined(__x86_64__) || defined(__i386__)
#define AYP_USER_PLACE_BYTES 1u
#else
#define AYP_USER_PLACE_BYTES 4u
#endif
#define AYP_USER_PLACES        (4096u / AYP_USER_PLACE_BYTES)
#define AYP_USER_PLACES_IN_ROW 8u
struct ayp_user_places {
	ayp_u32 id[AYP_USER_PLACES_IN_ROW];
};

/*
 * Key of map `again` (LRU_HASH, its value says nothing): a call that is about to jump back to its
 * function's first instruction. The frame is the caller's there as it was at the entry, so it is
 * known by its stack pointer; not by its thread, since Go's scheduler may take it to another one in
 * between.
 */
struct ayp_again {
	ayp_u64 sp;
	ayp_u32 process, func;
};

/* Where a value stands in a record or an argument list that differs between kernels. */
struct ayp_field {
	ayp_u16 offset; /* bytes, or the argument's number */
	ayp_u16 size;   /* 4 or 8 bytes; 0: there is none */
};

/* The ways in which programs call a kernel: its own, and on a 64-bit kernel that of 32-bit programs
 * (x86: int 0x80 from any program) and x86's x32, whose numbers have a bit set. Each has its own
 * numbers. */
enum ayp_syscall_abi {
	AYP_ABI_NATIVE = 0,
	AYP_ABI_COMPAT = 1,
	AYP_ABI_X32 = 2,
	AYP_ABIS = 3,
};
#define AYP_X32_BIT    0x40000000u
#define AYP_SYSCALLS   1024u /* of one ABI, at most */
#define AYP_NO_SYSCALL 0xffffu

/*
 * Constants of a loaded program (its .rodata) that several objects read. What only one reads is in
 * that object's own header, bpf/NAME.h, and stands behind these (common.bpf.h). The verifier knows
 * the values, so branches that they rule out cost nothing.
 */
struct ayp_params {
	ayp_u32 n_funcs;     /* row length of `cells` */
	ayp_u32 wake_bytes;  /* wake the daemon when this much waits in the ring */
	ayp_u32 n_mem_sites; /* 0: `memory` is off */
	ayp_u16 mem_site_base;
	ayp_u16 atomic;                    /* the JIT has atomic adds */
	ayp_u32 place_factor, place_shift; /* of `places` */
	/* In struct pt_regs of a probed program. */
	struct ayp_field user_sp;
	ayp_u16 user_flags_offset;
	ayp_u16 user_base; /* functions from here on are programs' */
	ayp_u16 task_regs; /* a thread's registers in user space can be had (bpf_task_pt_regs) */
	struct ayp_field user_link; /* where a function returns to; size 0: that is on the stack */
	ayp_u16 pc_offset;          /* of the program counter in struct pt_regs */
	ayp_u32 zero[2];            /* what stands behind may have numbers of 8 bytes */
};

/* Immediate that stands for the function's id in programs that are loaded once per function. */
#define AYP_FUNC_MAGIC 0x5a79f00d
/* Immediate that stands for a program's result; not 0, so that it is right for perf as it is. */
#define AYP_KEEP_MAGIC 0x5a79beef

#define AYP_ASSERT_SIZE(type, size)                                                                \
	_Static_assert(sizeof(type) == (size), #type " must be " #size " bytes")
AYP_ASSERT_SIZE(struct ayp_rec, 16);
AYP_ASSERT_SIZE(struct ayp_rec_stack, 16 + 16 + 2 * 64 * 8);
AYP_ASSERT_SIZE(struct ayp_rec_task, 40);
AYP_ASSERT_SIZE(struct ayp_cell, 64);
AYP_ASSERT_SIZE(struct ayp_cpu_book, 40);
AYP_ASSERT_SIZE(struct ayp_place_bucket, 32);
AYP_ASSERT_SIZE(struct ayp_user_places, 32);
AYP_ASSERT_SIZE(struct ayp_again, 16);
AYP_ASSERT_SIZE(struct ayp_control, 40);
AYP_ASSERT_SIZE(struct ayp_task_seen, 24);
AYP_ASSERT_SIZE(struct ayp_mem_cell, 16);
AYP_ASSERT_SIZE(struct ayp_alloc, 16);
AYP_ASSERT_SIZE(struct ayp_innermost, 232);
AYP_ASSERT_SIZE(struct ayp_field, 4);
AYP_ASSERT_SIZE(struct ayp_params, 48);
_Static_assert(sizeof(struct ayp_params) % 8 == 0, "own constants are aligned");
AYP_ASSERT_SIZE(struct ayp_mem_size, 16);
_Static_assert(AYP_MEM_SLOT_PASSED(AYP_MEM_ALLOC_PROGS) == AYP_MEM_SLOTS, "slots");

#endif
