// Reads what Python has written to the file named by SENT, as the browser would.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { empty, fromSnapshot, take } from "../../../widgets/mlexpert_widgets/live/series.js";

const { messages, snapshot, expected } = JSON.parse(readFileSync(process.env.SENT, "utf-8"));
const view = (hex) => {
	const bytes = Buffer.from(`00${hex}`, "hex"); // as on the wire: not at a multiple of four
	return new DataView(bytes.buffer, bytes.byteOffset + 1, bytes.length - 1);
};
const chunks = messages.map(({ content, buffers }) => [content, buffers.map(view)]);
const seen = (store) =>
	store.series.map(({ name, unit, length, value }) => ({ name, unit, length, last: value[length - 1] }));

test("all chunks in order give all points", () => {
	const store = empty();
	for (const [content, buffers] of chunks) assert.equal(take(store, content, buffers), true);
	assert.deepEqual(seen(store), expected);
	assert.ok(Number.isNaN(store.series[1].value[0]));
});

test("a chunk that was missed is noticed, and a resend mends it", () => {
	const store = empty();
	take(store, ...chunks[0]);
	assert.equal(take(store, ...chunks[2]), false);
	assert.equal(take(store, ...chunks[3]), false, "what comes later does not hide it");
	const again = messages.at(-1).content.series.map((told) => ({ ...told, from: 0 }));
	assert.equal(take(store, { number: 9, fresh: true, series: again.slice(0, 1) }, chunks.at(-1)[1]), true);
	assert.equal(store.next, 10);
});

test("a snapshot shows the shape at once, and asks for the whole", () => {
	const store = fromSnapshot(view(snapshot));
	assert.equal(store.whole, false);
	assert.equal(store.next, messages.length);
	const [loss] = seen(store);
	assert.equal(loss.last, expected[0].last);
	assert.ok(loss.length <= 2000 && loss.length > 1000, `${loss.length} points`);
	assert.equal(take(store, { number: messages.length, fresh: false, series: [] }, []), false);
});

test("an empty snapshot is a store that waits for its first chunk", () => {
	assert.deepEqual(fromSnapshot(new DataView(new ArrayBuffer(0))), empty());
});
