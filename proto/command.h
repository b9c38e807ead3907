/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The commands to a board that is being recorded, as users write them and as Control carries them:
 * `hostdec ctl`, its control socket and the board go by this one list. What each side does about a
 * command is its own; the board's table of functions is made from the list, so that none is missing.
 */
#ifndef PROTO_COMMAND_H
#define PROTO_COMMAND_H

#include <stddef.h>

#include "proto/ayaprof.pb.h"

enum ayp_command_arg {
	AYP_COMMAND_PLAIN, /* no argument */
	AYP_COMMAND_RATE,  /* a rate in baud, 1 to AYP_COMMAND_RATE_MAX */
	AYP_COMMAND_TEXT,  /* a string, the rest of the line */
};
#define AYP_COMMAND_RATE_MAX 100000000u

/*
 * X(NAME, member of Control.command, words, kind of argument, the argument in the help, READY or
 * LATER, help), in the order of the help. LATER: no board of this version does it. The numbers on
 * the wire are Control's.
 */
#define AYP_COMMAND_LIST(X)                                                                        \
	X(STATUS, status, "status", PLAIN, "", READY, "how the board is doing")                    \
	X(STOP, stop, "stop", PLAIN, "", READY,                                                    \
		"end the profile; the board drains and says goodbye")                              \
	X(BAUD, baud, "baud", RATE, "N", READY,                                                    \
		"change the line's rate; back by itself when the sides lose each other")           \
	X(PAUSE, pause, "pause", PLAIN, "", LATER, "record nothing")                               \
	X(RESUME, resume, "resume", PLAIN, "", LATER, "record again")                              \
	X(TRIGGER, trigger, "trigger", PLAIN, "", LATER, "keep what is about to be overwritten")   \
	X(PROBE_ADD, probe_add, "probe add", TEXT, "SPEC", LATER, "trace this, too")               \
	X(PROBE_REMOVE, probe_remove, "probe remove", TEXT, "SPEC", LATER, "trace this no more")

enum ayp_command {
#define AYP_COMMAND_NUMBER(name, ...) AYP_COMMAND_##name,
	AYP_COMMAND_LIST(AYP_COMMAND_NUMBER)
#undef AYP_COMMAND_NUMBER
	/* How many; also of a Control whose command this version does not know. */
	AYP_COMMANDS
};

struct ayp_command_info {
	const char *words; /* "probe add" */
	enum ayp_command_arg arg;
	const char *arg_name; /* "SPEC"; "": none */
	bool later;           /* no board of this version does it */
	const char *help;     /* a line */
};

/* `command` must be less than AYP_COMMANDS. */
const struct ayp_command_info *ayp_command_info(enum ayp_command command);

/* What a user wrote, words and argument each after one blank. Fills in *msg but for its id. 0; -1:
 * no such command, or its argument is wrong or too long. */
int ayp_command_parse(const char *text, ayaprof_Control *msg);

/* Which one a board was given. */
enum ayp_command ayp_command_of(const ayaprof_Control *msg);

#endif
