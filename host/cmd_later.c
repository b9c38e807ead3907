/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Commands of the contract that this version does not have. */
#include "host/commands.h"
#include "host/base/say.h"

int cmd_top(int argc, char **argv)
{
	say("top is not there yet; hostdec stats shows a finished recording");
	return EXIT_USAGE;
}
