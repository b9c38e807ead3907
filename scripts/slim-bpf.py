# SPDX-License-Identifier: MIT OR Apache-2.0
"""Take out of a BPF object what no board needs: more than half of it, compressed.

That is the relocations of type information and the labels that they name (libbpf applies neither: the values are in
place), and the line information that kernels print beside a program that they refuse. Functions' types and CO-RE
relocations stay. What .BTF.ext holds: Linux, Documentation/bpf/btf.rst, section 4.2.

usage: slim-bpf.py LLVM_OBJCOPY OBJECT
"""
import pathlib
import struct
import subprocess
import sys
import tempfile

MAGIC = 0xEB9F
# magic, version, flags, header's length; then offset and length of functions, lines and CO-RE relocations.
HEADER = "HBBI6I"


def without_lines(ext):
    """.BTF.ext with an empty part of lines."""
    order = "<" if ext[:2] == struct.pack("<H", MAGIC) else ">"
    size = struct.calcsize(order + HEADER)
    magic, version, flags, length, *parts = struct.unpack(order + HEADER, ext[:size])
    if magic != MAGIC or version != 1 or length < size:
        sys.exit(f"slim-bpf: .BTF.ext of version {version} with a header of {length} bytes is not known")
    functions, _, relocations = (ext[length + at:length + at + n] for at, n in zip(parts[::2], parts[1::2]))
    at = len(functions)
    header = struct.pack(order + HEADER, magic, version, flags, size, 0, at, at, 0, at, len(relocations))
    return header + functions + relocations


def main():
    objcopy, path = sys.argv[1:]
    with tempfile.TemporaryDirectory() as tmp:
        ext = pathlib.Path(tmp) / "ext"
        # Its relocations name places that are about to move.
        subprocess.run([objcopy, "--remove-section=.rel.BTF", "--remove-section=.rel.BTF.ext",
                        "--remove-section=.llvm_addrsig", path], check=True)
        subprocess.run([objcopy, f"--dump-section=.BTF.ext={ext}", path], check=True)
        ext.write_bytes(without_lines(ext.read_bytes()))
        subprocess.run([objcopy, f"--update-section=.BTF.ext={ext}", "--wildcard", "--strip-symbol=LBB*",
                        "--strip-symbol=Ltmp*", path], check=True)


main()
