/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a host may ask for (PROTOCOL.md, Control): each command once, however often it comes, and an answer
 * each time.
 */
#ifndef TARGET_CONTROL_H
#define TARGET_CONTROL_H

#include <stdint.h>

#include "proto/message.h"

#define CONTROL_REMEMBERED 16u

struct control_result {
	uint32_t id;
	int32_t result; /* 0 or a negative errno */
	char text[sizeof(((ayaprof_Ack *)0)->text)];
};

struct control {
	struct control_result done[CONTROL_REMEMBERED];
	unsigned int next;
};

struct control_ops {
	/* Fill result and text. */
	void (*status)(void *ctx, struct control_result *r);
	void (*stop)(void *ctx, struct control_result *r);
	void (*baud)(void *ctx, uint32_t baud, struct control_result *r);
};

/* Execute it, unless it has been; what to answer. NULL: it is none (id 0). */
const struct control_result *control_take(
	struct control *c, const ayaprof_Control *msg, const struct control_ops *ops, void *ctx);

#endif
