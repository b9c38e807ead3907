/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Messages to payload bytes and back, by frame kind. One table (message.c) knows every kind.
 */
#ifndef PROTO_MESSAGE_H
#define PROTO_MESSAGE_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

#include "proto/ayaprof.pb.h"

/* The version of PROTOCOL.md this code speaks, and the oldest receiver it can talk to. */
#define AYP_PROTOCOL_VERSION     1u
#define AYP_PROTOCOL_VERSION_MIN 1u

/* Version of the recording format (Recording.format_version). */
#define AYP_FORMAT_VERSION 1u

/* How the line of text begins that a board sends over TCP, instead of any frame, to who is not served: the reason
 * follows, up to the line's end. PROTOCOL.md, section 14, "TCP". */
#define AYP_REFUSAL "ayaprof-uart: turned away: "

/* Frame kinds are the field numbers of Envelope; message.c asserts that they are. */
enum ayp_kind {
	AYP_KIND_HELLO = 1,
	AYP_KIND_NAMES = 2,
	AYP_KIND_EVENTS = 3,
	AYP_KIND_SAMPLES = 4,
	AYP_KIND_AGGREGATES = 5,
	AYP_KIND_LOSS = 6,
	AYP_KIND_STATUS = 7,
	AYP_KIND_CONTROL = 8,
	AYP_KIND_ACK = 9,
	AYP_KIND_GOODBYE = 10,
	AYP_KIND_STACKS = 11,
	AYP_KIND_SYNC = 12,
	AYP_KIND_LOG = 13,
	AYP_KIND_RECORDING = 32,
	AYP_KIND_LINE_EVENT = 33,
	AYP_KIND_RECORDING_END = 34,
	AYP_KIND_SEEK_POINT = 35,
	AYP_KIND_DIGEST = 36,
};

/* Who gets the line first. Lower goes first. */
enum ayp_priority {
	AYP_PRIORITY_META = 0,      /* hello, names, stacks, loss, status, goodbye */
	AYP_PRIORITY_AGGREGATE = 1, /* aggregates, samples */
	AYP_PRIORITY_CONTROL = 2,
	AYP_PRIORITY_EVENTS = 3,
};

/* Flags in a frame's header. Bits not named here are reserved: senders write 0, receivers ignore
 * them. proto/ does not know framing/, so the bits are defined here and opaque there. */
#define AYP_FLAG_DEFLATED 0x01u /* payload is raw deflate (RFC 1951) of the message */

struct ayp_kind_info {
	uint8_t kind;
	const char *name;
	const pb_msgdesc_t *fields;
	size_t size;      /* sizeof the nanopb struct */
	uint8_t priority; /* enum ayp_priority */
	bool compress;    /* try deflate on the payload */
};

/* NULL for a kind this version does not know. */
const struct ayp_kind_info *ayp_kind_info(unsigned int kind);

/* Table walk for tests and listings: NULL when index is past the end. */
const struct ayp_kind_info *ayp_kind_at(size_t index);

/* Room a payload may inflate to; larger ones are refused. */
#define AYP_MAX_MESSAGE 16384u

/*
 * Working memory of encode and decode (compressor state, the uncompressed message): one per thread,
 * set up once, nothing is allocated later. Initialise with ayp_message_ctx_new, release with _free.
 */
struct ayp_message_ctx;
struct ayp_message_ctx *ayp_message_ctx_new(void); /* NULL: out of memory */
/* The same in a caller's buffer of so many bytes, aligned as by malloc; nothing is to be freed. NULL:
 * the compressor cannot be set up. */
size_t ayp_message_ctx_size(void);
struct ayp_message_ctx *ayp_message_ctx_init(void *mem);
void ayp_message_ctx_free(struct ayp_message_ctx *ctx);

/* Encode `msg` (the nanopb struct of `kind`) to at most cap bytes. *flags gets the frame flags to
 * send it with (AYP_FLAG_DEFLATED if that made it smaller). Returns the payload size, or
 * -1 if the kind is unknown, a field is out of range or it does not fit. */
int ayp_message_encode(struct ayp_message_ctx *ctx, unsigned int kind, const void *msg,
	uint8_t *dst, size_t cap, uint8_t *flags);

/* Decode a payload into *msg, which must have room for ayp_kind_info(kind)->size bytes and is
 * zeroed first. Strings come terminated, but with any bytes a hostile sender put in. Returns 0,
 * -1 if damaged or larger than this version takes, -2 if the kind is unknown. */
int ayp_message_decode(struct ayp_message_ctx *ctx, unsigned int kind, uint8_t flags,
	const uint8_t *src, size_t len, void *msg);

/* Bits of MemorySample.unseen: memory that is given back without the board seeing it. */
enum ayp_unseen {
	AYP_UNSEEN_BULK = 1,  /* arrays of objects: kmem_cache_free_bulk() */
	AYP_UNSEEN_RCU = 2,   /* kfree_rcu() */
	AYP_UNSEEN_SHEAF = 4, /* kfree_rcu() of objects whose cache has sheaves (Linux 6.18) */
	AYP_UNSEEN_TABLE =
		8, /* no room even for the few that stand for all: too little is outstanding */
};

/* Lower-case names as `info --json` prints them: "ring_full"...; "unknown" for other values. */
const char *ayp_loss_cause_name(unsigned int cause);
const char *ayp_link_mode_name(unsigned int mode);

#endif
