/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What comes over the recorder's control socket, in pieces of any size, and the commands to a board made of it: what is
 * sent to the board is one valid Control, no answer leaves its buffer.
 *
 * Input: one byte that says how large the pieces are, then the client's bytes.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/base/say.h"
#include "host/record/controller.h"
#include "host/record/ctl_server.h"
#include "tests/fuzz/fuzz.h"

static void answer(struct ctl_server *s, const char *command, int client)
{
	static struct ayp_message_ctx *ctx;
	static struct link link = {.opt.baud = 115200};
	static struct back back;
	static struct acker acker;
	static struct controller c;
	char text[CTL_REQUEST_MAX + 1];
	ssize_t n;
	int err;

	if (!ctx)
		ctx = ayp_message_ctx_new();
	MUST(ctx);
	acker = (struct acker){.session = 1, .encode = framing_encode};
	back = (struct back){0};
	controller_init(&c, &link, &back, &acker, ctx, 1);
	err = controller_ask(&c, command, 1);
	MUST(err == 0 ? c.state == CONTROLLER_ASKING : err == -EINVAL);
	MUST((back.len > back.at) == (err == 0));
	ctl_server_answer(s, err, command);
	n = recv(client, text, sizeof(text), MSG_DONTWAIT);
	MUST(n > 0 && n <= (ssize_t)CTL_REQUEST_MAX);
}

static int peer;

static void on_request(void *ctx, const char *port, const char *command)
{
	struct ctl_server *s = ctx;

	MUST(strlen(port) + strlen(command) < CTL_REQUEST_MAX);
	MUST(!strchr(port, '\n') && !strchr(command, '\n'));
	MUST(ctl_server_waits(s));
	answer(s, command, peer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctl_server s = {.request = on_request};
	struct loop *loop;
	int pair[2];
	size_t step;

	if (size < 2)
		return 0;
	say_mute(true);
	s.ctx = &s;
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
	peer = pair[1];
	MUST(loop_new(&loop) == 0);
	ctl_server_take(&s, loop, pair[0]);
	step = 1 + data[0];
	for (size_t at = 1; at < size && s.client_fd > 0; at += step) {
		size_t n = at + step < size ? step : size - at;

		if (send(peer, data + at, n, MSG_NOSIGNAL) != (ssize_t)n)
			break;
		MUST(loop_turn(loop) == 0);
		MUST(s.len < sizeof(s.text));
	}
	ctl_server_close(&s);
	loop_free(loop);
	close(peer);
	return 0;
}
