/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The only file that includes the kernel programs, as the build packs them. */
#include "target/probes/bpf_image.h"

#include <stdint.h>
#include <stdlib.h>

#include <lzma.h>

#include "framing/bytes.h"

#include "bpf/images.inc"

/* As the Makefile packs it: the size, little-endian, then a stream of xz. */
#define HEAD 4u
/* Its dictionary is 256 KiB. */
#define MEMORY_MAX ((uint64_t)1 << 20)

void *image_unpack(const struct bpf_image *image, size_t *size)
{
	lzma_stream z = LZMA_STREAM_INIT;
	unsigned char *bytes;

	*size = get_le32(image->packed);
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
