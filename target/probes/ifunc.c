/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/ifunc.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/probes/ifunc_file.h"
#include "target/probes/mapped_file.h"

/* Other files that are asked, in all processes together. */
#define FILES_MAX 64u

struct resolving {
	struct ifuncs *list;
	const struct user_path *path;
	struct foreign_elf *file;
	struct ifunc_word *own; /* of the file itself */
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

static void read_words(struct resolving *r, const struct process_memory *m, uint64_t bias,
	const struct ifunc_word *words, size_t n)
{
	uint64_t word, offset;
	size_t i;

	for (i = 0; i < n; i++) {
		struct ifunc *of = words[i].of;

		if (of->resolved ||
			!process_memory_word(m, bias + words[i].address,
				ifunc_file_word_bytes(r->file), &word) ||
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
	struct ifunc_word *words = calloc(IFUNC_WORDS_MAX, sizeof(*words));
	struct foreign_elf *f = NULL;
	char path[4500];
	uint64_t bias;

	snprintf(path, sizeof(path), "/proc/%d/root%s", (int)m->pid, at->path);
	r->files++;
	if (words && !foreign_elf_open(&f, path) &&
		ifunc_file_word_bytes(f) == ifunc_file_word_bytes(r->file) &&
		mapped_file_bias(m, f, at->dev, at->ino, &bias))
		read_words(r, m, bias, words, ifunc_file_words(r->list, f, false, words));
	foreign_elf_close(f);
	free(words);
}

static void ask_process(struct resolving *r, pid_t pid)
{
	struct process_memory m;
	uint64_t bias;
	ino_t last = 0;
	size_t i;

	if (!process_memory_open(&m, pid) &&
		mapped_file_bias(&m, r->file, r->path->dev, r->path->ino, &bias)) {
		read_words(r, &m, bias, r->own, r->n_own);
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

void ifuncs_resolve(struct ifuncs *list, const struct user_path *path)
{
	struct resolving r = {.list = list, .path = path};

	if (!list->n || foreign_elf_open(&r.file, path->path))
		return;
	r.own = calloc(IFUNC_WORDS_MAX, sizeof(*r.own));
	if (r.own) {
		r.n_own = ifunc_file_words(list, r.file, true, r.own);
		ask_all(&r);
		ifunc_file_describe(list, r.file, path->path);
	}
	free(r.own);
	foreign_elf_close(r.file);
}
