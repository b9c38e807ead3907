/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/cli.h"
#include "host/commands.h"
#include "host/base/csv.h"
#include "host/base/json.h"
#include "host/model/memory_books.h"
#include "host/model/model.h"
#include "host/base/say.h"
#include "host/views/stats.h"
#include "host/base/text.h"

enum { OPT_JSON, OPT_CSV, OPT_SORT, OPT_TOP };

static const struct cli_option options[] = {
	[OPT_JSON] = {0, "json", NULL, "as JSON, times in ns"},
	[OPT_CSV] = {0, "csv", NULL, "as CSV, times in ns"},
	[OPT_SORT] = {'s', "sort", "KEY",
		"name, kind, count, no_end, total, self, mean, p50, p90, p99, min, max, alloc, "
		"alloc_bytes or outstanding (total)"},
	[OPT_TOP] = {'n', "top", "N", "only the first N"},
};

static const struct cli_spec spec = {
	.usage = "stats run.pb [--json|--csv] [--sort KEY] [--top N]",
	.about =
		"Times per function. total is from entry to exit, self is total without the calls\n"
		"made from there. Calls whose exit is not in the recording (still running, lost,\n"
		"missed by the kernel) count, but have no times: no_end says how many. exact is "
		"the\n"
		"board's own count where it sends one: it is right whatever was lost on the way.\n"
		"With module memory: allocs and bytes that kernel memory was taken in while the\n"
		"function was the innermost profiled one, and what of it is outstanding.\n"
		"Names of C++ and Rust are shown as they were written; --json and --csv have the\n"
		"symbol, too.",
	.options = options,
	.n_options = sizeof(options) / sizeof(*options),
	.more = "example: hostdec stats run.pb --sort self --top 20",
};

enum column_type {
	COLUMN_NAME,
	COLUMN_KIND,
	COLUMN_COUNT,
	COLUMN_TIME,
	COLUMN_EXACT,
	COLUMN_ALLOCS,
	COLUMN_BYTES
};

static const struct column {
	const char *key, *heading;
	enum column_type type;
	size_t at; /* of the uint64_t in struct stats_row */
} columns[] = {
	{"name", "NAME", COLUMN_NAME, 0},
	{"kind", "KIND", COLUMN_KIND, 0},
	{"count", "COUNT", COLUMN_COUNT, offsetof(struct stats_row, count)},
	{"no_end", "NO END", COLUMN_COUNT, offsetof(struct stats_row, no_end)},
	{"total_ns", "TOTAL", COLUMN_TIME, offsetof(struct stats_row, total_ns)},
	{"self_ns", "SELF", COLUMN_TIME, offsetof(struct stats_row, self_ns)},
	{"mean_ns", "MEAN", COLUMN_TIME, offsetof(struct stats_row, mean_ns)},
	{"p50_ns", "P50", COLUMN_TIME, offsetof(struct stats_row, p50_ns)},
	{"p90_ns", "P90", COLUMN_TIME, offsetof(struct stats_row, p90_ns)},
	{"p99_ns", "P99", COLUMN_TIME, offsetof(struct stats_row, p99_ns)},
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

struct stats_options {
	bool json, csv;
	const struct column *sort;
	uint64_t top;
};

static uint64_t number(const struct stats_row *row, const struct column *c)
{
	uint64_t v;

	memcpy(&v, (const char *)row + c->at, sizeof(v));
	return v;
}

static const char *kind_name(const struct stats_row *row)
{
	return ayp_class_info(row->func->cls)->name;
}

/* ---- order ---------------------------------------------------------------------------------- */

static int row_order(const void *pa, const void *pb, void *sort)
{
	const struct stats_row *a = pa, *b = pb;
	const struct column *c = sort;
	int order = 0;

	if (c->type == COLUMN_KIND)
		order = strcmp(kind_name(a), kind_name(b));
	else if (c->type != COLUMN_NAME)
		order = number(a, c) > number(b, c) ? -1 : number(a, c) < number(b, c);
	if (!order && c->type != COLUMN_NAME)
		order = a->count > b->count ? -1 : a->count < b->count;
	return order ? order : strcmp(a->func->name, b->func->name);
}

static const struct column *find_column(const char *key)
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

/* ---- output --------------------------------------------------------------------------------- */

static void print_json(const struct stats *s, const struct model *m)
{
	struct json j;

	json_begin(&j, stdout);
	json_array(&j, "functions");
	for (size_t i = 0; i < s->n; i++) {
		const struct stats_row *row = &s->rows[i];

		json_flat_object(&j, NULL);
		for (const struct column *c = columns; c < columns + N_COLUMNS; c++) {
			if (c->type == COLUMN_NAME)
				json_text(&j, c->key, row->func->name);
			else if (c->type == COLUMN_KIND)
				json_text(&j, c->key, kind_name(row));
			else if (c->type == COLUMN_EXACT && !row->has_exact)
				json_null(&j, c->key);
			else
				json_uint(&j, c->key, number(row, c));
		}
		json_uint(&j, "complete", row->complete);
		if (*row->func->owner)
			json_text(&j, "owner", row->func->owner);
		json_text(&j, "symbol", row->func->symbol);
		json_close(&j);
	}
	json_close(&j);
	json_uint(&j, "lost", m->lost_total);
	json_end(&j);
}

static void print_csv(const struct stats *s)
{
	for (size_t i = 0; i < N_COLUMNS; i++)
		printf("%s%s", i ? "," : "", columns[i].key);
	printf(",owner,symbol\n");
	for (size_t i = 0; i < s->n; i++) {
		const struct stats_row *row = &s->rows[i];

		for (const struct column *c = columns; c < columns + N_COLUMNS; c++) {
			if (c != columns)
				putchar(',');
			if (c->type == COLUMN_NAME)
				csv_text(stdout, row->func->name);
			else if (c->type == COLUMN_KIND)
				csv_text(stdout, kind_name(row));
			else if (c->type != COLUMN_EXACT || row->has_exact)
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
static void name_cell(char dst[160], const struct model_func *f)
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

static void cell_text(char dst[160], const struct stats_row *row, const struct column *c)
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

static bool has_memory(const struct stats *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->rows[i].alloc_count)
			return true;
	return false;
}

/* How far OUTSTANDING can be trusted, which is the same for all functions. */
static void print_doubts(const struct model *m)
{
	struct memory_books books;
	char doubts[160];

	memory_books(&books, m);
	memory_books_doubts(doubts, sizeof(doubts), books.one_in, books.unseen);
	if (*doubts)
		printf("what is outstanding is %s%s (hostdec info tells more)\n",
			books.one_in > 1 ? "" : "what was not seen to come back; ", doubts);
}

static void print_table(const struct stats *s, const struct model *m)
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
		print_doubts(m);
	if (m->lost_total)
		printf("%" PRIu64 " events were lost; calls they cut count, but have no times "
		       "(hostdec info tells causes)\n",
			m->lost_total);
}

/* ---- command -------------------------------------------------------------------------------- */

static bool set_option(void *ctx, struct cli *c, int option)
{
	struct stats_options *opt = ctx;

	switch (option) {
	case OPT_JSON:
		opt->json = true;
		return true;
	case OPT_CSV:
		opt->csv = true;
		return true;
	case OPT_SORT:
		opt->sort = find_column(c->value);
		if (opt->sort)
			return true;
		cli_error(c, "cannot sort by %s", c->value);
		return false;
	case OPT_TOP:
		if (cli_number(c->value, UINT64_MAX, &opt->top) && opt->top)
			return true;
		cli_error(c, "--top takes a number from 1, not %s", c->value);
		return false;
	}
	return true;
}

int cmd_stats(int argc, char **argv)
{
	struct stats_options opt = {.sort = find_column("total")};
	const char *input;
	struct model m;
	struct stats s;
	int got = cli_view(&spec, argc, argv, &input, set_option, &opt);

	if (got != CLI_END)
		return got == CLI_HELP ? EXIT_OK : EXIT_USAGE;
	if (opt.json && opt.csv) {
		say("--json or --csv, not both (hostdec stats --help)");
		return EXIT_USAGE;
	}
	if (model_load(&m, input, true))
		return EXIT_FAILED;
	if (stats_build(&s, &m)) {
		say("not enough memory for the statistics of %s", input);
		model_free(&m);
		return EXIT_FAILED;
	}
	qsort_r(s.rows, s.n, sizeof(*s.rows), row_order, (void *)opt.sort);
	if (opt.top && opt.top < s.n)
		s.n = (size_t)opt.top;
	if (opt.json)
		print_json(&s, &m);
	else if (opt.csv)
		print_csv(&s);
	else
		print_table(&s, &m);
	stats_free(&s);
	model_free(&m);
	return say_output_failed() ? EXIT_FAILED : EXIT_OK;
}
