/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Recordings made in memory, frame by frame, for the tests of host/. cmocka.h comes before this. */
#ifndef TESTS_UNIT_MAKE_RECORDING_H
#define TESTS_UNIT_MAKE_RECORDING_H

#include <stdlib.h>
#include <string.h>

#include "framing/framing.h"
#include "host/recording/record.h"
#include "proto/block.h"
#include "proto/message.h"

struct making {
	uint8_t data[1 << 20];
	size_t size;
	size_t frame_at;       /* where the newest record begins */
	uint8_t wire[1 << 20]; /* the same frames (but not recorders' own) as a line carries them */
	size_t wire_size;
	uint32_t seq, session;
	struct ayp_message_ctx *ctx;
	void *encoder_mem;
	union {
		ayaprof_Hello hello;
		ayaprof_Names names;
		ayaprof_Events events;
		ayaprof_Loss loss;
		ayaprof_Status status;
		ayaprof_Samples samples;
		ayaprof_Control control;
		ayaprof_Ack ack;
		ayaprof_Log log;
		ayaprof_Goodbye goodbye;
		ayaprof_Aggregates aggregates;
		ayaprof_Recording recording;
		ayaprof_LineEvent line_event;
		ayaprof_RecordingEnd end;
	} msg;
};

static inline struct making *making_new(void)
{
	struct making *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->session = 7;
	r->ctx = ayp_message_ctx_new();
	r->encoder_mem = malloc(ayp_block_encoder_size(AYP_CODEC_COLUMNS));
	assert_non_null(r->ctx);
	assert_non_null(r->encoder_mem);
	return r;
}

static inline void making_free(struct making *r)
{
	ayp_message_ctx_free(r->ctx);
	free(r->encoder_mem);
	free(r);
}

static inline void *making_msg(struct making *r)
{
	memset(&r->msg, 0, sizeof(r->msg));
	return &r->msg;
}

/* Append r->msg. */
static inline void making_add(struct making *r, unsigned int kind)
{
	uint8_t payload[FRAMING_MAX_PAYLOAD], body[FRAMING_MAX_BODY];
	bool own = kind >= AYP_KIND_RECORDING;
	struct framing_header h = {
		.kind = (uint8_t)kind, .session = own ? 0 : r->session, .seq = own ? 0 : r->seq++};
	int len = ayp_message_encode(r->ctx, kind, &r->msg, payload, sizeof(payload), &h.flags);
	size_t n;

	assert_true(len >= 0);
	n = framing_body_write(body, sizeof(body), &h, payload, (size_t)len);
	assert_true(n > 0 && r->size + RECORD_MAX <= sizeof(r->data));
	r->frame_at = r->size;
	r->size += record_head(r->data + r->size, n);
	memcpy(r->data + r->size, body, n);
	r->size += n;
	if (!own) {
		n = framing_encode(r->wire + r->wire_size, sizeof(r->wire) - r->wire_size, &h,
			payload, (size_t)len);
		assert_true(n > 0);
		r->wire_size += n;
	}
}

static inline void making_hello(struct making *r)
{
	ayaprof_Hello *h = making_msg(r);

	h->protocol = AYP_PROTOCOL_VERSION;
	h->protocol_min = AYP_PROTOCOL_VERSION_MIN;
	h->cpus = 4;
	h->start_ns = 1000;
	h->codec = AYP_CODEC_COLUMNS;
	making_add(r, AYP_KIND_HELLO);
}

static inline void making_name(
	struct making *r, ayaprof_Table table, uint32_t id, unsigned int cls, const char *name)
{
	ayaprof_Names *n = making_msg(r);

	n->names_count = 1;
	n->names[0].table = table;
	n->names[0].id = id;
	n->names[0].cls = cls;
	snprintf(n->names[0].name, sizeof(n->names[0].name), "%s", name);
	making_add(r, AYP_KIND_NAMES);
}

/* A thread's name from a moment on. */
static inline void making_name_since(
	struct making *m, uint32_t tid, uint32_t tgid, uint64_t since_ns, const char *text)
{
	ayaprof_Names *n = making_msg(m);

	n->names_count = 1;
	n->names[0].table = ayaprof_Table_TABLE_TASK;
	n->names[0].id = tid;
	n->names[0].owner = tgid;
	n->names[0].since_ns = since_ns;
	snprintf(n->names[0].name, sizeof(n->names[0].name), "%s", text);
	making_add(m, AYP_KIND_NAMES);
}

static inline void making_func(struct making *r, uint32_t id, unsigned int cls, const char *name)
{
	making_name(r, ayaprof_Table_TABLE_FUNC, id, cls, name);
}

static inline void making_events(
	struct making *r, uint64_t first_index, const struct ayp_event *ev, uint32_t n)
{
	const struct ayp_block_config config = {.codec = AYP_CODEC_COLUMNS, .target_bytes = 4000};
	struct ayp_block_encoder *e = ayp_block_encoder_init(r->encoder_mem, &config);
	struct ayp_block_info info;
	ayaprof_Events *msg = making_msg(r);

	assert_non_null(e);
	for (uint32_t i = 0; i < n; i++)
		assert_true(ayp_block_encoder_put(e, &ev[i]) >= 0);
	msg->block.size = (pb_size_t)ayp_block_encoder_cut(
		e, msg->block.bytes, sizeof(msg->block.bytes), &info);
	assert_int_equal(info.count, n);
	msg->first_index = first_index;
	msg->count = n;
	msg->codec = info.codec;
	making_add(r, AYP_KIND_EVENTS);
}

static inline void making_goodbye(struct making *r, uint64_t produced, uint64_t taken)
{
	ayaprof_Goodbye *g = making_msg(r);

	g->has_status = true;
	g->status.produced = produced;
	g->status.taken = taken;
	snprintf(g->reason, sizeof(g->reason), "finished");
	making_add(r, AYP_KIND_GOODBYE);
}

static inline void making_end(struct making *r)
{
	making_msg(r);
	making_add(r, AYP_KIND_RECORDING_END);
}

#endif
