/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * run.pb to frames. Streams through a window of fixed size, so files of any length cost the same
 * memory. After damage the next place where a whole record with a valid CRC stands is found by
 * scanning; what lies between is counted, never returned.
 */
#ifndef HOST_RECORDING_READER_H
#define HOST_RECORDING_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "framing/framing.h"

struct reader;

struct reader_frame {
	struct framing_header header;
	const uint8_t *payload; /* valid until the next reader_next */
	size_t payload_len;
	uint64_t place; /* of its record in the file; behind it: reader_position() */
};

/* Open a file. Returns 0, or a negative errno (-EISDIR for a directory), nothing printed. */
int reader_open(struct reader **r, const char *path);
/* Read a regular file that stays the caller's, from its beginning; the descriptor's place does not matter
 * and stays. Returns 0 or -ENOMEM. */
int reader_open_fd(struct reader **r, int fd);
/* Read from memory that stays the caller's. Returns 0 or -ENOMEM. */
int reader_open_memory(struct reader **r, const void *data, size_t len);
void reader_close(struct reader *r);

/* The file is still written: an unfinished record at its end is no damage but what will be read next.
 * Once reader_next has returned 0 it may be asked again. false: what is there is all there will be. */
void reader_growing(struct reader *r, bool growing);

/* The next valid frame. Returns 1, 0 at the end of the file, or a negative errno of read(2). */
int reader_next(struct reader *r, struct reader_frame *f);

/* From the beginning again, but no further than it was read: both readings are given the same frames,
 * whatever has come since. Returns 0, or -ESPIPE: it is no regular file. */
int reader_again(struct reader *r);

/* Go on at this place, which is further on. */
void reader_seek(struct reader *r, uint64_t place);

uint64_t reader_size(const struct reader *r);     /* of the file when it was opened; 0 for a pipe */
uint64_t reader_position(const struct reader *r); /* bytes read and dealt with */
uint64_t reader_damaged(const struct reader *r);  /* damaged stretches so far */
uint64_t reader_damaged_bytes(const struct reader *r);
/* The newest damage touches the current end: nothing valid followed it. While the file is growing the
 * beginning of a record is none. */
bool reader_tail_damaged(const struct reader *r);

#endif
