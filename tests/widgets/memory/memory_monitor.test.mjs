import assert from "node:assert/strict";
import test from "node:test";
import { amount, decimated, lanes, shownLimit, width } from "../../../widgets/mlexpert_widgets/memory/memory_monitor_core.js";
import { size, unit } from "../../../widgets/mlexpert_widgets/live/amounts.js";

test("bytes are told by 1024", () => {
	const told = [0, 999, 2048, 5.21 * 2 ** 30, 260 * 2 ** 20, 3 * 2 ** 40].map(size);
	assert.deepEqual(told, ["0 B", "999 B", "2 KiB", "5.21 GiB", "260 MiB", "3 TiB"]);
	assert.deepEqual(unit(5e9), [2 ** 30, "GiB"]);
	assert.deepEqual(unit(0), [1, "bytes"]);
	assert.deepEqual([amount(41.6, "%"), amount(null, "B"), amount(NaN, "B")], ["42 %", "gone", "gone"]);
});

/** @param {string} name @param {object} more */
function fact(name, more = {}) {
	const [device, label] = name.split("/");
	return { name, unit: "B", device, label, newest: 1, peak: 1, limit: null, ...more };
}

test("series of one device share a lane, and percents are told beside them", () => {
	const facts = [fact("a/used", { limit: 10, peak: 6 }), fact("b/rss", { limit: 10 }), fact("a/busy", { unit: "%" }), fact("a/reserved", { peak: 3 })];
	const series = [...facts, fact("c/new")].map(({ name }) => ({ name, length: 1, time: [0], value: [1] }));
	const [first, second] = lanes(facts, series);
	assert.deepEqual(first.bytes.map((each) => each.fact.label), ["used", "reserved"]);
	assert.deepEqual(first.percents.map((each) => each.label), ["busy"]);
	assert.deepEqual([first.limit, first.most, shownLimit(first)], [10, 6, 10]);
	assert.equal(second.name, "b");
	assert.equal(shownLimit(second), null, "the limit would press the line flat");
	assert.deepEqual(lanes([fact("d/unseen")], series), []);
});

test("few points keep every spike and every gap", () => {
	const length = 10_000;
	const value = Float32Array.from({ length }, (_, at) => (at === 5000 ? 999 : at === 7000 ? NaN : 10 + (at % 3)));
	const time = Float32Array.from({ length }, (_, at) => at / 10);
	const [times, values] = decimated({ name: "", length, time, value }, 100, 2);
	assert.ok(times.length <= 301);
	assert.ok(values.includes(499.5));
	assert.equal(values.filter((each) => each === null).length, 1);
	assert.ok(times.every((each, at) => at === 0 || each > times[at - 1]));
	assert.deepEqual([times[0], times[times.length - 1]], [0, time[length - 1]]);
	assert.deepEqual(decimated({ name: "", length: 0, time: [], value: [] }, 100, 1), [[], []]);
});

test("a share is a width between nothing and all", () => {
	assert.deepEqual([width(1, 4), width(5, 4), width(null, 4), width(1, 0)], ["25.00%", "100.00%", "0.00%", "100.00%"]);
});
