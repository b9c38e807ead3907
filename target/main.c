/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/loop/daemon.h"
#include "target/base/log.h"
#include "target/setup/mounts.h"
#include "target/options/options.h"
#include "target/base/output_file.h"
#include "target/probes/symbol_helper.h"
#include "target/source/source.h"

enum { STATUS_DONE = 0, STATUS_USAGE = 2 };

static int run(const struct config *cfg)
{
	log_set_verbosity(cfg->verbose);
	if (cfg->check || cfg->list_functions)
		mounts_complete();
	if (cfg->check)
		return probes_check(cfg);
	if (cfg->list_modules)
		return probes_list_modules(cfg);
	if (cfg->list_functions)
		return probes_list_functions(cfg, cfg->list_functions);
	return daemon_run(cfg);
}

int main(int argc, char **argv)
{
	struct options options;
	enum options_result result;
	int status;

	if (symbol_helper_called(argc, argv))
		return symbol_helper_run();
	output_fill_standard_streams();
	result = options_read(&options, argc, argv);
	status = result == OPTIONS_DONE ? STATUS_DONE : STATUS_USAGE;
	if (result == OPTIONS_RUN)
		status = run(&options.config);
	log_flush();
	options_free(&options);
	return status;
}
