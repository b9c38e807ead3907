// SPDX-License-Identifier: MIT OR Apache-2.0
// Golden vectors (PROTOCOL.md, section 12) decoded in WebAssembly: vectors.mjs VECTORS-WASM TRACE-WASM VECTORS-TXT
// Prints how many of each kind were compared, as JSON; what differs goes to stderr, exit 1.
import { readFileSync } from "node:fs";
import { inflateRawSync } from "node:zlib";
import { Trace, load } from "../../host/web/trace.mjs";

const [vectorsPath, tracePath, textPath] = process.argv.slice(2);
const wasm = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(vectorsPath))).exports;
wasm._initialize();
const trace = await load(readFileSync(tracePath), console.error);
if (wasm.vector_setup() !== 0)
	throw new Error("vectors.c needs more memory for its buffers");

const bytes = (hex) => Buffer.from(hex === "-" ? "" : hex, "hex");
const view = (at, n) => Buffer.from(wasm.memory.buffer, at, n);
// Calls with data as its input, returns what it answered.
function call(name, data, ...words) {
	view(wasm.vector_in(), data.length).set(data);
	return wasm[name](...words, data.length);
}
const output = (n) => (n < 0 ? null : Buffer.from(view(wasm.vector_out(), n)));

function frameBytes([, kind, flags, session, seq, payload]) {
	const head = Buffer.alloc(10);
	head.writeUInt8(Number(kind), 0);
	head.writeUInt8(Number(flags), 1);
	head.writeUInt32LE(Number(session), 2);
	head.writeUInt32LE(Number(seq), 6);
	return Buffer.concat([head, bytes(payload)]);
}

function eventText(at) {
	const e = view(wasm.vector_out() + 72 * at, 72);
	const n = e.readUInt8(16);
	const args = Array.from({ length: n }, (_, i) => e.readBigUInt64LE(24 + 8 * i));
	return ["event", e.readBigUInt64LE(0), e.readUInt32LE(8), e.readUInt16LE(12), e.readUInt8(14), e.readUInt8(15), n,
		...args].join(" ");
}

function wholeFrames(recording) {
	const t = new Trace(trace, 0, 1n);
	let frames = 0;
	t.read(recording, (results) => { frames = results.frames; });
	t.close();
	return frames;
}

const counts = {};
let wrong = 0, left = 0, place = 0;
function check(line, good) {
	const kind = line.split(" ", 1)[0];
	counts[kind] = (counts[kind] ?? 0) + 1;
	if (good)
		return;
	wrong++;
	console.error(`differs: ${line.slice(0, 150)}`);
}

for (const line of readFileSync(textPath, "utf8").split("\n")) {
	const f = line.split(" ");
	if (!line || line.startsWith("#"))
		continue;
	switch (f[0]) {
	case "cobs":
		check(line, output(call("vector_cobs_decode", bytes(f[2]))).equals(bytes(f[1])) &&
			output(call("vector_cobs_encode", bytes(f[1]))).equals(bytes(f[2])));
		break;
	case "crc32c":
		check(line, call("vector_crc32c", bytes(f[1])) >>> 0 === parseInt(f[2], 16));
		break;
	case "frame":
	case "textframe":
		check(line, output(call(`vector_${f[0]}`, bytes(f[6])))?.equals(frameBytes(f)));
		break;
	case "message": {
		const again = output(call("vector_message", bytes(f[4]), Number(f[2]), Number(f[3])));
		const plain = again && (again[0] & 1 ? inflateRawSync(again.subarray(1)) : again.subarray(1));
		check(line, plain?.equals(bytes(f[5])));
		break;
	}
	case "block":
		left = Number(f[2]);
		place = 0;
		check(line, call("vector_block", bytes(f[3]), Number(f[1]), left) === left);
		break;
	case "event":
		check(line, place < left && eventText(place++) === line);
		break;
	case "recording":
		check(line, wholeFrames(bytes(f[2])) === Number(f[1]));
		break;
	default:
		check(line, false);
	}
}
console.log(JSON.stringify(counts));
process.exit(wrong ? 1 : 0);
