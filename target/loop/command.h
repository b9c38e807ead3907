/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The profiled command: forked early, held until the probes are live, watched until it exits.
 *
 * It and what it starts are one process group that signals can be passed on to as a terminal would:
 * the daemon's own where that is a job of its own or the terminal's foreground job (so that the
 * command reads from the terminal, stops and goes on with it as without us), else, in a script or
 * below another program, a group of its own.
 */
#ifndef TARGET_LOOP_COMMAND_H
#define TARGET_LOOP_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

#include "target/loop/signal_set.h"

enum command_group {
	COMMAND_OWN_GROUP,  /* its process number */
	COMMAND_OUR_JOB,    /* the daemon's, which holds nothing but this job */
	COMMAND_OTHERS_JOB, /* the daemon's, with the script that started it */
};

struct command {
	pid_t pid;  /* 0: none */
	int go;     /* write end of the pipe that holds it back */
	int failed; /* read end of the pipe that reports a failed exec */
	enum command_group group;
	bool running;
	bool ended;
	int exit_status; /* as a shell says it: 128 + signal when it was killed */
	int signal;      /* that ended it, or 0 */
};

/* Could it be executed, as far as that can be seen? 0 or a negative errno after one line. */
int command_look(char *const *argv);
/* Fork. found: how the command is to have its signals. 0 or a negative errno after one line. */
int command_prepare(struct command *c, char *const *argv, const struct signals_found *found);
/* Let it run. 0, or a negative errno after one line when it cannot be executed. */
int command_go(struct command *c, char *const *argv);
/* After SIGCHLD: true when it has ended now; said when it has not ended well. */
bool command_reap(struct command *c);
/* Pass a signal on to its processes, if it is running. from_terminal: who shares the daemon's group
 * has it already. A group that is ours as well sends it back to us: from our own process number. */
void command_signal(const struct command *c, int signal, bool from_terminal);
/* A command that was held back and never let go ends; a running one is left alone. */
void command_release(struct command *c);

/* command_tree.c: to `root` and its descendants in process group `group`. */
void command_tree_signal(pid_t root, pid_t group, int signal);

#endif
