/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The only file that includes the kernel programs, as the build packs them. */
#include "target/probes/object.h"

#include <stdint.h>
#include <stdlib.h>

#include <lzma.h>

static const unsigned char cpu_packed[] = {
#include "bpf/cpu.inc"
};
static const unsigned char function_packed[] = {
#include "bpf/function.inc"
};
static const unsigned char irq_packed[] = {
#include "bpf/irq.inc"
};
static const unsigned char memory_packed[] = {
#include "bpf/memory.inc"
};
static const unsigned char sched_packed[] = {
#include "bpf/sched.inc"
};
static const unsigned char sched_tp_packed[] = {
#include "bpf/sched_tp.inc"
};
static const unsigned char syscall_packed[] = {
#include "bpf/syscall.inc"
};
static const unsigned char task_packed[] = {
#include "bpf/task.inc"
};
static const unsigned char xdp_packed[] = {
#include "bpf/xdp.inc"
};

#define IMAGE(n) const struct bpf_image image_##n = {#n, n##_packed, sizeof(n##_packed)}
IMAGE(cpu);
IMAGE(function);
IMAGE(irq);
IMAGE(memory);
IMAGE(sched);
IMAGE(sched_tp);
IMAGE(syscall);
IMAGE(task);
IMAGE(xdp);

/* As the Makefile packs it: the size, little-endian, then a stream of xz. */
#define HEAD 4u
/* Its dictionary is 256 KiB. */
#define MEMORY_MAX ((uint64_t)1 << 20)

static size_t unpacked_size(const unsigned char *head)
{
	return head[0] | head[1] << 8 | head[2] << 16 | (size_t)head[3] << 24;
}

void *image_unpack(const struct bpf_image *image, size_t *size)
{
	lzma_stream z = LZMA_STREAM_INIT;
	unsigned char *bytes;

	*size = unpacked_size(image->packed);
	bytes = malloc(*size);
	if (!bytes || lzma_stream_decoder(&z, MEMORY_MAX, 0) != LZMA_OK) {
		free(bytes);
		return NULL;
	}
	z.next_in = image->packed + HEAD;
	z.avail_in = image->packed_size - HEAD;
	z.next_out = bytes;
	z.avail_out = *size;
	if (lzma_code(&z, LZMA_FINISH) != LZMA_STREAM_END) {
		free(bytes);
		bytes = NULL;
	}
	lzma_end(&z);
	return bytes;
}
