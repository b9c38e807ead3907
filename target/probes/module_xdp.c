/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Packets as they come in; all of them pass. Opt-in: where the driver cannot do XDP itself the
 * kernel copies each packet that has no room in front or lies in pieces, and so makes the
 * allocations and the load that are then measured; and drivers that can may give up offloads
 * meanwhile (veth: segmentation by its peer).
 */
#include "target/probes/probe.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include "bpf/xdp.h"
#include "target/base/log.h"
#include "target/probes/xdp_link.h"

static const struct {
	const char *mechanism;
	uint32_t flags;
} modes[] = {
	{"xdp-native", XDP_FLAGS_DRV_MODE},
	{"xdp-generic", XDP_FLAGS_SKB_MODE},
};
#define N_MODES (sizeof(modes) / sizeof(modes[0]))

/* An interface that comes back under its name is another one to the kernel, without our program. */
struct followed {
	char name[IF_NAMESIZE];
	unsigned int ifindex; /* 0: not there */
};
struct xdp_state {
	int prog_fd; /* -1: none is loaded */
	struct followed *at;
	size_t n;
};

static int plan(struct module *m)
{
	struct ayp_xdp_params *params = OWN_PARAMS_OF(m);
	int id = names_add_func(m->p->names, AYP_CLASS_PACKET, "packet", NULL);
	struct xdp_state *s;

	if (id < 0)
		return id;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->prog_fd = -1;
	m->state = s;
	params->func_packet = (uint16_t)id;
	return 0;
}

/* How it was attached (index of modes), or a negative errno with the reason in why_not. */
static int attach_best(struct module *m, unsigned int ifindex, char *why_not, size_t size)
{
	struct xdp_state *s = m->state;
	int err = -ENODEV;
	size_t mode;

	why_not[0] = '\0';
	for (mode = 0; ifindex && mode < N_MODES; mode++) {
		if (!mechanism_wanted(m->p, modes[mode].mechanism))
			continue;
		err = fd_list_add(&m->links, xdp_link(s->prog_fd, ifindex, modes[mode].flags));
		if (!err)
			return (int)mode;
		xdp_refusal(s->prog_fd, ifindex, modes[mode].flags, err, why_not, size);
		/* Whatever way it is, it would be in the other's. */
		if (err == -EBUSY || err == -EEXIST)
			break;
	}
	if (!why_not[0])
		snprintf(why_not, size, "%s", strerror(-err));
	return err;
}

static int attach_interface(struct module *m, const char *name, unsigned int ifindex)
{
	char why_not[128];
	int mode = attach_best(m, ifindex, why_not, sizeof(why_not));

	if (mode < 0) {
		log_warn("xdp: %s: not traced: %s", name, why_not);
		report_failed(m, 1, "%s: %s", name, why_not);
		return mode;
	}
	names_set(m->p->names, ayaprof_Table_TABLE_IFACE, ifindex, 0, name, NULL);
	names_use(m->p->names, ayaprof_Table_TABLE_IFACE, ifindex);
	if (!why_not[0])
		log_note("xdp: %s: %s", name, mode ? "generic: packets are copied" : "native");
	else
		log_note("xdp: %s: generic, packets are copied; native was refused: %s", name,
			why_not);
	report_live(m, modes[mode].mechanism, 1);
	return 0;
}

static int follow(struct module *m, const char *name)
{
	struct xdp_state *s = m->state;
	struct followed *grown = realloc(s->at, (s->n + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->at = grown;
	grown[s->n] = (struct followed){.ifindex = if_nametoindex(name)};
	snprintf(grown[s->n].name, sizeof(grown[s->n].name), "%s", name);
	return attach_interface(m, name, grown[s->n++].ifindex);
}

/* Links do not tell. */
static void look_for_changes(struct module *m, uint64_t now_ns)
{
	struct xdp_state *s = m->state;
	size_t i;

	for (i = 0; i < s->n; i++) {
		struct followed *f = &s->at[i];
		unsigned int ifindex = if_nametoindex(f->name);

		if (ifindex == f->ifindex)
			continue;
		f->ifindex = ifindex;
		if (ifindex)
			attach_interface(m, f->name, ifindex);
		else
			log_note("xdp: %s is gone; it is traced again when it comes back", f->name);
	}
}

static void attach_all_up(struct module *m)
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
			follow(m, i->if_name);
		fclose(f);
	}
	if_freenameindex(all);
}

/* The program that takes packets of several buffers, where the kernel knows such. */
static int load(struct module *m)
{
	static const char *const ways[][2] = {{"xdp_packet_frags", NULL}, {"xdp_packet", NULL}};
	struct xdp_state *s = m->state;
	struct bpf_object *o = NULL;
	int err = 0;
	size_t i;

	for (i = 0; i < 2 && !o; i++)
		o = object_load_own(&image_xdp, ways[i], &m->p->maps, &m->p->params, m->own_params,
			m->ops->own_params_size, &err);
	if (!o)
		return err;
	err = programs_keep(&m->programs, o);
	if (!err)
		s->prog_fd = m->programs.fd[m->programs.n - 1];
	return err;
}

static int attach(struct module *m)
{
	const struct config *cfg = m->p->cfg;
	char text[96];
	int err = load(m);
	size_t i;

	if (err) {
		report_failed(m, 1, "%s", why(err, "xdp", text, sizeof(text)));
		return err;
	}
	for (i = 0; i < cfg->n_xdp_interfaces; i++)
		follow(m, cfg->xdp_interfaces[i]);
	if (!cfg->n_xdp_interfaces)
		attach_all_up(m);
	return m->report.attached ? 0 : -ENOTSUP;
}

/* On lo only: trying it on a real link may reset the driver. */
static int check(struct module *m)
{
	struct xdp_state *s = m->state;
	int err = load(m), works = 0;
	size_t mode;

	if (err) {
		check_line(m->ops->name, "lo", "xdp", err, "");
		return 0;
	}
	for (mode = 0; mode < N_MODES; mode++) {
		err = fd_list_add(
			&m->links, xdp_link(s->prog_fd, if_nametoindex("lo"), modes[mode].flags));
		check_line(m->ops->name, "lo", modes[mode].mechanism, err, "");
		works += !err;
		fd_list_cut(&m->links, 0);
	}
	return works;
}

static void release(struct module *m)
{
	struct xdp_state *s = m->state;

	if (s)
		free(s->at);
	free(s);
	m->state = NULL;
}

static const char *const by_mechanism[] = {"xdp-native", "xdp-generic", NULL};

const struct module_ops module_xdp = {
	.name = "xdp",
	.summary = "packets as they come in: time, length, Ethernet header",
	.turn = TURN_LATER,
	.own_params_size = sizeof(struct ayp_xdp_params),
	.mechanisms = by_mechanism,
	.plan = plan,
	.attach = attach,
	.look = look_for_changes,
	.release = release,
	.check = check,
};
