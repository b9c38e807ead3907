/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A recording to be replayed of any bytes: as many events as it has records, each of a kind that there is. */
#include <errno.h>

#include "target/source/source.h"
#include "tests/fuzz/fuzz_file.h"

static size_t events;

static void on_event(void *ctx, const struct ayp_event *ev)
{
	MUST(ev->kind < AYP_EVENT_KINDS && ev->nargs == 0);
	events++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct source_sink sink = {.event = on_event};
	struct config cfg = {.replay_file = fuzz_file(data, size)};
	struct names *names = names_new();
	struct source *s;
	uint32_t func = 0;
	ayaprof_Aggregate rows[16];
	size_t counted = 0, n;
	int got = 0;

	MUST(names);
	s = replay_source_new(&cfg, names, &sink);
	MUST(s);
	events = 0;
	if (s->ops->start(s) == 0 && s->ops->activate(s) == 0) {
		while ((got = s->ops->consume(s, 100, 0)) > 0)
			;
		MUST(got == -ENODATA || got == -EBADMSG);
		MUST(events == s->ops->produced(s) && events <= size / AYP_RECORD_SIZE);
		MUST(got != -ENODATA || events == size / AYP_RECORD_SIZE);
		while ((n = s->ops->totals(s, &func, rows, 16)) > 0)
			while (n)
				counted += rows[--n].count;
		MUST(counted <= events);
	}
	s->ops->free(s);
	names_free(names);
	return 0;
}
