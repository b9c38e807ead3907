/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/feed.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "proto/name.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define CYCLE_NS       (1500 * NS_PER_MS)
#define LOSS_PERIOD_NS (500 * NS_PER_MS)
/* Periodic messages wait while so much metadata is still on its way. */
#define META_BUSY 1024u

#define BASIC_TABLES                                                                               \
	(NAMES_TABLE(ayaprof_Table_TABLE_FUNC) | NAMES_TABLE(ayaprof_Table_TABLE_IFACE))
#define INLINE_TABLES                                                                              \
	(NAMES_TABLE(ayaprof_Table_TABLE_TASK) | NAMES_TABLE(ayaprof_Table_TABLE_SYMBOL))

#define NAMES_MAX  COUNT_OF(((ayaprof_Names *)0)->names)
#define STACKS_PER COUNT_OF(((ayaprof_Stacks *)0)->stacks)

int feed_init(struct feed *f, const struct feed_parts *parts, const struct shares *shares,
	unsigned int generation, uint64_t now)
{
	int basics = names_listen(parts->names, BASIC_TABLES);
	int in_line = names_listen(parts->names, INLINE_TABLES);

	if (basics < 0 || in_line < 0)
		return -ENOMEM;
	*f = (struct feed){
		.queue = parts->queue,
		.writer = parts->writer,
		.names = parts->names,
		.stacks = parts->stacks,
		.basics_listener = basics,
		.inline_listener = in_line,
		.generation = generation,
		.cycles =
			{
				[CYCLE_BASICS] = {.tables = BASIC_TABLES},
				[CYCLE_TASKS] = {.tables = NAMES_TABLE(ayaprof_Table_TABLE_TASK)},
				[CYCLE_SYMBOLS] = {.tables =
							   NAMES_TABLE(ayaprof_Table_TABLE_SYMBOL),
					.stacks = true},
			},
		.repeat_budget = {.at_ns = now},
		.telemetry_budget = {.at_ns = now},
	};
	feed_set_shares(f, shares);
	f->telemetry_budget.tokens = f->telemetry_budget.per_s;
	return 0;
}

void feed_set_shares(struct feed *f, const struct shares *shares)
{
	/* What was due on a slow line is due at once on a fast one. */
	if (f->period_ns != shares->period_ns)
		f->hello_due = f->status_due = 0;
	f->period_ns = shares->period_ns;
	f->repeat_budget.per_s = shares->repeat_per_s;
	f->telemetry_budget.per_s = shares->telemetry_per_s;
}

static int post_as(struct feed *f, unsigned int kind, unsigned int priority, const void *msg)
{
	int len = writer_encode(f->writer, kind, msg);

	if (len < 0)
		return -EMSGSIZE;
	return outqueue_post(
		f->queue, kind, priority, f->writer->flags, f->writer->payload, (size_t)len);
}

int feed_post(struct feed *f, unsigned int kind, const void *msg)
{
	return post_as(f, kind, ayp_kind_info(kind)->priority, msg);
}

bool feed_takes_telemetry(struct feed *f, unsigned int kind, uint64_t now)
{
	budget_refill(&f->telemetry_budget, now);
	return budget_allows(&f->telemetry_budget) &&
	       outqueue_has_room(f->queue, kind, FRAMING_MAX_PAYLOAD);
}

bool feed_post_telemetry(
	struct feed *f, unsigned int kind, const void *msg, bool must, uint64_t now)
{
	unsigned int priority = ayp_kind_info(kind)->priority;
	size_t before = spool_bytes_of(&f->queue->spool, priority);

	budget_refill(&f->telemetry_budget, now);
	if ((!must && !budget_allows(&f->telemetry_budget)) || post_as(f, kind, priority, msg))
		return false;
	budget_spend(&f->telemetry_budget,
		(int64_t)(spool_bytes_of(&f->queue->spool, priority) - before));
	return true;
}

/* ---- names and stacks ----------------------------------------------------------------------- */

static void fill_name(ayaprof_Name *to, const struct name *from)
{
	to->table = (ayaprof_Table)from->table;
	to->id = from->id;
	to->cls = from->cls;
	to->owner = from->owner;
	to->since_ns = from->since_ns;
	to->long_name[0] = '\0';
	if (name_fit(to->name, sizeof(to->name), from->text))
		name_fit(to->long_name, sizeof(to->long_name), from->text);
	name_fit(to->owner_name, sizeof(to->owner_name), from->owner_name ? from->owner_name : "");
}

static bool announce_names(struct feed *f, int listener, unsigned int priority)
{
	ayaprof_Names *msg = &f->writer->msg.names;
	size_t limit = NAMES_MAX;

	for (;;) {
		size_t seen = 0;
		const struct name *name;
		int err = 0;

		msg->names_count = 0;
		while (msg->names_count < limit &&
			(name = names_news_at(f->names, listener, seen)) != NULL) {
			seen++;
			if (name->text[0])
				fill_name(&msg->names[msg->names_count++], name);
		}
		if (seen == 0)
			return true;
		if (msg->names_count)
			err = post_as(f, AYP_KIND_NAMES, priority, msg);
		if (err == -ENOSPC)
			return false;
		if (err == -EMSGSIZE && limit > 1) {
			limit /= 2;
			continue;
		}
		names_news_announced(f->names, listener, seen);
	}
}

static int post_stacks(struct feed *f, unsigned int priority, uint64_t *position)
{
	ayaprof_Stacks *msg = &f->writer->msg.stacks;
	size_t limit = STACKS_PER;

	if (*position < stacks_begin(f->stacks))
		*position = stacks_begin(f->stacks);
	for (;; limit /= 2) {
		int err;

		msg->stacks_count = 0;
		while (msg->stacks_count < limit &&
			stacks_get(f->stacks, *position + msg->stacks_count,
				&msg->stacks[msg->stacks_count]))
			msg->stacks_count++;
		if (msg->stacks_count == 0)
			return 0;
		err = post_as(f, AYP_KIND_STACKS, priority, msg);
		if (err == -EMSGSIZE && limit > 1)
			continue;
		if (err == -ENOSPC)
			return err;
		*position += msg->stacks_count;
		return (int)msg->stacks_count;
	}
}

void feed_announce_basics(struct feed *f)
{
	announce_names(f, f->basics_listener, AYP_PRIORITY_META);
}

void feed_announce_inline(struct feed *f)
{
	if (!announce_names(f, f->inline_listener, AYP_PRIORITY_EVENTS))
		return;
	while (post_stacks(f, AYP_PRIORITY_EVENTS, &f->next_stack) > 0)
		;
}

bool feed_announced(const struct feed *f)
{
	return !names_news_at(f->names, f->basics_listener, 0) &&
	       !names_news_at(f->names, f->inline_listener, 0) && f->next_stack >= f->stacks->end;
}

/* ---- repetition ----------------------------------------------------------------------------- */

static bool belongs(const struct feed *f, const struct cycle *c, const struct name *name)
{
	if (!(c->tables & NAMES_TABLE(name->table)) || !name->text[0])
		return false;
	return name->table != ayaprof_Table_TABLE_TASK || names_recent(f->names, name);
}

/* One frame of names; false when there are none left in this cycle. */
static bool repeat_names(struct feed *f, struct cycle *c)
{
	ayaprof_Names *msg = &f->writer->msg.names;
	size_t limit = NAMES_MAX;
	uint64_t begin = c->name;

	for (;; limit /= 2, c->name = begin) {
		const struct name *name;
		int err;

		msg->names_count = 0;
		while (msg->names_count < limit &&
			(name = names_used_at(f->names, (size_t)c->name)) != NULL) {
			c->name++;
			if (belongs(f, c, name))
				fill_name(&msg->names[msg->names_count++], name);
		}
		if (msg->names_count == 0)
			return false;
		err = feed_post(f, AYP_KIND_NAMES, msg);
		if (err == -EMSGSIZE && limit > 1)
			continue;
		if (err == -ENOSPC)
			c->name = begin;
		return true;
	}
}

static void cycle_restart(struct cycle *c, uint64_t now)
{
	c->started_ns = now;
	c->name = 0;
	c->stack = 0;
	c->wanted = true;
}

static bool repeat_cycle(struct feed *f, struct cycle *c, bool blind, uint64_t now)
{
	if (!c->wanted && !blind)
		return false;
	if (repeat_names(f, c) || (c->stacks && post_stacks(f, AYP_PRIORITY_META, &c->stack) > 0))
		return true;
	c->wanted = false;
	if (now - c->started_ns < CYCLE_NS || !blind)
		return false;
	cycle_restart(c, now);
	return repeat_names(f, c);
}

/* Who comes first when there is something to repeat. Half of the turns go to what everything hangs
 * on; thousands of tasks or symbols must not keep it from the line, nor the other way round. */
static const uint8_t turns[][CYCLES] = {
	{CYCLE_BASICS, CYCLE_TASKS, CYCLE_SYMBOLS},
	{CYCLE_TASKS, CYCLE_SYMBOLS, CYCLE_BASICS},
	{CYCLE_BASICS, CYCLE_SYMBOLS, CYCLE_TASKS},
	{CYCLE_SYMBOLS, CYCLE_TASKS, CYCLE_BASICS},
};

static void repeat(struct feed *f, bool blind, uint64_t now)
{
	size_t before = spool_bytes_of(&f->queue->spool, AYP_PRIORITY_META);
	const uint8_t *order;

	budget_refill(&f->repeat_budget, now);
	if (!budget_allows(&f->repeat_budget) || before > 0)
		return;
	order = turns[f->turn++ % COUNT_OF(turns)];
	for (size_t i = 0; i < CYCLES; i++)
		if (repeat_cycle(f, &f->cycles[order[i]], blind, now))
			break;
	budget_spend(&f->repeat_budget,
		(int64_t)(spool_bytes_of(&f->queue->spool, AYP_PRIORITY_META) - before));
}

/* ---- periodic ------------------------------------------------------------------------------- */

void feed_report_losses(struct feed *f)
{
	ayaprof_Loss *msg = &f->writer->msg.loss;

	while (f->queue->losses.unreported &&
		outqueue_has_room(f->queue, AYP_KIND_LOSS, FRAMING_MAX_PAYLOAD)) {
		losses_take_ranges(&f->queue->losses, msg);
		if (msg->ranges_count == 0 || feed_post(f, AYP_KIND_LOSS, msg))
			return;
	}
}

static void fill_status(struct feed *f, const struct feed_books *books)
{
	ayaprof_Status *status = &f->writer->msg.status;

	memset(status, 0, sizeof(*status));
	books->fill(books->ctx, f, status);
}

void feed_tick(struct feed *f, const struct feed_listener *who, const ayaprof_Hello *hello,
	const struct feed_books *books, uint64_t now)
{
	assert(!f->ended);
	if (f->generation != who->generation) {
		f->generation = who->generation;
		f->hello_due = 0;
		f->introduced = false;
		for (size_t i = 0; i < CYCLES; i++)
			cycle_restart(&f->cycles[i], now);
	}
	if (!who->present || spool_bytes_of(&f->queue->spool, AYP_PRIORITY_META) > META_BUSY)
		return;
	if (now >= f->hello_due && (who->blind || !f->introduced) &&
		feed_post(f, AYP_KIND_HELLO, hello) == 0) {
		f->hello_due = now + f->period_ns;
		f->introduced = true;
	}
	feed_announce_basics(f);
	if (now >= f->loss_due && f->queue->losses.unreported) {
		feed_report_losses(f);
		f->loss_due = now + LOSS_PERIOD_NS;
	}
	if (now >= f->status_due) {
		fill_status(f, books);
		if (feed_post(f, AYP_KIND_STATUS, &f->writer->msg.status) == 0)
			f->status_due = now + f->period_ns;
	}
	repeat(f, who->blind, now);
}
