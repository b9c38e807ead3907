/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/record/controller.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/base/say.h"
#include "proto/command.h"

#define MS UINT64_C(1000000)

#define REPEAT_NS  (200 * MS)
#define PATIENCE   (5000 * MS)
#define TRIAL_NS   (800 * MS)
#define SILENCE_NS (1000 * MS)
/* At a rate that was agreed on the board must hear us. */
#define SAY_NS       (100 * MS)
#define TRIES        3u
#define TRY_AGAIN_NS (1000 * MS)
/* A rate that worked and was lost: the line may be quiet again by then. */
#define TRY_LATER_NS (10000 * MS)

void controller_init(struct controller *c, struct link *link, struct back *back,
	struct acker *acker, struct ayp_message_ctx *ctx, uint32_t first_id)
{
	*c = (struct controller){.link = link,
		.back = back,
		.acker = acker,
		.ctx = ctx,
		.next_id = first_id ? first_id : 1,
		.base = link->opt.baud};
}

void controller_negotiate(struct controller *c, uint32_t baud)
{
	c->wanted = baud;
	c->tries = TRIES;
}

static void finish(struct controller *c, int result, const char *text)
{
	c->state = CONTROLLER_FREE;
	c->answered = true;
	c->result = result;
	snprintf(c->text, sizeof(c->text), "%s", text);
}

/* ---- commands ------------------------------------------------------------------------------- */

static void send(struct controller *c, uint64_t now)
{
	uint8_t payload[256], frame[TEXTFRAME_BOUND(256u)];
	struct framing_header h = {
		.kind = AYP_KIND_CONTROL, .session = c->acker->session, .seq = c->acker->own_seq++};
	int len = ayp_message_encode(
		c->ctx, AYP_KIND_CONTROL, &c->msg, payload, sizeof(payload), &h.flags);

	c->sent_ns = now;
	if (len >= 0)
		back_send(c->back, frame,
			c->acker->encode(frame, sizeof(frame), &h, payload, (size_t)len));
}

int controller_ask(struct controller *c, const char *command, uint64_t now)
{
	ayaprof_Control msg;

	if (ayp_command_parse(command, &msg))
		return -EINVAL;
	if (c->state != CONTROLLER_FREE)
		return -EBUSY;
	if (!c->acker->session)
		return -ENOTCONN;
	c->msg = msg;
	c->msg.id = c->next_id++;
	c->answered = false;
	c->state = CONTROLLER_ASKING;
	c->begun_ns = now;
	send(c, now);
	return 0;
}

/* ---- the rate ------------------------------------------------------------------------------- */

static bool set_rate(struct controller *c, uint32_t baud)
{
	return link_set_rate(c->link, baud) == 0;
}

static void begin_trial(struct controller *c, uint64_t now)
{
	if (!set_rate(c, c->msg.command.baud)) {
		finish(c, -ERANGE, c->link->error);
		return;
	}
	c->state = CONTROLLER_TRIAL;
	c->begun_ns = now;
	c->fresh = true;
}

static void go_back(struct controller *c, uint64_t now, const char *why)
{
	set_rate(c, c->base);
	c->changed = false;
	c->try_at_ns = now + TRY_AGAIN_NS;
	if (c->state == CONTROLLER_TRIAL)
		finish(c, -ETIMEDOUT, why);
	say("%s: %s, back to %u baud", c->link->port, why, c->base);
}

void controller_reopened(struct controller *c)
{
	c->changed = false;
	if (c->state != CONTROLLER_FREE)
		finish(c, -ENOTCONN, "the line went away");
}

static void on_trial(struct controller *c, bool heard, uint64_t now)
{
	char text[64];

	if (heard) {
		c->changed = c->msg.command.baud != c->base;
		snprintf(text, sizeof(text), "the line runs at %u baud", c->msg.command.baud);
		finish(c, 0, text);
		say("%s: %s", c->link->port, text);
	} else if (now - c->begun_ns > TRIAL_NS) {
		go_back(c, now, "the board is not heard at the new rate");
	}
}

/* A rate that the user wants from the start. */
static void try_rate(struct controller *c, uint64_t now)
{
	char command[32];

	if (!c->wanted || c->changed || !c->tries || c->state != CONTROLLER_FREE ||
		!c->acker->begun || now < c->try_at_ns || c->wanted == c->base)
		return;
	snprintf(command, sizeof(command), "baud %u", c->wanted);
	if (controller_ask(c, command, now) == 0 && --c->tries == 0)
		say("%s: %u baud: last try", c->link->port, c->wanted);
	c->try_at_ns = now + TRY_AGAIN_NS;
}

/* ---- course --------------------------------------------------------------------------------- */

void controller_ack(struct controller *c, const ayaprof_Ack *ack, uint64_t now)
{
	char text[sizeof(ack->text)];

	if (c->state != CONTROLLER_ASKING || ack->control_id != c->msg.id)
		return;
	snprintf(text, sizeof(text), "%s", ack->text);
	if (ack->result == 0 && ayp_command_of(&c->msg) == AYP_COMMAND_BAUD)
		begin_trial(c, now);
	else
		finish(c, ack->result, text);
}

void controller_tick(struct controller *c, uint64_t frames, uint64_t now)
{
	/* What came with the answer came at the old rate. */
	bool heard = frames != c->frames && !c->fresh;

	c->fresh = false;
	c->frames = frames;
	if (heard)
		c->heard_ns = now;
	if (c->state == CONTROLLER_TRIAL)
		on_trial(c, heard, now);
	else if (c->changed && now - c->heard_ns > SILENCE_NS) {
		go_back(c, now, "the board is silent");
		c->tries = c->wanted ? 1 : 0;
		c->try_at_ns = now + TRY_LATER_NS;
	}
	if (c->state == CONTROLLER_ASKING && now - c->begun_ns > PATIENCE)
		finish(c, -ETIMEDOUT, "the board does not answer");
	else if (c->state == CONTROLLER_ASKING && now - c->sent_ns > REPEAT_NS)
		send(c, now);
	if ((c->state == CONTROLLER_TRIAL || c->changed) && now - c->acker->sent_ns > SAY_NS)
		c->acker->at_once = true;
	try_rate(c, now);
}
