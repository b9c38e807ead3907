/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "target/base/log.h"

static void execute(const ayaprof_Control *msg, const struct control_ops *ops, void *ctx,
	struct control_result *r)
{
	enum ayp_command command = ayp_command_of(msg);

	if (command < AYP_COMMANDS && ops->command[command]) {
		ops->command[command](ctx, msg, r);
		return;
	}
	r->result = -EOPNOTSUPP;
	snprintf(r->text, sizeof(r->text), "this board's version does not do that");
}

void control_init(struct control *c)
{
	*c = (struct control){
		.ration = {.burst = CONTROL_BURST, .every_ns = CONTROL_EVERY_MS * NS_PER_MS}};
}

const struct control_result *control_take(struct control *c, const ayaprof_Control *msg,
	const struct control_ops *ops, void *ctx, uint64_t now)
{
	struct control_result *r;

	if (msg->id == 0)
		return NULL;
	if (!ration_take(&c->ration, now)) {
		log_note("a host gives commands faster than they are taken");
		return NULL;
	}
	for (unsigned int i = 0; i < CONTROL_REMEMBERED; i++)
		if (c->done[i].id == msg->id)
			return &c->done[i];
	r = &c->done[c->next++ % CONTROL_REMEMBERED];
	memset(r, 0, sizeof(*r));
	r->id = msg->id;
	execute(msg, ops, ctx, r);
	return r;
}
