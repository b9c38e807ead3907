// SPDX-License-Identifier: MIT OR Apache-2.0
// The page's side of trace.wasm (trace_wasm.h has the contract; places of fields are asserted in trace_wasm.c).

const PIECE = 1 << 18;
export const EVENTS = 1, CALLS = 2, SEGMENTS = 4, LOSSES = 8;

export async function load(bytes, log) {
	let memory;
	const text = (at, length) => new TextDecoder().decode(new Uint8Array(memory.buffer, at, length));
	const { instance } = await WebAssembly.instantiate(bytes, { env: { log: (at, length) => log(text(at, length)) } });
	memory = instance.exports.memory;
	instance.exports._initialize();
	return instance.exports;
}

// Rows of a step; they stand in the module's memory, so that they end with the next one.
function rows(view, at, size) {
	return { view: new DataView(view.buffer, view.getUint32(at, true)), n: view.getUint32(at + 4, true), size };
}

class Results {
	constructor(wasm, trace) {
		const v = new DataView(wasm.memory.buffer, wasm.web_results(trace));
		const count = (at) => Number(v.getBigUint64(at, true));
		[this.frames, this.damagedBytes, this.damaged, this.allEvents, this.allCalls, this.allCallsNoExit,
			this.allLost] = [0, 8, 16, 24, 32, 40, 48].map(count);
		this.originNs = v.getBigUint64(56, true);
		this.durationNs = v.getBigUint64(64, true);
		this.events = rows(v, 72, 24);
		this.args = rows(v, 84, 8);
		this.calls = rows(v, 96, 56);
		this.segments = rows(v, 108, 40);
		this.losses = rows(v, 120, 32);
	}
}

export class Trace {
	constructor(wasm, wants, secret) {
		this.wasm = wasm;
		this.piece = wasm.web_alloc(PIECE);
		this.trace = wasm.web_open(secret, wants);
		if (!this.piece || !this.trace)
			throw new Error("out of memory");
	}

	// All of a file (Uint8Array), through one of the readings.
	#feed(data, take, given) {
		for (let from = 0; from < data.length;) {
			const n = Math.min(PIECE, data.length - from);
			new Uint8Array(this.wasm.memory.buffer, this.piece, n).set(data.subarray(from, from + n));
			const taken = take(this.trace, this.piece, n, from + n === data.length ? 1 : 0);
			if (taken < 0)
				throw new Error("out of memory");
			from += taken;
			given?.(this.results());
		}
	}

	// given(results) is called after every piece.
	read(data, given) {
		this.#feed(data, this.wasm.web_learn);
		if (this.wasm.web_learned(this.trace) < 0)
			throw new Error("out of memory");
		this.#feed(data, this.wasm.web_frame, given);
		if (this.wasm.web_end(this.trace) < 0)
			throw new Error("out of memory");
		given(this.results());
	}

	results() {
		return new Results(this.wasm, this.trace);
	}

	functionName(id) {
		const all = new Uint8Array(this.wasm.memory.buffer);
		const at = this.wasm.web_func_name(this.trace, id);
		return new TextDecoder().decode(all.subarray(at, all.indexOf(0, at)));
	}

	close() {
		this.wasm.web_close(this.trace);
		this.wasm.web_free(this.piece);
	}
}
