/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/symbol_reader.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/probes/confine.h"

/* ---- the process ---------------------------------------------------------------------------- */

union control {
	struct cmsghdr head; /* for its alignment */
	char bytes[CMSG_SPACE(sizeof(int))];
};

static int descriptor_of(struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		c->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static void tell_cost(struct symbol_seen *seen)
{
	struct rusage ru;

	if (getrusage(RUSAGE_SELF, &ru))
		return;
	seen->cpu_ms = (uint32_t)((ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000 +
				  (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1000);
	seen->peak_kb = (uint32_t)ru.ru_maxrss;
}

static void run(int sock)
{
	struct symbol_look look;
	static struct symbol_seen seen;
	union control control;

	for (;;) {
		struct iovec io = {&look, sizeof(look)};
		struct msghdr msg = {.msg_iov = &io,
			.msg_iovlen = 1,
			.msg_control = control.bytes,
			.msg_controllen = sizeof(control.bytes)};
		ssize_t n = recvmsg(sock, &msg, 0);
		int fd;

		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(look))
			return;
		fd = descriptor_of(&msg);
		memset(&seen, 0, sizeof(seen));
		seen.err = fd < 0 ? -EBADF : elf_lookup(fd, look.offset, &seen.place);
		if (fd >= 0)
			close(fd);
		tell_cost(&seen);
		if (send(sock, &seen, sizeof(seen), MSG_NOSIGNAL) != sizeof(seen))
			return;
	}
}

static void become_reader(int sock)
{
	prctl(PR_SET_NAME, "ayaprof-reader");
	/* 0: the way to the parent; 1: free for the file; 2: for a sanitizer's last words. */
	if (dup2(sock, 0) != 0)
		_exit(1);
	close(1);
	if (syscall(SYS_close_range, 3u, ~0u, 0))
		for (int fd = 3; fd < CONFINE_FILES; fd++) /* before Linux 5.9 */
			close(fd);
	confine_reader();
	run(0);
	_exit(0);
}

/* ---- the parent ----------------------------------------------------------------------------- */

void symbol_reader_init(struct symbol_reader *r)
{
	*r = (struct symbol_reader){.fd = -1};
}

void symbol_reader_stop(struct symbol_reader *r)
{
	if (!r->pid)
		return;
	close(r->fd);
	/* Nobody waits for it: in a file system that hangs, it cannot end. The parent ignores
	 * SIGCHLD. */
	kill(r->pid, SIGKILL);
	r->cpu_before += r->cpu_last;
	r->pid = 0;
	r->fd = -1;
	r->cpu_last = 0;
}

static bool start(struct symbol_reader *r)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return false;
	pid = fork();
	if (pid == 0)
		become_reader(pair[1]);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return false;
	}
	r->pid = pid;
	r->fd = pair[0];
	return true;
}

static bool send_look(int sock, int file, uint64_t offset)
{
	struct symbol_look look = {offset};
	union control control = {.bytes = {0}};
	struct iovec io = {&look, sizeof(look)};
	struct msghdr msg = {.msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(file));
	memcpy(CMSG_DATA(c), &file, sizeof(file));
	return sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(look);
}

static bool receive_seen(int sock, int patience_ms, struct symbol_seen *seen)
{
	struct pollfd p = {.fd = sock, .events = POLLIN};
	int ready;

	do
		ready = poll(&p, 1, patience_ms);
	while (ready < 0 && errno == EINTR);
	return ready == 1 && recv(sock, seen, sizeof(*seen), MSG_DONTWAIT) == sizeof(*seen);
}

static bool sound(const struct symbol_seen *seen, uint64_t offset)
{
	const struct elf_place *p = &seen->place;

	return seen->err || (memchr(p->name, 0, sizeof(p->name)) && p->begin <= offset &&
				    offset < p->end && p->function == (p->name[0] != 0));
}

bool symbol_reader_ask(struct symbol_reader *r, int file, uint64_t offset, int patience_ms,
	struct symbol_seen *seen)
{
	if (!r->pid && !start(r))
		return false;
	if (!send_look(r->fd, file, offset) || !receive_seen(r->fd, patience_ms, seen) ||
		!sound(seen, offset)) {
		symbol_reader_stop(r);
		r->replaced++;
		return false;
	}
	r->cpu_last = seen->cpu_ms;
	r->cpu_ms = r->cpu_before + r->cpu_last;
	if (seen->peak_kb > r->peak_kb)
		r->peak_kb = seen->peak_kb;
	return true;
}
