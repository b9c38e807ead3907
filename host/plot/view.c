/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A scene in the words of the drawing script: plot_scene_describe once, plot_scene_view as often as
 * asked. */
#include "host/plot/scene.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[PLOT_PANEL_KINDS] = {
	[PLOT_STACK] = "stack",
	[PLOT_MEMORY] = "memory",
	[PLOT_THROUGHPUT] = "throughput",
	[PLOT_XDP] = "xdp",
};

static void iface_name(
	const struct plot_scene *sc, struct json *j, uint16_t session, uint32_t ifindex)
{
	const char *name = trace_iface(sc->rec->trace, session, ifindex);
	char made_up[24];

	snprintf(made_up, sizeof(made_up), "interface %u", ifindex);
	json_text(j, NULL, name ? name : made_up);
}

static void describe_panels(const struct plot_scene *sc, struct json *j)
{
	json_array(j, "panels");
	for (size_t i = 0; i < sc->n_panels; i++) {
		const struct plot_panel *p = &sc->panels[i];

		json_flat_object(j, NULL);
		json_text(j, "kind", kind_names[p->kind]);
		json_text(j, "title", p->title);
		json_text(j, "note", p->note);
		json_int(j, "cpu", p->cpu);
		json_text(j, "remark", p->remark);
		json_uint(j, "rows", p->n_rows);
		json_close(j);
	}
	json_close(j);
}

/* Where layers of the merged panel begin, for the lines between them. */
static void describe_layers(const struct plot_scene *sc, struct json *j)
{
	json_array(j, "layers");
	for (size_t l = 1; l < sc->merged.n_lanes; l++)
		json_uint(j, NULL, sc->merged.lanes[l].first_row);
	json_close(j);
}

int plot_scene_describe(const struct plot_scene *sc, struct plot_reply *reply)
{
	const struct trace *t = sc->rec->trace;
	struct json *j = &reply->json;

	json_text(j, "title", sc->title);
	json_text(j, "remark", sc->remark);
	json_uint(j, "from", sc->from_ns);
	json_uint(j, "to", sc->to_ns);
	json_uint(j, "duration", trace_totals(t)->duration_ns);
	json_bool(j, "stack_labels", !sc->opt.no_stack_labels);
	json_bool(j, "xdp_labels", sc->opt.xdp_labels);
	json_uint(j, "vertical_ns", sc->opt.vertical_label_ns);
	json_bool(j, "tall_rows", sc->opt.tall_rows);
	json_real(j, "threshold", sc->opt.visible_threshold);
	json_bool(j, "packet_lines", sc->opt.xdp && sc->packets.total);
	describe_panels(sc, j);
	describe_layers(sc, j);
	json_array(j, "names");
	for (uint32_t f = 0; f < trace_func_count(t); f++)
		json_text(j, NULL, trace_func(t, (uint16_t)f)->name);
	json_close(j);
	json_array(j, "traffic");
	for (size_t i = 0; i < sc->traffic.n_ifaces; i++)
		iface_name(sc, j, sc->traffic.iface[i].session, sc->traffic.iface[i].ifindex);
	json_close(j);
	json_uint(j, "traffic_other", sc->traffic.n_other);
	json_array(j, "packets");
	for (size_t i = 0; i < sc->packets.n_sources; i++)
		iface_name(sc, j, sc->packets.session[i], sc->packets.ifindex[i]);
	json_close(j);
	return plot_reply_finish(reply);
}

static void reply_stack(const struct plot_scene *sc, const struct plot_panel *p,
	const struct plot_view *view, struct plot_reply *reply, const char *prefix)
{
	struct plot_tile tile;
	char key[PLOT_KEY];
	void *at;

	if (!p->rows)
		return;
	if (plot_tile_make(&tile, p->rows, &sc->spans, p->first_row, p->n_rows, view)) {
		reply->failed = true;
		return;
	}
	at = plot_reply_array(reply, plot_key(key, prefix, "boxes", -1), "V32", tile.n_boxes,
		sizeof(*tile.boxes));
	if (at && tile.n_boxes)
		memcpy(at, tile.boxes, tile.n_boxes * sizeof(*tile.boxes));
	at = plot_reply_array(reply, plot_key(key, prefix, "cover", -1), "u1",
		(size_t)tile.n_rows * tile.width_px, 1);
	if (at)
		memcpy(at, tile.cover, (size_t)tile.n_rows * tile.width_px);
	at = plot_reply_array(reply, plot_key(key, prefix, "share", -1), "u1",
		(size_t)tile.n_rows * tile.width_px, 1);
	if (at)
		memcpy(at, tile.share, (size_t)tile.n_rows * tile.width_px);
	json_uint(&reply->json, plot_key(key, prefix, "spans", -1), tile.n_spans);
	plot_tile_free(&tile);
}

int plot_scene_view(
	const struct plot_scene *sc, const struct plot_view *view, struct plot_reply *reply)
{
	int err = plot_losses_reply(&sc->losses, view, reply);

	for (size_t i = 0; i < sc->n_panels && !err; i++) {
		const struct plot_panel *p = &sc->panels[i];
		char prefix[24];

		if (p->note[0])
			continue;
		snprintf(prefix, sizeof(prefix), "p%zu", i);
		if (p->kind == PLOT_STACK)
			reply_stack(sc, p, view, reply, prefix);
		else if (p->kind == PLOT_MEMORY)
			plot_memory_reply(&sc->memory, view, reply, prefix);
		else if (p->kind == PLOT_THROUGHPUT)
			plot_traffic_reply(&sc->traffic, view, reply, prefix);
	}
	if (!err && sc->opt.xdp && sc->packets.total)
		plot_packets_reply(&sc->packets, view, sc->opt.xdp_labels, reply, "packets");
	return err ? err : plot_reply_finish(reply);
}
