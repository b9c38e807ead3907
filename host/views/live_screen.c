/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/views/live_screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define USUAL_ROWS 24u

bool live_screen_usable(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

unsigned int live_screen_begin(void)
{
	struct winsize size;

	/* ECMA-48: to the upper left corner, and nothing from there on. */
	fputs("\033[H\033[J", stdout);
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 2 ? size.ws_row - 1u
									       : USUAL_ROWS;
}
