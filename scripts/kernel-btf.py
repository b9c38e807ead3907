#!/usr/bin/python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Cut a kernel's type information (BTF) out of its image, without booting it.

usage: kernel-btf.py IMAGE OUT [WANTED]

IMAGE: a bzImage, an arm64 Image or a vmlinux, plain or compressed by gzip, xz, zstd, lz4 or bzip2; or BTF already (raw, as
/sys/kernel/btf/vmlinux has it, or an ELF file, which pahole or a compiler has put it into). With WANTED, an object with
relocations (make btf: build/btf/wanted_types.o), only what those need: about 1 KB instead of 5 MB, for
ayaprof-uart --btf. exit 0: written; 1: not to be had, one line says why.
"""
import bz2
import gzip
import io
import lzma
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

# struct btf_header: magic, version, flags, hdr_len, then where types and strings are (little-endian).
MAGIC = bytes.fromhex("9feb010018000000")
HEADER = struct.Struct("<HBBIIIII")
KERNEL_MIN = 64 << 10  # shorter ones are modules' or an accident
TRIES = 20  # places that look like the beginning of something compressed


class Missing(Exception):
    pass


def _by(program):
    def unpack(data):
        if not shutil.which(program):
            raise Missing(f"the image is compressed by {program}: install {program}")
        # What follows the stream is an error to it, and of no interest.
        return subprocess.run([program, "-dcq"], input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return unpack


PACKERS = (
    (b"\x1f\x8b\x08", lambda data: gzip.GzipFile(fileobj=io.BytesIO(data)).read()),
    (b"\xfd7zXZ\0", lambda data: lzma.LZMADecompressor().decompress(data)),
    (b"\x28\xb5\x2f\xfd", _by("zstd")),
    (b"\x02\x21\x4c\x18", _by("lz4")),
    (b"BZh", lambda data: bz2.BZ2Decompressor().decompress(data)),
)


def _payload(image):
    """What a boot image carries (Documentation/arch/x86/boot.rst; EFI zboot: drivers/firmware/efi/libstub)."""
    if image[0x202:0x206] == b"HdrS":
        sectors = image[0x1f1] or 4
        offset, length = struct.unpack_from("<II", image, 0x248)
        start = (sectors + 1) * 512 + offset
        return image[start:start + length - 4]  # the size follows
    if image[4:8] == b"zimg":
        offset, length = struct.unpack_from("<II", image, 8)
        return image[offset:offset + length]
    return image


def _unpack(data):
    for magic, unpack in PACKERS:
        if data.startswith(magic):
            return unpack(data)
    return data


def _streams(image):
    """Whatever unpacks inside of an image that does not say where: arm's zImage."""
    for magic, unpack in PACKERS:
        at = image.find(magic)
        for _ in range(TRIES):
            if at < 0:
                break
            try:
                data = unpack(image[at:])
            except (OSError, EOFError, lzma.LZMAError, zlib.error):
                data = b""
            if len(data) > len(image):
                yield data
            at = image.find(magic, at + 1)


def _blobs(data):
    at = data.find(MAGIC)
    while at >= 0:
        *_, length, type_off, type_len, str_off, str_len = HEADER.unpack_from(data, at)
        end = at + length + max(type_off + type_len, str_off + str_len)
        # The strings begin with the empty one, and end as strings do.
        strings = at + length + str_off
        if end <= len(data) and str_len and data[strings] == 0 and data[strings + str_len - 1] == 0:
            yield data[at:end]
        at = data.find(MAGIC, at + 1)


def _largest(data, least=KERNEL_MIN):
    return max((b for b in _blobs(data) if len(b) >= least), key=len, default=None)


def kernel_btf(path):
    with open(path, "rb") as f:
        image = f.read()
    data = _unpack(_payload(_unpack(image)))
    whole = image.startswith(MAGIC) or len(image) < KERNEL_MIN  # a file of BTF, which may have been cut already
    btf = _largest(data, 0 if whole else KERNEL_MIN)
    for data in () if btf else _streams(image):
        btf = btf or _largest(data)
    if not btf:
        raise Missing(f"no type information in {path}: this kernel was built without CONFIG_DEBUG_INFO_BTF")
    return btf


def write(path, out, wanted=None):
    """Returns the sizes of all there is and of what was written."""
    btf = kernel_btf(path)
    with tempfile.TemporaryDirectory() as tmp:
        full, made = os.path.join(tmp, "full"), os.path.join(tmp, "made")
        with open(full, "wb") as f:
            f.write(btf)
        if wanted:
            bpftool = shutil.which("bpftool") or "/usr/sbin/bpftool"
            run = subprocess.run([bpftool, "gen", "min_core_btf", full, made, wanted], stderr=subprocess.PIPE, text=True)
            if run.returncode:
                raise Missing(f"bpftool gen min_core_btf: {(run.stderr.strip().splitlines() or ['failed'])[-1]}")
        else:
            made = full
        os.makedirs(os.path.dirname(os.path.abspath(out)), exist_ok=True)
        shutil.copyfile(made, out + ".new")
        os.replace(out + ".new", out)
    return len(btf), os.path.getsize(out)


def main():
    if len(sys.argv) not in (3, 4):
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    try:
        all_bytes, written = write(*sys.argv[1:])
    except (Missing, OSError, lzma.LZMAError, EOFError) as e:
        print(f"kernel-btf: {e}", file=sys.stderr)
        return 1
    print(f"{sys.argv[2]}: {written} of {all_bytes} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
