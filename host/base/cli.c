/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/base/cli.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/say.h"

#define HELP_ID    1000 /* --help, beyond every option's index */
#define FIRST_LONG 2000 /* options by long name: FIRST_LONG + index */

void cli_begin(struct cli *c, const struct cli_spec *spec, int argc, char **argv)
{
	*c = (struct cli){.spec = spec, .argc = argc, .argv = argv};
	optind = 0; /* glibc: start over, and forget how far the last command line was read */
	opterr = 0;
}

static size_t letters_of(const struct cli_spec *spec, char *letters)
{
	size_t n = 0;

	letters[n++] = '-'; /* positional arguments come in their order */
	letters[n++] = ':';
	letters[n++] = 'h';
	for (size_t i = 0; i < spec->n_options; i++) {
		if (!spec->options[i].letter)
			continue;
		letters[n++] = spec->options[i].letter;
		if (spec->options[i].arg)
			letters[n++] = ':';
	}
	letters[n] = '\0';
	return n;
}

static int by_letter(const struct cli_spec *spec, int letter)
{
	for (size_t i = 0; i < spec->n_options; i++) {
		if (spec->options[i].letter == letter)
			return (int)i;
	}
	return -1;
}

int cli_next(struct cli *c)
{
	const struct cli_spec *spec = c->spec;
	struct option longs[CLI_MAX_OPTIONS + 2] = {{"help", no_argument, NULL, HELP_ID}};
	char letters[2 * CLI_MAX_OPTIONS + 4];
	int got;

	letters_of(spec, letters);
	for (size_t i = 0; i < spec->n_options; i++)
		longs[i + 1] = (struct option){spec->options[i].name,
			spec->options[i].arg ? required_argument : no_argument, NULL,
			FIRST_LONG + (int)i};
	got = getopt_long(c->argc, c->argv, letters, longs, NULL);
	c->value = optarg;
	if (got >= FIRST_LONG)
		return got - FIRST_LONG;
	switch (got) {
	case -1:
		if (optind >= c->argc)
			return CLI_END;
		c->value = c->argv[optind++]; /* behind "--" */
		return CLI_POSITIONAL;
	case 1:
		return CLI_POSITIONAL;
	case 'h':
	case HELP_ID:
		cli_help(spec);
		return CLI_HELP;
	case ':':
		return cli_error(c, "%s needs an argument", c->argv[optind - 1]);
	case '?':
		if (optopt && optopt < HELP_ID)
			return cli_error(c, "unknown option -%c", optopt);
		return cli_error(c, "unknown, ambiguous or misused option %s", c->argv[optind - 1]);
	}
	return by_letter(spec, got);
}

int cli_error(const struct cli *c, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say("%s (hostdec %.*s --help)", text, (int)strcspn(c->spec->usage, " "), c->spec->usage);
	return CLI_ERROR;
}

void cli_help(const struct cli_spec *spec)
{
	printf("usage: hostdec %s\n\n%s\n", spec->usage, spec->about);
	if (spec->n_options)
		printf("\noptions:\n");
	for (size_t i = 0; i < spec->n_options; i++) {
		const struct cli_option *o = &spec->options[i];
		char letter[5] = "    ", left[48];

		if (o->letter)
			snprintf(letter, sizeof(letter), "-%c, ", o->letter);
		snprintf(left, sizeof(left), "%s--%s%s%s", letter, o->name, o->arg ? " " : "",
			o->arg ? o->arg : "");
		printf(strlen(left) <= 24 ? "  %-24s  %s\n"
					  : "  %s\n                            %s\n",
			left, o->help);
	}
	printf("  %-24s  %s\n", "-h, --help", "this text");
	if (spec->more)
		printf("\n%s\n", spec->more);
}

bool cli_number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;
	unsigned long long v;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || *end || v > max)
		return false;
	*value = v;
	return true;
}

bool cli_seconds(const char *text, double *value)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !isfinite(v) || v <= 0 || v > 1e9)
		return false;
	*value = v;
	return true;
}

int cli_view(const struct cli_spec *spec, int argc, char **argv, const char **input,
	bool (*set)(void *ctx, struct cli *c, int option), void *ctx)
{
	struct cli c;
	int got;

	*input = NULL;
	cli_begin(&c, spec, argc, argv);
	while ((got = cli_next(&c)) != CLI_END) {
		if (got == CLI_HELP || got == CLI_ERROR)
			return got;
		if (got == CLI_POSITIONAL) {
			if (*input)
				return cli_error(
					&c, "one recording at a time: what is %s?", c.value);
			*input = c.value;
		} else if (!set(ctx, &c, got)) {
			return CLI_ERROR;
		}
	}
	return *input ? CLI_END : cli_error(&c, "which recording?");
}
