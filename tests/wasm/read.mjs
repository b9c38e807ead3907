// SPDX-License-Identifier: MIT OR Apache-2.0
// A recording through trace.wasm: read.mjs TRACE-WASM RUN.PB EVENTS-OUT
// EVENTS-OUT gets the events as `hostdec export -f events` writes them; on stdout, as JSON, what was counted, calls
// by function, and the processor time, ns, of reading it once more with calls only.
import { readFileSync, writeFileSync } from "node:fs";
import { CALLS, EVENTS, LOSSES, SEGMENTS, Trace, load } from "../../host/web/trace.mjs";

const [wasmPath, recordingPath, eventsPath] = process.argv.slice(2);
const log = [];
const wasm = await load(readFileSync(wasmPath), (text) => log.push(text));
const data = readFileSync(recordingPath);

const records = [], calls = new Map();
let segments = 0, losses = 0n, last;

function addEvents({ view, n, size }) {
	const out = Buffer.alloc(16 * n);
	for (let i = 0; i < n; i++) {
		const at = size * i;
		out.writeBigUInt64LE(view.getBigUint64(at, true), 16 * i);
		out.writeUInt32LE(view.getUint32(at + 8, true), 16 * i + 8);
		out.writeUInt16LE(view.getUint16(at + 12, true), 16 * i + 12);
		out.writeUInt8(view.getUint8(at + 14), 16 * i + 14);
		out.writeUInt8(view.getUint8(at + 15), 16 * i + 15);
	}
	records.push(out);
}

function addCalls({ view, n, size }) {
	for (let i = 0; i < n; i++) {
		const at = size * i, func = view.getUint16(at + 44, true), noExit = view.getUint8(at + 51) & 1;
		const row = calls.get(func) ?? { count: 0, total: 0n, self: 0n, noExit: 0 };
		row.total += view.getBigUint64(at + 32, true);
		row.self += noExit ? 0n : view.getBigUint64(at + 24, true);
		row.count += noExit ? 0 : 1;
		row.noExit += noExit;
		calls.set(func, row);
	}
}

const trace = new Trace(wasm, EVENTS | CALLS | SEGMENTS | LOSSES, 0x1234567890abcdefn);
trace.read(data, (results) => {
	addEvents(results.events);
	addCalls(results.calls);
	segments += results.segments.n;
	for (let i = 0; i < results.losses.n; i++)
		losses += results.losses.view.getBigUint64(results.losses.size * i + 16, true);
	last = results;
});
writeFileSync(eventsPath, Buffer.concat(records));
const functions = Object.fromEntries([...calls].map(([id, row]) =>
	[trace.functionName(id), { ...row, total: Number(row.total), self: Number(row.self) }]));
trace.close();

const again = new Trace(wasm, CALLS, 1n);
const start = process.cpuUsage();
again.read(data, () => {});
const used = process.cpuUsage(start), tookNs = 1000 * (used.user + used.system);
again.close();

console.log(JSON.stringify({ log, functions, segments, losses: Number(losses), damaged: last.damaged, frames: last.frames,
	events: last.allEvents, calls: last.allCalls, noExit: last.allCallsNoExit, lost: last.allLost,
	durationNs: Number(last.durationNs), tookNs, memory: wasm.memory.buffer.byteLength }));
