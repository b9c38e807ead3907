/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The kernel programs as the build embeds them: bpf/NAME.bpf.c is image_NAME. Both lists, the
 * images and their declarations, are made by the Makefile from the files that are there.
 */
#ifndef TARGET_PROBES_BPF_IMAGE_H
#define TARGET_PROBES_BPF_IMAGE_H

#include <stddef.h>

struct bpf_image {
	const char *name;
	const unsigned char *packed; /* size in 4 bytes, little-endian, then a stream of xz */
	size_t packed_size;
};
#include "bpf/images.h"

/* The object file of an image, to be freed; NULL: out of memory. */
void *image_unpack(const struct bpf_image *image, size_t *size);

#endif
