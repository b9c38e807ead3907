/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Seek points of a recording, in a file beside it: RUN.pb.seek. PROTOCOL.md, section 11.
 *
 *     records: SeekPoint SeekPoint ... Digest RecordingEnd, which says where the Digest begins
 *
 * The digest has what a reader needs before the first frame: how the recording looked, where frames
 * stand that are not events, what a trace would learn from the others (host/trace), and a row for
 * each point. Points themselves are read when they are needed.
 *
 * A file that is not that of this recording, is damaged, or is of another version counts as none.
 */
#ifndef HOST_RECORDING_SEEK_INDEX_H
#define HOST_RECORDING_SEEK_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/trace/trace.h"

#define SEEK_SUFFIX ".seek"
/* Shorter recordings are read as fast as an index. */
#define SEEK_FROM (4u << 20)

struct seek_extent {
	uint64_t from, to; /* places in the recording */
};

struct seek_entry {
	uint64_t newest_ns; /* highest time of events given before the point */
	uint64_t oldest_ns; /* lowest time of those between the session's point before and it */
	uint64_t place;     /* of its first record in the index */
	uint16_t session;
};

struct seek_index {
	uint64_t damaged; /* stretches of the recording */
	bool complete;
	struct seek_extent *extent; /* frames that are not events, ascending */
	size_t n_extents, cap_extents;
	struct seek_entry *entry; /* ascending by place */
	size_t n_entries, cap_entries;
	uint8_t *digest; /* of the trace */
	size_t digest_len;
	int fd; /* of the index; -1: none */
};

/* ---- making one (seek_write.c) -------------------------------------------------------------- */

struct seek_writer;

/* NULL: none can be made beside this recording, for whatever reason. */
struct seek_writer *seek_writer_new(const char *path, int fd);
/* Each frame of the second reading, before and after the trace gets it. */
void seek_writer_before(struct seek_writer *w, struct trace *t, uint64_t place, uint64_t end_place);
void seek_writer_after(struct seek_writer *w, struct trace *t, const struct framing_header *h);
/* The trace is over. Puts it in place, or leaves no trace of it. */
void seek_writer_end(struct seek_writer *w, struct trace *t, uint64_t damaged, bool complete);
void seek_writer_drop(struct seek_writer *w); /* NULL: nothing */

/* ---- reading one (seek_read.c) -------------------------------------------------------------- */

/* Of the recording that fd is. Returns 0, -ENOENT (there is none that could be used), or -ENOMEM. */
int seek_index_open(struct seek_index *x, const char *path, int fd);
void seek_index_close(struct seek_index *x);
/* A point; its state is to be freed by the caller. Returns 0, -EBADMSG or -ENOMEM. */
int seek_index_point(const struct seek_index *x, size_t entry, struct trace_point *p);

/* ---- both ----------------------------------------------------------------------------------- */

struct state;
struct seek_head {
	uint64_t size, mtime_ns; /* of the recording */
	uint32_t ends_crc;       /* of its first and last bytes */
};
int seek_head_of(struct seek_head *h, int fd); /* 0 or a negative errno */
/* Head and index but for the digest: in both directions, see host/trace/state.h. */
void seek_index_state(struct seek_index *x, struct seek_head *h, struct state *s);

#endif
