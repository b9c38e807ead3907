/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/user_code.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gelf.h>

#include "target/probes/elf_symbols.h"
#include "target/probes/user_kind.h"

/* Larger ones are nobody's program. */
#define MAX_SEGMENTS 64u
#define MAX_STUBS    16u
#define MAX_SYMBOLS  (1u << 21)
#define MAX_PARTS    4096u /* looked through for each function that has some */

struct segment {
	uint64_t address, offset, size;
	bool code, constant;
};

struct part {
	char *name;
	struct user_symbol symbol;
	bool called;
};

struct user_code {
	int fd;
	struct user_view view;
	struct segment segment[MAX_SEGMENTS];
	size_t n_segments;
	struct user_symbol stub[MAX_STUBS]; /* sections of them */
	size_t n_stubs;
	struct user_symbol *symbol; /* ascending */
	size_t n_symbols, cap_symbols;
	struct part *part;
	size_t n_parts;
};

/* ---- segments and sections ------------------------------------------------------------------- */

static int machine(const GElf_Ehdr *eh, enum user_arch *arch)
{
	bool little = eh->e_ident[EI_DATA] == ELFDATA2LSB;
	bool wide = eh->e_ident[EI_CLASS] == ELFCLASS64;

	if (eh->e_machine == EM_X86_64 && wide)
		*arch = USER_X86_64;
	else if (eh->e_machine == EM_386)
		*arch = USER_X86_32;
	else if (eh->e_machine == EM_AARCH64 && wide)
		*arch = USER_ARM64;
	else if (eh->e_machine == EM_ARM)
		*arch = USER_ARM;
	else
		return -EOPNOTSUPP;
	return little && user_insn_known(*arch) ? 0 : -EOPNOTSUPP;
}

static void note_segment(struct user_code *c, const GElf_Phdr *ph, const GElf_Phdr *relro)
{
	bool fixed = !(ph->p_flags & PF_W) ||
		     (relro->p_type == PT_GNU_RELRO && relro->p_vaddr == ph->p_vaddr &&
			     relro->p_memsz >= ph->p_filesz);

	if (ph->p_type == PT_LOAD && c->n_segments < MAX_SEGMENTS)
		c->segment[c->n_segments++] = (struct segment){
			.address = ph->p_vaddr,
			.offset = ph->p_offset,
			.size = ph->p_filesz,
			.code = ph->p_flags & PF_X,
			.constant = fixed,
		};
}

static void note_section(struct user_code *c, const char *name, const GElf_Shdr *sh)
{
	if ((!strncmp(name, ".plt", 4) || !strcmp(name, ".iplt")) && sh->sh_flags & SHF_EXECINSTR &&
		c->n_stubs < MAX_STUBS)
		c->stub[c->n_stubs++] = (struct user_symbol){sh->sh_addr, sh->sh_size, USER_STUB};
	/* What the linker calls _GLOBAL_OFFSET_TABLE_. */
	if (!strcmp(name, ".got.plt") || (!strcmp(name, ".got") && !c->view.got))
		c->view.got = sh->sh_addr;
}

static int read_layout(struct user_code *c, Elf *elf)
{
	GElf_Phdr ph, relro = {0};
	size_t n = 0, i, names;
	Elf_Scn *scn = NULL;
	const char *name;
	GElf_Ehdr eh;
	GElf_Shdr sh;
	int err;

	if (!gelf_getehdr(elf, &eh) || elf_getphdrnum(elf, &n))
		return -ENOEXEC;
	err = machine(&eh, &c->view.arch);
	if (err)
		return err;
	for (i = 0; i < n && i < MAX_SEGMENTS; i++)
		if (gelf_getphdr(elf, (int)i, &ph) && ph.p_type == PT_GNU_RELRO)
			relro = ph;
	for (i = 0; i < n && i < MAX_SEGMENTS; i++)
		if (gelf_getphdr(elf, (int)i, &ph))
			note_segment(c, &ph, &relro);
	if (elf_getshdrstrndx(elf, &names))
		return 0;
	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &sh) && (name = elf_strptr(elf, names, sh.sh_name)))
			note_section(c, name, &sh);
	return 0;
}

static const struct segment *segment_of(const struct user_code *c, uint64_t address)
{
	size_t i;

	for (i = 0; i < c->n_segments; i++)
		if (address - c->segment[i].address < c->segment[i].size)
			return &c->segment[i];
	return NULL;
}

bool user_code_offset(const struct user_code *c, uint64_t address, uint64_t *offset)
{
	const struct segment *s = segment_of(c, address);

	if (!s || !s->code)
		return false;
	*offset = address - s->address + s->offset;
	return true;
}

static size_t view_read(void *ctx, uint64_t address, void *to, size_t n)
{
	const struct user_code *c = ctx;
	const struct segment *s = segment_of(c, address);
	ssize_t got;

	if (!s || !s->constant)
		return 0;
	if (n > s->size - (address - s->address))
		n = (size_t)(s->size - (address - s->address));
	got = pread(c->fd, to, n, (off_t)(address - s->address + s->offset));
	return got > 0 ? (size_t)got : 0;
}

static bool view_is_code(void *ctx, uint64_t address)
{
	const struct segment *s = segment_of(ctx, address);

	return s && s->code;
}

/* ---- symbols --------------------------------------------------------------------------------- */

/* The last symbol that begins at or before an address; NULL. */
static const struct user_symbol *at_or_before(const struct user_code *c, uint64_t address)
{
	size_t lo = 0, hi = c->n_symbols;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->symbol[mid].address <= address)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &c->symbol[lo - 1] : NULL;
}

static bool view_symbol(void *ctx, uint64_t address, struct user_symbol *out)
{
	const struct user_code *c = ctx;
	const struct user_symbol *s = at_or_before(c, address);
	size_t i;

	if (s && (address == s->address || address - s->address < s->size)) {
		*out = *s;
		return true;
	}
	for (i = 0; i < c->n_stubs; i++)
		if (address - c->stub[i].address < c->stub[i].size) {
			*out = c->stub[i];
			return true;
		}
	return false;
}

static int add_part(struct user_code *c, const char *name, const struct user_symbol *s)
{
	struct part *grown;

	if (c->n_parts == MAX_PARTS)
		return 0;
	grown = realloc(c->part, (c->n_parts + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->part = grown;
	c->part[c->n_parts] = (struct part){.name = strdup(name), .symbol = *s};
	if (!c->part[c->n_parts].name)
		return -ENOMEM;
	c->n_parts++;
	return 0;
}

static int on_function(void *ctx, const struct elf_function *f)
{
	struct user_code *c = ctx;
	struct user_symbol s = {f->address, f->size, USER_FUNCTION};
	int err = 0;

	if (c->n_symbols == MAX_SYMBOLS)
		return -E2BIG;
	if (c->n_symbols == c->cap_symbols) {
		size_t cap = c->cap_symbols ? 2 * c->cap_symbols : 256;
		struct user_symbol *grown = realloc(c->symbol, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		c->symbol = grown;
		c->cap_symbols = cap;
	}
	if (user_name_is_cold(f->name) || user_name_may_be_part(f->name)) {
		s.kind = USER_PART;
		err = add_part(c, f->name, &s);
	}
	c->symbol[c->n_symbols++] = s;
	return err;
}

static int by_address(const void *a, const void *b)
{
	const struct user_symbol *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

/* One for each address: the longest; a part only if it has no other name. */
static void merge_symbols(struct user_code *c)
{
	size_t i, n = 0;

	if (!c->n_symbols)
		return;
	qsort(c->symbol, c->n_symbols, sizeof(*c->symbol), by_address);
	for (i = 1; i < c->n_symbols; i++) {
		struct user_symbol *last = &c->symbol[n], *s = &c->symbol[i];

		if (s->address != last->address) {
			c->symbol[++n] = *s;
			continue;
		}
		if (s->size > last->size)
			last->size = s->size;
		if (s->kind == USER_FUNCTION)
			last->kind = USER_FUNCTION;
	}
	c->n_symbols = n + 1;
}

/* ---- parts that are called ------------------------------------------------------------------- */

static void note_call(struct user_code *c, uint64_t target)
{
	size_t i;

	for (i = 0; i < c->n_parts; i++)
		if (c->part[i].symbol.address == target && user_name_may_be_part(c->part[i].name) &&
			!user_name_is_cold(c->part[i].name))
			c->part[i].called = true;
}

/* Whatever looks like a direct call: one too many makes a function of a part that is entered as
 * one. */
static void look_for_calls(struct user_code *c, uint64_t address, const uint8_t *b, size_t n)
{
	bool x86 = c->view.arch == USER_X86_64 || c->view.arch == USER_X86_32;
	size_t i, step = user_insn_step(c->view.arch);
	struct user_insn insn;
	int32_t rel;

	for (i = 0; i + 5 <= n; i += step) {
		if (x86 && b[i] == 0xe8) {
			memcpy(&rel, b + i + 1, sizeof(rel));
			note_call(c, address + i + 5 + (uint64_t)(int64_t)rel);
		} else if (!x86 && (b[i + 3] & 0xf) != 0 &&
			   user_insn_decode(c->view.arch, b + i, n - i, address + i, &insn) &&
			   insn.flow == FLOW_CALL && insn.direct) {
			note_call(c, insn.target);
		}
	}
}

static void find_called_parts(struct user_code *c)
{
	enum { CHUNK = 65536, OVERLAP = 8 };
	uint8_t *b = malloc(CHUNK);
	bool any = false;
	size_t i, n;
	uint64_t at;

	for (i = 0; i < c->n_parts; i++)
		any |= user_name_may_be_part(c->part[i].name);
	for (i = 0; any && b && i < c->n_segments; i++) {
		const struct segment *s = &c->segment[i];

		for (at = s->address; s->code && at - s->address < s->size; at += CHUNK - OVERLAP) {
			n = view_read(c, at, b, CHUNK);
			look_for_calls(c, at, b, n);
			if (n < CHUNK)
				break;
		}
	}
	free(b);
	for (i = 0; i < c->n_parts; i++) {
		struct user_symbol *s = bsearch(
			&c->part[i].symbol, c->symbol, c->n_symbols, sizeof(*s), by_address);

		if (c->part[i].called && s)
			s->kind = USER_FUNCTION;
	}
}

/* ---- the file -------------------------------------------------------------------------------- */

static int read_file(struct user_code *c, const char *path)
{
	struct stat st;
	Elf *elf;
	int err;

	c->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (c->fd < 0)
		return -errno;
	if (fstat(c->fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	elf_version(EV_CURRENT);
	elf = elf_begin(c->fd, ELF_C_READ, NULL);
	err = elf && elf_kind(elf) == ELF_K_ELF ? read_layout(c, elf) : -ENOEXEC;
	elf_end(elf);
	if (!err)
		err = elf_functions_each(path, on_function, c);
	return err;
}

struct user_code *user_code_open(const char *path, int *err)
{
	struct user_code *c = calloc(1, sizeof(*c));

	*err = -ENOMEM;
	if (!c)
		return NULL;
	c->fd = -1;
	c->view.ctx = c;
	c->view.read = view_read;
	c->view.symbol = view_symbol;
	c->view.is_code = view_is_code;
	*err = read_file(c, path);
	if (*err) {
		user_code_close(c);
		return NULL;
	}
	merge_symbols(c);
	find_called_parts(c);
	return c;
}

void user_code_close(struct user_code *c)
{
	if (!c)
		return;
	while (c->n_parts)
		free(c->part[--c->n_parts].name);
	free(c->part);
	free(c->symbol);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

bool user_code_is_part(const struct user_code *c, uint64_t address)
{
	const struct user_symbol *s = at_or_before(c, address);

	return s && s->address == address && s->kind == USER_PART;
}

bool user_code_takes_probe(struct user_code *c, uint64_t address)
{
	uint8_t bytes[USER_INSN_MAX];
	size_t n = view_read(c, address, bytes, sizeof(bytes));
	struct user_insn insn;

	return !n || !user_insn_decode(c->view.arch, bytes, n, address, &insn) || !insn.no_probe;
}

/* Does another function begin inside? */
static bool is_shared(const struct user_code *c, const struct user_symbol *s)
{
	const struct user_symbol *next = s + 1;

	for (; next < c->symbol + c->n_symbols && next->address - s->address < s->size; next++)
		if (next->kind == USER_FUNCTION)
			return true;
	return false;
}

/* NAME.cold of NAME. */
static size_t parts_of(
	const struct user_code *c, const char *name, struct user_symbol *out, size_t most)
{
	size_t i, n = 0, len = strlen(name);

	for (i = 0; i < c->n_parts && n < most; i++)
		if (!strncmp(c->part[i].name, name, len) && !c->part[i].called &&
			user_name_is_cold(c->part[i].name) &&
			!strncmp(c->part[i].name + len, ".cold", 5))
			out[n++] = c->part[i].symbol;
	return n;
}

void user_code_ends(
	struct user_code *c, const char *symbol, uint64_t address, struct user_ends *out)
{
	const struct user_symbol *s = at_or_before(c, address);
	struct user_symbol parts[8];
	struct user_body b = {.address = address, .parts = parts};

	*out = (struct user_ends){0};
	if (!s || s->address != address || !s->size) {
		out->why = USER_ENDS_NO_SIZE;
		return;
	}
	if (is_shared(c, s)) {
		out->why = USER_ENDS_OVERLAPS;
		return;
	}
	b.size = s->size;
	b.n_parts = parts_of(c, symbol, parts, sizeof(parts) / sizeof(parts[0]));
	user_ends_read(&c->view, &b, out);
}
