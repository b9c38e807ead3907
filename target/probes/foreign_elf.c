/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/foreign_elf.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a symbol table, its names and headers need at once, far from each other. */
#define PAGE_BYTES 8192u
#define PAGES      64u

#define MAX_SECTIONS 65536u
#define MAX_SEGMENTS 1024u
#define CODE_MAX     32u
/* In a file; looked at for a build id. */
#define NOTES_MAX 4096u

struct page {
	uint64_t number; /* 0: free, else the page's + 1 */
	uint32_t have;
	uint8_t *bytes;
};

struct code {
	uint64_t address, offset, size;
};

struct foreign_elf {
	struct foreign_file file;
	uint8_t *bytes; /* instead of a file */
	uint64_t size;
	GElf_Ehdr eh;
	bool is_64;
	uint32_t n_sections, n_segments;
	struct code code[CODE_MAX];
	uint32_t n_code;
	struct page page[PAGES];
};

/* ---- bytes ----------------------------------------------------------------------------------- */

static int read_raw(const struct foreign_elf *f, uint64_t offset, void *to, size_t n)
{
	if (offset > f->size || n > f->size - offset)
		return -ENODATA;
	if (!f->bytes)
		return foreign_file_read(&f->file, offset, to, n);
	memcpy(to, f->bytes + offset, n);
	return 0;
}

/* The page that an offset is on; NULL: past the end, or it cannot be read. */
static const struct page *page_at(struct foreign_elf *f, uint64_t offset)
{
	uint64_t number = offset / PAGE_BYTES, start = number * PAGE_BYTES;
	struct page *p = &f->page[number % PAGES];
	size_t n = PAGE_BYTES;

	if (p->number == number + 1)
		return p;
	if (offset >= f->size)
		return NULL;
	if (n > f->size - start)
		n = (size_t)(f->size - start);
	if (!p->bytes)
		p->bytes = malloc(PAGE_BYTES);
	p->number = 0;
	if (!p->bytes || read_raw(f, start, p->bytes, n))
		return NULL;
	p->number = number + 1;
	p->have = (uint32_t)n;
	return p;
}

int foreign_elf_read(struct foreign_elf *f, uint64_t offset, void *to, size_t n)
{
	uint8_t *at = to;

	if (n >= PAGE_BYTES)
		return read_raw(f, offset, to, n);
	while (n) {
		const struct page *p = page_at(f, offset);
		size_t from = offset % PAGE_BYTES, take;

		if (!p || from >= p->have)
			return -ENODATA;
		take = p->have - from < n ? p->have - from : n;
		memcpy(at, p->bytes + from, take);
		at += take;
		offset += take;
		n -= take;
	}
	return 0;
}

int foreign_elf_number(struct foreign_elf *f, uint64_t offset, size_t bytes, uint32_t *n)
{
	bool big = foreign_elf_header(f)->e_ident[EI_DATA] == ELFDATA2MSB;
	uint8_t raw[sizeof(*n)];
	int err;
	size_t i;

	assert(bytes > 0 && bytes <= sizeof(raw));
	*n = 0;
	err = foreign_elf_read(f, offset, raw, bytes);
	for (i = 0; !err && i < bytes; i++)
		*n |= (uint32_t)raw[i] << 8 * (big ? bytes - 1 - i : i);
	return err;
}

bool foreign_elf_string(
	struct foreign_elf *f, const GElf_Shdr *strings, uint64_t at, char *text, size_t size)
{
	uint64_t left = strings->sh_size;
	size_t n = 0;

	if (strings->sh_type == SHT_NOBITS || at >= left)
		return false;
	left -= at;
	at += strings->sh_offset;
	while (n + 1 < size && left) {
		const struct page *p = page_at(f, at);
		size_t from = at % PAGE_BYTES, take = size - 1 - n;
		const uint8_t *end;

		if (!p || from >= p->have)
			return false;
		if (take > p->have - from)
			take = p->have - from;
		if (take > left)
			take = (size_t)left;
		end = memchr(p->bytes + from, 0, take);
		if (end)
			take = (size_t)(end - (p->bytes + from));
		memcpy(text + n, p->bytes + from, take);
		n += take;
		if (end)
			break;
		at += take;
		left -= take;
	}
	text[n] = '\0';
	return true;
}

/* ---- one record of a type, translated -------------------------------------------------------- */

static int record(struct foreign_elf *f, uint64_t offset, Elf_Type type, void *to, size_t size)
{
	uint8_t raw[sizeof(Elf64_Shdr) > sizeof(Elf64_Ehdr) ? sizeof(Elf64_Shdr)
							    : sizeof(Elf64_Ehdr)];
	Elf_Data in = {.d_buf = raw, .d_size = size, .d_type = type, .d_version = EV_CURRENT};
	Elf_Data out = {.d_buf = to, .d_size = size, .d_type = type, .d_version = EV_CURRENT};
	int err = foreign_elf_read(f, offset, raw, size), encoding = f->eh.e_ident[EI_DATA];

	if (err)
		return err;
	if (!(f->is_64 ? elf64_xlatetom : elf32_xlatetom)(&out, &in, (unsigned int)encoding))
		return -ENOEXEC;
	return 0;
}

bool foreign_elf_section(struct foreign_elf *f, uint32_t index, GElf_Shdr *sh)
{
	Elf32_Shdr s;

	if (index >= f->n_sections)
		return false;
	if (f->is_64)
		return !record(f, f->eh.e_shoff + index * sizeof(Elf64_Shdr), ELF_T_SHDR, sh,
			sizeof(Elf64_Shdr));
	if (record(f, f->eh.e_shoff + index * sizeof(s), ELF_T_SHDR, &s, sizeof(s)))
		return false;
	*sh = (GElf_Shdr){.sh_name = s.sh_name,
		.sh_type = s.sh_type,
		.sh_flags = s.sh_flags,
		.sh_addr = s.sh_addr,
		.sh_offset = s.sh_offset,
		.sh_size = s.sh_size,
		.sh_link = s.sh_link,
		.sh_info = s.sh_info,
		.sh_addralign = s.sh_addralign,
		.sh_entsize = s.sh_entsize};
	return true;
}

bool foreign_elf_segment(struct foreign_elf *f, uint32_t index, GElf_Phdr *ph)
{
	Elf32_Phdr p;

	if (index >= f->n_segments)
		return false;
	if (f->is_64)
		return !record(f, f->eh.e_phoff + index * sizeof(Elf64_Phdr), ELF_T_PHDR, ph,
			sizeof(Elf64_Phdr));
	if (record(f, f->eh.e_phoff + index * sizeof(p), ELF_T_PHDR, &p, sizeof(p)))
		return false;
	*ph = (GElf_Phdr){.p_type = p.p_type,
		.p_flags = p.p_flags,
		.p_offset = p.p_offset,
		.p_vaddr = p.p_vaddr,
		.p_paddr = p.p_paddr,
		.p_filesz = p.p_filesz,
		.p_memsz = p.p_memsz,
		.p_align = p.p_align};
	return true;
}

static size_t symbol_bytes(const struct foreign_elf *f)
{
	return f->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
}

static size_t rela_bytes(const struct foreign_elf *f)
{
	return f->is_64 ? sizeof(Elf64_Rela) : sizeof(Elf32_Rela);
}

int64_t foreign_elf_entries(const struct foreign_elf *f, const GElf_Shdr *table)
{
	size_t each = table->sh_type == SHT_RELA ? rela_bytes(f)
		      : table->sh_type == SHT_REL
			      ? (f->is_64 ? sizeof(Elf64_Rel) : sizeof(Elf32_Rel))
			      : symbol_bytes(f);

	if (table->sh_entsize != each || table->sh_type == SHT_NOBITS)
		return 0;
	if (table->sh_size / each > FOREIGN_ELF_MAX_SYMBOLS)
		return -EFBIG;
	if (table->sh_offset > f->size || table->sh_size > f->size - table->sh_offset)
		return -ENODATA;
	return (int64_t)(table->sh_size / each);
}

bool foreign_elf_symbol(
	struct foreign_elf *f, const GElf_Shdr *table, uint64_t index, GElf_Sym *sym)
{
	uint64_t at = table->sh_offset + index * symbol_bytes(f);
	Elf32_Sym s;

	if (f->is_64)
		return !record(f, at, ELF_T_SYM, sym, sizeof(*sym));
	if (record(f, at, ELF_T_SYM, &s, sizeof(s)))
		return false;
	*sym = (GElf_Sym){.st_name = s.st_name,
		.st_info = s.st_info,
		.st_other = s.st_other,
		.st_shndx = s.st_shndx,
		.st_value = s.st_value,
		.st_size = s.st_size};
	return true;
}

/* Without addends (arm, x86): they stand where the relocation points to. */
static bool read_rel(struct foreign_elf *f, const GElf_Shdr *table, uint64_t index, GElf_Rela *rela)
{
	Elf64_Rel wide;
	Elf32_Rel r;

	if (f->is_64) {
		if (record(f, table->sh_offset + index * sizeof(wide), ELF_T_REL, &wide,
			    sizeof(wide)))
			return false;
		*rela = (GElf_Rela){wide.r_offset, wide.r_info, 0};
		return true;
	}
	if (record(f, table->sh_offset + index * sizeof(r), ELF_T_REL, &r, sizeof(r)))
		return false;
	*rela = (GElf_Rela){r.r_offset,
		GELF_R_INFO((uint64_t)ELF32_R_SYM(r.r_info), ELF32_R_TYPE(r.r_info)), 0};
	return true;
}

bool foreign_elf_rela(
	struct foreign_elf *f, const GElf_Shdr *table, uint64_t index, GElf_Rela *rela)
{
	uint64_t at = table->sh_offset + index * rela_bytes(f);
	Elf32_Rela r;

	if (table->sh_type == SHT_REL)
		return read_rel(f, table, index, rela);
	if (f->is_64)
		return !record(f, at, ELF_T_RELA, rela, sizeof(*rela));
	if (record(f, at, ELF_T_RELA, &r, sizeof(r)))
		return false;
	*rela = (GElf_Rela){r.r_offset,
		GELF_R_INFO((uint64_t)ELF32_R_SYM(r.r_info), ELF32_R_TYPE(r.r_info)), r.r_addend};
	return true;
}

/* ---- open ------------------------------------------------------------------------------------ */

static int read_header(struct foreign_elf *f)
{
	Elf32_Ehdr e;
	int err;

	if (foreign_elf_read(f, 0, f->eh.e_ident, EI_NIDENT) ||
		memcmp(f->eh.e_ident, ELFMAG, SELFMAG) != 0 ||
		(f->eh.e_ident[EI_CLASS] != ELFCLASS32 && f->eh.e_ident[EI_CLASS] != ELFCLASS64) ||
		(f->eh.e_ident[EI_DATA] != ELFDATA2LSB && f->eh.e_ident[EI_DATA] != ELFDATA2MSB))
		return -ENOEXEC;
	f->is_64 = f->eh.e_ident[EI_CLASS] == ELFCLASS64;
	if (f->is_64)
		return record(f, 0, ELF_T_EHDR, &f->eh, sizeof(f->eh));
	err = record(f, 0, ELF_T_EHDR, &e, sizeof(e));
	if (err)
		return err;
	f->eh.e_type = e.e_type;
	f->eh.e_machine = e.e_machine;
	f->eh.e_entry = e.e_entry;
	f->eh.e_phoff = e.e_phoff;
	f->eh.e_shoff = e.e_shoff;
	f->eh.e_flags = e.e_flags;
	f->eh.e_phentsize = e.e_phentsize;
	f->eh.e_phnum = e.e_phnum;
	f->eh.e_shentsize = e.e_shentsize;
	f->eh.e_shnum = e.e_shnum;
	f->eh.e_shstrndx = e.e_shstrndx;
	return 0;
}

/* Numbers that do not fit the header stand in the first section (elf(5): e_shnum, e_phnum,
 * e_shstrndx). */
static int read_counts(struct foreign_elf *f)
{
	size_t sh_size = f->is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	size_t ph_size = f->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	uint64_t sections = f->eh.e_shnum, segments = f->eh.e_phnum;
	GElf_Shdr first = {0};

	if (f->eh.e_shoff && f->eh.e_shentsize == sh_size) {
		f->n_sections = 1;
		if (!foreign_elf_section(f, 0, &first))
			return -ENODATA;
		if (!sections)
			sections = first.sh_size;
		if (segments == PN_XNUM)
			segments = first.sh_info;
		if (f->eh.e_shstrndx == SHN_XINDEX)
			f->eh.e_shstrndx =
				first.sh_link > UINT16_MAX ? SHN_UNDEF : (GElf_Half)first.sh_link;
	} else {
		sections = 0;
	}
	if (f->eh.e_phentsize != ph_size)
		segments = 0;
	if (sections > MAX_SECTIONS || segments > MAX_SEGMENTS)
		return -EFBIG;
	if (f->eh.e_shoff > f->size || sections * sh_size > f->size - f->eh.e_shoff ||
		f->eh.e_phoff > f->size || segments * ph_size > f->size - f->eh.e_phoff)
		return -ENODATA;
	f->n_sections = (uint32_t)sections;
	f->n_segments = (uint32_t)segments;
	return 0;
}

static void note_code(struct foreign_elf *f)
{
	GElf_Phdr ph;
	uint32_t i;

	for (i = 0; i < f->n_segments && f->n_code < CODE_MAX; i++)
		if (foreign_elf_segment(f, i, &ph) && ph.p_type == PT_LOAD && (ph.p_flags & PF_X))
			f->code[f->n_code++] = (struct code){ph.p_vaddr, ph.p_offset, ph.p_filesz};
}

static int set_up(struct foreign_elf **out, struct foreign_elf *f)
{
	int err;

	elf_version(EV_CURRENT);
	err = read_header(f);
	if (!err)
		err = read_counts(f);
	if (err) {
		foreign_elf_close(f);
		return err;
	}
	note_code(f);
	*out = f;
	return 0;
}

int foreign_elf_open(struct foreign_elf **out, const char *path)
{
	struct foreign_elf *f = calloc(1, sizeof(*f));
	int err = f ? foreign_file_open(&f->file, path) : -ENOMEM;

	*out = NULL;
	if (err) {
		free(f);
		return err;
	}
	f->size = f->file.size;
	return set_up(out, f);
}

int foreign_elf_open_bytes(struct foreign_elf **out, uint8_t *bytes, size_t n)
{
	struct foreign_elf *f = calloc(1, sizeof(*f));

	*out = NULL;
	if (!f || !bytes) {
		free(f);
		free(bytes);
		return -ENOMEM;
	}
	f->file.fd = -1;
	f->bytes = bytes;
	f->size = n;
	return set_up(out, f);
}

void foreign_elf_close(struct foreign_elf *f)
{
	uint32_t i;

	if (!f)
		return;
	foreign_file_close(&f->file);
	for (i = 0; i < PAGES; i++)
		free(f->page[i].bytes);
	free(f->bytes);
	free(f);
}

/* ---- questions ------------------------------------------------------------------------------- */

const GElf_Ehdr *foreign_elf_header(const struct foreign_elf *f)
{
	return &f->eh;
}

const struct foreign_file *foreign_elf_file(const struct foreign_elf *f)
{
	return &f->file;
}

uint32_t foreign_elf_sections(const struct foreign_elf *f)
{
	return f->n_sections;
}

uint32_t foreign_elf_find(struct foreign_elf *f, const char *name, uint32_t type, GElf_Shdr *sh)
{
	GElf_Shdr names;
	char text[64];
	uint32_t i;

	if (name && !foreign_elf_section(f, f->eh.e_shstrndx, &names))
		return 0;
	for (i = 1; i < f->n_sections; i++) {
		if (!foreign_elf_section(f, i, sh))
			return 0;
		if (!name ? sh->sh_type == type
			  : foreign_elf_string(f, &names, sh->sh_name, text, sizeof(text)) &&
					!strcmp(text, name))
			return i;
	}
	return 0;
}

bool foreign_elf_offset(struct foreign_elf *f, uint64_t address, uint64_t *offset)
{
	uint32_t i;

	for (i = 0; i < f->n_code; i++)
		if (address >= f->code[i].address &&
			address - f->code[i].address < f->code[i].size) {
			*offset = address - f->code[i].address + f->code[i].offset;
			return true;
		}
	return false;
}

/* Notes: sizes of name and contents, type, name, contents, each padded to 4 (elf(5)). */
static size_t id_among_notes(struct foreign_elf *f, uint64_t at, uint64_t bytes, uint8_t *id,
	size_t size, unsigned int *left)
{
	uint64_t end;

	if (at > f->size || bytes > 1u << 20)
		return 0;
	end = at + bytes;
	for (; *left && at + sizeof(GElf_Nhdr) + 4 <= end; --*left) {
		GElf_Nhdr n;
		char owner[4];

		if (record(f, at, ELF_T_WORD, &n, sizeof(n)) ||
			foreign_elf_read(f, at + sizeof(n), owner, sizeof(owner)))
			return 0;
		at += sizeof(n) + ((n.n_namesz + 3ull) & ~3ull);
		if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 && !memcmp(owner, "GNU", 4) &&
			n.n_descsz && n.n_descsz <= size)
			return foreign_elf_read(f, at, id, n.n_descsz) ? 0 : n.n_descsz;
		at += (n.n_descsz + 3ull) & ~3ull;
	}
	return 0;
}

/* Sections first: a debug file's segments are the program's, which are not in it. */
size_t foreign_elf_build_id(struct foreign_elf *f, uint8_t *id, size_t size)
{
	unsigned int left = NOTES_MAX;
	size_t n = 0;
	GElf_Shdr sh;
	GElf_Phdr ph;
	uint32_t i;

	for (i = 1; !n && i < f->n_sections && foreign_elf_section(f, i, &sh); i++)
		if (sh.sh_type == SHT_NOTE)
			n = id_among_notes(f, sh.sh_offset, sh.sh_size, id, size, &left);
	for (i = 0; !n && i < f->n_segments && foreign_elf_segment(f, i, &ph); i++)
		if (ph.p_type == PT_NOTE)
			n = id_among_notes(f, ph.p_offset, ph.p_filesz, id, size, &left);
	return n;
}
