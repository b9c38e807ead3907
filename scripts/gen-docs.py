#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Man pages, bash completion and the example configuration from what the programs' --help says.

usage: gen-docs.py TEMPLATE PROGRAM [COMMAND...]     the result goes to standard output

TEMPLATE is a file of packaging/man or packaging/completion. In it stand, on lines of their own,
    @HELP@       the program's --help: its options as a list, other text as it is   (man pages)
    @COMMANDS@   the same for each COMMAND                                          (man pages)
    @TABLES@     options, what they take, commands                                  (completion)
    @CONFIG@     options that a configuration file may have, each as a comment      (configuration)
and anywhere @VERSION@, @DATE@ (SOURCE_DATE_EPOCH's) and @COMMANDNAMES@. An option's row in the program is where it is written; here is nothing to keep in step.
"""
import collections
import datetime
import os
import re
import subprocess
import sys
import textwrap
import time

Option = collections.namedtuple("Option", "short name arg help")
OPTION = re.compile(r"^ {1,8}(?:(-\w\+?), +)?--([\w-]+)(?:[ =](\S+(?: \S+)??))?(?:\s{2,}(\S.*))?$")
MAX_INDENT_OF_OPTIONS = 8


def help_of(program, *command):
    return subprocess.run([program, *command, "--help"], stdout=subprocess.PIPE, check=True, text=True).stdout


def parse(text):
    """A list of Option and of str, lines that are no option's."""
    items = []
    for line in text.splitlines():
        match = OPTION.match(line)
        indent = len(line) - len(line.lstrip())
        if match:
            items.append(Option(match.group(1), match.group(2), match.group(3), [match.group(4) or ""]))
        elif line.strip() and indent > MAX_INDENT_OF_OPTIONS and items and isinstance(items[-1], Option):
            items[-1].help.append(line.strip())
        else:
            items.append(line)
    return items


# ---- roff: man(7) ------------------------------------------------------------------------------------

def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def option_roff(option):
    names = [f"\\fB{roff(option.short)}\\fR"] if option.short else []
    names.append(f"\\fB\\-\\-{roff(option.name)}\\fR" + (f" \\fI{roff(option.arg)}\\fR" if option.arg else ""))
    return [".TP", ", ".join(names), *(roff(line) for line in option.help if line)]


def verbatim(lines, first=(".PP",)):
    while lines and not lines[0].strip():
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    return [*first, ".nf", *(roff(line) if line.strip() else ".sp" for line in lines), ".fi"] if lines else []


def body_roff(items):
    out, pending = [], []

    def flush():
        # A heading has its own space.
        out.extend(verbatim(pending, () if not out or out[-1].startswith(".SS") else (".PP",)))
        pending.clear()

    for item in items:
        if isinstance(item, Option):
            flush()
            out.extend(option_roff(item))
        elif re.match(r"^\S.*:$", item) and len(item) < 60:
            flush()
            out.append(".SS " + roff(item[:-1]))
        elif item.strip() or pending:
            pending.append(item)
    flush()
    return out


def page(program):
    """The options and what follows; what is before them, the template says better."""
    items = parse(help_of(program))
    first = next((i for i, item in enumerate(items) if isinstance(item, Option) or
                  re.match(r"^(\S.*:)$", str(item))), 0)
    return body_roff(items[first:])


def command_pages(program, commands):
    out = []
    for command in commands:
        text = help_of(program, command)
        if not text:
            continue
        usage, _, rest = text.partition("\n")
        out += [".SS " + roff(usage.replace("usage: ", "", 1))] + [
            line.replace(".SS ", ".PP\n\\fB", 1) + "\\fR" if line.startswith(".SS ") else line
            for line in body_roff(parse(rest))]
    return out


# ---- bash ------------------------------------------------------------------------------------------------

def kind(option):
    """What completes its argument: words in the shell's own quotes, or the name of a function's case."""
    arg = option.arg or ""
    if re.fullmatch(r"[a-z]+(\|[a-z]+)+", arg):
        return "words " + arg.replace("|", " ")
    for pattern, what in ((r"TTY|PORT", "ports"), (r"FORMAT", "formats"), (r"KEY", "keys"), (r"SPEC", "probes"),
                          (r"GLOB", "functions"), (r"(FILE|PATH|OUT|DIR)(\|.*)?", "files")):
        if re.fullmatch(pattern, arg):
            return what
    if option.name == "module":
        return "modules"
    return "none" if arg else ""


def table(name, text):
    options = [item for item in parse(text) if isinstance(item, Option)]
    words = [w for o in options for w in ([o.short] if o.short else []) + ["--" + o.name]]
    out = [f"\t{name}:options) REPLY='{' '.join(words)}' ;;"]
    for o in options:
        if kind(o):
            names = "|".join(f"{name}:{w}" for w in ([o.short] if o.short else []) + ["--" + o.name])
            out.append(f"\t{names}) REPLY='{kind(o)}' ;;")
    formats = re.search(r"^formats:\n((?:  .*\n?)+)", text, re.M)
    if formats:
        found = [l.split()[0] for l in formats.group(1).splitlines() if l.split() and "not yet" not in l and l[2] != " "]
        out.append(f"\t{name}:formats) REPLY='{' '.join(found)}' ;;")
    sort = re.search(r"--sort KEY\s+(.*?) \(", text)
    if sort:
        out.append(f"\t{name}:keys) REPLY='{' '.join(re.findall(r'[a-z0-9_]+', sort.group(1).replace(' or ', ' ')))}' ;;")
    commands = re.search(r"^commands:\n((?:  .*\n?)+)", text, re.M)
    if commands:
        found = [l.split()[0] for l in commands.group(1).splitlines() if re.match(r"^  [a-z]+( [A-Z]+)?  ", l)]
        out.append(f"\t{name}:commands) REPLY='{' '.join(found)}' ;;")
    return out


def tables(program, commands):
    name = program.rsplit("/", 1)[-1]
    out = table(name, help_of(program))
    for command in commands:
        out += table(command, help_of(program, command))
    return out


# ---- configuration file ----------------------------------------------------------------------------------

def config(program):
    """A line NAME = DEFAULT for each option, or what it takes; those of the last section are the command line's."""
    out, items = [], parse(help_of(program))
    last = max(i for i, item in enumerate(items) if not isinstance(item, Option) and re.match(r"^\S.*:$", item) and
               i + 1 < len(items) and isinstance(items[i + 1], Option))
    for item in items[:last]:
        if isinstance(item, Option):
            text = " ".join(item.help).strip()
            default = re.search(r"\[([^\s\],;]+)(, [^\]]*)?\]$", text)
            out += [*textwrap.wrap(text, 100, initial_indent="# ", subsequent_indent="# "),
                    f"#{item.name} = {item.arg and (default and default.group(1) or item.arg) or 'yes'}", ""]
        elif re.match(r"^\S.*:$", item):
            out += [f"# ---- {item[:-1]} ----", ""]
    return out


def main(template, program, *commands):
    today = datetime.date.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())).isoformat()
    version = subprocess.run([program, "--version"], stdout=subprocess.PIPE, check=True, text=True).stdout.split()[-1]
    with open(template, encoding="utf-8") as f:
        for line in f:
            made = {"@HELP@\n": lambda: page(program), "@COMMANDS@\n": lambda: command_pages(program, commands),
                    "@TABLES@\n": lambda: tables(program, commands), "@CONFIG@\n": lambda: config(program)}.get(line)
            if made:
                print("\n".join(made()))
            else:
                print(line.replace("@VERSION@", version).replace("@DATE@", today).replace("@COMMANDNAMES@", " ".join(commands)), end="")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
