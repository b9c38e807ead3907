/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/elf_debugdata.h"

#include <errno.h>
#include <stdlib.h>

#include <lzma.h>

#define UNPACKED_MAX (32u << 20)
#define DECODER_MAX  (16u << 20)

struct unpacking {
	struct foreign_elf *program;
	uint64_t at, left;
	uint8_t in[4096];
	uint8_t *out;
	size_t cap;
	lzma_stream z;
};

static int more_in(struct unpacking *u)
{
	size_t n = u->left < sizeof(u->in) ? (size_t)u->left : sizeof(u->in);
	int err = n ? foreign_elf_read(u->program, u->at, u->in, n) : -EBADMSG;

	u->at += n;
	u->left -= n;
	u->z.next_in = u->in;
	u->z.avail_in = n;
	return err;
}

static int more_out(struct unpacking *u)
{
	size_t have = u->cap, cap = have ? 2 * have : 1u << 16;
	uint8_t *grown;

	if (cap > UNPACKED_MAX)
		return -EFBIG;
	grown = realloc(u->out, cap);
	if (!grown)
		return -ENOMEM;
	u->out = grown;
	u->cap = cap;
	u->z.next_out = grown + have;
	u->z.avail_out = cap - have;
	return 0;
}

static int unpack(struct unpacking *u)
{
	lzma_ret ret = LZMA_OK;
	int err = 0;

	if (lzma_stream_decoder(&u->z, DECODER_MAX, 0) != LZMA_OK)
		return -ENOMEM;
	while (!err && ret == LZMA_OK) {
		if (!u->z.avail_out)
			err = more_out(u);
		if (!err && !u->z.avail_in)
			err = more_in(u);
		if (!err)
			ret = lzma_code(&u->z, LZMA_RUN);
	}
	lzma_end(&u->z);
	if (err)
		return err;
	return ret == LZMA_STREAM_END       ? 0
	       : ret == LZMA_MEMLIMIT_ERROR ? -EFBIG
	       : ret == LZMA_MEM_ERROR      ? -ENOMEM
					    : -EBADMSG;
}

int elf_debugdata_open(struct foreign_elf *program, struct foreign_elf **out)
{
	struct unpacking u = {.program = program, .z = LZMA_STREAM_INIT};
	GElf_Shdr sh;
	int err;

	if (!foreign_elf_find(program, ".gnu_debugdata", 0, &sh) || sh.sh_type == SHT_NOBITS)
		return -ENOENT;
	u.at = sh.sh_offset;
	u.left = sh.sh_size;
	err = unpack(&u);
	if (err) {
		free(u.out);
		return err;
	}
	return foreign_elf_open_bytes(out, u.out, u.cap - u.z.avail_out);
}

const char *elf_debugdata_why(int err)
{
	if (err == -EBADMSG || err == -ENODATA || err == -ENOEXEC)
		return "is damaged";
	if (err == -EFBIG)
		return "is too large to be unpacked on a board";
	return foreign_file_why(err);
}
