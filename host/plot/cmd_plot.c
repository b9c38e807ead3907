/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/commands.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/plot/plot.h"
#include "host/base/times.h"
#include "host/base/say.h"
#include "host/views/filter.h"

#define CPUS_MAX 256u

static const char help[] =
	"usage: hostdec plot RUN.pb [VIEW]... [OPTION]... [-o OUT]\n"
	"\n"
	"Draw a recording: calls as boxes over time, deeper calls above their callers, yellow when "
	"a\n"
	"call spends its time in what it calls, red when it spends it itself.\n"
	"\n"
	"Views, any number of them; all share the time axis (none given: what the recording has)\n"
	"  -s,  --stack-merged      calls, all CPUs in one panel\n"
	"  -s+, --stack-per-cpu     calls, a panel for each CPU that has any\n"
	"  -m,  --memory            bytes allocated and not yet freed: kmalloc, kmem_cache, total\n"
	"  -t,  --throughput        bits per second of each interface, in and out\n"
	"  -x,  --xdp               packets seen by XDP: lines across the calls, or a panel of "
	"their own\n"
	"\n"
	"What part of it\n"
	"  -f, --filter A-B         from A to B since the start of the recording, in ns or with a "
	"unit:\n"
	"                           -f 1000000000-2000000000   -f 1s-2.5s   -f 10ms-20ms   -f 3s-\n"
	"      --ignored-cpus N...  leave these CPUs out: --ignored-cpus 0 2 3\n"
	"      --cpu LIST           only these CPUs: 0,2-3\n"
	"      --task NAME|TID      only threads of this name (with * and ?) or id\n"
	"      --func GLOB          only functions of this name (with * and ?)\n"
	"      --kind KIND,...      only functions of these kinds: kernel, user, syscall...\n"
	"      --min-duration TIME  only calls that took so long: 50us, 1ms\n"
	"\n"
	"Up to two million calls are kept one by one. Of more, those that lie so close together "
	"that no\n"
	"picture of the whole could tell them apart are drawn as one, as high as they fill their "
	"time; the\n"
	"picture says how close that is. With -f only the calls of that part are kept, so it has "
	"every one.\n"
	"\n"
	"Where to\n"
	"  -o, --output OUT         OUT ends in .png, .svg or .pdf; - is a PNG on stdout. Without "
	"-o: a window\n"
	"                           where there is a display (zoom and pan ask for detail again), "
	"else RUN.png\n"
	"\n"
	"Names in boxes\n"
	"      --no-stack-labels    none\n"
	"      --visible-threshold PERCENT   only in boxes at least so wide, in percent of the "
	"view: 5 "
	"or\n"
	"                           5%; up to 1 a share: 0.05. Default: wherever the name fits, "
	"cut\n"
	"                           short from 5% on\n"
	"      --vertical-label NS  names of calls shorter than this stand upright where they fit "
	"so\n"
	"                           (default 10000; units as in -f); if given, rows become higher\n"
	"      --xdp-labels         source and destination along packet lines, in views up to 20 "
	"ms "
	"and\n"
	"                           300 packets\n"
	"\n"
	"Examples\n"
	"  hostdec plot run.pb                              everything, in a window or run.png\n"
	"  hostdec plot run.pb -s+ -m -t -x -o run.png      as the network profiler draws it\n"
	"  hostdec plot run.pb -s+ -f 1.2s-1.21s -o a.svg   ten milliseconds, to look at closely\n"
	"\n"
	"Lost events are shaded. Python with matplotlib does the drawing (Debian: "
	"python3-matplotlib);\n"
	"AYAPROF_PYTHON names another interpreter than /usr/bin/python3.\n";

enum {
	OPT_PER_CPU = 256,
	OPT_IGNORED,
	OPT_XDP_LABELS,
	OPT_NO_LABELS,
	OPT_VERTICAL,
	OPT_THRESHOLD,
	OPT_FILTER, /* + enum filter_option */
};

static const struct option long_options[] = {
	{"stack-merged", no_argument, NULL, 's'},
	{"stack-per-cpu", no_argument, NULL, OPT_PER_CPU},
	{"memory", no_argument, NULL, 'm'},
	{"throughput", no_argument, NULL, 't'},
	{"xdp", no_argument, NULL, 'x'},
	{"filter", required_argument, NULL, 'f'},
	{"range", required_argument, NULL, 'f'}, /* its name in other commands */
	{"cpu", required_argument, NULL, OPT_FILTER + FILTER_CPU},
	{"task", required_argument, NULL, OPT_FILTER + FILTER_TASK},
	{"func", required_argument, NULL, OPT_FILTER + FILTER_FUNC},
	{"kind", required_argument, NULL, OPT_FILTER + FILTER_KIND},
	{"min-duration", required_argument, NULL, OPT_FILTER + FILTER_MIN_DURATION},
	{"input", required_argument, NULL, 'i'},
	{"output", required_argument, NULL, 'o'},
	{"ignored-cpus", required_argument, NULL, OPT_IGNORED},
	{"xdp-labels", no_argument, NULL, OPT_XDP_LABELS},
	{"no-stack-labels", no_argument, NULL, OPT_NO_LABELS},
	{"vertical-label", required_argument, NULL, OPT_VERTICAL},
	{"visible-threshold", required_argument, NULL, OPT_THRESHOLD},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static bool add_cpu(struct plot_options *opt, const char *text)
{
	char *end;
	unsigned long cpu = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || cpu >= CPUS_MAX ||
		opt->n_ignored_cpus == CPUS_MAX)
		return false;
	opt->ignored_cpus[opt->n_ignored_cpus++] = (uint32_t)cpu;
	return true;
}

/* "0", "0,2,3", and every further word that is a number: the option takes several. */
static bool add_cpus(struct plot_options *opt, char *first, int argc, char **argv)
{
	char *rest = first, *one;

	while ((one = strsep(&rest, ",")) != NULL)
		if (!add_cpu(opt, one))
			return false;
	while (optind < argc && add_cpu(opt, argv[optind]))
		optind++;
	return true;
}

static int wrong(const char *what, const char *value, const char *hint)
{
	say("plot: %s \"%s\": %s (hostdec plot --help)", what, value, hint);
	return EXIT_USAGE;
}

static int take_filter(struct plot_options *opt, enum filter_option option)
{
	static const struct cli_spec spec = {.usage = "plot RUN.pb"};
	struct cli c = {.spec = &spec, .value = optarg};

	return filter_set(opt->filter, &c, option) ? 0 : EXIT_USAGE;
}

static bool drawable(const char *path)
{
	const char *dot = strrchr(path, '.');

	if (!strcmp(path, "-"))
		return true;
	return dot &&
	       (!strcasecmp(dot, ".png") || !strcasecmp(dot, ".svg") || !strcasecmp(dot, ".pdf"));
}

/* "-s+" is -s and then + for getopt: the + takes back that -s, and no earlier one. */
struct stack_letters {
	bool last_was_s;
	bool merged_before;
};

static int take(
	struct plot_options *opt, int c, struct stack_letters *letters, int argc, char **argv)
{
	bool after_s = letters->last_was_s;

	letters->last_was_s = c == 's';
	switch (c) {
	case 's':
		letters->merged_before = opt->stack_merged;
		opt->stack_merged = true;
		return 0;
	case '+':
		if (after_s)
			opt->stack_merged = letters->merged_before;
		opt->stack_per_cpu = true;
		return 0;
	case OPT_PER_CPU:
		opt->stack_per_cpu = true;
		return 0;
	case 'm':
		opt->memory = true;
		return 0;
	case 't':
		opt->throughput = true;
		return 0;
	case 'x':
		opt->xdp = true;
		return 0;
	case 'f':
		opt->has_filter = true;
		if (!times_parse_range(optarg, &opt->filter_from_ns, &opt->filter_to_ns))
			return wrong("filter", optarg,
				"give A-B with A before B, e.g. 1s-2.5s or 1000-2000 (ns)");
		return 0;
	case 'i':
		opt->input = optarg;
		return 0;
	case 'o':
		opt->output = optarg;
		return drawable(optarg) ? 0
					: wrong("output", optarg,
						  "the name must end in .png, .svg or .pdf; - is a "
						  "PNG on stdout");
	case OPT_IGNORED:
		return add_cpus(opt, optarg, argc, argv)
			       ? 0
			       : wrong("CPU", optarg, "give numbers from 0 to 255");
	case OPT_XDP_LABELS:
		opt->xdp_labels = true;
		return 0;
	case OPT_NO_LABELS:
		opt->no_stack_labels = true;
		return 0;
	case OPT_VERTICAL:
		opt->tall_rows = true;
		return times_parse(optarg, &opt->vertical_label_ns)
			       ? 0
			       : wrong("time", optarg, "give ns, or a unit as in 10us");
	case OPT_THRESHOLD:
		return times_parse_share(optarg, &opt->visible_threshold)
			       ? 0
			       : wrong("threshold", optarg,
					 "give percent of the view, as in 5%, or a share from 0 "
					 "to 1");
	case ':':
		return wrong("option", argv[optind - 1], "needs a value");
	default:
		if (c >= OPT_FILTER && c < OPT_FILTER + FILTER_OPTIONS)
			return take_filter(opt, (enum filter_option)(c - OPT_FILTER));
		return wrong("option", argv[optind - 1], "not known");
	}
}

/* EXIT_OK with opt->input set: draw; without: the help was printed. */
static int parse(struct plot_options *opt, int argc, char **argv)
{
	struct stack_letters letters = {false, false};
	int c, status;

	optind = 0; /* glibc: start anew, whatever main has parsed */
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":s+mtxf:i:o:h", long_options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			opt->input = NULL;
			return EXIT_OK;
		}
		status = take(opt, c, &letters, argc, argv);
		if (status)
			return status;
	}
	if (!opt->input && optind < argc)
		opt->input = argv[optind++];
	if (optind < argc)
		return wrong("argument", argv[optind], "one recording at a time");
	if (!opt->input) {
		say("plot: which recording? hostdec plot RUN.pb (hostdec plot --help)");
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

int cmd_plot(int argc, char **argv)
{
	uint32_t ignored[CPUS_MAX];
	struct plot_options opt;
	struct filter filter;
	int status;

	filter_init(&filter);
	plot_options_init(&opt);
	opt.ignored_cpus = ignored;
	opt.filter = &filter;
	status = parse(&opt, argc, argv);
	if (!status && opt.input)
		status = plot_run(&opt);
	filter_free(&filter);
	return status;
}
