/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The rows of statistics as a table, JSON or CSV. */
#ifndef HOST_STATS_TABLE_H
#define HOST_STATS_TABLE_H

#include "host/views/memory_account.h"
#include "host/views/stats.h"

struct stats_table {
	struct stats_row *rows;
	size_t n;
	uint64_t lost;                /* events, of the whole recording */
	struct memory_account memory; /* all zero: none */
};

struct stats_column;

/* By its name, with or without its unit. NULL: there is none. */
const struct stats_column *stats_column(const char *key);
void stats_sort(struct stats_table *s, const struct stats_column *by);

/* All to stdout. */
void stats_print(const struct stats_table *s);
void stats_print_json(const struct stats_table *s);
void stats_print_csv(const struct stats_table *s);

#endif
