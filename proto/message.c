/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proto/message.h"

#include <stdlib.h>
#include <string.h>

#include <pb_decode.h>
#include <pb_encode.h>

#include "proto/zarena.h"

/* X(KIND, field of Envelope, message, priority, try deflate). The only list of kinds in C. */
#define KINDS(X)                                                                                   \
	X(HELLO, hello, Hello, META, true)                                                         \
	X(NAMES, names, Names, META, true)                                                         \
	X(EVENTS, events, Events, EVENTS, false) /* the block is as dense as it gets */            \
	X(SAMPLES, samples, Samples, AGGREGATE, true)                                              \
	X(AGGREGATES, aggregates, Aggregates, AGGREGATE, true)                                     \
	X(LOSS, loss, Loss, META, true)                                                            \
	X(STATUS, status, Status, META, true)                                                      \
	X(CONTROL, control, Control, CONTROL, false)                                               \
	X(ACK, ack, Ack, CONTROL, false)                                                           \
	X(GOODBYE, goodbye, Goodbye, META, true)                                                   \
	X(STACKS, stacks, Stacks, META, true)                                                      \
	X(SYNC, sync, Sync, CONTROL, false)                                                        \
	X(LOG, log, Log, AGGREGATE, true)                                                          \
	X(RECORDING, recording, Recording, META, false)                                            \
	X(LINE_EVENT, line_event, LineEvent, META, false)                                          \
	X(RECORDING_END, recording_end, RecordingEnd, META, false)                                 \
	X(SEEK_POINT, seek_point, SeekPoint, META, false)                                          \
	X(DIGEST, digest, Digest, META, false)

/* A kind is its field number in Envelope, a row names the field's message, no field lacks a row. */
#define CHECK_ROW(KIND, field, Type, priority, compress)                                           \
	_Static_assert(AYP_KIND_##KIND == ayaprof_Envelope_##field##_tag,                          \
		"AYP_KIND_" #KIND " is not the field number in Envelope");                         \
	_Static_assert(_Generic((ayaprof_##Type *)0,                                               \
			       ayaprof_Envelope_body_##field##_MSGTYPE * : 1, default : 0),        \
		"row " #KIND " names the wrong message");
KINDS(CHECK_ROW)
#define PLUS_ROW(...)   +1
#define PLUS_FIELD(...) +1
_Static_assert(0 KINDS(PLUS_ROW) == 0 ayaprof_Envelope_FIELDLIST(PLUS_FIELD, 0),
	"Envelope and the table of kinds differ in length");

#define ROW(KIND, field, Type, prio, deflated)                                                     \
	{.kind = AYP_KIND_##KIND,                                                                  \
		.name = #field,                                                                    \
		.fields = ayaprof_##Type##_fields,                                                 \
		.size = sizeof(ayaprof_##Type),                                                    \
		.priority = AYP_PRIORITY_##prio,                                                   \
		.compress = deflated},
static const struct ayp_kind_info kinds[] = {KINDS(ROW)};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

const struct ayp_kind_info *ayp_kind_at(size_t index)
{
	return index < N_KINDS ? &kinds[index] : NULL;
}

const struct ayp_kind_info *ayp_kind_info(unsigned int kind)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if (kinds[i].kind == kind)
			return &kinds[i];
	return NULL;
}

/* Messages are a few KB: a window of 4 KiB sees most of one, and a small board has the memory. */
#define DEFLATE_WINDOW_BITS 12
#define DEFLATE_MEM_LEVEL   5
#define DEFLATE_LEVEL       6
/* Below this a deflate header eats what it could gain. */
#define DEFLATE_MIN 48

struct ayp_message_ctx {
	z_stream deflater, inflater;
	struct zarena deflate_arena, inflate_arena;
	_Alignas(max_align_t) uint8_t
		deflate_mem[ZARENA_DEFLATE_SIZE(DEFLATE_WINDOW_BITS, DEFLATE_MEM_LEVEL)];
	_Alignas(max_align_t) uint8_t inflate_mem[ZARENA_INFLATE_SIZE];
	uint8_t plain[AYP_MAX_MESSAGE]; /* a message before or after deflate */
};

size_t ayp_message_ctx_size(void)
{
	return sizeof(struct ayp_message_ctx);
}

struct ayp_message_ctx *ayp_message_ctx_init(void *mem)
{
	struct ayp_message_ctx *ctx = mem;

	zarena_use(&ctx->deflate_arena, ctx->deflate_mem, sizeof(ctx->deflate_mem), &ctx->deflater);
	zarena_use(&ctx->inflate_arena, ctx->inflate_mem, sizeof(ctx->inflate_mem), &ctx->inflater);
	if (deflateInit2(&ctx->deflater, DEFLATE_LEVEL, Z_DEFLATED, -DEFLATE_WINDOW_BITS,
		    DEFLATE_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK ||
		inflateInit2(&ctx->inflater, -MAX_WBITS) != Z_OK)
		return NULL;
	return ctx;
}

struct ayp_message_ctx *ayp_message_ctx_new(void)
{
	void *mem = malloc(sizeof(struct ayp_message_ctx));
	struct ayp_message_ctx *ctx = mem ? ayp_message_ctx_init(mem) : NULL;

	if (!ctx)
		free(mem);
	return ctx;
}

void ayp_message_ctx_free(struct ayp_message_ctx *ctx)
{
	free(ctx); /* zlib's memory is inside */
}

int ayp_message_encode(struct ayp_message_ctx *ctx, unsigned int kind, const void *msg,
	uint8_t *dst, size_t cap, uint8_t *flags)
{
	const struct ayp_kind_info *info = ayp_kind_info(kind);
	pb_ostream_t out = pb_ostream_from_buffer(ctx->plain, sizeof(ctx->plain));
	size_t plain, packed;

	*flags = 0;
	if (!info || !pb_encode(&out, info->fields, msg))
		return -1;
	plain = out.bytes_written;
	if (info->compress && plain >= DEFLATE_MIN) {
		packed = zarena_deflate(
			&ctx->deflater, dst, plain - 1 < cap ? plain - 1 : cap, ctx->plain, plain);
		if (packed) {
			*flags = AYP_FLAG_DEFLATED;
			return (int)packed;
		}
	}
	if (plain > cap)
		return -1;
	memcpy(dst, ctx->plain, plain);
	return (int)plain;
}

int ayp_message_decode(struct ayp_message_ctx *ctx, unsigned int kind, uint8_t flags,
	const uint8_t *src, size_t len, void *msg)
{
	const struct ayp_kind_info *info = ayp_kind_info(kind);
	pb_istream_t in;

	if (!info)
		return -2;
	memset(msg, 0, info->size);
	if (flags & AYP_FLAG_DEFLATED) {
		ptrdiff_t n =
			zarena_inflate(&ctx->inflater, ctx->plain, sizeof(ctx->plain), src, len);

		if (n < 0)
			return -1;
		src = ctx->plain;
		len = (size_t)n;
	}
	if (len > AYP_MAX_MESSAGE)
		return -1;
	in = pb_istream_from_buffer(src, len);
	return pb_decode(&in, info->fields, msg) ? 0 : -1;
}

static const char *const loss_causes[_ayaprof_LossCause_ARRAYSIZE] = {
	[ayaprof_LossCause_LOSS_UNKNOWN] = "unknown",
	[ayaprof_LossCause_LOSS_RING_FULL] = "ring_full",
	[ayaprof_LossCause_LOSS_MAP_FULL] = "map_full",
	[ayaprof_LossCause_LOSS_MISSED_RETURN] = "missed_return",
	[ayaprof_LossCause_LOSS_SPOOL_FULL] = "spool_full",
	[ayaprof_LossCause_LOSS_ABANDONED] = "abandoned",
	[ayaprof_LossCause_LOSS_LINE] = "line",
	[ayaprof_LossCause_LOSS_UNDECODABLE] = "undecodable",
	[ayaprof_LossCause_LOSS_HOST_OVERRUN] = "host_overrun",
};

static const char *const link_modes[_ayaprof_LinkMode_ARRAYSIZE] = {
	[ayaprof_LinkMode_LINK_UNKNOWN] = "unknown",
	[ayaprof_LinkMode_LINK_ONEWAY] = "oneway",
	[ayaprof_LinkMode_LINK_RELIABLE] = "reliable",
	[ayaprof_LinkMode_LINK_FILE] = "file",
	[ayaprof_LinkMode_LINK_TCP] = "tcp",
};

static const char *name_at(const char *const *names, size_t n, unsigned int i)
{
	return i < n && names[i] ? names[i] : "unknown";
}

const char *ayp_loss_cause_name(unsigned int cause)
{
	return name_at(loss_causes, _ayaprof_LossCause_ARRAYSIZE, cause);
}

const char *ayp_link_mode_name(unsigned int mode)
{
	return name_at(link_modes, _ayaprof_LinkMode_ARRAYSIZE, mode);
}
