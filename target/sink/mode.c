/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/sink/mode.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "target/base/log.h"

typedef struct sink *(*sink_maker)(const struct config *cfg);

static const char *const mode_names[] = {
	[MODE_UART] = "uart",
	[MODE_LOG] = "log",
	[MODE_SERVE] = "serve",
	[MODE_BOTH] = "both",
	[MODE_AUTO] = "auto",
};

/* An address that somebody else can reach: IPv6 link-local ones exist without any network. */
static bool is_usable(const struct ifaddrs *ifa)
{
	unsigned int need = IFF_UP | IFF_RUNNING;

	if (!ifa->ifa_addr || (ifa->ifa_flags & need) != need || (ifa->ifa_flags & IFF_LOOPBACK))
		return false;
	if (ifa->ifa_addr->sa_family == AF_INET)
		return true;
	return ifa->ifa_addr->sa_family == AF_INET6 &&
	       !IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)ifa->ifa_addr)->sin6_addr);
}

static bool usable_network(char *name, size_t size)
{
	struct ifaddrs *all, *ifa;

	if (getifaddrs(&all) != 0)
		return false;
	for (ifa = all; ifa && !is_usable(ifa); ifa = ifa->ifa_next)
		;
	if (ifa)
		snprintf(name, size, "%s", ifa->ifa_name);
	freeifaddrs(all);
	return ifa != NULL;
}

static enum run_mode choose(const struct config *cfg)
{
	char name[IF_NAMESIZE] = "";
	enum run_mode mode;

	if (usable_network(name, sizeof(name))) {
		log_note("mode serve: the network is up (%s)", name);
		return MODE_SERVE;
	}
	mode = cfg->tty ? MODE_UART : MODE_LOG;
	log_note("mode %s: no network is up, and %s TTY was given", mode_names[mode],
		cfg->tty ? "a" : "no");
	return mode;
}

int mode_open_sinks(const struct config *cfg, struct sink **sinks)
{
	enum run_mode mode = cfg->mode == MODE_AUTO ? choose(cfg) : cfg->mode;
	bool serial = mode == MODE_UART || (mode == MODE_BOTH && cfg->tty);
	sink_maker makers[MODE_MAX_SINKS] = {NULL};
	size_t wanted = 0, n = 0;
	int err = 0;

	if (cfg->tty && !serial && cfg->mode != MODE_AUTO)
		log_warn("mode %s does not use %s", mode_names[mode], cfg->tty);
	if (mode != MODE_LOG)
		makers[wanted++] = serial ? sink_tty_new : sink_tcp_new;
	if (mode == MODE_LOG || mode == MODE_BOTH)
		makers[wanted++] = sink_file_new;
	for (; n < wanted && !err; n++) {
		sinks[n] = makers[n](cfg);
		if (!sinks[n]) {
			log_error("out of memory");
			err = -ENOMEM;
			break;
		}
		err = sinks[n]->ops->open(sinks[n]);
	}
	if (!err)
		return (int)n;
	for (size_t i = 0; i < n; i++)
		sinks[i]->ops->free(sinks[i]);
	return err;
}
