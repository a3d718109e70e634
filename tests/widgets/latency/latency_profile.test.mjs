import assert from "node:assert/strict";
import test from "node:test";
import {
	csv,
	duration,
	interval,
	line,
	logScale,
	outline,
	round,
	rows,
	shown,
	sorted,
	span,
	three,
	ticks,
} from "../../../widgets/mlexpert_widgets/latency/latency_profile_core.js";

test("a duration reads in its own unit, as in Python", () => {
	assert.deepEqual(duration(45600), ["45.6", "ms"]);
	assert.deepEqual(duration(0.2), ["0.20", "µs"]);
	assert.deepEqual(duration(0.05), ["50.0", "ns"]);
	assert.deepEqual(duration(75e6), ["75.0", "s"]);
	assert.equal(three(12345), "12,345");
	assert.equal(round(100), "100 µs");
	assert.equal(round(1500), "1.5 ms");
});

test("an interval that the calls do not reach says how many it takes", () => {
	assert.equal(interval({ name: "p99", value: 3, low: null, high: null, needed: 368 }), "368 calls for an interval");
	assert.equal(interval({ name: "p50", value: 3, low: 2, high: 4000, needed: 6 }), "2.00 µs to 4.00 ms");
});

test("a logarithmic scale puts the middle in the middle and keeps within its ends", () => {
	const x = logScale(1, 100, 0, 10);
	assert.equal(x(10), 5);
	assert.equal(x(0), 0);
	assert.equal(x(1e9), 10);
});

test("ticks are round, within the range and no more than wanted", () => {
	assert.deepEqual(ticks(1, 1000, 4), [1, 10, 100, 1000]);
	for (const [low, high] of [[95, 105], [0.01, 1e6], [3.2, 3.3], [40, 900], [1e-3, 1e9]]) {
		const found = ticks(low, high, 6);
		assert.ok(found.length >= 1 && found.length <= 6, `${low} to ${high}: ${found}`);
		assert.ok(found.every((each) => each >= low && each <= high));
	}
});

test("a histogram is one closed outline", () => {
	const same = (/** @type {number} */ value) => value;
	assert.equal(outline([1, 2, 3], [5, 7], same, same), "M1.0 0.0V5.0H2.0V7.0H3.0V0.0Z");
	assert.equal(line([1, 2], [3, 4], same, same), "M1.0 3.0L2.0 4.0");
});

test("labels that would cover each other stand in rows", () => {
	assert.deepEqual(rows([0, 10, 20, 60], 46), [0, 1, 2, 0]);
});

test("tables sort by number or by name, both ways, and keep the selected row in sight", () => {
	/** @type {[string, number][]} */
	const told = [["b", 1], ["a", 3], ["c", 2]];
	assert.deepEqual(sorted(told, 1, false).map(([key]) => key), ["a", "c", "b"]);
	assert.deepEqual(sorted(told, 0, false).map(([key]) => key), ["a", "b", "c"]);
	assert.deepEqual(sorted(told, 0, true).map(([key]) => key), ["c", "b", "a"]);
	assert.deepEqual(shown(told, 1, "c").map(([key]) => key), ["b", "c"]);
	assert.deepEqual(shown(told, 1, "").map(([key]) => key), ["b"]);
	assert.deepEqual(shown(told, 1, undefined).map(([key]) => key), ["b"]);
});

test("what is copied can be read by others", () => {
	assert.equal(csv(["op", "ms"], [['a, "b"', 1.5]]), 'op,ms\n"a, ""b""",1.5');
});

test("a ratio bar holds the interval with 1 in the middle", () => {
	const [low, high] = span(0.8, 0.9);
	assert.ok(low < 0.8 && high > 1);
	assert.ok(Math.abs(low * high - 1) < 1e-12);
	assert.ok(span(0.999, 1.001)[1] > 1.05);
});
