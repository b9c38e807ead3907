/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/loop/signal_set.h"

#include <stdio.h>

static const struct {
	int number;
	const char *name;
} names[] = {
	{SIGHUP, "SIGHUP"},
	{SIGINT, "SIGINT"},
	{SIGQUIT, "SIGQUIT"},
	{SIGILL, "SIGILL"},
	{SIGTRAP, "SIGTRAP"},
	{SIGABRT, "SIGABRT"},
	{SIGBUS, "SIGBUS"},
	{SIGFPE, "SIGFPE"},
	{SIGKILL, "SIGKILL"},
	{SIGUSR1, "SIGUSR1"},
	{SIGSEGV, "SIGSEGV"},
	{SIGUSR2, "SIGUSR2"},
	{SIGPIPE, "SIGPIPE"},
	{SIGALRM, "SIGALRM"},
	{SIGTERM, "SIGTERM"},
	{SIGXCPU, "SIGXCPU"},
	{SIGXFSZ, "SIGXFSZ"},
	{SIGVTALRM, "SIGVTALRM"},
	{SIGPROF, "SIGPROF"},
	{SIGPOLL, "SIGPOLL"},
	{SIGPWR, "SIGPWR"},
	{SIGSYS, "SIGSYS"},
};

/* What ends a process by default and is no fault of its own. */
static const int ending[] = {
	SIGHUP,
	SIGUSR1,
	SIGUSR2,
	SIGALRM,
	SIGXCPU,
	SIGVTALRM,
	SIGPROF,
	SIGPOLL,
	SIGPWR,
#ifdef SIGSTKFLT
	SIGSTKFLT,
#endif
};

/* A job's signals whoever started it: shells have background jobs ignore SIGINT and SIGQUIT. */
static void add_always(sigset_t *mask)
{
	sigaddset(mask, SIGINT);
	sigaddset(mask, SIGQUIT);
	sigaddset(mask, SIGTERM);
	sigaddset(mask, SIGCHLD);
}

/* What is ignored (SIGHUP under nohup) stays so. */
static void add_unless_ignored(sigset_t *mask, int number)
{
	struct sigaction old;

	if (sigaction(number, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaddset(mask, number);
}

void signal_set_fill(sigset_t *set)
{
	sigemptyset(set);
	add_always(set);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		add_unless_ignored(set, ending[i]);
	for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
		add_unless_ignored(set, number);
}

void signal_set_ignore(struct signals_found *found)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGPIPE, &ignore, &found->pipe);
	sigaction(SIGXFSZ, &ignore, &found->file_size);
}

void signal_set_give_back(const struct signals_found *found)
{
	sigaction(SIGPIPE, &found->pipe, NULL);
	sigaction(SIGXFSZ, &found->file_size, NULL);
	sigprocmask(SIG_SETMASK, &found->mask, NULL);
}

const char *signal_set_name(int number)
{
	static char text[24];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == number)
			return names[i].name;
	snprintf(text, sizeof(text), "signal %d", number);
	return text;
}

bool signal_set_is_for_job(int number)
{
	return number == SIGINT || number == SIGQUIT || number == SIGTERM || number == SIGHUP;
}
