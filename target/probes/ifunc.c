/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/ifunc.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/probes/mapped_file.h"

/* Words that hold chosen functions, in one file. */
#define SLOTS_MAX 4096u
/* Other files that are asked, in all processes together. */
#define FILES_MAX 64u

struct slot {
	uint64_t address;
	struct ifunc *of;
};

struct resolving {
	struct ifuncs *list;
	const struct user_path *path;
	struct foreign_elf *file;
	struct slot *own; /* of the file itself */
	size_t n_own;
	size_t files; /* asked so far */
};

int ifuncs_note(struct ifuncs *list, const struct elf_function *f)
{
	struct ifunc *grown;
	size_t i;

	for (i = 0; i < list->n; i++)
		if (list->at[i].address == f->address)
			return 0;
	if (list->n == IFUNCS_MAX)
		return 0;
	if (list->n == list->cap) {
		list->cap = list->cap ? 2 * list->cap : 16;
		grown = realloc(list->at, list->cap * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		list->at = grown;
	}
	list->at[list->n] = (struct ifunc){.name = strdup(f->name), .address = f->address};
	return list->at[list->n++].name ? 0 : -ENOMEM;
}

void ifuncs_free(struct ifuncs *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		free(list->at[i].name);
	free(list->at);
	*list = (struct ifuncs){0};
}

size_t ifuncs_resolved(const struct ifuncs *list)
{
	size_t i, n = 0;

	for (i = 0; i < list->n; i++)
		n += list->at[i].resolved;
	return n;
}

/* ---- words of a file --------------------------------------------------------------------------- */

/* The processors' ABI supplements; not every elf.h has all of them. */
#define X86_64_IRELATIVE  37u
#define I386_IRELATIVE    42u
#define AARCH64_IRELATIVE 1032u
#define ARM_IRELATIVE     160u

static uint32_t irelative(const struct foreign_elf *f)
{
	switch (foreign_elf_header(f)->e_machine) {
	case EM_X86_64:
		return X86_64_IRELATIVE;
	case EM_386:
		return I386_IRELATIVE;
	case EM_AARCH64:
		return AARCH64_IRELATIVE;
	case EM_ARM:
		return ARM_IRELATIVE;
	default:
		return 0;
	}
}

static size_t word_bytes(const struct foreign_elf *f)
{
	return foreign_elf_header(f)->e_ident[EI_CLASS] == ELFCLASS64 ? 8 : 4;
}

/* Where an address is in the file, code or data. */
static bool file_place(struct foreign_elf *f, uint64_t address, uint64_t *offset)
{
	GElf_Phdr ph;
	uint32_t k;

	for (k = 0; foreign_elf_segment(f, k, &ph); k++)
		if (ph.p_type == PT_LOAD && address >= ph.p_vaddr &&
			address - ph.p_vaddr < ph.p_filesz) {
			*offset = address - ph.p_vaddr + ph.p_offset;
			return true;
		}
	return false;
}

/* Of tables without addends it stands where the relocation points to. */
static uint64_t addend(struct foreign_elf *f, const GElf_Shdr *sh, const GElf_Rela *rela)
{
	uint64_t word = 0, offset;

	if (sh->sh_type == SHT_RELA)
		return (uint64_t)rela->r_addend;
	if (!file_place(f, rela->r_offset, &offset) ||
		foreign_elf_read(f, offset, &word, word_bytes(f)))
		return 0;
	return word_bytes(f) == 4 ? (uint32_t)word : word;
}

static struct ifunc *by_address(struct ifuncs *list, uint64_t address)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (list->at[i].address == address)
			return &list->at[i];
	return NULL;
}

static struct ifunc *by_symbol(
	struct ifuncs *list, struct foreign_elf *f, const GElf_Shdr *sh, uint64_t symbol)
{
	GElf_Shdr symbols, strings;
	char name[128];
	GElf_Sym sym;
	size_t i;

	if (!symbol || !foreign_elf_section(f, sh->sh_link, &symbols) ||
		symbols.sh_type != SHT_DYNSYM || !foreign_elf_symbol(f, &symbols, symbol, &sym) ||
		sym.st_shndx != SHN_UNDEF || !foreign_elf_section(f, symbols.sh_link, &strings) ||
		!foreign_elf_string(f, &strings, sym.st_name, name, sizeof(name)))
		return NULL;
	for (i = 0; i < list->n; i++)
		if (!list->at[i].resolved && !strcmp(list->at[i].name, name))
			return &list->at[i];
	return NULL;
}

/* own: f is the file that has the indirect functions; else one that calls them. */
static size_t find_in_table(struct ifuncs *list, struct foreign_elf *f, const GElf_Shdr *sh,
	bool own, struct slot *slots, size_t n)
{
	int64_t entries = foreign_elf_entries(f, sh), i;
	uint32_t type = irelative(f);
	GElf_Rela rela;

	for (i = 0; i < entries && n < SLOTS_MAX; i++) {
		struct ifunc *of = NULL;

		if (!foreign_elf_rela(f, sh, (uint64_t)i, &rela))
			break;
		if (!own)
			of = by_symbol(list, f, sh, GELF_R_SYM(rela.r_info));
		else if (type && GELF_R_TYPE(rela.r_info) == type)
			of = by_address(list, addend(f, sh, &rela));
		if (of)
			slots[n++] = (struct slot){rela.r_offset, of};
	}
	return n;
}

static size_t find_slots(struct ifuncs *list, struct foreign_elf *f, bool own, struct slot *slots)
{
	GElf_Shdr sh;
	uint32_t i;
	size_t n = 0;

	for (i = 1; i < foreign_elf_sections(f) && foreign_elf_section(f, i, &sh); i++)
		if (sh.sh_type == SHT_RELA || sh.sh_type == SHT_REL)
			n = find_in_table(list, f, &sh, own, slots, n);
	return n;
}

/* ---- words of a process ------------------------------------------------------------------------ */

static void read_slots(struct resolving *r, const struct process_memory *m, uint64_t bias,
	const struct slot *slots, size_t n)
{
	uint64_t word, offset;
	size_t i;

	for (i = 0; i < n; i++) {
		struct ifunc *of = slots[i].of;

		if (of->resolved ||
			!process_memory_word(
				m, bias + slots[i].address, word_bytes(r->file), &word) ||
			!mapped_file_place(m, r->path->dev, r->path->ino, word, &offset))
			continue;
		of->resolved = true;
		of->function.offset = offset;
	}
}

/* Who calls it has an own word for it, filled in at the start or at the first call. */
static void ask_caller(
	struct resolving *r, const struct process_memory *m, const struct file_mapping *at)
{
	struct slot *slots = calloc(SLOTS_MAX, sizeof(*slots));
	struct foreign_elf *f = NULL;
	char path[4500];
	uint64_t bias;

	snprintf(path, sizeof(path), "/proc/%d/root%s", (int)m->pid, at->path);
	r->files++;
	if (slots && !foreign_elf_open(&f, path) && word_bytes(f) == word_bytes(r->file) &&
		mapped_file_bias(m, f, at->dev, at->ino, &bias))
		read_slots(r, m, bias, slots, find_slots(r->list, f, false, slots));
	foreign_elf_close(f);
	free(slots);
}

static void ask_process(struct resolving *r, pid_t pid)
{
	struct process_memory m;
	uint64_t bias;
	ino_t last = 0;
	size_t i;

	if (!process_memory_open(&m, pid) &&
		mapped_file_bias(&m, r->file, r->path->dev, r->path->ino, &bias)) {
		read_slots(r, &m, bias, r->own, r->n_own);
		for (i = 0; i < m.n && r->files < FILES_MAX; i++)
			if (m.at[i].code && m.at[i].ino != last && m.at[i].ino != r->path->ino &&
				ifuncs_resolved(r->list) < r->list->n) {
				last = m.at[i].ino;
				ask_caller(r, &m, &m.at[i]);
			}
	}
	process_memory_close(&m);
}

static bool ours(pid_t pid)
{
	char path[40];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return !stat(path, &st) && st.st_uid == geteuid();
}

static void ask_all(struct resolving *r)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;

	ask_process(r, getpid());
	while (proc && ifuncs_resolved(r->list) < r->list->n && (e = readdir(proc))) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		if (pid > 0 && pid != getpid() && ours(pid))
			ask_process(r, pid);
	}
	if (proc)
		closedir(proc);
}

/* What its symbols say of the chosen function, if it has any. */
static int complete(void *ctx, const struct elf_function *f)
{
	struct ifuncs *list = ctx;
	size_t i;

	for (i = 0; i < list->n; i++)
		if (list->at[i].resolved && list->at[i].function.offset == f->offset) {
			list->at[i].function = *f;
			list->at[i].function.name = list->at[i].name;
		}
	return 0;
}

static void describe(struct ifuncs *list, struct foreign_elf *f)
{
	const GElf_Ehdr *eh = foreign_elf_header(f);
	uint64_t delta = 0, offset;
	size_t i;

	for (i = 0; i < list->n; i++) {
		struct ifunc *at = &list->at[i];

		if (!at->resolved || !foreign_elf_offset(f, at->address, &offset))
			continue;
		/* Both are code of one segment. */
		delta = at->address - offset;
		at->function.name = at->name;
		at->function.address = at->function.offset + delta;
		at->function.machine = eh->e_machine;
		at->function.elf_class = eh->e_ident[EI_CLASS];
		at->function.type = STT_FUNC;
	}
}

void ifuncs_resolve(struct ifuncs *list, const struct user_path *path)
{
	struct resolving r = {.list = list, .path = path};

	if (!list->n || foreign_elf_open(&r.file, path->path))
		return;
	r.own = calloc(SLOTS_MAX, sizeof(*r.own));
	if (r.own) {
		r.n_own = find_slots(list, r.file, true, r.own);
		ask_all(&r);
		describe(list, r.file);
	}
	free(r.own);
	foreign_elf_close(r.file);
	elf_functions_each(path->path, complete, list);
}
