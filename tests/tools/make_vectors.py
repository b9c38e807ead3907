#!/usr/bin/python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Make tests/data/vectors.txt: make_vectors.py BUILD/tests/make_vectors > tests/data/vectors.txt

What a message says comes from Google's protobuf, not from the code under test: to each `message`
line this adds the payload after inflating and its fields as JSON (bytes in hexadecimal, enums and
64-bit numbers as numbers, fields that are not on the wire left out). Needs protoc, python3-protobuf.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import zlib

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


def load(proto: pathlib.Path):
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["protoc", f"-I{proto.parent}", f"--descriptor_set_out={out.name}", proto.name],
                       check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(out.name).read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for f in files.file:
        pool.Add(f)
    return pool.FindMessageTypeByName("ayaprof.Envelope").fields_by_number


def plain(field, value):
    if field.type == field.TYPE_MESSAGE:
        return fields(value)
    return value.hex() if isinstance(value, bytes) else value


def fields(msg):
    return {f.name: [plain(f, x) for x in v] if f.label == f.LABEL_REPEATED else plain(f, v)
            for f, v in msg.ListFields()}


def main() -> None:
    kinds = load(pathlib.Path(__file__).resolve().parents[2] / "proto" / "ayaprof.proto")
    lines = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout
    for line in lines.splitlines():
        if line.startswith("message "):
            _, _, kind, flags, payload = line.split(" ")
            body = b"" if payload == "-" else bytes.fromhex(payload)
            if int(flags) & 1:
                body = zlib.decompress(body, -15)
            cls = kinds[int(kind)].message_type
            if hasattr(message_factory, "GetMessageClass"):
                msg = message_factory.GetMessageClass(cls)()
            else:
                msg = message_factory.MessageFactory().GetPrototype(cls)()
            msg.ParseFromString(body)
            line += f" {body.hex() or '-'} {json.dumps(fields(msg), separators=(',', ':'))}"
        print(line)


main()
