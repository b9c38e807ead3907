/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The only file that includes the kernel programs, as the build packs them. */
#include "target/probes/object.h"

#include <stdlib.h>

#include <zlib.h>

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

/* gzip's trailer (RFC 1952) ends with the size, little-endian. */
static size_t unpacked_size(const struct bpf_image *image)
{
	const unsigned char *end = image->packed + image->packed_size;

	return end[-4] | end[-3] << 8 | end[-2] << 16 | (size_t)end[-1] << 24;
}

void *image_unpack(const struct bpf_image *image, size_t *size)
{
	z_stream z = {
		.next_in = (unsigned char *)image->packed, .avail_in = (uInt)image->packed_size};
	unsigned char *bytes;

	*size = unpacked_size(image);
	bytes = malloc(*size);
	if (!bytes || inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) {
		free(bytes);
		return NULL;
	}
	z.next_out = bytes;
	z.avail_out = (uInt)*size;
	if (inflate(&z, Z_FINISH) != Z_STREAM_END) {
		free(bytes);
		bytes = NULL;
	}
	inflateEnd(&z);
	return bytes;
}
