# SPDX-License-Identifier: MIT OR Apache-2.0
"""Buildroot's tree and Yocto's layer against the tree they package. What their own tools say: make lint-packaging."""
import hashlib
import os
import re
from pathlib import Path

from harness import ROOT, main, skip, test

SECONDS = 30

BUILDROOT = ROOT / "packaging/buildroot"
LAYER = ROOT / "packaging/yocto/meta-ayaprof"
PACKAGE = BUILDROOT / "package/ayaprof-uart"
FRAGMENT = BUILDROOT / "board/linux-ayaprof.fragment"
CFG = LAYER / "recipes-kernel/linux/files/ayaprof.cfg"
VERSION = (ROOT / "VERSION").read_text().strip()
MAKEFILE = (ROOT / "Makefile").read_text()
RECIPES = sorted(LAYER.glob("recipes-devtools/*/*.bb"))
LICENSES = {"LICENSE"} | {f"LICENSES/{file.name}" for file in (ROOT / "LICENSES").iterdir()}

# Symbols of Buildroot (2026.08) that Config.in names. `make lint-packaging` finds what Buildroot has dropped since.
BUILDROOT_SYMBOLS = set("""
    BR2_aarch64 BR2_arm BR2_x86_64 BR2_USE_MMU BR2_USE_WCHAR BR2_STATIC_LIBS BR2_LINUX_KERNEL BR2_INIT_BUSYBOX BR2_INIT_SYSV
    BR2_HOST_CMAKE_AT_LEAST_3_20 BR2_HOST_GCC_AT_LEAST_7 BR2_LINUX_KERNEL_NEEDS_HOST_PAHOLE
    BR2_TOOLCHAIN_HAS_SYNC_4 BR2_TOOLCHAIN_HAS_THREADS BR2_TOOLCHAIN_HEADERS_AT_LEAST_5_8
    BR2_PACKAGE_ELFUTILS BR2_PACKAGE_LIBBPF BR2_PACKAGE_XZ BR2_PACKAGE_ZLIB BR2_PACKAGE_LLVM BR2_PACKAGE_LLVM_BPF
    BR2_PACKAGE_HOST_PROTOBUF_ARCH_SUPPORTS
    """.split())
# What each library that the Makefile links is called by either.
LIBRARIES = {"bpf": ("libbpf", "libbpf"), "elf": ("elfutils", "elfutils"), "z": ("zlib", "zlib"), "lzma": ("xz", "xz"),
             "protobuf-nanopb": ("nanopb", "nanopb-runtime"), "serialport": (None, "libserialport")}


def without_comments(path):
    return re.sub(r"(?m)^\s*#.*$|(?<=\s)#.*$", "", path.read_text())


def joined(path):
    return re.sub(r"\\\n\s*", "", path.read_text())


def value(text, name):
    """Words of a variable of make or BitBake, all its assignments together."""
    found = re.findall(rf'(?m)^{re.escape(name)} *(?:\+|\?|:)?= *"?([^"\n]*)', text)
    assert found, f"no {name}"
    return " ".join(found).split()


def has_target(name):
    return any(name in line.split() for line in re.findall(r"(?m)^([\w-]+(?: [\w-]+)*):(?!=)", MAKEFILE))


def recipe(start):
    found = [path for path in RECIPES if path.name.startswith(start)]
    assert len(found) == 1, f"recipes of {start}: {found}"
    return joined(found[0]) + joined(found[0].parent / "ayaprof.inc")


def linked(kind):
    return {word[2:] for word in value(MAKEFILE, f"{kind}_LIBS") if word not in ("-lm", "-lpthread", "$(DEMANGLER)")}


@test("both are of the version that VERSION has")
def _(_):
    assert value(joined(PACKAGE / "ayaprof-uart.mk"), "AYAPROF_UART_VERSION") == [VERSION]
    assert RECIPES, "no recipe"
    for path in RECIPES:
        assert path.stem.split("_")[1] == VERSION, f"{path.name}: VERSION is {VERSION}"


@test("the licences' checksums are those of the files, and no licence is left out")
def _(_):
    hashes = {}
    for line in (PACKAGE / "ayaprof-uart.hash").read_text().splitlines():
        if not line.startswith("#"):
            kind, digest, name = line.split("  ")
            hashes[name] = (kind, digest)
    assert hashes.keys() == LICENSES == set(value(joined(PACKAGE / "ayaprof-uart.mk"), "AYAPROF_UART_LICENSE_FILES"))
    for name, (kind, digest) in hashes.items():
        assert hashlib.new(kind, (ROOT / name).read_bytes()).hexdigest() == digest, f"Buildroot: {name} has changed"
    sums = dict(re.findall(r"file://(\S+?);md5=(\w+)", recipe("ayaprof-uart_")))
    assert sums.keys() == LICENSES
    for name, digest in sums.items():
        assert hashlib.md5((ROOT / name).read_bytes()).hexdigest() == digest, f"Yocto: {name} has changed"


@test("every file that they install is in the tree")
def _(_):
    named = re.findall(r"\$\(@D\)/([\w./@-]+)", joined(PACKAGE / "ayaprof-uart.mk"))
    for path in RECIPES:
        named += re.findall(r"\$\{S\}/([\w./@-]+)", joined(path))
    assert {"packaging/systemd/ayaprof-uart@.service", "packaging/busybox/S60ayaprof-uart"} <= set(named)
    missing = sorted({name for name in named if not (ROOT / name).is_file()})
    assert not missing, f"not in the tree: {' '.join(missing)}"


@test("every make target that they call and every variable that they set is in the Makefile")
def _(_):
    mk = joined(PACKAGE / "ayaprof-uart.mk")
    called = re.findall(r"\$\(AYAPROF_UART_MAKE\) .*?(\S+)$", mk, re.M)
    for path in RECIPES:
        called += re.findall(r"oe_runmake .*?(\S+)$", joined(path), re.M)
    assert {"install-target", "install-host"} <= set(called), called
    for name in called:
        built = re.sub(r"^(build|\$\{B\})/", "$(O)/", name)
        assert f"{built}:" in MAKEFILE if built != name else has_target(name), f"no make target {name}"
    variables = set(re.findall(r"\b([A-Z_]+)=", re.search(r"\$\(MAKE\) -C.*", mk)[0]))
    variables |= set(re.findall(r"\b([A-Z_]+)=", " ".join(re.findall(r'EXTRA_OEMAKE \+?= "(.*?)"', recipe("ayaprof-uart_")))))
    assert {"CLANG", "NANOPB_GEN", "VMLINUX_BTF", "PREFIX"} <= variables, variables
    for name in variables | {"DESTDIR"}:
        assert f"$({name})" in MAKEFILE, f"the Makefile does not read {name}"


@test("each library that is linked is depended upon, in Buildroot by Config.in and the makefile alike")
def _(_):
    mk = joined(PACKAGE / "ayaprof-uart.mk")
    needed = set(value(mk, "AYAPROF_UART_DEPENDENCIES"))
    selected = set(re.findall(r"select BR2_PACKAGE_(\w+)", (PACKAGE / "Config.in").read_text()))
    for library in linked("TARGET"):
        buildroot, yocto = LIBRARIES[library]
        assert buildroot in needed, f"-l{library}: no {buildroot} in AYAPROF_UART_DEPENDENCIES"
        assert yocto in value(recipe("ayaprof-uart_"), "DEPENDS"), f"-l{library}: no {yocto} in DEPENDS"
    assert selected == {name.upper().replace("-", "_") for name in needed if not name.startswith("host-")}
    for library in linked("HOST"):
        assert LIBRARIES[library][1] in value(recipe("ayaprof-hostdec_"), "DEPENDS"), f"hostdec: no package for -l{library}"


@test("Buildroot's symbols are its own or defined here, and what is defined is sourced")
def _(_):
    configs = sorted(BUILDROOT.glob("package/*/Config.in"))
    text = "\n".join(map(without_comments, configs))
    defined = set(re.findall(r"(?m)^config (BR2_\w+)", text))
    others = [BUILDROOT / "external.mk", *BUILDROOT.glob("package/*/*.mk")]
    used = set(re.findall(r"\bBR2_\w+", text + "\n".join(map(without_comments, others))))
    used -= {"BR2_EXTERNAL_AYAPROF_PATH"}
    assert used <= defined | BUILDROOT_SYMBOLS, f"unknown: {used - defined - BUILDROOT_SYMBOLS}"
    sourced = re.findall(r'source "\$BR2_EXTERNAL_AYAPROF_PATH/(\S+)"', (BUILDROOT / "Config.in").read_text())
    assert sourced == [str(path.relative_to(BUILDROOT)) for path in configs]
    assert "name: AYAPROF\n" in (BUILDROOT / "external.desc").read_text()


@test("Buildroot's files are laid out as its check-package wants")
def _(_):
    for path in (path for path in BUILDROOT.rglob("*") if path.is_file()):
        text = path.read_text()
        assert text.endswith("\n") and not text.endswith("\n\n") and "\n\n\n" not in text, f"{path}: empty lines"
        assert not re.search(r"[ \t]\n", text), f"{path}: spaces at the end of a line"
        assert not path.stat().st_mode & 0o111, f"{path}: executable"
        if path.name == "Config.in":
            for line in text.splitlines():
                assert re.match(r"(\t\S|\t  \S|\t\t\|\||\w|#|$)", line), f"{path}: {line!r}"
            for block in re.findall(r"(?:\tselect .*\n)+", text):
                assert block.splitlines() == sorted(block.splitlines()), f"{path}: order of {block}"
        if path.suffix == ".mk" and path.name != "external.mk":
            assert text.startswith(f"{'#' * 80}\n#\n# {path.stem}\n#\n{'#' * 80}\n\n"), f"{path}: heading"
            assert not re.search(r"(?m)^ +\S", text), f"{path}: indented by spaces"


@test("both have the same kernel options, and every one that --check names")
def _(_):
    def options(path):
        lines = [line for line in path.read_text().splitlines() if line and not line.startswith("# ") or "is not set" in line]
        for line in lines:
            assert re.fullmatch(r"CONFIG_[A-Z0-9_]+=y|# CONFIG_[A-Z0-9_]+ is not set", line), f"{path}: {line}"
        assert len(lines) == len(set(lines)), f"{path} has an option twice"
        return lines
    assert options(FRAGMENT) == options(CFG)
    on = {line.split("=")[0] for line in options(FRAGMENT)}
    named = set()
    for source in (ROOT / "target").rglob("*.c"):
        # What is said, not what comments mention.
        named |= set(re.findall(r"\bCONFIG_[A-Z0-9_]+", re.sub(r"(?s)/\*.*?\*/", "", source.read_text())))
    assert {"CONFIG_BPF_SYSCALL", "CONFIG_KPROBES"} <= named, "where has --check its options from?"
    missing = named - on
    assert not missing, f"--check asks for {' '.join(sorted(missing))}"


@test("what Yocto's layer refers to is there, and a kernel is changed by request only")
def _(_):
    for path in LAYER.rglob("*.bb*"):
        text = joined(path)
        for name in re.findall(r"(?m)^(?:require|include) (\S+)", text):
            assert (path.parent / name).is_file(), f"{path.name}: no {name}"
        for name in re.findall(r"file://([\w./-]+?)(?:;|'|\"|\s)", text):
            assert (path.parent / "files" / name).is_file() or (ROOT / name).is_file(), f"{path.name}: no {name}"
        if path.suffix == ".bbappend":
            for line in re.findall(r"(?m)^(?:SRC_URI|do_\w+).*", text):
                assert "bb.utils.contains('DISTRO_FEATURES', 'ayaprof'" in line, f"{path.name}: {line}"


@test("it builds as they call it: flags by environment, no file of this machine's kernel or C library for BPF")
def _(bench):
    staging, out, image = bench.tmp / "staging/usr/include", bench.tmp / "out", bench.tmp / "image"
    if not Path("/usr/include/bpf/bpf_helpers.h").is_file():
        skip("no libbpf-dev")
    staging.mkdir(parents=True)
    (staging / "bpf").symlink_to("/usr/include/bpf")
    environment = {"CC": "gcc", "AR": "gcc-ar", "LD": "false", "CPPFLAGS": "-D_FILE_OFFSET_BITS=64",
                   "CFLAGS": "-O0 -g0", "LDFLAGS": "-Wl,-O1"}
    bench.run("make", "-j2", "-C", ROOT, f"O={out}", "V=1", "VMLINUX_BTF=none", "BPFTOOL=false", "PREFIX=/usr",
              f"CLANG=clang -nostdlibinc -isystem {staging} -ffile-prefix-map={out}=/usr/src", f"DESTDIR={image}",
              "install-target", env={**os.environ, "MAKEFLAGS": "", **environment}, timeout=300)
    assert f"ayaprof-uart {VERSION}" in bench.run(image / "usr/bin/ayaprof-uart", "--version").out
    assert not (image / "usr/bin/hostdec").exists() and not (out / "hostdec").exists()
    objects = list((out / "obj/bpf").glob("*.o"))
    assert objects
    for path in objects:
        assert str(out).encode() not in path.read_bytes(), f"{path.name} tells where it was built"


@test("lint-packaging says what it takes")
def _(bench):
    env = {name: text for name, text in os.environ.items() if name not in ("BUILDROOT", "BITBAKE", "OE_LAYERS")}
    script = ROOT / "scripts/lint-packaging.sh"
    for more, words in (({}, "BUILDROOT=DIR"), ({"BUILDROOT": "/nowhere"}, "/nowhere is no checkout of Buildroot"),
                        ({"BITBAKE": "/nowhere"}, "/nowhere is no checkout of BitBake")):
        err = bench.run(script, code=2, env={**env, **more}).err
        assert words in err and err.count("\n") == 1, err


main()
