/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/symbol_client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "target/base/clock.h"
#include "target/base/log.h"
#include "target/probes/symbol_helper.h"
#include "target/base/usage.h"

/* More than the helper's own patience with its reader. */
#define PATIENCE_NS     (8 * NS_PER_S)
#define REST_NS         (1 * NS_PER_S)
#define REST_MAX_SHIFTS 6u
/* How long the end of the program waits for a helper's. */
#define FAREWELL_MS 100

extern char **environ;

void symbol_client_init(struct symbol_client *c)
{
	*c = (struct symbol_client){.fd = -1};
}

/* ---- starting and ending -------------------------------------------------------------------- */

static bool reap(struct symbol_client *c)
{
	bool left = false;

	for (size_t i = 0; i < SYMBOL_CLIENT_DYING; i++) {
		if (c->dying[i] && waitpid(c->dying[i], NULL, WNOHANG) != 0)
			c->dying[i] = 0;
		left |= c->dying[i] != 0;
	}
	return left;
}

/* A process that hangs in the kernel does not even die; so many of these are left behind, no
 * more. */
static void end(struct symbol_client *c)
{
	size_t i = 0;

	if (c->fd < 0)
		return;
	close(c->fd);
	c->fd = -1;
	kill(c->pid, SIGKILL);
	reap(c);
	while (i < SYMBOL_CLIENT_DYING - 1 && c->dying[i])
		i++;
	c->given_up |= c->dying[i] != 0;
	c->dying[i] = c->pid;
	c->pid = 0;
	c->reader = 0;
	c->n_asked = 0;
	c->cpu_before = c->cpu_ms;
}

static void replace(struct symbol_client *c, uint64_t now, const char *why)
{
	unsigned int shift = c->ended < REST_MAX_SHIFTS ? c->ended : REST_MAX_SHIFTS;

	end(c);
	c->ended++;
	c->start_at_ns = now + (REST_NS << shift);
	if (!c->said)
		log_warn("functions of programs may lack their names: the helper that looks them "
			 "up %s, and is replaced",
			why);
	c->said = true;
}

static int spawn(struct symbol_client *c, int theirs, int nothing)
{
	char name[] = SYMBOL_HELPER_NAME;
	char *const argv[] = {name, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, ours;
	int err;

	sigemptyset(&none);
	sigemptyset(&ours);
	sigaddset(&ours, SIGPIPE); /* the one that we ignore */
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	/* Away from our terminal's signals: it ends when its socket does. */
	posix_spawnattr_setflags(
		&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &ours);
	/* Whoever reads our output would wait for its end, too. */
	posix_spawn_file_actions_adddup2(&actions, theirs, 0);
	posix_spawn_file_actions_adddup2(&actions, nothing, 1);
	posix_spawn_file_actions_adddup2(&actions, nothing, 2);
	err = posix_spawn(&c->pid, "/proc/self/exe", &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

static bool start(struct symbol_client *c)
{
	int pair[2], nothing = open("/dev/null", O_RDWR | O_CLOEXEC), err;

	if (nothing < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		err = -errno;
	} else {
		err = spawn(c, pair[1], nothing);
		close(pair[1]);
		if (err)
			close(pair[0]);
	}
	if (nothing >= 0)
		close(nothing);
	if (!err) {
		c->fd = pair[0];
		return true;
	}
	log_warn("functions of programs have no names: cannot start the helper that looks them "
		 "up: %s",
		strerror(-err));
	c->given_up = true;
	return false;
}

void symbol_client_free(struct symbol_client *c)
{
	const struct timespec ms = {0, NS_PER_MS};

	end(c);
	for (unsigned int i = 0; reap(c) && i < FAREWELL_MS; i++)
		nanosleep(&ms, NULL);
}

/* ---- asking --------------------------------------------------------------------------------- */

static bool is_refused(const struct symbol_client *c, uint32_t tgid)
{
	for (size_t i = 0; i < SYMBOL_CLIENT_REFUSED; i++)
		if (tgid && c->refused[i] == tgid)
			return true;
	return false;
}

bool symbol_client_ask(struct symbol_client *c, uint32_t tgid, uint64_t address, uint64_t now)
{
	struct symbol_question q = {.id = c->next_id + 1, .tgid = tgid, .address = address};
	ssize_t n;

	for (size_t i = 0; i < c->n_asked; i++)
		if (c->asked[i].q.tgid == tgid && c->asked[i].q.address == address)
			return true;
	if (c->given_up || is_refused(c, tgid) ||
		(c->fd < 0 && (now < c->start_at_ns || !start(c))))
		return false;
	if (c->n_asked == SYMBOL_CLIENT_ASKED)
		return true;
	n = send(c->fd, &q, sizeof(q), MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n != sizeof(q))
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	c->next_id = q.id;
	c->asked[c->n_asked++] = (struct symbol_asked){q, now};
	return true;
}

/* ---- answers -------------------------------------------------------------------------------- */

static bool sound(const struct symbol_question *q, const struct symbol_answer *a)
{
	uint64_t offset = q->address - a->start + a->offset;

	if (a->kind >= SYMBOL_KINDS || !memchr(a->owner, 0, sizeof(a->owner)) ||
		!memchr(a->name, 0, sizeof(a->name)))
		return false;
	if (a->kind == SYMBOL_GONE)
		return true;
	if (a->start > q->address || q->address >= a->end)
		return false;
	return a->kind == SYMBOL_NO_FILE || (a->begin <= offset && offset < a->finish);
}

static void note_cost(struct symbol_client *c, const struct symbol_answer *a)
{
	c->cpu_ms = c->cpu_before + a->cpu_ms;
	if (a->peak_kb > c->peak_kb)
		c->peak_kb = a->peak_kb;
	c->reader = a->reader;
	usage_set_helper((uint64_t)c->cpu_ms * 1000, c->peak_kb);
	if (a->replaced && !c->said) {
		log_warn("functions of a program lack their names: reading its file took too long, "
			 "or ended the helper's reader, which is replaced");
		c->said = true;
	}
}

/* False: it is no answer to anything. */
static bool take(
	struct symbol_client *c, const struct symbol_answer *a, symbol_answer_fn fn, void *ctx)
{
	struct symbol_question q;
	size_t i = 0;

	while (i < c->n_asked && c->asked[i].q.id != a->id)
		i++;
	if (i == c->n_asked)
		return false;
	q = c->asked[i].q;
	c->n_asked--;
	memmove(&c->asked[i], &c->asked[i + 1], (c->n_asked - i) * sizeof(c->asked[0]));
	if (!sound(&q, a))
		return false;
	note_cost(c, a);
	fn(ctx, &q, a);
	return true;
}

static void watch(struct symbol_client *c, uint64_t now)
{
	if (!c->n_asked || now - c->asked[0].since_ns < PATIENCE_NS)
		return;
	c->refused[c->n_refused++ % SYMBOL_CLIENT_REFUSED] = c->asked[0].q.tgid;
	replace(c, now, "did not answer");
}

bool symbol_client_hear(struct symbol_client *c, uint64_t now, symbol_answer_fn fn, void *ctx)
{
	static struct symbol_answer a;
	bool any = false;
	ssize_t n;

	if (c->fd < 0)
		return reap(c), false;
	while ((n = recv(c->fd, &a, sizeof(a), MSG_DONTWAIT)) == sizeof(a)) {
		any = true;
		if (!take(c, &a, fn, ctx)) {
			replace(c, now, "said nonsense");
			return true;
		}
	}
	if (n >= 0 || (errno != EAGAIN && errno != EINTR)) {
		replace(c, now, "ended");
		return true;
	}
	watch(c, now);
	return any || c->fd < 0;
}
