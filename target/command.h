/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The profiled command: forked early, held until the probes are live, watched until it exits. */
#ifndef TARGET_COMMAND_H
#define TARGET_COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct command {
	pid_t pid;  /* 0: none */
	int go;     /* write end of the pipe that holds it back */
	int failed; /* read end of the pipe that reports a failed exec */
	bool running;
	int exit_status; /* as a shell says it: 128 + signal when it was killed */
};

/* Fork. `mask`: the signal mask the command is to have. 0 or a negative errno after one line. */
int command_prepare(struct command *c, char *const *argv, const sigset_t *mask);
/* Let it run. 0, or a negative errno after one line when it cannot be executed. */
int command_go(struct command *c, char *const *argv);
/* After SIGCHLD: true when it has ended now. */
bool command_reap(struct command *c);
/* Pass a signal on, if it is running. */
void command_signal(const struct command *c, int signal);
/* A command that was held back and never let go ends; a running one is left alone. */
void command_release(struct command *c);

#endif
