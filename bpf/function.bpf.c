/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Calls of functions, of the kernel and of programs, and tracepoints: one body each, whatever calls
 * it (fentry, kprobe, kprobe.multi, uprobe, tracepoint).
 *
 * A program must know which function it was called for. body_*: the id is an immediate; the daemon
 * takes the loaded instructions, puts the id in, and loads a copy of the wanted type per function.
 * That works on every kernel. cookie_*: one program for all, where attachments carry a cookie
 * (Linux 5.15, 7adfc6c9b315). place_*: one attachment for all, whose program looks up the address
 * (bpf_get_func_ip in kprobes: Linux 5.15, 9ffd9f3ff719). shared_place: one attachment for many
 * places in programs, told apart by where in a page they are.
 *
 * What a program returns, see PERF_KEEPS, depends on what it is attached to as well: body_* and
 * cookie_* return another immediate that the daemon replaces in copies.
 */
#include "bpf/innermost.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ayp_place_bucket);
} places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ayp_user_places);
} user_places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct ayp_again);
	__type(value, __u32);
} again SEC(".maps");

static __always_inline __u32 id_magic(void)
{
	__u32 id;

	asm volatile("%0 = %1" : "=r"(id) : "i"(AYP_FUNC_MAGIC));
	return id;
}

/* Not the compiler's to know: it would fold it away. */
static __always_inline int keep_magic(void)
{
	__u32 keep;

	asm volatile("%0 = %1" : "=r"(keep) : "i"(AYP_KEEP_MAGIC));
	return keep;
}

/* Intel SDM volume 1, appendix B: pairs of a condition and its opposite. */
static __always_inline int taken_x86(__u32 flags, __u32 code)
{
	__u32 carry = flags & 1, parity = flags >> 2 & 1, zero = flags >> 6 & 1;
	__u32 sign = flags >> 7 & 1, overflow = flags >> 11 & 1, is;

	switch (code >> 1) {
	case 0:
		is = overflow;
		break;
	case 1:
		is = carry;
		break;
	case 2:
		is = zero;
		break;
	case 3:
		is = carry | zero;
		break;
	case 4:
		is = sign;
		break;
	case 5:
		is = parity;
		break;
	case 6:
		is = sign ^ overflow;
		break;
	default:
		is = zero | (sign ^ overflow);
		break;
	}
	return is != (code & 1);
}

/* Arm ARM DDI 0487, C1.2.4. */
static __always_inline int taken_arm64(__u32 flags, __u32 code)
{
	__u32 n = flags >> 31, z = flags >> 30 & 1, c = flags >> 29 & 1, v = flags >> 28 & 1, is;

	switch (code >> 1) {
	case 0:
		is = z;
		break;
	case 1:
		is = c;
		break;
	case 2:
		is = n;
		break;
	case 3:
		is = v;
		break;
	case 4:
		is = c & !z;
		break;
	case 5:
		is = n == v;
		break;
	default:
		is = n == v && !z;
		break;
	}
	return is != (code & 1);
}

/* struct user_pt_regs begins with the numbered registers. */
static __always_inline int taken_by_register(const void *regs, __u32 when)
{
	__u32 reg = AYP_WHEN_OF(when);
	__u64 value = reg == 31 ? 0 : read_number(regs, reg * 8, 8);

	if (when & AYP_WHEN_BIT)
		return (value >> (when >> 5 & 63) & 1) == !!(when & AYP_WHEN_BIT_IS_1);
	if (!(when & AYP_WHEN_WIDE))
		value = (__u32)value;
	return !!value == !!(when & AYP_WHEN_NOT_0);
}

/* Will the probed jump be taken? */
static __always_inline int taken(const void *regs, __u32 when)
{
	__u32 flags;

	if (when >= AYP_WHEN_REGISTER)
		return taken_by_register(regs, when);
	flags = read_number(regs, params.user_flags_offset, 4);
	if (when >= AYP_WHEN_ARM64)
		return taken_arm64(flags, when - AYP_WHEN_ARM64);
	return taken_x86(flags, when - AYP_WHEN_X86);
}

static __always_inline struct ayp_again again_key(const void *regs, __u32 func)
{
	struct ayp_again key = {
		.sp = stack_pointer(regs),
		.process = bpf_get_current_pid_tgid() >> 32,
		.func = func,
	};

	return key;
}

/* Came it here by a jump of its own? */
static __always_inline int came_again(const void *regs, __u32 func)
{
	struct ayp_again key = again_key(regs, func);

	/* Most calls did not: looking takes no lock. */
	if (!bpf_map_lookup_elem(&again, &key))
		return 0;
	bpf_map_delete_elem(&again, &key);
	return 1;
}

static __always_inline void note_again(const void *regs, __u32 func)
{
	struct ayp_again key = again_key(regs, func);
	__u32 noted = 1;

	bpf_map_update_elem(&again, &key, &noted, BPF_ANY);
}

/* Whose functions a program may be called for: a constant at every use. */
enum whose { ANYBODYS, THE_KERNELS };

static __always_inline __u64 sp_of(void *ctx, __u32 func, enum whose whose)
{
	return whose == ANYBODYS && func >= params.user_base ? stack_pointer(ctx) : 0;
}

static __always_inline void on_entry(void *ctx, __u32 id, enum whose whose)
{
	__u32 func = AYP_ID_FUNC(id);

	if (id & AYP_ID_AGAIN && came_again(ctx, func))
		return;
	if (params.n_mem_sites && active_control()) {
		__u64 sp = sp_of(ctx, func, whose);

		innermost_push(func, sp, sp ? return_address(ctx, sp) : 0);
	}
	EMIT0(func, AYP_REC_ENTRY, EMIT_CODE);
}

static __always_inline void on_exit(void *ctx, __u32 id, enum whose whose)
{
	__u32 func = AYP_ID_FUNC(id), when = AYP_ID_WHEN(id);

	if (when && !taken(ctx, when))
		return;
	if (id & AYP_ID_AGAIN) {
		note_again(ctx, func);
		return;
	}
	EMIT0(func, AYP_REC_EXIT, EMIT_CODE);
	if (params.n_mem_sites && active_control())
		innermost_pop(func, sp_of(ctx, func, whose));
}

/* A function whose ends are not known: each call is a moment. */
static __always_inline void on_instant(__u32 id)
{
	EMIT0(AYP_ID_FUNC(id), AYP_REC_INSTANT, EMIT_CODE);
}

/* The type of these three is only that of the first load, which checks and relocates them. */
SEC("?raw_tp")
int body_entry(void *ctx)
{
	on_entry(ctx, id_magic(), ANYBODYS);
	return keep_magic();
}

SEC("?raw_tp")
int body_exit(void *ctx)
{
	on_exit(ctx, id_magic(), ANYBODYS);
	return keep_magic();
}

SEC("?raw_tp")
int body_instant(void *ctx)
{
	on_instant(id_magic());
	return keep_magic();
}

/* Attached to single probes as they are: the immediate is not 0, and perf keeps the event. */
SEC("?kprobe")
int cookie_entry(void *ctx)
{
	on_entry(ctx, bpf_get_attach_cookie(ctx), ANYBODYS);
	return keep_magic();
}

SEC("?kprobe")
int cookie_exit(void *ctx)
{
	on_exit(ctx, bpf_get_attach_cookie(ctx), ANYBODYS);
	return keep_magic();
}

SEC("?kprobe")
int cookie_instant(void *ctx)
{
	on_instant(bpf_get_attach_cookie(ctx));
	return keep_magic();
}

/* The function's id, or -1. */
static __always_inline __s64 func_at(__u32 low)
{
	__u32 index = (low * params.place_factor) >> (params.place_shift & 31);
	struct ayp_place_bucket *b = bpf_map_lookup_elem(&places, &index);
	__u32 i;

	if (!b)
		return -1;
#pragma unroll
	for (i = 0; i < AYP_PLACES_IN_BUCKET; i++)
		if (b->low[i] == low)
			return b->func[i];
	return -1;
}

/* Linux 5.18 to 6.0 on x86 with IBT gave the address behind ENDBR. */
#define ENDBR_BYTES 4

static __always_inline void count_stray(void)
{
	struct ayp_cpu_book *book = cpu_book(bpf_get_smp_processor_id());

	if (book)
		book->strays++;
}

static __always_inline __s64 func_here(void *ctx)
{
	__u64 ip = bpf_get_func_ip(ctx);
	__s64 func;

	/* Of a return instruction it says nothing (Linux 6.1, 0e253f7e558a). */
	if (!ip)
		ip = read_number(ctx, params.pc_offset, 4);
	func = func_at(ip);
	if (func < 0)
		func = func_at(ip - ENDBR_BYTES);
	if (func < 0)
		count_stray();
	return func;
}

SEC("?kprobe")
int place_entry(void *ctx)
{
	__s64 func = func_here(ctx);

	if (func >= 0)
		on_entry(ctx, AYP_ID_FUNC(func), THE_KERNELS);
	return PERF_KEEPS;
}

SEC("?kprobe")
int place_exit(void *ctx)
{
	__s64 func = func_here(ctx);

	if (func >= 0)
		on_exit(ctx, AYP_ID_FUNC(func), THE_KERNELS);
	return PERF_KEEPS;
}

SEC("?kprobe")
int shared_place(void *ctx)
{
	__u32 at = (__u32)read_number(ctx, params.pc_offset, 4) % 4096 / AYP_USER_PLACE_BYTES;
	__u32 place = (__u32)bpf_get_attach_cookie(ctx) * AYP_USER_PLACES + at;
	__u32 row = place / AYP_USER_PLACES_IN_ROW, id = 0;
	struct ayp_user_places *places = bpf_map_lookup_elem(&user_places, &row);

	if (places)
		id = places->id[place % AYP_USER_PLACES_IN_ROW];
	switch (id & AYP_ID_KIND) {
	case AYP_ID_ENTRY:
		on_entry(ctx, id, ANYBODYS);
		break;
	case AYP_ID_END:
		on_exit(ctx, id, ANYBODYS);
		break;
	case AYP_ID_INSTANT:
		on_instant(id);
		break;
	default:
		count_stray();
	}
	return PERF_KEEPS;
}
