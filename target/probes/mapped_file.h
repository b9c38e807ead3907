/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A file in the memory of a process. */
#ifndef TARGET_PROBES_MAPPED_FILE_H
#define TARGET_PROBES_MAPPED_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "target/probes/foreign_elf.h"

struct process_memory {
	pid_t pid;
	int fd; /* /proc/PID/mem */
	struct file_mapping {
		uint64_t start, end, offset;
		bool code;
		dev_t dev;
		ino_t ino;
		char *path; /* as the process sees it */
	} * at;
	size_t n;
};

/* Mappings of files, at most 4096. 0 or a negative errno; close in any case. */
int process_memory_open(struct process_memory *m, pid_t pid);
/* Of that, the mappings alone: the text of /proc/PID/maps, into one that is {.fd = -1}. */
int process_memory_read_maps(struct process_memory *m, FILE *maps);
void process_memory_close(struct process_memory *m);

/* What is to be added to an address that the file is linked with; false: it is not there. */
bool mapped_file_bias(const struct process_memory *m, struct foreign_elf *f, dev_t dev, ino_t ino,
	uint64_t *bias);
/* The place in the file of an address in its code. */
bool mapped_file_place(
	const struct process_memory *m, dev_t dev, ino_t ino, uint64_t address, uint64_t *offset);
/* A pointer, of 4 or 8 bytes. */
bool process_memory_word(
	const struct process_memory *m, uint64_t address, size_t bytes, uint64_t *word);

#endif
