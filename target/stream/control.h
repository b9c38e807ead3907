/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a host may ask for (PROTOCOL.md, Control): each command once, however often it comes, and an
 * answer each time.
 */
#ifndef TARGET_CONTROL_H
#define TARGET_CONTROL_H

#include <stdint.h>

#include "proto/command.h"
#include "proto/message.h"
#include "target/stream/budget.h"

#define CONTROL_REMEMBERED 16u
/* Commands that are taken at once, and one more in so many ms. A host repeats one every 200 ms
 * until it is answered. */
#define CONTROL_BURST    8u
#define CONTROL_EVERY_MS 100u

struct control_result {
	uint32_t id;
	int32_t result; /* 0 or a negative errno */
	char text[sizeof(((ayaprof_Ack *)0)->text)];
};

struct control {
	struct control_result done[CONTROL_REMEMBERED];
	unsigned int next;
	struct ration ration;
};

/* Do it, and fill result and text. */
typedef void control_op(void *ctx, const ayaprof_Control *msg, struct control_result *r);

/* By enum ayp_command; NULL: this board does not do that. */
struct control_ops {
	control_op *command[AYP_COMMANDS];
};

void control_init(struct control *c);
/* Execute it, unless it has been; what to answer. NULL: it is none (id 0), or they come faster than
 * they are taken: a host that means it repeats it. */
const struct control_result *control_take(struct control *c, const ayaprof_Control *msg,
	const struct control_ops *ops, void *ctx, uint64_t now_ns);

#endif
