/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/kernel_text.h"
#include "target/probes/elf_native.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Pieces of memory; a kernel that has more hides the others. */
#define MOST 1024u

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__i386__)
#define MACHINE EM_386
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#elif defined(__arm__)
#define MACHINE EM_ARM
#else
#define MACHINE EM_NONE
#endif

struct piece {
	uint64_t address, size, offset;
};

struct kcore {
	struct kernel_text text; /* first */
	int fd;
	size_t n;
	struct piece piece[];
};

static int read_exactly(int fd, void *to, size_t n, uint64_t at)
{
	ssize_t got = pread(fd, to, n, (off_t)at);

	if (got < 0)
		return -errno;
	return (size_t)got == n ? 0 : -ENOEXEC;
}

static int check(const native_ehdr *h)
{
	if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 || h->e_type != ET_CORE ||
		h->e_phentsize != sizeof(native_phdr))
		return -ENOEXEC;
	return h->e_ident[EI_CLASS] == ELF_NATIVE_CLASS && h->e_ident[EI_DATA] == ELFDATA2LSB &&
			       h->e_machine == MACHINE
		       ? 0
		       : -EOPNOTSUPP;
}

static struct kcore *read_pieces(int fd, const native_ehdr *h, int *err)
{
	size_t all = h->e_phnum < MOST ? h->e_phnum : MOST, i;
	struct kcore *k = calloc(1, sizeof(*k) + all * sizeof(k->piece[0]));
	native_phdr ph;

	*err = k ? 0 : -ENOMEM;
	for (i = 0; i < all && !*err; i++) {
		*err = read_exactly(fd, &ph, sizeof(ph), h->e_phoff + i * sizeof(ph));
		if (!*err && ph.p_type == PT_LOAD)
			k->piece[k->n++] = (struct piece){ph.p_vaddr, ph.p_filesz, ph.p_offset};
	}
	if (*err) {
		free(k);
		return NULL;
	}
	k->fd = fd;
	return k;
}

static size_t read_memory(struct kernel_text *t, uint64_t address, void *to, size_t n)
{
	const struct kcore *k = (const struct kcore *)t;
	size_t i;
	ssize_t got;

	for (i = 0; i < k->n; i++) {
		const struct piece *p = &k->piece[i];
		uint64_t into = address - p->address;

		if (into >= p->size)
			continue;
		if (n > p->size - into)
			n = (size_t)(p->size - into);
		got = pread(k->fd, to, n, (off_t)(p->offset + into));
		if (got > 0)
			return (size_t)got;
	}
	return 0;
}

static void close_file(struct kernel_text *t)
{
	struct kcore *k = (struct kcore *)t;

	close(k->fd);
	free(k);
}

struct kernel_text *kernel_text_kcore_file(const char *path, int *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct kcore *k = NULL;
	native_ehdr h;

	if (fd < 0) {
		*err = -errno;
		return NULL;
	}
	*err = read_exactly(fd, &h, sizeof(h), 0);
	if (!*err)
		*err = check(&h);
	if (!*err)
		k = read_pieces(fd, &h, err);
	if (!k) {
		close(fd);
		return NULL;
	}
	k->text = (struct kernel_text){
		.source = "/proc/kcore",
		.read = read_memory,
		.close = close_file,
	};
	return &k->text;
}

struct kernel_text *kernel_text_kcore(int *err)
{
	return kernel_text_kcore_file("/proc/kcore", err);
}
