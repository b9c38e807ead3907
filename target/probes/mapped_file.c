/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MAPPINGS_MAX 4096u
/* Longer lines are a path that nobody needs. */
#define LINE_MAX_BYTES 4400u

static int add(struct process_memory *m, const char *line)
{
	unsigned long long start, end, offset, ino;
	unsigned int major_, minor_;
	struct file_mapping *grown;
	char perms[5] = "", *path;
	int at = 0;

	if (sscanf(line, "%llx-%llx %4s %llx %x:%x %llu %n", &start, &end, perms, &offset, &major_,
		    &minor_, &ino, &at) < 7 ||
		!ino || !at || line[at] != '/')
		return 0;
	if (!(m->n & (m->n - 1))) {
		grown = realloc(m->at, (m->n ? 2 * m->n : 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		m->at = grown;
	}
	path = strndup(line + at, strcspn(line + at, "\n"));
	if (!path)
		return -ENOMEM;
	m->at[m->n++] = (struct file_mapping){
		.start = start,
		.end = end,
		.offset = offset,
		.code = perms[2] == 'x',
		.dev = makedev(major_, minor_),
		.ino = ino,
		.path = path,
	};
	return 0;
}

int process_memory_read_maps(struct process_memory *m, FILE *maps)
{
	char line[LINE_MAX_BYTES];
	int err = 0;

	while (!err && m->n < MAPPINGS_MAX && fgets(line, sizeof(line), maps))
		err = add(m, line);
	return err;
}

int process_memory_open(struct process_memory *m, pid_t pid)
{
	char path[40];
	FILE *f;
	int err;

	*m = (struct process_memory){.pid = pid};
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	m->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (m->fd < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	err = process_memory_read_maps(m, f);
	fclose(f);
	return err;
}

void process_memory_close(struct process_memory *m)
{
	while (m->n)
		free(m->at[--m->n].path);
	free(m->at);
	m->at = NULL;
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
}

static bool is_of(const struct file_mapping *at, dev_t dev, ino_t ino)
{
	return at->ino == ino && at->dev == dev;
}

bool mapped_file_bias(
	const struct process_memory *m, struct foreign_elf *f, dev_t dev, ino_t ino, uint64_t *bias)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE) - 1;
	GElf_Phdr ph;
	uint32_t k;
	size_t i;

	for (i = 0; i < m->n; i++) {
		const struct file_mapping *at = &m->at[i];

		if (!is_of(at, dev, ino))
			continue;
		for (k = 0; foreign_elf_segment(f, k, &ph); k++)
			if (ph.p_type == PT_LOAD && ph.p_filesz &&
				at->offset >= (ph.p_offset & ~page) &&
				at->offset < ph.p_offset + ph.p_filesz) {
				*bias = at->start - (ph.p_vaddr - ph.p_offset + at->offset);
				return true;
			}
	}
	return false;
}

bool mapped_file_place(
	const struct process_memory *m, dev_t dev, ino_t ino, uint64_t address, uint64_t *offset)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		const struct file_mapping *at = &m->at[i];

		if (at->code && is_of(at, dev, ino) && address >= at->start && address < at->end) {
			*offset = address - at->start + at->offset;
			return true;
		}
	}
	return false;
}

bool process_memory_word(
	const struct process_memory *m, uint64_t address, size_t bytes, uint64_t *word)
{
	uint32_t narrow;

	if (bytes == sizeof(*word))
		return pread64(m->fd, word, bytes, (off64_t)address) == (ssize_t)bytes;
	if (pread64(m->fd, &narrow, sizeof(narrow), (off64_t)address) != sizeof(narrow))
		return false;
	*word = narrow;
	return true;
}
