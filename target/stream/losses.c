/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/losses.h"

#define RANGES_MAX (sizeof(((ayaprof_Loss *)0)->ranges) / sizeof(ayaprof_LossRange))
#define TOTALS_MAX (sizeof(((ayaprof_Status *)0)->lost) / sizeof(ayaprof_LossTotal))

void losses_add(struct losses *l, ayaprof_LossCause cause, int cpu, uint64_t count,
	uint64_t first_ns, uint64_t last_ns)
{
	struct loss_row *row;

	if (count == 0 || (unsigned int)cause >= LOSSES_CAUSES)
		return;
	if (cpu < -1 || cpu + 1 >= (int)LOSSES_CPUS)
		cpu = -1;
	row = &l->rows[cause][cpu + 1];
	if (row->unreported == 0 || first_ns < row->first_ns)
		row->first_ns = first_ns;
	if (row->unreported == 0 || last_ns > row->last_ns)
		row->last_ns = last_ns;
	row->total += count;
	row->unreported += count;
	l->total[cause] += count;
	l->unreported = true;
}

uint64_t losses_total(const struct losses *l)
{
	uint64_t sum = 0;

	for (unsigned int c = 0; c < LOSSES_CAUSES; c++)
		sum += l->total[c];
	return sum;
}

void losses_take_ranges(struct losses *l, ayaprof_Loss *msg)
{
	msg->ranges_count = 0;
	for (unsigned int c = 0; c < LOSSES_CAUSES; c++) {
		for (unsigned int cpu = 0; l->total[c] && cpu < LOSSES_CPUS; cpu++) {
			struct loss_row *row = &l->rows[c][cpu];
			if (row->unreported == 0)
				continue;
			if (msg->ranges_count == RANGES_MAX)
				return;
			msg->ranges[msg->ranges_count++] = (ayaprof_LossRange){
				.cause = (ayaprof_LossCause)c,
				.cpu_plus_1 = cpu,
				.first_ns = row->first_ns,
				.last_ns = row->last_ns,
				.count = row->unreported,
			};
			row->unreported = 0;
		}
	}
	l->unreported = false;
}

void losses_fill_status(const struct losses *l, ayaprof_Status *status)
{
	size_t n = 0;

	for (unsigned int c = 0; c < LOSSES_CAUSES; c++) {
		uint64_t left = l->total[c];
		/* One row is kept back for each cause, this one's included, to sum up what has no
		 * room. */
		size_t room = TOTALS_MAX - (LOSSES_CAUSES - c);
		for (unsigned int cpu = 1; left && cpu < LOSSES_CPUS && n < room; cpu++) {
			uint64_t total = l->rows[c][cpu].total;
			if (total == 0)
				continue;
			status->lost[n++] = (ayaprof_LossTotal){(ayaprof_LossCause)c, cpu, total};
			left -= total;
		}
		if (left)
			status->lost[n++] = (ayaprof_LossTotal){(ayaprof_LossCause)c, 0, left};
	}
	status->lost_count = (pb_size_t)n;
}
