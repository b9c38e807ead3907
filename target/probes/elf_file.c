/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ELFDATA_HERE ELFDATA2LSB
#else
#define ELFDATA_HERE ELFDATA2MSB
#endif

/* The file, through one window. */
static struct {
	int fd;
	uint64_t at;
	size_t fill;
	char bytes[ELF_FILE_WINDOW];
} window;

/* n bytes at an offset, valid until the next call; NULL past the end of the file. */
const void *elf_file_look(uint64_t at, size_t n)
{
	if (n > ELF_FILE_WINDOW || at > (uint64_t)INT64_MAX - ELF_FILE_WINDOW)
		return NULL;
	if (at < window.at || at - window.at > window.fill || n > window.fill - (at - window.at)) {
		window.at = at;
		window.fill = 0;
		while (window.fill < ELF_FILE_WINDOW) {
			ssize_t got = pread64(window.fd, window.bytes + window.fill,
				ELF_FILE_WINDOW - window.fill, (off64_t)(at + window.fill));

			if (got < 0 && errno == EINTR)
				continue;
			if (got <= 0)
				break;
			window.fill += (size_t)got;
		}
		if (window.fill < n)
			return NULL;
	}
	return window.bytes + (at - window.at);
}

/* ---- headers -------------------------------------------------------------------------------- */

bool elf_file_section(const struct elf_file *f, uint64_t i, struct elf_section *s)
{
	const void *at = elf_file_look(f->shoff + i * f->shentsize, f->shentsize);
	Elf64_Shdr wide;
	Elf32_Shdr narrow;

	if (!at)
		return false;
	if (f->wide) {
		memcpy(&wide, at, sizeof(wide));
		*s = (struct elf_section){wide.sh_offset, wide.sh_size, wide.sh_entsize,
			wide.sh_name, wide.sh_type, wide.sh_link};
	} else {
		memcpy(&narrow, at, sizeof(narrow));
		*s = (struct elf_section){narrow.sh_offset, narrow.sh_size, narrow.sh_entsize,
			narrow.sh_name, narrow.sh_type, narrow.sh_link};
	}
	return true;
}

int elf_file_open(struct elf_file *f, int fd)
{
	const unsigned char *ident;
	struct elf_section first;
	Elf64_Ehdr wide;
	Elf32_Ehdr narrow;
	const void *at;

	window.fd = fd;
	window.fill = 0;
	ident = elf_file_look(0, EI_NIDENT);
	if (!ident || memcmp(ident, ELFMAG, SELFMAG) != 0 || ident[EI_DATA] != ELFDATA_HERE ||
		(ident[EI_CLASS] != ELFCLASS64 && ident[EI_CLASS] != ELFCLASS32))
		return -ENOEXEC;
	*f = (struct elf_file){.wide = ident[EI_CLASS] == ELFCLASS64};
	at = elf_file_look(0, f->wide ? sizeof(wide) : sizeof(narrow));
	if (!at)
		return -ENODATA;
	if (f->wide) {
		memcpy(&wide, at, sizeof(wide));
		f->phoff = wide.e_phoff;
		f->shoff = wide.e_shoff;
		f->phnum = wide.e_phnum;
		f->shnum = wide.e_shnum;
		f->phentsize = wide.e_phentsize;
		f->shentsize = wide.e_shentsize;
		f->shstrndx = wide.e_shstrndx;
	} else {
		memcpy(&narrow, at, sizeof(narrow));
		f->arm = narrow.e_machine == EM_ARM;
		f->phoff = narrow.e_phoff;
		f->shoff = narrow.e_shoff;
		f->phnum = narrow.e_phnum;
		f->shnum = narrow.e_shnum;
		f->phentsize = narrow.e_phentsize;
		f->shentsize = narrow.e_shentsize;
		f->shstrndx = narrow.e_shstrndx;
	}
	if (f->phentsize != (f->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) ||
		(f->shoff && f->shentsize != (f->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr))))
		return -ENOEXEC;
	/* More than 16 bits hold: in the section of number 0. */
	if (f->shoff && !f->shnum && elf_file_section(f, 0, &first))
		f->shnum = first.size;
	return f->shoff && f->shnum > ELF_FILE_SECTIONS ? -E2BIG : 0;
}

/* The executable segment that has a file offset. */
bool elf_file_segment(const struct elf_file *f, uint64_t offset, struct elf_segment *s)
{
	for (uint64_t i = 0; i < f->phnum; i++) {
		const void *at = elf_file_look(f->phoff + i * f->phentsize, f->phentsize);
		Elf64_Phdr wide;
		Elf32_Phdr narrow;

		if (!at)
			return false;
		if (!f->wide) {
			memcpy(&narrow, at, sizeof(narrow));
			wide = (Elf64_Phdr){.p_type = narrow.p_type,
				.p_flags = narrow.p_flags,
				.p_offset = narrow.p_offset,
				.p_vaddr = narrow.p_vaddr,
				.p_filesz = narrow.p_filesz};
		} else {
			memcpy(&wide, at, sizeof(wide));
		}
		*s = (struct elf_segment){wide.p_offset, wide.p_vaddr, wide.p_filesz};
		if (wide.p_type == PT_LOAD && (wide.p_flags & PF_X) && offset >= s->offset &&
			offset - s->offset < s->size && s->size <= UINT64_MAX - s->offset &&
			s->size <= UINT64_MAX - s->address)
			return true;
	}
	return false;
}

bool elf_file_section_named(const struct elf_file *f, const char *name, struct elf_section *s)
{
	size_t size = strlen(name) + 1;
	struct elf_section names;

	/* More sections than 16 bits hold keep the number elsewhere; no file that is looked for
	 * here has them. */
	if (!f->shoff || f->shstrndx >= f->shnum || !elf_file_section(f, f->shstrndx, &names))
		return false;
	for (uint64_t i = 0; i < f->shnum; i++) {
		const char *text;

		if (!elf_file_section(f, i, s))
			return false;
		text = elf_file_look(names.offset + s->name, size);
		if (text && !memcmp(text, name, size))
			return true;
	}
	return false;
}
