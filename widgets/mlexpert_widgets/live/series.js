// @ts-check
/**
 * The browser's end of the feed: numbered chunks become series; what was missed is asked for again.
 *
 * @typedef {{ id: number, name: string, unit: string, generation: number, from: number, count: number }} Told
 * @typedef {{ name: string, unit: string, generation: number, length: number, step: Float32Array, time: Float32Array, value: Float32Array }} Series
 * @typedef {{ number: number, fresh: boolean, series: Told[] }} Chunk
 * @typedef {{ series: Series[], next: number, whole: boolean }} Store
 */

const FIRST = 1024; // points that a new series has room for

/** Make a store with nothing in it. @returns {Store} */
export function empty() {
	return { series: [], next: 0, whole: true };
}

/** Read a snapshot, which takes the place of all. @param {DataView} bytes @returns {Store} */
export function fromSnapshot(bytes) {
	if (!bytes.byteLength) return empty();
	const length = bytes.getUint32(0, true);
	const at = bytes.byteOffset + 4;
	const head = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes.buffer, at, length)));
	/** @type {Store} */
	const store = { series: [], next: head.number, whole: false };
	let offset = 4 + length;
	for (const told of head.series) {
		const part = new DataView(bytes.buffer, bytes.byteOffset + offset, told.count * 12);
		write(store, told, part);
		offset += told.count * 12;
	}
	return store;
}

/**
 * Take a chunk in; false if one before it was missed, and all must be sent again.
 * @param {Store} store @param {Chunk} chunk @param {DataView[]} buffers @returns {boolean}
 */
export function take(store, chunk, buffers) {
	if (!chunk.fresh && (!store.whole || chunk.number !== store.next)) return false;
	store.whole = chunk.series.every((told, at) => write(store, told, buffers[at]));
	store.next = chunk.number + 1;
	return store.whole;
}

/** Write points of one series; false if there is a hole before them. @param {Store} store @param {Told} told @param {DataView} bytes */
function write(store, told, bytes) {
	let series = store.series[told.id];
	if (!series || series.generation !== told.generation || told.from === 0)
		series = store.series[told.id] = { ...told, length: 0, ...room(Math.max(FIRST, told.count)) };
	if (told.from > series.length) return false;
	const end = told.from + told.count;
	if (end > series.step.length) Object.assign(series, room(Math.max(end, 2 * series.step.length), series));
	const points = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 12 * told.count));
	for (const [row, name] of /** @type {const} */ (["step", "time", "value"]).entries())
		series[name].set(points.subarray(row * told.count, (row + 1) * told.count), told.from);
	series.length = end;
	return true;
}

/** Make arrays, with what was in others. @param {number} size @param {Series} [old] */
function room(size, old) {
	const made = { step: new Float32Array(size), time: new Float32Array(size), value: new Float32Array(size) };
	if (old) for (const name of /** @type {const} */ (["step", "time", "value"])) made[name].set(old[name]);
	return made;
}

/** Give a series without the room for more. @param {Series} series @returns {Series} */
function trimmed(series) {
	const { length } = series;
	return {
		...series,
		step: series.step.subarray(0, length),
		time: series.time.subarray(0, length),
		value: series.value.subarray(0, length),
	};
}

/** @typedef {{ store: Store, asked: boolean, readers: Set<() => void> }} Feed */
/** @type {WeakMap<object, Feed>} */
const feeds = new WeakMap(); // one a model, however many views, and none lost between two

/** Give the feed of a model, which listens as long as the model lives. @param {import("./view.js").Model} model @returns {Feed} */
function feedOf(model) {
	const known = feeds.get(model);
	if (known) return known;
	/** @type {Feed} */
	const feed = { store: fromSnapshot(model.get("snapshot")), asked: false, readers: new Set() };
	const ask = () => {
		if (!feed.asked) model.send({ kind: "resend" });
		feed.asked = true;
	};
	model.on("msg:custom", (message, buffers) => {
		if (message?.kind !== "points") return;
		if (take(feed.store, message, buffers)) feed.asked = false;
		else ask();
		feed.readers.forEach((read) => read());
	});
	model.on("change:snapshot", () => {
		if (feed.store.whole) return;
		feed.store = fromSnapshot(model.get("snapshot")); // the kernel is busy: the best there is until it answers
		feed.readers.forEach((read) => read());
	});
	feeds.set(model, feed);
	if (!feed.store.whole) ask();
	return feed;
}

/**
 * Follow the series of a model; `changed` is called at most once a frame.
 * @param {import("./view.js").Model} model @param {() => void} changed
 * @returns {{ all: () => Series[], close: () => void }}
 */
export function seriesOf(model, changed) {
	const feed = feedOf(model);
	let frame = 0;
	const read = () => {
		frame ||= requestAnimationFrame(() => {
			frame = 0;
			changed();
		});
	};
	feed.readers.add(read);
	return {
		all: () => feed.store.series.filter(Boolean).map(trimmed),
		close: () => {
			feed.readers.delete(read);
			cancelAnimationFrame(frame);
		},
	};
}
