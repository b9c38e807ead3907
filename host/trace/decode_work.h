/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a job does, wherever it runs: nothing but the job and its decoder is touched. */
#ifndef HOST_TRACE_DECODE_WORK_H
#define HOST_TRACE_DECODE_WORK_H

#include "host/trace/decode.h"

/* Of a block: where it may be decoded. */
enum decode_place {
	DECODE_ANYWHERE,
	DECODE_BEGINS,   /* a group */
	DECODE_CONTINUES /* one */
};

enum decode_place decode_place_of(uint32_t codec, const uint8_t *src, size_t len);
/* arg: struct decode_job. */
void decode_work(void *arg);

#endif
