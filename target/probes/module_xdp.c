/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Packets as they come in. Opt-in: where the driver cannot do XDP itself the kernel copies each
 * packet, and so makes the allocations and the load that are then measured.
 */
#include "target/probes/probe.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include "target/log.h"

static const char *const programs[] = {"xdp_packet", NULL};

/* More interfaces than these are not looked after. */
#define MAX_FOLLOWED 32

/* What was attached where: an interface that is made again under its name has another number. */
struct xdp {
	struct {
		char name[IF_NAMESIZE];
		unsigned int ifindex; /* 0: gone */
	} at[MAX_FOLLOWED];
	size_t n;
};

static const struct {
	const char *mechanism;
	uint32_t flags;
} modes[] = {
	{"xdp-native", XDP_FLAGS_DRV_MODE},
	{"xdp-generic", XDP_FLAGS_SKB_MODE},
};
#define N_MODES (sizeof(modes) / sizeof(modes[0]))

static int plan(struct module *m)
{
	int id = names_add_func(m->p->names, AYP_CLASS_PACKET, "packet", NULL);

	if (id < 0)
		return id;
	m->p->params.func_packet = (uint16_t)id;
	m->state = calloc(1, sizeof(struct xdp));
	return m->state ? 0 : -ENOMEM;
}

static void follow(struct module *m, const char *name, unsigned int ifindex)
{
	struct xdp *x = m->state;
	size_t i;

	for (i = 0; i < x->n; i++)
		if (!strcmp(x->at[i].name, name)) {
			x->at[i].ifindex = ifindex;
			return;
		}
	if (x->n == MAX_FOLLOWED)
		return;
	snprintf(x->at[x->n].name, sizeof(x->at[x->n].name), "%s", name);
	x->at[x->n++].ifindex = ifindex;
}

/* A link, so that the kernel takes the program off even if the daemon is killed (Linux 5.9). */
static int link_mode(struct module *m, int prog_fd, unsigned int ifindex, size_t mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = modes[mode].flags);
	int link = bpf_link_create(prog_fd, (int)ifindex, BPF_XDP, &opts);

	return link < 0 ? -errno : fd_list_add(&m->links, link);
}

static void attach_interface(struct module *m, int prog_fd, const char *name)
{
	unsigned int ifindex = if_nametoindex(name);
	char text[96];
	size_t mode;
	int err = -ENODEV;

	for (mode = 0; ifindex && mode < N_MODES; mode++) {
		if (!mechanism_wanted(m->p, modes[mode].mechanism))
			continue;
		err = link_mode(m, prog_fd, ifindex, mode);
		if (!err)
			break;
	}
	if (err) {
		report_failed(m, 1, "%s: %s", name, why(err, "xdp", text, sizeof(text)));
		return;
	}
	names_set(m->p->names, ayaprof_Table_TABLE_IFACE, ifindex, 0, name, NULL);
	names_use(m->p->names, ayaprof_Table_TABLE_IFACE, ifindex);
	log_note("xdp: %s: %s", name,
		mode ? "generic (the driver has no XDP): packets are copied" : "native");
	report_live(m, modes[mode].mechanism, 1);
	follow(m, name, ifindex);
}

/* The kernel takes the program off an interface that goes. */
static void look(struct module *m, uint64_t now_ns)
{
	struct xdp *x = m->state;
	size_t i;

	for (i = 0; i < x->n; i++) {
		unsigned int now = if_nametoindex(x->at[i].name);

		if (now == x->at[i].ifindex)
			continue;
		x->at[i].ifindex = now;
		if (!now)
			log_note("xdp: %s is gone: no packets of it", x->at[i].name);
		else
			attach_interface(m, m->programs.fd[m->programs.n - 1], x->at[i].name);
	}
}

static void release(struct module *m)
{
	free(m->state);
}

static void attach_all_up(struct module *m, int prog_fd)
{
	struct if_nameindex *all = if_nameindex(), *i;
	char path[64];
	unsigned int flags;
	FILE *f;

	for (i = all; i && i->if_index; i++) {
		snprintf(path, sizeof(path), "/sys/class/net/%.32s/flags", i->if_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fscanf(f, "%x", &flags) == 1 && flags & IFF_UP)
			attach_interface(m, prog_fd, i->if_name);
		fclose(f);
	}
	if_freenameindex(all);
}

static int load(struct module *m, int *err)
{
	struct bpf_object *o = object_load(&image_xdp, programs, &m->p->maps, &m->p->params, err);

	if (!o)
		return -1;
	*err = programs_keep(&m->programs, o);
	return *err ? -1 : m->programs.fd[m->programs.n - 1];
}

static int attach(struct module *m)
{
	const struct config *cfg = m->p->cfg;
	char text[96];
	size_t i;
	int err = 0, prog_fd = load(m, &err);

	if (prog_fd < 0) {
		report_failed(m, 1, "%s", why(err, "xdp", text, sizeof(text)));
		return err;
	}
	for (i = 0; i < cfg->n_xdp_interfaces; i++)
		attach_interface(m, prog_fd, cfg->xdp_interfaces[i]);
	if (!cfg->n_xdp_interfaces)
		attach_all_up(m, prog_fd);
	return m->report.attached ? 0 : -ENOTSUP;
}

/* On lo only: trying it on a real link may reset the driver. */
static int check(struct module *m)
{
	int err = 0, prog_fd = load(m, &err), works = 0;
	size_t mode;

	if (prog_fd < 0) {
		check_line(m->ops->name, "lo", "xdp", err, "");
		return 0;
	}
	for (mode = 0; mode < N_MODES; mode++) {
		err = link_mode(m, prog_fd, if_nametoindex("lo"), mode);
		check_line(m->ops->name, "lo", modes[mode].mechanism, err, "");
		works += !err;
		fd_list_cut(&m->links, 0);
	}
	return works;
}

const struct module_ops module_xdp = {
	.name = "xdp",
	.summary = "packets as they come in: time, length, Ethernet header",
	.plan = plan,
	.attach = attach,
	.misses = parts_misses,
	.look = look,
	.release = release,
	.check = check,
};
