/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A serial line between two pseudo terminals: paced, late, damaged and unplugged on demand. Faults depend on
 * the seed, the options and the position in the sender's bytes alone, never on time: the same bytes in
 * give the same bytes out, as long as no command, unplugging, missing reader, overrun or change of rate comes
 * between. linesim_options.c tells what is simulated; linesim_port.h holds the terminals,
 * linesim_line.c a direction, linesim_fault.h the damage, linesim_plan.h what happens when.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/tools/linesim_line.h"
#include "tests/tools/linesim_options.h"
#include "tests/tools/linesim_plan.h"
#include "tests/tools/linesim_port.h"

#define LOOK_NS 5000000 /* how often a closed port is looked at: nothing tells of an open() */

static struct {
	struct settings set;
	struct port board, host;
	struct line out, back; /* board to host, host to board */
	uint64_t start_ns, stalled_until_ns;
	bool quit, draining;
	unsigned int stalls, empty_ticks;
	char input[256];
	size_t input_len;
	int control_fd;
} sim = {
	.set = {.rules.baud = 115200,
		.faults = {{.burst_len = 16}, {.burst_len = 16}},
		.seed = 1,
		.buffer = 1 << 20},
	.board = {.name = "board", .master = -1},
	.host = {.name = "host", .master = -1},
	.out = {.name = "board_to_host",
		.rules = &sim.set.rules,
		.from = &sim.board,
		.to = &sim.host},
	.back = {.name = "host_to_board",
		.rules = &sim.set.rules,
		.from = &sim.host,
		.to = &sim.board},
};

static volatile sig_atomic_t stop_signal;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double elapsed(void)
{
	return (double)(now_ns() - sim.start_ns) / 1e9;
}

/* ---- commands ---------------------------------------------------------------------------------- */

static struct port *port_named(const char *name)
{
	if (!strcmp(name, "host"))
		return &sim.host;
	return !strcmp(name, "board") ? &sim.board : NULL;
}

static int cmd_unplug(struct port *p, double seconds)
{
	struct line *into = p == &sim.host ? &sim.out : &sim.back;
	char again[32];

	if (p->master < 0) /* a schedule may ask again before the last one is over */
		return 0;
	port_unplug(p);
	line_reset(into, &into->lost_unplugged);
	if (seconds <= 0)
		return 0;
	snprintf(again, sizeof(again), "plug %s", p->name);
	return plan_add(&sim.set.plan, PLAN_SECONDS, elapsed() + seconds, 1, again);
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
		faults_babble(&sim.out.faults, strtoull(arg, NULL, 10), line_put, &sim.out);
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

/* ---- running ----------------------------------------------------------------------------------- */

static void ports_look(void)
{
	if (port_look(&sim.host) && !sim.host.open)
		line_reset(&sim.out, &sim.out.lost_unopened);
	if (port_look(&sim.board) && !sim.board.open)
		line_reset(&sim.back, &sim.back.lost_unopened);
}

static void drain_check(void)
{
	/* A pty has nothing left when a read finds nothing; carry() saw that. What the host's side has is
	 * passed on by a kernel worker: believe only that it is empty for a while. */
	if (!sim.draining)
		return;
	sim.empty_ticks = line_empty(&sim.out) && !port_unread(&sim.host) ? sim.empty_ticks + 1 : 0;
	if (sim.empty_ticks < 5)
		return;
	sim.draining = false;
	printf("ok drain\n");
}

static void wait_for_work(void)
{
	bool busy = !sim.out.idle || !sim.back.idle || sim.out.flying || sim.back.flying ||
		    sim.draining;
	bool stalled = now_ns() < sim.stalled_until_ns;
	/* Nothing tells that a terminal was opened or its rate set. */
	bool look = !sim.board.open || !sim.host.open || sim.set.rules.by_tty ||
		    sim.set.plan.pending || stalled;
	short board = !stalled && sim.board.open && sim.out.idle ? POLLIN : 0;
	short host = !stalled && sim.host.open && sim.back.idle ? POLLIN : 0;
	struct pollfd fds[] = {
		{.fd = sim.control_fd, .events = POLLIN},
		{.fd = sim.board.open ? sim.board.master : -1,
			.events = board | (sim.back.fill ? POLLOUT : 0)},
		{.fd = sim.host.open ? sim.host.master : -1,
			.events = host | (sim.out.fill ? POLLOUT : 0)},
	};
	struct timespec t = {.tv_nsec = busy ? LINE_TICK_NS : LOOK_NS};

	ppoll(fds, 3, busy || look ? &t : NULL, NULL);
	if (fds[0].revents)
		input_read();
}

static void stats_line(FILE *f, const struct line *l, const char *end)
{
	const struct fault_counts *c = &l->faults.count;
	const struct {
		const char *name;
		uint64_t value;
	} counts[] = {
		{"taken", l->taken},
		{"wire", l->wire},
		{"delivered", l->delivered},
		{"flipped_bits", c->flipped_bits},
		{"dropped", c->dropped},
		{"duplicated", c->duplicated},
		{"bursts", c->bursts},
		{"babble_bytes", c->babble_bytes},
		{"text_lines", c->text_lines},
		{"text_bytes", c->text_bytes},
		{"garbled", l->garbled},
		{"overrun", l->overrun},
		{"lost_unplugged", l->lost_unplugged},
		{"lost_unopened", l->lost_unopened},
		{"in_buffer", l->fill + l->flying},
	};

	fprintf(f, " \"%s\": {", l->name);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		fprintf(f, "\"%s\": %" PRIu64 ", ", counts[i].name, counts[i].value);
	/* On the line's own clock: bytes carried, and from the first one's start to the last one's end. */
	fprintf(f, "\"busy_s\": %.6f, \"span_s\": %.6f}%s\n", (double)l->busy_ns / 1e9,
		(double)(l->last_ns - l->first_ns) / 1e9, end);
}

static int stats_write(void)
{
	FILE *f = sim.set.stats ? fopen(sim.set.stats, "we") : NULL;

	if (!f)
		return sim.set.stats ? -errno : 0;
	fprintf(f, "{\"seconds\": %.3f, \"baud\": %" PRIu64 ", \"stalls\": %u,\n", elapsed(),
		sim.out.speed, sim.stalls);
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

/* 0 or a negative errno. */
static int set_up(void)
{
	const struct settings *s = &sim.set;
	int err;

	sim.board.link = s->board_link;
	sim.host.link = s->host_link;
	/* Read and write, so that a writer that comes and goes does not end the input. */
	if (s->control)
		sim.control_fd = open(s->control, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (sim.control_fd < 0)
		return -errno;
	err = line_init(&sim.out, s->buffer, &s->faults[0], s->seed);
	if (!err)
		err = line_init(&sim.back, s->buffer, &s->faults[1], ~s->seed);
	if (!err)
		err = port_plug(&sim.board);
	return err ? err : port_plug(&sim.host);
}

static void one_turn(void)
{
	wait_for_work();
	ports_look();
	plan_run(&sim.set.plan,
		(double[]){[PLAN_SECONDS] = elapsed(), [PLAN_BYTES] = (double)sim.out.taken},
		command_run);
	uint64_t now = now_ns();
	bool stalled = now < sim.stalled_until_ns;

	line_carry(&sim.out, now, stalled);
	line_carry(&sim.back, now, stalled);
	line_deliver(&sim.out, now);
	line_deliver(&sim.back, now);
	drain_check();
}

static int tear_down(void)
{
	int err = stats_write(), err_out, err_back;

	port_unplug(&sim.board);
	port_unplug(&sim.host);
	err_out = line_free(&sim.out);
	err_back = line_free(&sim.back);
	return err ? err : err_out ? err_out : err_back;
}

int main(int argc, char **argv)
{
	int err = options_parse(argc, argv, &sim.set);

	if (err == 1)
		options_usage(stdout);
	if (err)
		return err == 1 ? 0 : 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	sim.start_ns = now_ns();
	err = set_up();
	if (err) {
		fprintf(stderr, "linesim: cannot set up the line: %s\n", strerror(-err));
		port_unplug(&sim.board);
		return 1;
	}
	printf("ready %s %s\n", sim.board.link, sim.host.link);
	while (!sim.quit && !stop_signal)
		one_turn();
	err = tear_down();
	if (err)
		fprintf(stderr, "linesim: cannot write a log: %s\n", strerror(-err));
	return err ? 1 : 0;
}
