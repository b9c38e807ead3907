/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/plot/plot.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/commands.h"
#include "host/plot/python.h"
#include "host/plot/scene.h"
#include "host/base/say.h"
#include "host/base/text.h"
#include "target/base/output_file.h"

static int send_reply(struct plot_python *py, const struct plot_reply *reply)
{
	uint64_t head[2] = {htole64(reply->text_len), htole64(reply->blob_len)};
	int err = plot_python_reply(py, head, sizeof(head));

	if (!err)
		err = plot_python_reply(py, reply->text, reply->text_len);
	return err ? err : plot_python_reply(py, reply->blob, reply->blob_len);
}

/* "view FROM TO WIDTH". False: not that. */
static bool parse_view(const char *line, struct plot_view *view)
{
	return sscanf(line, "view %" SCNu64 " %" SCNu64 " %" SCNu32, &view->from_ns, &view->to_ns,
		       &view->width_px) == 3 &&
	       view->from_ns < view->to_ns && view->width_px > 0 &&
	       view->width_px <= PLOT_WIDTH_MAX;
}

static int answer(struct plot_python *py, const struct plot_scene *sc, const char *line)
{
	struct plot_reply reply;
	struct plot_view view;
	int err = plot_reply_start(&reply);

	if (err)
		return err;
	if (!strcmp(line, "describe"))
		err = plot_scene_describe(sc, &reply);
	else if (parse_view(line, &view))
		err = plot_scene_view(sc, &view, &reply);
	else
		err = -EPROTO;
	if (!err)
		err = send_reply(py, &reply);
	plot_reply_free(&reply);
	return err;
}

static void complain(const struct plot_python *py, int status)
{
	char text[sizeof(py->error)];

	text_clean(text, sizeof(text), py->error);
	if (text[0])
		say("plot: %s", text);
	else if (status > 128)
		say("plot: the drawing script was ended by signal %d; run again, or narrow the "
		    "view with -f",
			status - 128);
	else
		say("plot: the drawing script failed with status %d; try another python with "
		    "AYAPROF_PYTHON",
			status);
}

/* Run the script until it ends. Its exit status, or -1 after printing why not. */
static int serve(const struct plot_scene *sc, const char *output)
{
	struct plot_python py;
	char line[128];
	bool drawn = false;
	int err = plot_python_start(&py, sc->window ? "window" : "file", output), status;

	if (err) {
		say("plot: cannot start python: %s", strerror(-err));
		return -1;
	}
	while ((err = plot_python_request(&py, line, sizeof(line))) > 0) {
		drawn = !strcmp(line, "drawn");
		err = drawn ? 0 : answer(&py, sc, line);
		if (err)
			break;
	}
	status = plot_python_finish(&py);
	if (err == -ENOMEM) {
		say("plot: out of memory; draw a part with -f, or hide CPUs with "
		    "--ignored-cpus");
		return -1;
	}
	if (status == PLOT_PYTHON_NO_WINDOW && sc->window)
		return status;
	if (status == 0 && (err < 0 || !drawn))
		status = 1;
	if (status)
		complain(&py, status);
	return status ? -1 : 0;
}

/* The same into a file, which stands there only once it is whole. */
static int serve_file(const struct plot_scene *sc, const char *output)
{
	const char *dot = strrchr(output, '.');
	struct output_file file;
	char why[OUTPUT_WHY];
	int status = -1;

	if (!output_file_begin(&file, output, 0666, dot ? dot : "", why)) {
		status = serve(sc, output_file_name(&file, output));
		if (!output_file_end(&file, !status, why))
			return status;
	}
	say("cannot write %s: %s", output, why);
	return -1;
}

static int copy_to_stdout(int fd)
{
	char part[65536];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, part, sizeof(part), at)) > 0) {
		if (fwrite(part, 1, (size_t)n, stdout) != (size_t)n)
			return 0; /* plot_run says so */
		at += n;
	}
	return n < 0 ? -errno : 0;
}

/* Whole or not at all: its beginning would be taken for a picture. */
static int serve_stdout(const struct plot_scene *sc)
{
	int fd, status = -1, err;
	char name[32];

	if (isatty(STDOUT_FILENO)) {
		say("plot: a picture says nothing on a terminal: -o OUT, or send it on: -o - | "
		    "...");
		return -1;
	}
	fd = memfd_create("picture", 0); /* the script inherits it */
	if (fd >= 0) {
		snprintf(name, sizeof(name), "/dev/fd/%d", fd);
		status = serve(sc, name);
		err = status ? 0 : copy_to_stdout(fd);
		close(fd);
		if (!err)
			return status;
		errno = -err;
	}
	say("plot: cannot keep the picture: %s", strerror(errno));
	return -1;
}

static bool has_display(void)
{
	const char *x = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");

	return (x && x[0]) || (wayland && wayland[0]);
}

/* run.pb -> run.png, anything else gets .png appended. NULL: out of memory. */
static char *beside(const char *input)
{
	size_t len = strlen(input);
	char *path = NULL;

	if (len > 3 && !strcmp(input + len - 3, ".pb"))
		len -= 3;
	return asprintf(&path, "%.*s.png", (int)len, input) < 0 ? NULL : path;
}

static int say_beyond(const struct plot_scene *sc)
{
	char from[TEXT_NUMBER], duration[TEXT_NUMBER];

	say("plot: -f begins at %s, but the recording goes from 0 to %s",
		text_duration(from, sc->opt.filter_from_ns),
		text_duration(duration, trace_totals(sc->rec->trace)->duration_ns));
	return EXIT_FAILED;
}

/* What was asked for and cannot make a difference. */
static void say_without_effect(const struct plot_scene *sc)
{
	const struct trace *t = sc->rec->trace;
	uint32_t cpus = trace_totals(t)->cpus;

	for (uint16_t i = 0; i < trace_session_count(t); i++)
		if (trace_session(t, i)->has_hello && trace_session(t, i)->hello.cpus > cpus)
			cpus = trace_session(t, i)->hello.cpus;
	for (size_t i = 0; i < sc->opt.n_ignored_cpus; i++)
		if (sc->opt.ignored_cpus[i] >= cpus)
			say("plot: --ignored-cpus %u: the recording has %s%u",
				sc->opt.ignored_cpus[i], cpus == 1 ? "only CPU " : "CPUs 0 to ",
				cpus ? cpus - 1 : 0);
}

static void say_no_labels(const struct plot_scene *sc)
{
	const struct plot_view view = {sc->from_ns, sc->to_ns, 1};
	uint64_t packets = plot_packets_count(&sc->packets, &view);
	char length[TEXT_NUMBER];

	if (!sc->opt.xdp_labels)
		return;
	if (!sc->opt.xdp)
		say("plot: --xdp-labels: no packets are drawn without -x");
	else if (packets && (sc->to_ns - sc->from_ns > PLOT_LABELS_NS || packets > PLOT_LABELS_MAX))
		say("plot: --xdp-labels: there is room for them in views up to 20 ms and %u "
		    "packets; "
		    "this one has %s and %" PRIu64 " packets: choose a part with -f",
			PLOT_LABELS_MAX, text_duration(length, sc->to_ns - sc->from_ns), packets);
}

static int draw_picture(struct plot_scene *sc, const char *output, bool made_up)
{
	bool there = made_up && !access(output, F_OK), on_stdout = !strcmp(output, "-");

	plot_scene_lay_out(sc, false);
	say_no_labels(sc);
	if (on_stdout ? serve_stdout(sc) : serve_file(sc, output))
		return EXIT_FAILED;
	if (there)
		say("plot: the picture that was there is replaced: %s", output);
	if (!on_stdout)
		printf("%s\n", output);
	return EXIT_OK;
}

static int draw(struct plot_scene *sc)
{
	char *made_up;
	int status;

	if (sc->opt.output)
		return draw_picture(sc, sc->opt.output, false);
	if (has_display()) {
		plot_scene_lay_out(sc, true);
		status = serve(sc, NULL);
		if (status != PLOT_PYTHON_NO_WINDOW)
			return status ? EXIT_FAILED : EXIT_OK;
	}
	if (!strcmp(sc->opt.input, "-")) {
		say("plot: standard input has no name for a picture beside it: -o OUT");
		return EXIT_USAGE;
	}
	made_up = beside(sc->opt.input);
	status = made_up ? draw_picture(sc, made_up, true) : EXIT_FAILED;
	free(made_up);
	return status;
}

void plot_options_init(struct plot_options *opt)
{
	*opt = (struct plot_options){.vertical_label_ns = 10000, .visible_threshold = -1};
}

static int read_and_draw(
	struct plot_scene *sc, struct recording *rec, const struct plot_options *opt)
{
	int err = plot_scene_begin(sc, rec, opt);

	if (!err) {
		err = recording_read_range(rec, opt->input, &plot_scene_sink, sc,
			opt->has_filter ? opt->filter_from_ns : 0,
			opt->has_filter ? opt->filter_to_ns : UINT64_MAX,
			isatty(STDERR_FILENO) ? RECORDING_PROGRESS : 0);
		if (err && !rec->stop)
			return EXIT_FAILED; /* it has said why */
		if (err == -ECANCELED)
			err = 0;
	}
	if (!err)
		err = plot_scene_finish(sc);
	if (err == -ERANGE)
		return say_beyond(sc);
	if (err) {
		say("plot: out of memory; draw a part with -f, or hide CPUs with --ignored-cpus");
		return EXIT_FAILED;
	}
	say_without_effect(sc);
	return draw(sc);
}

int plot_run(const struct plot_options *opt)
{
	struct plot_scene *sc = calloc(1, sizeof(*sc));
	struct recording rec = {0};
	int status = EXIT_FAILED;

	if (sc)
		status = read_and_draw(sc, &rec, opt);
	else
		say("plot: out of memory");
	if (sc)
		plot_scene_free(sc);
	free(sc);
	recording_close(&rec);
	if (fflush(stdout) || ferror(stdout)) {
		say("plot: cannot write to stdout: %s", strerror(errno));
		return EXIT_FAILED;
	}
	return status;
}
