# SPDX-License-Identifier: MIT OR Apache-2.0
"""Draws what hostdec hands out. Started by hostdec with: MODE REQUEST-FD REPLY-FD OUTPUT

MODE is "file" or "window". Lines go out on REQUEST-FD ("describe", "view FROM TO WIDTH", and "drawn"
at the end, which has no answer), answers (host/plot/reply.h) come in on REPLY-FD. hostdec reduces a
recording to the pixels of a view, so this script only ever sees what can be drawn, and a window asks
again whenever its view changes.
Exit status: 0 drawn; 3 no window can be opened; anything else: the last line on stderr says why.
"""
import sys

# The current directory is no place to import from.
sys.path[:] = [p for p in sys.path if p]
import json
import math
import os
import struct
import warnings

warnings.simplefilter("ignore")  # e.g. glyphs that the font lacks


def die(text, status=1):
    sys.stdout.flush()
    print(" ".join(str(text).split()), file=sys.stderr)
    sys.stderr.flush()
    os._exit(status)


def on_exception(kind, value, _trace):
    if issubclass(kind, KeyboardInterrupt):
        os._exit(130)
    die(f"{kind.__name__}: {value}")


sys.excepthook = on_exception
# matplotlib looks for its settings in the current directory first, then where MATPLOTLIBRC says, then at
# home; whoever left one there would choose what is made of a board's names (TeX, for one).
os.environ["MATPLOTLIBRC"] = os.devnull
try:
    HERE = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
except OSError:
    HERE = -1
os.chdir("/")
MISSING = "{} cannot import {}: install Debian's {}, or name another interpreter in AYAPROF_PYTHON"
try:
    import numpy as np
except ImportError:
    die(MISSING.format(sys.executable, "numpy", "python3-numpy"))
try:
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator
except ImportError as why:
    die(MISSING.format(sys.executable, f"matplotlib ({why})", "python3-matplotlib"))
if HERE >= 0:
    os.fchdir(HERE)
    os.close(HERE)

DPI = 100
WIDTH_PX = 1600
LEFT, RIGHT, BOTTOM, HEADER, STRIP = 86, 24, 46, 46, 24  # px
LABEL_PT = 8
LABEL_PX = LABEL_PT * DPI / 72
LANES_PX, MERGED_PX, PANEL_PX = 1700, 700, 540  # all lanes, merged panel, one lane: a picture has an end
BOX = np.dtype([("x0", "=f8"), ("x1", "=f8"), ("count", "=u4"), ("row", "=u2"), ("func", "=u2"),
                ("filled", "=u2"), ("share", "u1"), ("flags", "u1"), ("pad", "=u4")])
UNFINISHED, MERGED = 1, 2
EDGE = "#5b3a00"
IFACE_COLORS = ["#1b9e77", "#7570b3", "#d95f02", "#e7298a", "#66a61e", "#a6761d", "#1f78b4", "#6a3d9a"]
LOST_FACE, LOST_EDGE = (1.0, 0.55, 0.55, 0.25), (0.85, 0.2, 0.2, 0.45)
TIME_UNITS = ((1e9, "s"), (1e6, "ms"), (1e3, "\N{MICRO SIGN}s"), (1.0, "ns"))
XDP_LINE = "#20306e"
LABELS_MAX = 4000

matplotlib.rcParams.update({
    "font.family": "DejaVu Sans", "font.size": LABEL_PT, "axes.linewidth": 0.7, "axes.titlesize": 9,
    "xtick.labelsize": LABEL_PT, "ytick.labelsize": LABEL_PT, "svg.fonttype": "none", "pdf.fonttype": 42,
    "svg.hashsalt": "ayaprof", "axes.unicode_minus": False, "hatch.linewidth": 0.6, "path.simplify": True})
if "text.parse_math" in matplotlib.rcParams:
    matplotlib.rcParams["text.parse_math"] = False


def plain(text):
    """Text from a board, as matplotlib must take it: no mathematics, no hidden legend entries."""
    if "text.parse_math" not in matplotlib.rcParams:
        text = text.replace("$", r"\$")
    return " " + text if text.startswith("_") else text


class Source:
    """hostdec at the other end of the pipes."""

    def __init__(self, request_fd, reply_fd):
        self.request = os.fdopen(request_fd, "wb", buffering=0)
        self.reply = os.fdopen(reply_fd, "rb")

    def ask(self, line):
        self.request.write(line.encode() + b"\n")
        head = self.reply.read(16)
        if len(head) < 16:
            os._exit(1)  # hostdec is gone or gave up; it has said why
        text_len, blob_len = struct.unpack("<QQ", head)
        answer = json.loads(self.reply.read(text_len).decode("utf-8", "replace"))
        blob, at = self.reply.read(blob_len), 0
        for a in answer.pop("arrays"):
            kind = np.dtype(a["type"])
            answer[a["name"]] = np.frombuffer(blob, kind, a["count"], at)
            at += (a["count"] * kind.itemsize + 7) & ~7
        return answer


def time_unit(span):
    return next((u for u in TIME_UNITS if span >= 2 * u[0]), TIME_UNITS[-1])


def human_time(ns):
    size, name = next((u for u in TIME_UNITS if ns >= u[0]), TIME_UNITS[-1])
    return f"{ns / size:.10g} {name}"


def time_ticks(start, stop, width_px):
    """Tick positions, their labels, and the axis label: in the unit of the view, from a round moment
    when the plain numbers would be long."""
    span = stop - start
    size, name = time_unit(span)
    step = 10 ** math.floor(math.log10(span / max(2, width_px / 110)))
    step *= next(f for f in (1, 2, 5, 10, 20) if span / (step * f) <= max(2, width_px / 110))
    base = 0
    if stop / size >= 1e5:
        big = 10 ** math.ceil(math.log10(span))
        base = math.floor(start / big) * big
    first = math.ceil((start - base) / step - 1e-9)
    ticks = [base + i * step for i in range(first, math.floor((stop - base) / step + 1e-9) + 1)]
    digits = max(0, -math.floor(math.log10(step / size) + 1e-9))
    labels = [f"{(t - base) / size:.{digits}f}" for t in ticks]
    if base:
        return ticks, labels, f"{name} after {human_time(base)} since the start of the recording"
    return ticks, labels, f"time since the start of the recording ({name})"


def self_color(share):
    """Yellow: the call spends its time in callees; red: all in itself. share: array of 0..1."""
    return np.stack([np.full_like(share, 1.0), 0.93 - 0.83 * share, 0.30 - 0.22 * share], axis=-1)


def line_pairs(flat):
    return flat[0::2], flat[1::2]


class Picture:
    def __init__(self, source, figure, vector):
        self.source, self.fig, self.vector = source, figure, vector
        self.about = source.ask("describe")
        self.panels = self.about["panels"]
        self.names = [plain(n) for n in self.about["names"]]
        self.artists, self.widths, self.boxes, self.axes = [], {}, {}, []
        self.renderer = FigureCanvasAgg(Figure(dpi=DPI)).get_renderer()
        self.font = matplotlib.font_manager.FontProperties(size=LABEL_PT)
        self.y_done = False
        for p in self.panels:
            first = self.axes[0] if self.axes else None
            self.axes.append(figure.add_axes([0, 0, 1, 1], sharex=first, label=str(len(self.axes))))
        for ax in self.axes:
            ax.set_facecolor("#fcfcfc")
            ax.tick_params(length=3, width=0.6, labelbottom=ax is self.axes[-1])
            ax.set_autoscale_on(False)
            ax.format_coord = lambda x, y, ax=ax: self.at_cursor(ax, x, y)

    # ---- layout ----

    def natural_height(self):
        """Heights of the panels in px for a picture that may be as high as it needs to."""
        stacks = [p for p in self.panels if p["kind"] == "stack" and not p["note"]]
        lane_rows = sum(max(p["rows"], 3) for p in stacks if p["cpu"] >= 0)
        # Names can only stand upright in rows as high as a name is long.
        row_px, panel_px = (100, LANES_PX) if self.about["tall_rows"] else (19, PANEL_PX)
        self.heights = []
        for p in self.panels:
            if p["note"]:
                self.heights.append(64)
            elif p["kind"] == "stack":
                most = max(MERGED_PX, panel_px)
                if p["cpu"] >= 0:
                    most = min(panel_px, LANES_PX * p["rows"] / lane_rows)
                least = 200 if self.about["xdp_labels"] and p is stacks[0] else 34
                self.heights.append(max(min(p["rows"] * row_px, most), least))
                p["room"] = 200 / row_px if least == 200 else 0
            else:
                self.heights.append(170)
        return HEADER + BOTTOM + sum(self.heights) + STRIP * len(self.heights)

    def lay_out(self):
        """Place the panels in a canvas of any size; what is text keeps its size."""
        width, height = self.fig.get_size_inches() * self.fig.dpi
        scale = self.fig.dpi / DPI
        fixed = (HEADER + BOTTOM + STRIP * len(self.axes)) * scale
        grow = max(height - fixed, 10) / sum(self.heights)
        top = height - HEADER * scale
        for ax, natural in zip(self.axes, self.heights):
            top -= STRIP * scale + natural * grow
            ax.set_position([LEFT * scale / width, top / height,
                             max(width - (LEFT + RIGHT) * scale, 10) / width, natural * grow / height])
        self.width_px = max(16, round(width - (LEFT + RIGHT) * scale))

    def at_cursor(self, ax, x, y):
        """What a window says about the place under the pointer."""
        where = f"{human_time(round(x))}"
        boxes = self.boxes.get(ax)
        if boxes is None:
            return where
        hit = boxes[(boxes["row"] == math.floor(y)) & (boxes["x0"] <= x) & (x < boxes["x1"])]
        if not len(hit):
            return where
        b = hit[0]
        length, share = human_time(b["x1"] - b["x0"]), b["share"] / 2.55
        if b["flags"] & MERGED:
            return f"{b['count']} calls, {self.names[b['func']]} and others, in {length}   {where}"
        return f"{self.names[b['func']]}, {length} in view, self {share:.0f} %   {where}"

    def height_px(self, ax):
        return ax.get_position().height * self.fig.get_size_inches()[1] * self.fig.dpi

    # ---- one view ----

    def show(self, start, stop):
        for a in self.artists:
            a.remove()
        self.artists = []
        # A vector picture is looked at closer than its nominal size.
        columns = min(16000, self.width_px * (2 if self.vector else 1))
        start = max(0, math.floor(start))
        stop = max(start + 10, math.ceil(stop))
        d = self.source.ask(f"view {start} {stop} {columns}")
        self.start, self.stop, self.ns_px = start, stop, (stop - start) / self.width_px
        self.text_left = LABELS_MAX
        ticks, labels, axis_label = time_ticks(start, stop, self.width_px)
        self.axes[0].set_xlim(start, stop)
        self.axes[-1].xaxis.set_major_locator(FixedLocator(ticks))
        self.axes[-1].xaxis.set_major_formatter(FixedFormatter(labels))
        self.axes[-1].set_xlabel(axis_label, fontsize=9, labelpad=3)
        for i, (p, ax) in enumerate(zip(self.panels, self.axes)):
            legend = self.draw_panel(f"p{i}", p, ax, d)
            self.strip(ax, p["title"], legend)
            self.draw_lost(p, ax, d)
        self.draw_packets(d)
        self.header(d)
        self.y_done = True

    def keep(self, artist):
        self.artists.append(artist)
        return artist

    def note(self, ax, text):
        self.keep(ax.text(0.5, 0.5, plain(text), transform=ax.transAxes, ha="center", va="center",
                          fontsize=10, color="#555555"))

    def draw_panel(self, key, p, ax, d):
        if p["note"]:
            ax.set_yticks([])
            return self.note(ax, p["note"])
        return getattr(self, "draw_" + p["kind"])(key, p, ax, d)

    def strip(self, ax, title, legend):
        """The line above a panel: its title on the left, its legend on the right, clear of the data."""
        self.keep(ax.annotate(plain(title), (0, 1), (0, 4), xycoords="axes fraction",
                              textcoords="offset points", fontsize=9, fontweight="bold"))
        if legend:
            handles, labels = zip(*legend)
            ax.legend(handles, labels, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncol=len(handles),
                      frameon=False, fontsize=LABEL_PT, borderaxespad=0, borderpad=0.15,
                      handlelength=2.2, columnspacing=1.4, handletextpad=0.5)
            self.keep(ax.get_legend())

    def header(self, d):
        width, height = self.fig.get_size_inches() * self.fig.dpi
        scale = self.fig.dpi / DPI
        self.keep(self.fig.text(LEFT * scale / width, 1 - 19 * scale / height, plain(self.about["title"]),
                                fontsize=10.5))
        self.keep(self.fig.text(LEFT * scale / width, 1 - 39 * scale / height, plain(self.about["remark"]),
                                fontsize=LABEL_PT, color="#993300"))
        legend = []
        if any(p["kind"] == "stack" and not p["note"] for p in self.panels):
            for share, text in ((0.0, "self time: none"), (0.5, "half"), (1.0, "all")):
                color = self_color(np.array([share]))[0]
                legend.append((Patch(facecolor=color, edgecolor=EDGE, lw=0.4), text))
            if self.about["packet_lines"]:
                text = f"XDP packets: {d['packets.count']}"
                if self.about["xdp_labels"] and d["packets.count"] and "packets.labels" not in d:
                    text += " (zoom in for their addresses)"
                legend.append((Line2D([], [], color=XDP_LINE, lw=0.8, ls=(0, (4, 3))), text))
        if d["lost.events"]:
            text = f"lost: {d['lost.events']} events"
            if d["lost.undated"]:
                text += f" ({d['lost.undated']} at an unknown time)"
            legend.append((Patch(facecolor=LOST_FACE, edgecolor=LOST_EDGE, hatch="////", lw=0.4), text))
        if legend:
            handles, labels = zip(*legend)
            self.keep(self.fig.legend(
                handles, labels, loc="upper right", ncol=len(handles), frameon=False, fontsize=LABEL_PT,
                bbox_to_anchor=(1 - RIGHT * scale / width, 1 - 24 * scale / height), borderaxespad=0,
                borderpad=0.15, handlelength=1.6, columnspacing=1.4, handletextpad=0.5))

    # ---- calls ----

    def draw_stack(self, key, p, ax, d):
        rows, boxes = p["rows"], d[key + ".boxes"].view(BOX)
        if not self.y_done:
            ax.set_ylim(0, max(rows, p["room"]))
        low, high = ax.get_ylim()
        row_px = self.height_px(ax) / max(high - low, 1e-9)
        if not d[key + ".spans"]:
            self.note(ax, "no calls in this view")
        self.draw_density(ax, rows, row_px, d[key + ".cover"], d[key + ".share"])
        self.draw_boxes(ax, boxes, row_px)
        self.boxes[ax] = boxes
        if p["cpu"] < 0:
            for r in self.about["layers"]:
                self.keep(ax.axhline(r, color="#999999", lw=0.6, zorder=4))
            ax.set_yticks([])
        else:
            step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500) if s * row_px >= 13 or s == 500)
            ax.set_yticks([r + 0.5 for r in range(0, rows, step)])
            ax.set_yticklabels([str(r) for r in range(0, rows, step)], color="#777777")
        ax.set_ylabel("depth" if row_px * rows > 40 else "", color="#777777", fontsize=LABEL_PT)
        if self.about["stack_labels"]:
            self.draw_names(ax, boxes, row_px)
        return None

    def draw_density(self, ax, rows, row_px, cover, share):
        """Calls too short for boxes: each pixel's row is filled to the height that they take of its time, so a CPU that is seldom
        busy looks so. What is there is seen, however little that is."""
        if not cover.any():
            return
        cover = cover.reshape(rows, 1, -1) / 255.0
        steps = int(min(max(row_px, 1), 24))
        filled = np.maximum(np.rint(cover * steps), 2 if steps > 8 else 1) > np.arange(steps).reshape(1, -1, 1)
        rgba = np.empty((rows, steps, cover.shape[2], 4), np.uint8)
        colors = (self_color(np.arange(256) / 255.0) * 255).astype(np.uint8)
        rgba[..., :3] = colors[share.reshape(rows, 1, -1)]
        # In rows of few pixels the height says little: paler as well.
        rgba[..., 3] = np.where((cover > 0) & filled, 255 if steps > 4 else 60 + 195 * cover, 0)
        rgba = rgba.reshape(rows * steps, -1, 4)
        image = ax.imshow(rgba, extent=(self.start, self.stop, 0, rows), origin="lower", aspect="auto",
                          interpolation="nearest", zorder=1)
        image.get_cursor_data = lambda _event: None  # its colours say nothing as numbers
        self.keep(image)

    def draw_boxes(self, ax, boxes, row_px):
        width = (boxes["x1"] - boxes["x0"]) / self.ns_px
        cut, merged = (boxes["flags"] & UNFINISHED) != 0, (boxes["flags"] & MERGED) != 0
        one = ~cut & ~merged
        kinds = ((one & (width < 8), 0.25, "solid"), (one & (width >= 8), 0.55, "solid"),
                 (merged, 0, "solid"), (cut, 0.8, (0, (3, 2))))
        for chosen, edge, style in kinds:
            b = boxes[chosen]
            if not len(b):
                continue
            corners = np.empty((len(b), 4, 2))
            corners[:, 0, 0] = corners[:, 1, 0] = b["x0"]
            corners[:, 2, 0] = corners[:, 3, 0] = b["x1"]
            corners[:, 0, 1] = corners[:, 3, 1] = b["row"]
            # Several in one are as high as they fill their time.
            high = np.maximum(b["filled"] / 65535, np.where(b["count"] > 1, min(2 / row_px, 1), 1))
            corners[:, 1, 1] = corners[:, 2, 1] = b["row"] + high
            drawn = PolyCollection(corners, facecolors=self_color(b["share"] / 255.0), edgecolors=EDGE,
                                   linewidths=edge if row_px >= 5 else 0, linestyles=[style], zorder=2)
            drawn.set_rasterized(self.vector and len(boxes) > 6000)
            self.keep(ax.add_collection(drawn, autolim=False))

    def text_width(self, text):
        if text not in self.widths:
            px = self.renderer.get_text_width_height_descent(text, self.font, False)[0]
            self.widths[text] = px * self.fig.dpi / DPI
        return self.widths[text]

    def shorten(self, name, room):
        """As much of a name as fits, marked as cut; None when that says nothing."""
        n = int(len(name) * room / max(self.text_width(name), 1))
        while n >= 3 and self.text_width(name[:n] + "\N{HORIZONTAL ELLIPSIS}") > room:
            n -= 1
        return name[:n] + "\N{HORIZONTAL ELLIPSIS}" if n >= 3 else None

    def draw_names(self, ax, boxes, row_px):
        text_px = LABEL_PX * self.fig.dpi / DPI
        if row_px < text_px:
            return
        threshold = self.about["threshold"]
        width = (boxes["x1"] - boxes["x0"]) / self.ns_px
        least = max(text_px, threshold * self.width_px)
        cut_from = least if threshold >= 0 else 0.05 * self.width_px
        for i in np.argsort(-width, kind="stable"):
            if width[i] < least or self.text_left <= 0:
                break
            b, name, rotation = boxes[i], self.names[boxes[i]["func"]], 0
            if b["flags"] & MERGED:
                name = f"{b['count']} calls, {name} and others"
            needs = self.text_width(name) + 5
            if b["x1"] - b["x0"] < self.about["vertical_ns"] and needs <= row_px and width[i] >= text_px:
                rotation = 90
            elif needs > width[i]:
                name = self.shorten(name, width[i] - 5) if width[i] >= cut_from else None
            if name:
                self.text_left -= 1
                self.keep(ax.text((b["x0"] + b["x1"]) / 2, b["row"] + 0.5, name, rotation=rotation, ha="center",
                                  va="center" if rotation else "center_baseline", clip_on=True, zorder=5))

    # ---- memory, throughput ----

    def y_scaled(self, ax, top, units):
        """Limit from 0 to a bit above `top`; returns what to divide by, with ticks in that unit."""
        size, name = next((u for u in units if top >= u[0]), units[-1])
        ax.set_ylim(0, top / size * 1.12 if top > 0 else 1)
        ax.yaxis.set_major_locator(MaxNLocator(4, min_n_ticks=2))
        ax.yaxis.set_major_formatter(lambda y, _: f"{y:g} {name}")
        ax.grid(True, color="#d8d8d8", lw=0.5, ls="--", zorder=0)
        ax.set_axisbelow(True)
        return size

    def visible(self, x, y):
        """Some stretch between two known values lies in the view."""
        known = np.isfinite(y[:-1]) & (x[:-1] < self.stop) & (x[1:] > self.start)
        return known.any() or (np.isfinite(y) & (x >= self.start) & (x < self.stop)).any()

    def draw_memory(self, key, p, ax, d):
        kinds = (("total", "total", "black", "solid", 1.2), ("kmalloc", "kmalloc", "red", (0, (5, 3)), 1.1),
                 ("kmem_cache", "kmem_cache", "blue", (0, (5, 3)), 1.1))
        values = np.concatenate([line_pairs(d[f"{key}.{k[0]}"])[1] for k in kinds])
        top = np.nanmax(values) if np.isfinite(values).any() else 0
        size = self.y_scaled(ax, top, ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B")))
        if np.isfinite(values).any() and np.nanmin(values) < 0:
            ax.set_ylim(bottom=np.nanmin(values) / size * 1.12)
        if not any(self.visible(*line_pairs(d[f"{key}.{k[0]}"])) for k in kinds):
            self.note(ax, "no memory samples in this view")
        if p["remark"]:
            self.keep(ax.text(0.006, 0.96, plain(p["remark"]), transform=ax.transAxes, ha="left", va="top",
                              fontsize=LABEL_PT, color="#993300", zorder=5))
        legend = []
        for line, label, color, style, weight in kinds:
            x, y = line_pairs(d[f"{key}.{line}"])
            drawn, = ax.plot(x, y / size, color=color, ls=style, lw=weight, drawstyle="steps-post", zorder=3,
                             marker="o" if len(x) <= 40 else "", ms=2.5)
            legend.append((self.keep(drawn), label))
        return legend

    def draw_throughput(self, key, _p, ax, d):
        t, total = d[key + ".t"], d[key + ".total"]
        inside = np.isfinite(total) & (t > self.start)
        top = max([0.0] + list(total[inside]))
        if not inside.any():
            self.note(ax, "no traffic samples in this view")
        size = self.y_scaled(ax, top, ((1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s"), (1, "bit/s")))
        style = {"drawstyle": "steps-pre", "zorder": 3}
        drawn, = ax.plot(t, total / size, color="#aaaaaa", lw=1.6, drawstyle="steps-pre", zorder=2)
        legend = [(self.keep(drawn), "total")]
        x, y = line_pairs(d[key + ".smooth"])
        drawn, = ax.plot(x, y / size, color="black", lw=1.1, zorder=4)
        over = human_time(float(f"{d[key + '.smooth_ns']:.2g}"))
        legend.append((self.keep(drawn), f"total smoothed over {over}"))
        for i, name in enumerate(self.about["traffic"]):
            color = IFACE_COLORS[i % len(IFACE_COLORS)]
            drawn, = ax.plot(t, d[f"{key}.in{i}"] / size, color=color, lw=1.1, **style)
            self.keep(drawn)
            legend.append((drawn, plain(name)))
            out, = ax.plot(t, d[f"{key}.out{i}"] / size, color=color, lw=1.1, ls=(0, (4, 2)), **style)
            self.keep(out)
        if self.about["traffic_other"]:
            legend.append((Line2D([], [], lw=0), f"+ {self.about['traffic_other']} more in total"))
        return legend

    # ---- packets, losses ----

    def draw_xdp(self, _key, _p, ax, d):
        names = [plain(n) for n in self.about["packets"]]
        ax.set_ylabel("")
        if not d["packets.count"]:
            self.note(ax, "no packets in this view")
        if "packets.t" in d and d["packets.count"] <= 300:
            ax.set_ylim(-0.6, len(names) - 0.4)
            ax.set_yticks(range(len(names)))
            ax.set_yticklabels(names)
            for i in range(len(names)):
                t = d["packets.t"][d["packets.source"] == i]
                self.keep(ax.vlines(t, i - 0.4, i + 0.4, color=IFACE_COLORS[i], lw=1.3, zorder=3))
            self.draw_packet_labels([ax], d)
            return [(Line2D([], [], lw=0), f"{d['packets.count']} packets in view")]
        counts = d["packets.bins"].reshape(len(names), -1)
        x = d["packets.bin_from"] + d["packets.bin_ns"] * np.arange(counts.shape[1] + 1)
        ax.set_ylim(0, max(counts.sum(axis=0).max(), 1) * 1.25)
        ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        ax.set_ylabel(f"packets per {human_time(d['packets.bin_ns'])}", fontsize=LABEL_PT)
        below, legend = np.zeros(counts.shape[1]), []
        for i, name in enumerate(names):
            upper = below + counts[i]
            drawn = ax.fill_between(x, np.append(below, below[-1]), np.append(upper, upper[-1]), step="post",
                                    color=IFACE_COLORS[i], lw=0, zorder=3)
            below = upper
            legend.append((self.keep(drawn), name))
        # A lone packet among thousands is a bar nobody sees: every one leaves a mark at the top.
        t = d["packets.t"] if "packets.t" in d else d["packets.columns"]
        self.keep(ax.vlines(t, 0.93, 1.0, color=XDP_LINE, lw=0.7, zorder=3,
                            transform=ax.get_xaxis_transform()))
        mark = Line2D([], [], color=XDP_LINE, marker="|", lw=0)
        return legend + [(mark, f"{d['packets.count']} packets in view")]

    def draw_packets(self, d):
        if not self.about["packet_lines"]:
            return
        stacks = [ax for p, ax in zip(self.panels, self.axes) if p["kind"] == "stack" and not p["note"]]
        t = d["packets.t"] if "packets.t" in d else d["packets.columns"]
        near = np.diff(t) < 3 * self.ns_px
        crowded = np.zeros(len(t), bool)
        if len(t) > 60:
            crowded[1:] |= near
            crowded[:-1] |= near
        for ax in stacks:
            across = ax.get_xaxis_transform()
            self.keep(ax.vlines(t[~crowded], 0, 1, transform=across, color=XDP_LINE, lw=0.8, alpha=0.8,
                                ls=[(0, (4, 3))], zorder=6))
            # A forest of lines would hide the calls: there only their upper ends are drawn, on a tint.
            ends = ax.vlines(t[crowded], 0.94, 1, transform=across, color=XDP_LINE, lw=0.8, zorder=6)
            ends.set_rasterized(self.vector and len(t) > 500)
            self.keep(ends)
            for a, b in self.runs(t[crowded]):
                self.keep(ax.axvspan(a, b, color=XDP_LINE, alpha=0.10, lw=0, zorder=0.7))
        self.draw_packet_labels(stacks[:1], d)

    def runs(self, t):
        """First and last of each stretch of times that touch on the screen."""
        cut = np.flatnonzero(np.diff(t) >= 3 * self.ns_px)
        return zip(t[np.append(0, cut + 1)], t[np.append(cut, len(t) - 1)]) if len(t) else ()

    def draw_packet_labels(self, axes, d):
        free_from = -math.inf
        for t, text in zip(d.get("packets.t", ()), d.get("packets.labels", ())):
            if not axes or t < free_from:
                continue
            if self.text_width(text) > self.height_px(axes[0]):
                text = text.replace(", DST", "\nDST")
            free_from = t + (1 + text.count("\n")) * 1.3 * LABEL_PX * self.fig.dpi / DPI * self.ns_px
            self.keep(axes[0].annotate(plain(text), (t, 1), (5, -3), xycoords=("data", "axes fraction"),
                                       textcoords="offset points", rotation=90, ha="left", va="top",
                                       fontsize=LABEL_PT, color=XDP_LINE, zorder=7, annotation_clip=False,
                                       clip_on=True, bbox={"fc": "white", "alpha": 0.75, "lw": 0, "pad": 0.5}))

    def draw_lost(self, p, ax, d):
        of = d["lost.cpu"]
        mine = of < 0
        if p["kind"] == "xdp" or (p["kind"] == "stack" and p["cpu"] < 0):
            mine = np.full_like(of, True, dtype=bool)
        elif p["kind"] == "stack":
            mine = mine | (of == p["cpu"])
        x0, x1 = d["lost.x0"][mine], d["lost.x1"][mine]
        if not len(x0):
            return
        corners = np.zeros((len(x0), 4, 2))
        corners[:, 0, 0] = corners[:, 1, 0] = x0
        corners[:, 2, 0] = corners[:, 3, 0] = x1
        corners[:, 1, 1] = corners[:, 2, 1] = 1
        self.keep(ax.add_collection(
            PolyCollection(corners, facecolors=[LOST_FACE], edgecolors=[LOST_EDGE], linewidths=0, hatch="////",
                           transform=ax.get_xaxis_transform(), zorder=0.6), autolim=False))


def draw_file(source, path):
    kind = os.path.splitext(path)[1][1:].lower() or "png"
    fig = Figure(figsize=(WIDTH_PX / DPI, 4), dpi=DPI)
    FigureCanvasAgg(fig)
    picture = Picture(source, fig, vector=kind != "png")
    fig.set_size_inches(WIDTH_PX / DPI, picture.natural_height() / DPI)
    picture.lay_out()
    picture.show(picture.about["from"], picture.about["to"])
    undated = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    try:
        fig.savefig(path, format=kind, dpi=DPI if kind == "png" else 2 * DPI, metadata=undated)
    except OSError as why:
        die(f"cannot write {path}: {why.strerror or why}")


def draw_window(source):
    from matplotlib import pyplot

    fig = None
    wished = os.environ.get("MPLBACKEND")
    for backend in ([wished] if wished else []) + ["QtAgg", "GTK4Agg", "GTK3Agg", "TkAgg"]:
        try:
            pyplot.switch_backend(backend)
            if backend.lower() == "agg":
                continue
            fig = pyplot.figure(figsize=(14, 9), dpi=DPI)
            break
        except Exception:  # whatever a toolkit throws means: not this one
            continue
    if fig is None:
        os._exit(3)
    picture = Picture(source, fig, vector=False)
    picture.natural_height()
    fig.canvas.manager.set_window_title("hostdec plot: " + picture.about["title"])
    busy = [False]

    def refresh(start, stop):
        busy[0] = True
        try:
            picture.lay_out()
            picture.show(start, stop)
        except Exception as why:  # toolkits swallow exceptions of callbacks
            die(f"{type(why).__name__}: {why}")
        fig.canvas.draw_idle()
        busy[0] = False

    # While the user drags, views come faster than they can be drawn: draw the one that stays.
    timer = fig.canvas.new_timer(interval=120)
    timer.single_shot = True
    timer.add_callback(lambda: refresh(*picture.axes[0].get_xlim()))

    def changed(_event):
        if not busy[0]:
            timer.stop()
            timer.start()

    refresh(picture.about["from"], picture.about["to"])
    for ax in picture.axes:
        ax.callbacks.connect("ylim_changed", changed)
    picture.axes[0].callbacks.connect("xlim_changed", changed)
    fig.canvas.mpl_connect("resize_event", changed)
    pyplot.show()


def main():
    mode, request_fd, reply_fd, output = sys.argv[1:5]
    source = Source(int(request_fd), int(reply_fd))
    if mode == "window":
        draw_window(source)
    else:
        draw_file(source, output)
    source.request.write(b"drawn\n")
    # Skip the teardown of toolkits: the picture is there.
    sys.stdout.flush()
    os._exit(0)


main()
