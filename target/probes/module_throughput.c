/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Bytes and packets per interface and direction, from the kernel's own counters: exact, and free
 * between two looks. One netlink dump a look (rtnetlink(7)), instead of four files per interface.
 */
#include "target/probes/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "target/base/log.h"

/* More interfaces than these are left out, busiest kept. Equal to Sample.interfaces' max_count. */
#define MAX_SHOWN 16
#define MAX_KNOWN 256

struct counters {
	uint32_t ifindex;
	uint64_t rx_bytes, rx_packets, tx_bytes, tx_packets;
};

struct throughput {
	int fd;
	uint32_t seq;
	size_t n_base, n_now;
	struct counters base[MAX_KNOWN], now[MAX_KNOWN];
};

static void take_link(struct module *m, struct nlmsghdr *h)
{
	struct throughput *t = m->state;
	struct ifinfomsg *info = NLMSG_DATA(h);
	const struct name *known;
	const char *name = NULL;
	struct rtnl_link_stats64 s;
	unsigned int left = (unsigned int)IFLA_PAYLOAD(h);
	uint32_t index = (uint32_t)info->ifi_index;
	struct rtattr *a;
	bool have = false;

	for (a = IFLA_RTA(info); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == IFLA_IFNAME)
			name = RTA_DATA(a);
		if (a->rta_type == IFLA_STATS64 &&
			RTA_PAYLOAD(a) >= offsetof(struct rtnl_link_stats64, rx_errors)) {
			memcpy(&s, RTA_DATA(a), offsetof(struct rtnl_link_stats64, rx_errors));
			have = true;
		}
	}
	if (!have || !name || t->n_now == MAX_KNOWN)
		return;
	known = names_get(m->p->names, ayaprof_Table_TABLE_IFACE, index);
	if (!known || strcmp(known->text, name))
		names_set(m->p->names, ayaprof_Table_TABLE_IFACE, index, 0, name, NULL);
	t->now[t->n_now++] = (struct counters){
		.ifindex = index,
		.rx_bytes = s.rx_bytes,
		.rx_packets = s.rx_packets,
		.tx_bytes = s.tx_bytes,
		.tx_packets = s.tx_packets,
	};
}

static int look(struct module *m)
{
	struct throughput *t = m->state;
	struct {
		struct nlmsghdr h;
		struct ifinfomsg info;
	} ask = {
		.h = {sizeof(ask), RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, ++t->seq, 0},
		.info = {.ifi_family = AF_UNSPEC},
	};
	union {
		struct nlmsghdr h; /* for its alignment */
		char bytes[32768];
	} answer;

	t->n_now = 0;
	if (send(t->fd, &ask, sizeof(ask), 0) < 0)
		return -errno;
	for (;;) {
		ssize_t n = recv(t->fd, &answer, sizeof(answer), 0);
		unsigned int left;
		struct nlmsghdr *h;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		left = (unsigned int)n;
		for (h = &answer.h; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			if (h->nlmsg_seq != t->seq)
				continue;
			if (h->nlmsg_type == NLMSG_DONE)
				return 0;
			if (h->nlmsg_type == NLMSG_ERROR)
				return -EIO;
			if (h->nlmsg_type == RTM_NEWLINK)
				take_link(m, h);
		}
	}
}

static int plan(struct module *m)
{
	struct throughput *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	m->state = t;
	t->fd = -1;
	return 0;
}

static int attach(struct module *m)
{
	struct throughput *t = m->state;
	/* The kernel answers at once; should it not, the daemon must not wait for it. */
	struct timeval patience = {.tv_sec = 1};
	int err = 0;

	t->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (t->fd < 0)
		err = -errno;
	if (!err && setsockopt(t->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		err = -errno;
	if (!err)
		err = look(m);
	if (err) {
		report_failed(m, 1, "interface statistics: %s", strerror(-err));
		return err;
	}
	report_live(m, "rtnetlink", (uint32_t)t->n_now);
	return 0;
}

static void activate(struct module *m)
{
	struct throughput *t = m->state;

	if (look(m))
		return;
	memcpy(t->base, t->now, sizeof(t->base));
	t->n_base = t->n_now;
}

/* Since the start of the session. An interface that came later counts from its own beginning; one
 * that was replaced under the same number starts over. */
static void since_start(const struct throughput *t, struct counters *c)
{
	size_t i;

	for (i = 0; i < t->n_base; i++) {
		const struct counters *b = &t->base[i];

		if (b->ifindex != c->ifindex || c->rx_bytes < b->rx_bytes ||
			c->tx_bytes < b->tx_bytes)
			continue;
		c->rx_bytes -= b->rx_bytes;
		c->rx_packets -= b->rx_packets;
		c->tx_bytes -= b->tx_bytes;
		c->tx_packets -= b->tx_packets;
	}
}

static int busiest_first(const void *a, const void *b)
{
	const struct counters *x = a, *y = b;
	uint64_t p = x->rx_packets + x->tx_packets, q = y->rx_packets + y->tx_packets;

	return p > q ? -1 : p < q;
}

static void sample(struct module *m, ayaprof_Sample *out)
{
	struct throughput *t = m->state;
	size_t i;

	if (look(m))
		return;
	for (i = 0; i < t->n_now; i++)
		since_start(t, &t->now[i]);
	if (t->n_now > MAX_SHOWN)
		qsort(t->now, t->n_now, sizeof(*t->now), busiest_first);
	for (i = 0; i < t->n_now && i < MAX_SHOWN; i++) {
		const struct counters *c = &t->now[i];

		names_use(m->p->names, ayaprof_Table_TABLE_IFACE, c->ifindex);
		out->interfaces[out->interfaces_count++] = (ayaprof_InterfaceSample){
			.ifindex = c->ifindex,
			.rx_bytes = c->rx_bytes,
			.rx_packets = c->rx_packets,
			.tx_bytes = c->tx_bytes,
			.tx_packets = c->tx_packets,
		};
	}
}

static void release(struct module *m)
{
	struct throughput *t = m->state;

	if (!t)
		return;
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

static int check(struct module *m)
{
	int err = attach(m);

	check_line(m->ops->name, "counters", "rtnetlink", err, "");
	return !err;
}

static const char *const by_mechanism[] = {"rtnetlink", NULL};

const struct module_ops module_throughput = {
	.name = "throughput",
	.summary = "bytes and packets per network interface and direction",
	.by_default = true,
	.turn = TURN_LATER,
	.mechanisms = by_mechanism,
	.plan = plan,
	.attach = attach,
	.activate = activate,
	.misses = no_misses,
	.sample = sample,
	.release = release,
	.check = check,
};
