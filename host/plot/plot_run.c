/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/plot/plot.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
		say("plot: out of memory; narrow the view with -f or hide CPUs with "
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

static void warn_outside(const struct plot_options *opt, const struct model *m)
{
	char duration[TEXT_NUMBER];

	if (opt->has_filter && opt->filter_from_ns >= m->duration_ns)
		say("plot: nothing to see from there on: the recording ends at %s",
			text_duration(duration, m->duration_ns));
}

static int draw(const struct model *m, const struct plot_options *opt)
{
	char *made_up = opt->output ? NULL : beside(opt->input);
	const char *output = opt->output ? opt->output : made_up;
	bool window = !opt->output && has_display();
	int status = PLOT_PYTHON_NO_WINDOW;

	for (; status == PLOT_PYTHON_NO_WINDOW && output; window = false) {
		struct plot_scene *sc = malloc(sizeof(*sc));
		bool drawn;

		if (!sc || plot_scene_build(sc, m, opt, window)) {
			say("plot: out of memory; hide CPUs with --ignored-cpus, or plot a shorter "
			    "recording");
			status = -1;
		} else {
			status = window ? serve(sc, output) : serve_file(sc, output);
		}
		drawn = !status && !window;
		if (sc)
			plot_scene_free(sc);
		free(sc);
		if (drawn)
			printf("%s\n", output);
		if (!window)
			break;
	}
	free(made_up);
	return status ? EXIT_FAILED : EXIT_OK;
}

void plot_options_init(struct plot_options *opt)
{
	*opt = (struct plot_options){.vertical_label_ns = 10000, .visible_threshold = -1};
}

int plot_run(const struct plot_options *opt)
{
	struct model m;
	int status;

	if (model_load(&m, opt->input, isatty(STDERR_FILENO)))
		return EXIT_FAILED;
	warn_outside(opt, &m);
	status = draw(&m, opt);
	model_free(&m);
	if (fflush(stdout) || ferror(stdout)) {
		say("plot: cannot write to stdout: %s", strerror(errno));
		return EXIT_FAILED;
	}
	return status;
}
