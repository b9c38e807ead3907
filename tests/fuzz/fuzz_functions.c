/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Functions of a program of any bytes, of its debug file, and of what is packed into it: each has a name and is of a kind
 * that was asked for; what the symbols came from is told.
 *
 * Input: one byte, what is done (below); 16 bits, how long the program is; the program; the rest is the debug file. At
 * LINK the program has what .gnu_debuglink would hold for that file (its name there, the right CRC), at PACKED the same
 * bytes in xz: section headers may point there.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <lzma.h>
#include <zlib.h>

#include "target/probes/elf_functions.h"
#include "target/probes/elf_symbols.h"
#include "tests/fuzz/fuzz.h"

#define LINK   0x7ff0u
#define PACKED 0x8000u
#define END    0xa000u

/* Bits of the first byte. */
#define IFUNCS    ELF_WANT_IFUNCS
#define IMPORTS   ELF_WANT_IMPORTS
#define PACK      0x04u /* the debug file in xz is in the program */
#define AS_IT_IS  0x08u /* there, but not packed */
#define TRUNCATED 0x10u /* the program ends with its bytes */

/* A name that the link can have, whatever else is open. */
#define PROGRAM_FD 700
#define DEBUG_FD   701
#define PROGRAM    "/proc/self/fd/700"
#define DEBUG_NAME "701"

#define KEPT 8u

struct seen {
	unsigned int want;
	uint64_t offset[KEPT];
	size_t n;
	uint16_t machine;
	uint8_t elf_class;
};

static int on_function(void *ctx, const struct elf_function *f)
{
	struct seen *s = ctx;

	MUST(f->name[0] && strlen(f->name) < FOREIGN_ELF_MAX_NAME + 64);
	MUST(!f->imported || (s->want & ELF_WANT_IMPORTS));
	MUST(f->imported || f->type == STT_FUNC ||
		(f->type == STT_GNU_IFUNC && (s->want & ELF_WANT_IFUNCS)));
	MUST(!f->thumb || f->machine == EM_ARM);
	MUST(!s->n || (f->machine == s->machine && f->elf_class == s->elf_class));
	s->machine = f->machine;
	s->elf_class = f->elf_class;
	s->offset[s->n++ % KEPT] = f->offset;
	/* Somebody who has seen enough. */
	return s->n == 1000 ? -EINTR : 0;
}

static void put(int fd, const void *data, size_t size, size_t at)
{
	MUST(pwrite(fd, data, size, (off_t)at) == (ssize_t)size);
}

static int room(const char *name, int fd)
{
	int made = memfd_create(name, MFD_CLOEXEC);

	MUST(made >= 0 && dup3(made, fd, O_CLOEXEC) == fd);
	close(made);
	return fd;
}

static size_t pack(const uint8_t *data, size_t size, uint8_t *to, size_t cap)
{
	static lzma_options_lzma options;
	lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
	size_t n = 0;

	lzma_lzma_preset(&options, 0);
	options.dict_size = LZMA_DICT_SIZE_MIN;
	return lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, data, size, to, &n, cap)
		       ? 0
		       : n;
}

static void make_files(
	uint8_t what, const uint8_t *program, size_t n, const uint8_t *debug, size_t n_debug)
{
	static uint8_t packed[END - PACKED];
	uint32_t crc = (uint32_t)crc32(0, debug, (uInt)n_debug);

	MUST(ftruncate(PROGRAM_FD, 0) == 0 && ftruncate(DEBUG_FD, 0) == 0);
	put(PROGRAM_FD, program, n, 0);
	put(DEBUG_FD, debug, n_debug, 0);
	if (what & TRUNCATED)
		return;
	MUST(ftruncate(PROGRAM_FD, END) == 0);
	put(PROGRAM_FD, DEBUG_NAME, sizeof(DEBUG_NAME), LINK);
	put(PROGRAM_FD, &crc, sizeof(crc), LINK + sizeof(DEBUG_NAME));
	if (n_debug > sizeof(packed))
		n_debug = sizeof(packed);
	if (what & AS_IT_IS)
		put(PROGRAM_FD, debug, n_debug, PACKED);
	else if (what & PACK)
		put(PROGRAM_FD, packed, pack(debug, n_debug, packed, sizeof(packed)), PACKED);
}

static void look_by_place(const struct seen *seen)
{
	struct elf_symbols *s = elf_symbols_open(PROGRAM);
	char name[80];

	if (!s)
		return;
	for (size_t i = 0; i < seen->n && i < KEPT; i++) {
		memset(name, 'x', sizeof(name));
		if (!elf_symbols_name(s, PROGRAM, seen->offset[i], name, sizeof(name)))
			MUST(name[0] && memchr(name, 0, sizeof(name)));
	}
	elf_symbols_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	struct elf_looked looked;
	struct seen seen = {0};
	size_t n;
	int err;

	if (size < 3)
		return 0;
	if (!ready) {
		room("program", PROGRAM_FD);
		room("debug", DEBUG_FD);
		ready = true;
	}
	n = ((size_t)data[1] | (size_t)data[2] << 8) % LINK;
	if (n > size - 3)
		n = size - 3;
	make_files(data[0], data + 3, n, data + 3 + n, size - 3 - n);

	seen.want = data[0] & (IFUNCS | IMPORTS);
	memset(&looked, 'x', sizeof(looked));
	err = elf_functions_look(PROGRAM, seen.want, on_function, &seen, &looked);
	MUST(memchr(looked.debug, 0, sizeof(looked.debug)));
	MUST(memchr(looked.debug_no, 0, sizeof(looked.debug_no)));
	MUST(!looked.symtab || !looked.debug[0]);
	MUST(err || !seen.n || looked.symtab || looked.dynsym || looked.debug[0]);
	MUST(!seen.n || (looked.machine == seen.machine && looked.elf_class == seen.elf_class));
	look_by_place(&seen);
	return 0;
}
