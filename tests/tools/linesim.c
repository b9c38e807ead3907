/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A serial line between two pseudo terminals: paced, damaged and unplugged on demand. Faults depend on
 * the seed, the options and the position in the sender's bytes alone, never on time: the same bytes in
 * give the same bytes out, as long as no command, unplugging, missing reader or overrun comes between.
 * usage() tells what is simulated; linesim_port.h holds the terminals, linesim_fault.h the damage.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/tools/linesim_fault.h"
#include "tests/tools/linesim_port.h"

#define TICK_NS 1000000 /* a line in use is served this often */
#define LOOK_MS 5       /* how often a closed port is looked at: nothing tells of an open() */
#define CATCH_UP_NS                                                                                \
	250000000 /* a busy line makes up for at most this much of being scheduled late */
#define BYTE_NS(baud) (10000000000ull / (baud)) /* 8N1: ten bits */

/* One direction. Bytes go sender -> faults -> fifo (the receiving driver's buffer) -> receiver. */
struct line {
	const char *name;
	struct port *from, *to;
	struct faults faults;
	uint8_t *fifo;
	size_t cap, head, fill;
	uint64_t clock_ns; /* the line is busy until here */
	uint64_t taken, delivered, overrun, lost_unplugged, lost_unopened;
	bool idle, garbled;
	unsigned int sent_at; /* rate of what is in the sender's buffer */
};

struct schedule {
	bool by_byte;
	double when; /* seconds since the start, or bytes taken from the board */
	char command[64];
	bool done;
};

static struct {
	struct port board, host;
	struct line out, back; /* board to host, host to board */
	uint64_t baud, start_ns, stalled_until_ns;
	bool rtscts, quit, draining, match_speeds;
	uint64_t max_baud; /* 0: any */
	unsigned int stalls, empty_ticks;
	struct schedule plan[32];
	size_t n_plan;
	const char *stats_path;
	char input[256];
	size_t input_len;
	int control_fd;
} sim = {.baud = 115200, .control_fd = 0};

static volatile sig_atomic_t stop_signal;

static void usage(FILE *f)
{
	fputs("usage: linesim --board-link PATH --host-link PATH [OPTION]...\n"
	      "Joins two pseudo terminals, whose paths become the given symbolic links, like a "
	      "null modem cable.\n"
	      "  --baud N           10 bits a byte, each direction on its own; 0: not paced "
	      "(115200)\n"
	      "  --seed N           of every random choice (1)\n"
	      "  --ber P            probability that a bit is flipped, board to host\n"
	      "  --drop P, --dup P  probability that a byte vanishes, comes twice\n"
	      "  --burst-gap N, --burst-len N   about every N bytes so many are garbage (off, 16)\n"
	      "  --back-ber P, --back-drop P, --back-dup P   the same from host to board\n"
	      "  --text FILE        lines to insert (over and over) as another writer of the UART "
	      "would\n"
	      "  --text-gap N       about every N bytes one line (0: only by command)\n"
	      "  --text-at anywhere|frames   at any byte, or only after a frame's closing 00 "
	      "(frames)\n"
	      "  --text-log FILE    what was inserted, byte for byte\n"
	      "  --host-buffer N    bytes the host's driver holds for a slow reader (1048576)\n"
	      "  --flow none|rtscts when that is full: bytes are lost (none), or the line waits\n"
	      "  --match-speeds     bytes arrive as garbage while the two programs have set "
	      "different rates\n"
	      "  --max-baud N       ... or rates above N\n"
	      "  --at SEC:COMMAND   run a command so long after the start\n"
	      "  --at-byte N:COMMAND    ... once so many bytes were taken from the board\n"
	      "  --control FIFO     read commands here instead of from standard input\n"
	      "  --stats FILE       counts as JSON, written at exit\n"
	      "commands, one a line; each is answered with `ok COMMAND` when it is done:\n"
	      "  unplug host|board [SEC]    the terminal vanishes (readers get EOF or EIO), for "
	      "good or for SEC\n"
	      "  plug host|board    a new terminal under the same link\n"
	      "  stall SEC          nothing moves; the board feels back-pressure\n"
	      "  babble N           N random bytes from the board\n"
	      "  text               insert the next line\n"
	      "  ber P              from now on\n"
	      "  drain              answered when the board's bytes have arrived and the host's "
	      "program has read them\n"
	      "  mark               answered at once: for --at and --at-byte\n"
	      "  quit\n"
	      "As with a UART, what arrives while nobody has the host's port open, or while it is "
	      "unplugged, is\n"
	      "gone (and counted); a board keeps sending whether anybody listens. An unplugged "
	      "board loses nothing\n"
	      "by itself: its writes fail. Between the board and the line stands only the kernel's "
	      "terminal buffer\n"
	      "(about 4 to 12 KB), as in a serial driver. Standard output tells `ready BOARD "
	      "HOST`, then `open`\n"
	      "and `close` of each port as programs come and go.\n",
		f);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void fifo_reset(struct line *l, uint64_t *lost)
{
	*lost += l->fill;
	l->fill = l->head = 0;
}

/* A UART samples at its own rate: what was sent at another one comes out as something else. */
static bool is_heard(const struct line *l)
{
	unsigned int sent = l->sent_at, heard = port_speed(l->to);

	if (!sim.match_speeds || !sent || !heard)
		return true;
	return sent * 100ull < heard * 103ull && heard * 100ull < sent * 103ull &&
	       (!sim.max_baud || sent <= sim.max_baud);
}

/* A byte arrives at the receiver's driver. */
static void line_arrive(void *ctx, uint8_t byte)
{
	struct line *l = ctx;

	if (sim.baud)
		l->clock_ns += BYTE_NS(sim.baud);
	if (l->garbled)
		byte = (uint8_t)(byte * 37u + l->taken + 1);
	if (l->to->master < 0) {
		l->lost_unplugged++;
	} else if (!l->to->open) {
		l->lost_unopened++;
	} else if (l->fill == l->cap) {
		l->overrun++;
	} else {
		l->fifo[(l->head + l->fill) % l->cap] = byte;
		l->fill++;
	}
}

/* Move what the time since the last call allows. */
static void line_carry(struct line *l, uint64_t now)
{
	uint8_t buf[4096];
	size_t want = sizeof(buf);
	ssize_t n;

	size_t room = l->cap - l->fill;

	if (l->from->master < 0)
		l->idle = true;
	if (l->from->master < 0 || now < sim.stalled_until_ns ||
		(sim.rtscts && room < 2 * FAULT_MAX_TEXT)) {
		l->clock_ns = now;
		return;
	}
	if (sim.baud) {
		if (l->idle && l->clock_ns < now - TICK_NS)
			l->clock_ns = now - TICK_NS;
		if (l->clock_ns + CATCH_UP_NS < now)
			l->clock_ns = now - CATCH_UP_NS;
		if (l->clock_ns >= now)
			return;
		uint64_t due = (now - l->clock_ns) / BYTE_NS(sim.baud);
		want = due < sizeof(buf) ? due : sizeof(buf);
	}
	/* A byte may come twice, and a line of text between. */
	if (sim.rtscts && want > (room - FAULT_MAX_TEXT) / 2)
		want = (room - FAULT_MAX_TEXT) / 2;
	if (!want)
		return;
	n = read(l->from->master, buf, want);
	l->idle = n < (ssize_t)want;
	l->garbled = !is_heard(l);
	/* A driver that is told to change waits until its buffer is empty; a pty does not. */
	if (l->idle || !l->sent_at)
		l->sent_at = port_speed(l->from);
	for (ssize_t i = 0; i < n; i++)
		faults_pass(&l->faults, buf[i], line_arrive, l);
	if (n > 0)
		l->taken += (uint64_t)n;
}

static void line_deliver(struct line *l)
{
	while (l->fill && l->to->master >= 0) {
		size_t run = l->cap - l->head < l->fill ? l->cap - l->head : l->fill;
		ssize_t n = write(l->to->master, l->fifo + l->head, run);

		if (n <= 0)
			return;
		l->head = (l->head + (size_t)n) % l->cap;
		l->fill -= (size_t)n;
		l->delivered += (uint64_t)n;
	}
}

/* ---- commands ---------------------------------------------------------------------------------- */

static struct port *port_named(const char *name)
{
	if (!strcmp(name, "host"))
		return &sim.host;
	return !strcmp(name, "board") ? &sim.board : NULL;
}

static int plan_add(bool by_byte, double when, const char *command)
{
	if (sim.n_plan == sizeof(sim.plan) / sizeof(sim.plan[0]) ||
		strlen(command) >= sizeof(sim.plan[0].command))
		return -ENOSPC;
	struct schedule *s = &sim.plan[sim.n_plan++];

	*s = (struct schedule){.by_byte = by_byte, .when = when};
	memcpy(s->command, command, strlen(command) + 1);
	return 0;
}

static double elapsed(void)
{
	return (double)(now_ns() - sim.start_ns) / 1e9;
}

static int cmd_unplug(struct port *p, double seconds)
{
	struct line *into = p == &sim.host ? &sim.out : &sim.back;
	char again[32];

	port_unplug(p);
	fifo_reset(into, &into->lost_unplugged);
	if (seconds <= 0)
		return 0;
	snprintf(again, sizeof(again), "plug %s", p->name);
	return plan_add(false, elapsed() + seconds, again);
}

static void command_run(const char *text)
{
	char word[16] = "", arg[32] = "";
	double number = 0;
	int err = 0;

	sscanf(text, "%15s %31s %lf", word, arg, &number);
	struct port *port = port_named(arg);

	if (!strcmp(word, "unplug") && port)
		err = cmd_unplug(port, number);
	else if (!strcmp(word, "plug") && port)
		err = port_plug(port);
	else if (!strcmp(word, "stall"))
		sim.stalled_until_ns = now_ns() + (uint64_t)(strtod(arg, NULL) * 1e9), sim.stalls++;
	else if (!strcmp(word, "babble"))
		faults_babble(&sim.out.faults, strtoull(arg, NULL, 10), line_arrive, &sim.out);
	else if (!strcmp(word, "text"))
		faults_text_now(&sim.out.faults);
	else if (!strcmp(word, "ber"))
		faults_set_ber(&sim.out.faults, strtod(arg, NULL));
	else if (!strcmp(word, "drain"))
		sim.draining = true, sim.empty_ticks = 0, sim.out.idle = false; /* look again */
	else if (!strcmp(word, "quit"))
		sim.quit = true;
	else if (strcmp(word, "mark"))
		err = -EINVAL;
	if (err)
		printf("error %s: %s\n", text, strerror(-err));
	else if (!sim.draining || strcmp(word, "drain"))
		printf("ok %s\n", text);
}

static void input_read(void)
{
	ssize_t n = read(
		sim.control_fd, sim.input + sim.input_len, sizeof(sim.input) - 1 - sim.input_len);
	char *eol;

	if (n <= 0) { /* end of input: go on until a signal comes */
		if (n == 0 || errno != EAGAIN)
			sim.control_fd = -1;
		return;
	}
	sim.input_len += (size_t)n;
	sim.input[sim.input_len] = 0;
	while ((eol = strchr(sim.input, '\n'))) {
		*eol = 0;
		command_run(sim.input);
		sim.input_len -= (size_t)(eol + 1 - sim.input);
		memmove(sim.input, eol + 1, sim.input_len + 1);
	}
	if (sim.input_len == sizeof(sim.input) - 1)
		sim.input_len = 0;
}

static void plan_run(void)
{
	for (size_t i = 0; i < sim.n_plan; i++) {
		struct schedule *s = &sim.plan[i];

		if (s->done || (s->by_byte ? (double)sim.out.taken : elapsed()) < s->when)
			continue;
		s->done = true;
		command_run(s->command);
	}
}

/* ---- running ----------------------------------------------------------------------------------- */

static void ports_look(void)
{
	if (port_look(&sim.host) && !sim.host.open)
		fifo_reset(&sim.out, &sim.out.lost_unopened);
	if (port_look(&sim.board) && !sim.board.open)
		fifo_reset(&sim.back, &sim.back.lost_unopened);
}

static void drain_check(void)
{
	/* A pty has nothing left when a read finds nothing; carry() saw that. What the host's side has is
	 * passed on by a kernel worker: believe only that it is empty for a while. */
	if (!sim.draining)
		return;
	sim.empty_ticks =
		sim.out.idle && !sim.out.fill && !port_unread(&sim.host) ? sim.empty_ticks + 1 : 0;
	if (sim.empty_ticks < 5)
		return;
	sim.draining = false;
	printf("ok drain\n");
}

static void wait_for_work(void)
{
	bool busy = !sim.out.idle || !sim.back.idle || sim.draining;
	bool stalled = now_ns() < sim.stalled_until_ns;
	bool look = !sim.board.open || !sim.host.open || sim.n_plan || stalled;
	short board = !stalled && sim.board.open && sim.out.idle ? POLLIN : 0;
	short host = !stalled && sim.host.open && sim.back.idle ? POLLIN : 0;
	struct pollfd fds[] = {
		{.fd = sim.control_fd, .events = POLLIN},
		{.fd = sim.board.open ? sim.board.master : -1,
			.events = board | (sim.back.fill ? POLLOUT : 0)},
		{.fd = sim.host.open ? sim.host.master : -1,
			.events = host | (sim.out.fill ? POLLOUT : 0)},
	};
	struct timespec t = {.tv_nsec = busy ? TICK_NS : LOOK_MS * 1000000};

	ppoll(fds, 3, busy || look ? &t : NULL, NULL);
	if (fds[0].revents)
		input_read();
}

static void stats_line(FILE *f, const struct line *l, const char *end)
{
	const struct fault_counts *c = &l->faults.count;

	fprintf(f,
		" \"%s\": {\"taken\": %" PRIu64 ", \"delivered\": %" PRIu64
		", \"flipped_bits\": %" PRIu64 ", \"dropped\": %" PRIu64
		", \"duplicated\": %" PRIu64 ", \"bursts\": %" PRIu64 ", \"babble_bytes\": %" PRIu64
		", \"text_lines\": %" PRIu64 ", \"text_bytes\": %" PRIu64 ", \"overrun\": %" PRIu64
		", \"lost_unplugged\": %" PRIu64 ", \"lost_unopened\": %" PRIu64
		", \"in_buffer\": %zu}%s\n",
		l->name, l->taken, l->delivered, c->flipped_bits, c->dropped, c->duplicated,
		c->bursts, c->babble_bytes, c->text_lines, c->text_bytes, l->overrun,
		l->lost_unplugged, l->lost_unopened, l->fill, end);
}

static int stats_write(void)
{
	FILE *f = sim.stats_path ? fopen(sim.stats_path, "we") : NULL;

	if (!f)
		return sim.stats_path ? -errno : 0;
	fprintf(f, "{\"seconds\": %.3f, \"baud\": %" PRIu64 ", \"stalls\": %u,\n", elapsed(),
		sim.baud, sim.stalls);
	fprintf(f,
		" \"board_speed\": %u, \"host_speed\": %u, \"board_opens\": %u, \"host_opens\": "
		"%u,\n",
		sim.board.speed, sim.host.speed, sim.board.opens, sim.host.opens);
	stats_line(f, &sim.out, ",");
	stats_line(f, &sim.back, "}");
	return fclose(f) ? -errno : 0;
}

static void on_signal(int sig)
{
	stop_signal = sig;
}

enum {
	OPT_BOARD = 256,
	OPT_HOST,
	OPT_BAUD,
	OPT_SEED,
	OPT_BER,
	OPT_DROP,
	OPT_DUP,
	OPT_BURST_GAP,
	OPT_BURST_LEN,
	OPT_BACK_BER,
	OPT_BACK_DROP,
	OPT_BACK_DUP,
	OPT_TEXT,
	OPT_TEXT_GAP,
	OPT_TEXT_AT,
	OPT_TEXT_LOG,
	OPT_BUFFER,
	OPT_FLOW,
	OPT_MATCH,
	OPT_MAX_BAUD,
	OPT_AT,
	OPT_AT_BYTE,
	OPT_CONTROL,
	OPT_STATS,
	OPT_HELP
};

static const struct option options[] = {{"board-link", 1, NULL, OPT_BOARD},
	{"host-link", 1, NULL, OPT_HOST}, {"baud", 1, NULL, OPT_BAUD}, {"seed", 1, NULL, OPT_SEED},
	{"ber", 1, NULL, OPT_BER}, {"drop", 1, NULL, OPT_DROP}, {"dup", 1, NULL, OPT_DUP},
	{"burst-gap", 1, NULL, OPT_BURST_GAP}, {"burst-len", 1, NULL, OPT_BURST_LEN},
	{"back-ber", 1, NULL, OPT_BACK_BER}, {"back-drop", 1, NULL, OPT_BACK_DROP},
	{"back-dup", 1, NULL, OPT_BACK_DUP}, {"text", 1, NULL, OPT_TEXT},
	{"text-gap", 1, NULL, OPT_TEXT_GAP}, {"text-at", 1, NULL, OPT_TEXT_AT},
	{"text-log", 1, NULL, OPT_TEXT_LOG}, {"host-buffer", 1, NULL, OPT_BUFFER},
	{"match-speeds", 0, NULL, OPT_MATCH}, {"max-baud", 1, NULL, OPT_MAX_BAUD},
	{"flow", 1, NULL, OPT_FLOW}, {"at", 1, NULL, OPT_AT}, {"at-byte", 1, NULL, OPT_AT_BYTE},
	{"control", 1, NULL, OPT_CONTROL}, {"stats", 1, NULL, OPT_STATS},
	{"help", 0, NULL, OPT_HELP}, {NULL, 0, NULL, 0}};

/* Returns 0, 1 for --help, or -EINVAL with *bad naming the option. */
static int options_parse(
	int argc, char **argv, struct fault_options out[2], uint64_t *seed, size_t *buffer)
{
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		char *colon = optarg ? strchr(optarg, ':') : NULL;

		switch (o) {
		case OPT_BOARD:
			sim.board.link = optarg;
			break;
		case OPT_HOST:
			sim.host.link = optarg;
			break;
		case OPT_BAUD:
			sim.baud = strtoull(optarg, NULL, 10);
			break;
		case OPT_SEED:
			*seed = strtoull(optarg, NULL, 10);
			break;
		case OPT_BER:
			out[0].ber = strtod(optarg, NULL);
			break;
		case OPT_DROP:
			out[0].drop = strtod(optarg, NULL);
			break;
		case OPT_DUP:
			out[0].dup = strtod(optarg, NULL);
			break;
		case OPT_BURST_GAP:
			out[0].burst_gap = strtod(optarg, NULL);
			break;
		case OPT_BURST_LEN:
			out[0].burst_len = strtoul(optarg, NULL, 10);
			break;
		case OPT_BACK_BER:
			out[1].ber = strtod(optarg, NULL);
			break;
		case OPT_BACK_DROP:
			out[1].drop = strtod(optarg, NULL);
			break;
		case OPT_BACK_DUP:
			out[1].dup = strtod(optarg, NULL);
			break;
		case OPT_TEXT:
			out[0].text_path = optarg;
			break;
		case OPT_TEXT_GAP:
			out[0].text_gap = strtod(optarg, NULL);
			break;
		case OPT_TEXT_AT:
			out[0].text_anywhere = !strcmp(optarg, "anywhere");
			break;
		case OPT_TEXT_LOG:
			out[0].text_log = optarg;
			break;
		case OPT_BUFFER:
			*buffer = strtoull(optarg, NULL, 10);
			break;
		case OPT_MATCH:
			sim.match_speeds = true;
			break;
		case OPT_MAX_BAUD:
			sim.max_baud = strtoull(optarg, NULL, 10);
			break;
		case OPT_FLOW:
			sim.rtscts = !strcmp(optarg, "rtscts");
			break;
		case OPT_AT:
		case OPT_AT_BYTE:
			if (!colon || plan_add(o == OPT_AT_BYTE, strtod(optarg, NULL), colon + 1))
				return -EINVAL;
			break;
		case OPT_CONTROL:
			/* Read and write, so that a writer that comes and goes does not end the input. */
			sim.control_fd = open(optarg, O_RDWR | O_NONBLOCK | O_CLOEXEC);
			if (sim.control_fd < 0)
				return -errno;
			break;
		case OPT_STATS:
			sim.stats_path = optarg;
			break;
		case OPT_HELP:
			return 1;
		default:
			return -EINVAL;
		}
	}
	return optind == argc && sim.board.link && sim.host.link && *buffer >= 4096 ? 0 : -EINVAL;
}

static int line_init(struct line *l, const char *name, struct port *from, struct port *to,
	size_t cap, const struct fault_options *opt, uint64_t seed)
{
	*l = (struct line){.name = name, .from = from, .to = to, .cap = cap, .idle = true};
	l->fifo = malloc(cap);
	return l->fifo ? faults_init(&l->faults, opt, seed) : -ENOMEM;
}

int main(int argc, char **argv)
{
	struct fault_options faults[2] = {{.burst_len = 16}, {.burst_len = 16}};
	uint64_t seed = 1;
	size_t buffer = 1 << 20;
	int err = options_parse(argc, argv, faults, &seed, &buffer);

	if (err) {
		usage(err == 1 ? stdout : stderr);
		return err == 1 ? 0 : 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	sim.board.name = "board";
	sim.host.name = "host";
	sim.board.master = sim.host.master = -1;
	sim.start_ns = now_ns();
	err = line_init(&sim.out, "board_to_host", &sim.board, &sim.host, buffer, &faults[0], seed);
	if (!err)
		err = line_init(&sim.back, "host_to_board", &sim.host, &sim.board, buffer,
			&faults[1], ~seed);
	if (!err)
		err = port_plug(&sim.board);
	if (!err)
		err = port_plug(&sim.host);
	if (err) {
		fprintf(stderr, "linesim: cannot set up the line: %s\n", strerror(-err));
		port_unplug(&sim.board);
		return 1;
	}
	printf("ready %s %s\n", sim.board.link, sim.host.link);
	while (!sim.quit && !stop_signal) {
		wait_for_work();
		ports_look();
		plan_run();
		uint64_t now = now_ns();
		line_carry(&sim.out, now);
		line_carry(&sim.back, now);
		line_deliver(&sim.out);
		line_deliver(&sim.back);
		drain_check();
	}
	port_unplug(&sim.board);
	port_unplug(&sim.host);
	err = faults_finish(&sim.out.faults);
	if (!err)
		err = stats_write();
	if (err)
		fprintf(stderr, "linesim: cannot write a log: %s\n", strerror(-err));
	free(sim.out.fifo);
	free(sim.back.fifo);
	return err ? 1 : 0;
}
