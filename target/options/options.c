/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/options/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "target/base/log.h"
#include "target/base/memory.h"
#include "target/options/option_values.h"

#define FLAG_ROW(name, letter, set, help)                                                          \
	{                                                                                          \
		name, letter, NULL, NULL, true, set, help                                          \
	}

/* A flag that a configuration file may set, too: name = yes. */
#define FLAG_FILE_ROW(name, group, set, help)                                                      \
	{                                                                                          \
		name, 0, NULL, group, false, set, help                                             \
	}

const struct option_row option_rows[] = {
	{"tty", 0, "TTY", "Line", false, set_tty,
		"serial device, as the argument TTY; for the configuration file"},
	{"baud", 'b', "N", NULL, false, set_baud,
		"rate, any that the driver takes; read back, a clipped one is an error [115200]"},
	{"flow", 0, "none|rtscts", NULL, false, set_flow, "hardware flow control [none]"},
	{"link", 0, "auto|oneway|reliable", NULL, false, set_link,
		"oneway: best effort; reliable: what the line damages is sent again, and what no "
		"host takes waits; auto: best effort until a host answers [auto]"},
	{"frame-bytes", 0, "N", NULL, false, set_frame_bytes,
		"size of event frames, 256 to 3900 [1024 or 2048 on a line, by its rate; 576 as "
		"text; else 3584]"},

	{"framing", 0, "binary|text", "A console on the same line", false, set_framing,
		"text: frames as lines of printable characters, for a line with a login on it or "
		"one "
		"that does not carry 8 bits. Takes about 1.4 times the bytes; one-way and with the "
		"device's own settings unless -b or --link reliable is given [binary]"},
	FLAG_FILE_ROW("quiet-console", NULL, set_quiet_console,
		"keep kernel messages other than emergencies off the board's consoles while "
		"running; the level found is restored at the end (after SIGKILL it stays: dmesg -n "
		"sets it). Use with --kmsg new, to have the messages all the same"),
	{"kmsg", 0, "off|new|all", NULL, false, set_kmsg,
		"kernel messages as records, for hostdec log: those from now on, or all that the "
		"kernel still has [off]"},

	{"mode", 0, "uart|log|serve|both|auto", "Where the stream goes", false, set_mode,
		"uart: the serial line; log: a file; serve: a TCP listener; both: the line "
		"(or, without TTY, the listener) and a file; auto: serve on a machine with "
		"a usable network, else uart if there is a TTY, else log [uart]"},
	{"output-file", 'o', "FILE", NULL, false, set_output_file,
		"recording that hostdec reads, for log and both [ayaprof.pb]"},
	{"listen", 'l', "[ADDR:]PORT", NULL, false, set_listen,
		"for serve and both; 0.0.0.0:5555 to be reachable from outside [127.0.0.1:5555]"},

	{"module", 'M', "NAME,...", "What is traced", false, set_module,
		"probe modules, see --list-modules; none: only what -p names [a useful set]"},
	{"probe", 'p', "SPEC", NULL, false, set_probe,
		"repeatable: k:GLOB kernel functions, u:PATH:GLOB user functions, t:CATEGORY:NAME "
		"tracepoints (CATEGORY and NAME may be patterns, too). GLOB without * ? [ is the "
		"function in all shapes that compilers give it (NAME.constprop.0); of programs it "
		"is the symbol or the C++ or Rust name as it was written (net::*). PATH without / "
		"is looked for here and in $PATH, /proc/PID/root/PATH is a container's; a colon in "
		"it is written \\:, which is needed only where a file of the shorter name exists. "
		"At most 4096 functions and 1024 tracepoints"},
	FLAG_FILE_ROW("strict-probes", NULL, set_strict_probes,
		"a -p that finds nothing ends the run; otherwise that is said, and the others are "
		"traced as long as there is one"),
	{"mechanism", 0, "NAME", NULL, false, set_mechanism,
		"attach only this way, e.g. kprobe, of those that --check lists [the best that "
		"works]"},
	{"return-slots", 0, "N", NULL, false, set_return_slots,
		"for return probes (kretprobe, kprobe.multi, kprobe where the ends of a function "
		"are not known): how many calls of a function may be running whose ends are seen; "
		"more are counted as lost [64 to 4096, by the memory]"},
	FLAG_FILE_ROW("unsafe", NULL, set_unsafe,
		"trace also the kernel functions that every probe itself runs through, which "
		"--list-functions GLOB -v names: most show nothing but losses, some panic the "
		"board"),
	{"btf", 0, "FILE|DIR", NULL, false, set_btf,
		"type information (BTF, raw or in an ELF file) for a kernel that has none; in a "
		"directory: that of RELEASE.btf, as uname -r says it [btf/ beside the program, "
		"/usr/share/ayaprof-uart/btf, /boot/vmlinux-RELEASE]"},
	{"sample-hz", 0, "N", NULL, false, set_sample_hz,
		"stack samples per second and CPU of module cpu [99]"},
	{"xdp-iface", 0, "NAME", NULL, false, set_xdp_iface,
		"repeatable: interfaces of module xdp [all that are up]"},
	{"resolution", 0, "NS", NULL, false, set_resolution,
		"round times to NS before coding; 0: every bit the clock has [0]"},
	{"interval", 'i', "MS", NULL, false, set_interval,
		"period of statistics, throughput and memory samples [100]"},

	{"duration", 'd', "SEC", "How long, how much", false, set_duration,
		"stop after SEC seconds [until SIGINT, SIGTERM or the end of COMMAND]"},
	{"spool-mem", 0, "SIZE", NULL, false, set_spool_mem,
		"memory for compressed frames between probes and line, 64K at least [4M, at most "
		"1/32 of the memory]"},
	{"spool-file", 0, "PATH", NULL, false, set_spool_file,
		"the same on disk (not in this version)"},
	{"ring-size", 0, "SIZE", NULL, false, set_ring_size,
		"kernel ring buffer, made a power of two [4M, at most 1/32 of the memory]"},
	{"memory-table", 0, "SIZE", NULL, false, set_memory_table,
		"kernel memory for the allocations that module memory follows; when they are more, "
		"one in "
		"8 or 64 stands for all [1/64 of the memory, at most 24M]"},
	{"summary-json", 0, "FILE", NULL, false, set_summary_json,
		"write what was traced, sent and lost, and at what cost"},

	{"replay", 0, "FILE", "Instead of the kernel", false, set_replay,
		"events from a recording of 16-byte records; needs no privilege"},
	{"names", 0, "FILE", NULL, false, set_names, "its function names, lines of FUNC-ID NAME"},
	{"replay-rate", 0, "max|realtime", NULL, false, set_replay_rate,
		"as fast as the line takes them, nothing dropped; or at the recorded times [max]"},

	{"config", 'c', "FILE", "Other", true, set_config,
		"lines of option = value, # comments; the command line wins"},
	FLAG_ROW("check", 0, set_check,
		"what can be traced on this board and how, what cannot and why"),
	FLAG_ROW("list-modules", 0, set_list_modules, "all probe modules"),
	{"list-functions", 0, "GLOB", NULL, true, set_list_functions,
		"kernel functions that -p k:GLOB would trace; with -v, those that it would not, "
		"and why"},
	{"verbose", 'v', NULL, NULL, true, set_verbose, "more on stderr; -vv: libbpf's words, too"},
	FLAG_ROW("version", 0, set_version, "print the version"),
	FLAG_ROW("help", 'h', set_help, "print this"),
	{0},
};

#define N_ROWS (sizeof(option_rows) / sizeof(option_rows[0]) - 1)
_Static_assert(N_ROWS <= OPTIONS_MAX, "OPTIONS_MAX is too small");

int option_index(const char *name)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (strcmp(option_rows[i].name, name) == 0)
			return (int)i;
	return -1;
}

int option_set(struct options *o, int row, const char *value, char *why)
{
	int err;

	if (o->origin[row] != ORIGIN_NONE && o->origin[row] != o->from)
		return 0;
	err = option_rows[row].set(o, value, why);
	o->origin[row] = o->from;
	return err;
}

char *options_keep(struct options *o, const char *text)
{
	char **owned = realloc(o->owned, (o->n_owned + 1) * sizeof(*owned));
	char *copy = strdup(text);

	if (owned)
		o->owned = owned;
	if (!owned || !copy) {
		free(copy);
		return NULL;
	}
	o->owned[o->n_owned++] = copy;
	return copy;
}

/* getopt's tables, made from ours; a long option's value is its row + 256. */
static void make_getopt(struct option *longs, char *shorts)
{
	*shorts++ = ':'; /* report a missing argument as such */
	for (size_t i = 0; i < N_ROWS; i++) {
		longs[i] = (struct option){option_rows[i].name,
			option_rows[i].arg ? required_argument : no_argument, NULL, (int)i + 256};
		if (!option_rows[i].letter)
			continue;
		*shorts++ = option_rows[i].letter;
		if (option_rows[i].arg)
			*shorts++ = ':';
	}
	longs[N_ROWS] = (struct option){0};
	*shorts = '\0';
}

static int row_of_letter(int letter)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (option_rows[i].letter == letter)
			return (int)i;
	return -1;
}

static int read_options(struct options *o, int argc, char **argv)
{
	struct option longs[N_ROWS + 1];
	char shorts[2 * N_ROWS + 2], why[OPTIONS_WHY];
	int c, row;

	make_getopt(longs, shorts);
	optind = 0; /* glibc: start anew, also on a second call */
	opterr = 0;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (c == '?' || c == ':') {
			log_error("%s%s; try --help", argv[optind - 1],
				c == ':' ? " needs a value" : ": no such option");
			return -EINVAL;
		}
		row = c >= 256 ? c - 256 : row_of_letter(c);
		if (option_set(o, row, optarg, why)) {
			log_error("--%s%s%s: %s", option_rows[row].name, optarg ? " " : "",
				optarg ? optarg : "", why);
			return -EINVAL;
		}
	}
	return 0;
}

static int read_arguments(struct options *o, int argc, char **argv)
{
	char why[OPTIONS_WHY];

	if (optind < argc && option_set(o, option_index("tty"), argv[optind++], why)) {
		log_error("%s: %s", argv[optind - 1], why);
		return -EINVAL;
	}
	if (optind < argc) {
		log_error("%s: only one TTY can be given; a command to profile comes after --",
			argv[optind]);
		return -EINVAL;
	}
	return 0;
}

static void set_defaults(struct config *c)
{
	*c = (struct config){
		.baud = 115200,
		.output_file = "ayaprof.pb",
		.listen_addr = "127.0.0.1",
		.listen_port = 5555,
		.sample_hz = 99,
		.interval_ms = 100,
		.spool_mem = default_spool_bytes(memory_of_board()),
		.ring_bytes = default_ring_bytes(memory_of_board()),
		.mem_table_bytes = default_memory_table(memory_of_board()),
	};
}

enum options_result options_read(struct options *o, int argc, char **argv)
{
	int n = 0;

	memset(o, 0, sizeof(*o));
	set_defaults(&o->config);
	while (n < argc && strcmp(argv[n], "--") != 0)
		n++;
	if (n < argc) {
		o->config.command = argv + n + 1;
		if (!o->config.command[0]) {
			log_error("-- must be followed by the command to profile");
			return OPTIONS_USAGE;
		}
	}
	o->from = ORIGIN_COMMAND_LINE;
	if (read_options(o, n, argv))
		return OPTIONS_USAGE;
	if (o->help)
		options_help(stdout);
	else if (o->version)
		printf("ayaprof-uart %s\n", AYAPROF_VERSION);
	if (o->help || o->version)
		return OPTIONS_DONE;
	if (read_arguments(o, n, argv))
		return OPTIONS_USAGE;
	o->from = ORIGIN_FILE;
	if (o->config_file && options_read_file(o, o->config_file))
		return OPTIONS_USAGE;
	return options_check(o) ? OPTIONS_USAGE : OPTIONS_RUN;
}

void options_free(struct options *o)
{
	for (size_t i = 0; i < o->n_owned; i++)
		free(o->owned[i]);
	free(o->owned);
	free(o->config.modules);
	free(o->config.probes);
	free(o->config.xdp_interfaces);
	memset(o, 0, sizeof(*o));
}
