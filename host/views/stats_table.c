/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/views/stats_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/csv.h"
#include "host/base/json.h"
#include "host/base/text.h"

enum column_type {
	COLUMN_NAME,
	COLUMN_KIND,
	COLUMN_COUNT,
	COLUMN_TIME,
	COLUMN_QUANTILE,
	COLUMN_EXACT,
	COLUMN_ALLOCS,
	COLUMN_BYTES
};

struct stats_column {
	const char *key, *heading;
	enum column_type type;
	size_t at; /* of the uint64_t in struct stats_row */
};

static const struct stats_column columns[] = {
	{"name", "NAME", COLUMN_NAME, 0},
	{"kind", "KIND", COLUMN_KIND, 0},
	{"count", "COUNT", COLUMN_COUNT, offsetof(struct stats_row, count)},
	{"no_end", "NO END", COLUMN_COUNT, offsetof(struct stats_row, no_end)},
	{"total_ns", "TOTAL", COLUMN_TIME, offsetof(struct stats_row, total_ns)},
	{"self_ns", "SELF", COLUMN_TIME, offsetof(struct stats_row, self_ns)},
	{"mean_ns", "MEAN", COLUMN_TIME, offsetof(struct stats_row, mean_ns)},
	{"p50_ns", "P50", COLUMN_QUANTILE, offsetof(struct stats_row, p50_ns)},
	{"p90_ns", "P90", COLUMN_QUANTILE, offsetof(struct stats_row, p90_ns)},
	{"p99_ns", "P99", COLUMN_QUANTILE, offsetof(struct stats_row, p99_ns)},
	{"min_ns", "MIN", COLUMN_TIME, offsetof(struct stats_row, min_ns)},
	{"max_ns", "MAX", COLUMN_TIME, offsetof(struct stats_row, max_ns)},
	{"exact_count", "EXACT", COLUMN_EXACT, offsetof(struct stats_row, exact_count)},
	{"alloc_count", "ALLOCS", COLUMN_ALLOCS, offsetof(struct stats_row, alloc_count)},
	{"alloc_bytes", "ALLOC", COLUMN_BYTES, offsetof(struct stats_row, alloc_bytes)},
	{"free_count", "FREES", COLUMN_ALLOCS, offsetof(struct stats_row, free_count)},
	{"free_bytes", "FREED", COLUMN_BYTES, offsetof(struct stats_row, free_bytes)},
	{"outstanding_bytes", "OUTSTANDING", COLUMN_BYTES,
		offsetof(struct stats_row, outstanding_bytes)},
};
#define N_COLUMNS (sizeof(columns) / sizeof(*columns))

static uint64_t number(const struct stats_row *row, const struct stats_column *c)
{
	uint64_t v;

	memcpy(&v, (const char *)row + c->at, sizeof(v));
	return v;
}

/* Quantiles of a function without times are 0, as its other times are. */
static bool has_value(const struct stats_row *row, const struct stats_column *c)
{
	if (c->type == COLUMN_EXACT)
		return row->has_exact;
	return c->type != COLUMN_QUANTILE || row->has_quantiles || !row->complete;
}

static const char *kind_name(const struct stats_row *row)
{
	return ayp_class_info(row->func->cls)->name;
}

/* ---- order ---------------------------------------------------------------------------------- */

static int row_order(const void *pa, const void *pb, void *sort)
{
	const struct stats_row *a = pa, *b = pb;
	const struct stats_column *c = sort;
	int order = 0;

	if (c->type == COLUMN_KIND)
		order = strcmp(kind_name(a), kind_name(b));
	else if (c->type != COLUMN_NAME)
		order = number(a, c) > number(b, c) ? -1 : number(a, c) < number(b, c);
	if (!order && c->type != COLUMN_NAME)
		order = a->count > b->count ? -1 : a->count < b->count;
	return order ? order : strcmp(a->func->name, b->func->name);
}

const struct stats_column *stats_column(const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < N_COLUMNS; i++) {
		const char *k = columns[i].key;

		if (len && !strncmp(k, key, len) &&
			(!k[len] || !strcmp(k + len, "_ns") || !strcmp(k + len, "_count") ||
				!strcmp(k + len, "_bytes")))
			return &columns[i];
	}
	return NULL;
}

void stats_sort(struct stats_table *s, const struct stats_column *by)
{
	qsort_r(s->rows, s->n, sizeof(*s->rows), row_order, (void *)by);
}

/* ---- output --------------------------------------------------------------------------------- */

void stats_print_json(const struct stats_table *s)
{
	struct json j;

	json_begin(&j, stdout);
	json_array(&j, "functions");
	for (size_t i = 0; i < s->n; i++) {
		const struct stats_row *row = &s->rows[i];

		json_flat_object(&j, NULL);
		for (const struct stats_column *c = columns; c < columns + N_COLUMNS; c++) {
			if (c->type == COLUMN_NAME)
				json_text(&j, c->key, row->func->name);
			else if (c->type == COLUMN_KIND)
				json_text(&j, c->key, kind_name(row));
			else if (!has_value(row, c))
				json_null(&j, c->key);
			else
				json_uint(&j, c->key, number(row, c));
		}
		json_real(&j, "quantile_error", HISTOGRAM_ERROR);
		json_uint(&j, "complete", row->complete);
		if (*row->func->owner)
			json_text(&j, "owner", row->func->owner);
		json_text(&j, "symbol", row->func->symbol);
		json_close(&j);
	}
	json_close(&j);
	json_uint(&j, "lost", s->lost);
	json_end(&j);
}

void stats_print_csv(const struct stats_table *s)
{
	for (size_t i = 0; i < N_COLUMNS; i++)
		printf("%s%s", i ? "," : "", columns[i].key);
	printf(",owner,symbol\n");
	for (size_t i = 0; i < s->n; i++) {
		const struct stats_row *row = &s->rows[i];

		for (const struct stats_column *c = columns; c < columns + N_COLUMNS; c++) {
			if (c != columns)
				putchar(',');
			if (c->type == COLUMN_NAME)
				csv_text(stdout, row->func->name);
			else if (c->type == COLUMN_KIND)
				csv_text(stdout, kind_name(row));
			else if (has_value(row, c))
				printf("%" PRIu64, number(row, c));
		}
		putchar(',');
		csv_text(stdout, row->func->owner);
		putchar(',');
		csv_text(stdout, row->func->symbol);
		putchar('\n');
	}
}

/* Of a long name both ends are shown: templates differ in the one, their members in the other. */
static void name_cell(char dst[160], const struct trace_func *f)
{
	char owner[64] = "";
	size_t n = strlen(f->name), room, half;

	if (*f->owner)
		snprintf(owner, sizeof(owner), " [%s]", f->owner);
	room = 159 - strlen(owner);
	half = (room - 3) / 2;
	if (n <= room)
		snprintf(dst, 160, "%s%s", f->name, owner);
	else
		snprintf(dst, 160, "%.*s...%s%s", (int)half, f->name, f->name + n - half, owner);
}

static void cell_text(char dst[160], const struct stats_row *row, const struct stats_column *c)
{
	char time[TEXT_NUMBER];

	dst[0] = '\0';
	switch (c->type) {
	case COLUMN_NAME:
		name_cell(dst, row->func);
		break;
	case COLUMN_KIND:
		snprintf(dst, 160, "%s", kind_name(row));
		break;
	case COLUMN_TIME:
		if (row->complete)
			snprintf(dst, 160, "%s", text_duration(time, number(row, c)));
		break;
	case COLUMN_QUANTILE:
		if (row->has_quantiles)
			snprintf(dst, 160, "%s", text_duration(time, number(row, c)));
		break;
	case COLUMN_BYTES:
		if (row->alloc_count)
			snprintf(dst, 160, "%s", text_bytes(time, number(row, c)));
		break;
	case COLUMN_ALLOCS:
		if (row->alloc_count)
			snprintf(dst, 160, "%" PRIu64, number(row, c));
		break;
	case COLUMN_EXACT:
		if (!row->has_exact)
			break;
		/* fall through */
	case COLUMN_COUNT:
		snprintf(dst, 160, "%" PRIu64, number(row, c));
		break;
	}
}

static bool has_memory(const struct stats_table *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->rows[i].alloc_count)
			return true;
	return false;
}

/* How far OUTSTANDING can be trusted, which is the same for all functions. */
static void print_doubts(const struct stats_table *s)
{
	char doubts[160];

	memory_account_doubts(doubts, sizeof(doubts), s->memory.one_in, s->memory.unseen);
	if (*doubts)
		printf("what is outstanding is %s%s (hostdec info tells more)\n",
			s->memory.one_in > 1 ? "" : "what was not seen to come back; ", doubts);
}

void stats_print(const struct stats_table *s)
{
	size_t width[N_COLUMNS], n = N_COLUMNS;
	char cell[160];

	while (!has_memory(s) && columns[n - 1].type >= COLUMN_ALLOCS)
		n--;

	for (size_t c = 0; c < n; c++) {
		width[c] = strlen(columns[c].heading);
		for (size_t i = 0; i < s->n; i++) {
			cell_text(cell, &s->rows[i], &columns[c]);
			width[c] = strlen(cell) > width[c] ? strlen(cell) : width[c];
		}
	}
	for (size_t i = 0; i <= s->n; i++) {
		for (size_t c = 0; c < n; c++) {
			bool left =
				columns[c].type == COLUMN_NAME || columns[c].type == COLUMN_KIND;

			if (i)
				cell_text(cell, &s->rows[i - 1], &columns[c]);
			else
				snprintf(cell, sizeof(cell), "%s", columns[c].heading);
			printf(left ? "%s%-*s" : "%s%*s", c ? "  " : "", (int)width[c], cell);
		}
		putchar('\n');
	}
	if (has_memory(s))
		print_doubts(s);
	if (s->lost)
		printf("%" PRIu64 " events were lost; calls they cut count, but have no times "
		       "(hostdec info tells causes)\n",
			s->lost);
}
