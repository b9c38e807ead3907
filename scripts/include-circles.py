#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Circles of includes: between files, and between rooms (directories).

usage: include-circles.py FILE...      exit 0: none; 1: a line each, which names the includes that close it
"""
import os
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
# Rooms that still know each other; a row goes when its circle is gone.
OPEN_ROOMS = []


def includes(files):
    """{file: {included file of ours}}"""
    known = set(files)
    found = {}
    for file in files:
        with open(file, encoding="utf-8", errors="replace") as text:
            names = INCLUDE.findall(text.read())
        beside = (os.path.normpath(os.path.join(os.path.dirname(file), name)) for name in names)
        found[file] = {name for pair in zip(names, beside) for name in pair if name in known}
    return found


def merged(graph, key):
    """The graph between groups of files, with an include that makes each edge."""
    edges = {}
    for file, names in graph.items():
        for name in names:
            if key(file) != key(name) or file == name:
                edges.setdefault(key(file), {}).setdefault(key(name), f"{file} includes {name}")
    return edges


def circles(edges):
    """One circle for each group of nodes that reach each other: Tarjan's components, then a walk inside."""
    index, low, stack, on, count = {}, {}, [], set(), [0]
    groups = []

    def visit(node):
        index[node] = low[node] = count[0]
        count[0] += 1
        stack.append(node)
        on.add(node)
        for next_node in edges.get(node, {}):
            if next_node not in index:
                visit(next_node)
                low[node] = min(low[node], low[next_node])
            elif next_node in on:
                low[node] = min(low[node], index[next_node])
        if low[node] == index[node]:
            group = set()
            while node not in group:
                group.add(stack.pop())
            on.difference_update(group)
            if len(group) > 1 or node in edges.get(node, {}):
                groups.append(group)

    for node in sorted(edges):
        if node not in index:
            visit(node)
    for group in groups:
        way = [min(group)]
        while way.count(way[-1]) < 2:
            way.append(min(node for node in edges[way[-1]] if node in group))
        way = way[way.index(way[-1]):]
        yield group, [edges[a][b] for a, b in zip(way, way[1:])]


def main():
    graph = includes(sys.argv[1:])
    bad = 0
    for what, key in (("files", lambda f: f), ("rooms", os.path.dirname)):
        for group, way in circles(merged(graph, key)):
            if what == "rooms" and any(group <= rooms for rooms in OPEN_ROOMS):
                continue
            print(f"circle of {what}: {'; '.join(way)}")
            bad = 1
    return bad


sys.setrecursionlimit(10000)
sys.exit(main())
