// Compares with what Python has written to the file named by TOLD, and looks at the few points that a screen can show.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import {
	decimated,
	drawn,
	figure,
	gaps,
	grouped,
	joined,
	nearest,
	parted,
	places,
	smoothed,
} from "../../../widgets/mlexpert_widgets/curves/learning_curves_core.js";

const told = JSON.parse(readFileSync(process.env.TOLD, "utf-8"));
const points = (steps, values = steps) => ({
	step: Float32Array.from(steps),
	time: Float32Array.from(steps),
	value: Float32Array.from(values),
	length: steps.length,
});
const count = (from, to) => Array.from({ length: to - from }, (_, at) => from + at);
const close = (one, other) => Math.abs(one - other) <= 1e-6 * Math.max(1, Math.abs(other));

test("smoothing is that of Python, gaps included", () => {
	const values = told.values.map((each) => each ?? NaN);
	const made = smoothed(values, 0.93);
	told.smoothed.forEach((each, at) => assert.ok(each === null ? Number.isNaN(made[at]) : close(made[at], each), `at ${at}`));
	assert.equal(smoothed(values, 0), values);
});

test("epochs are where Python puts them", () => {
	const made = places(points(count(0, 300)), "epoch", told.epochs);
	told.places.forEach((each, at) => assert.ok(close(made[at], each), `at ${at}: ${made[at]}, ${each}`));
	const again = places(points([10, 240, 10]), "epoch", told.epochs);
	assert.ok(close(again[0], again[2]));
	assert.deepEqual([...places(points([5]), "epoch", [])], [5]);
	assert.equal(drawn("epoch", [[[1, 1]], []]), "step");
	assert.equal(drawn("epoch", [[[1, 1]]]), "epoch");
	assert.equal(drawn("time", [[]]), "time");
});

test("training stands before validation, runs in their order, and what has no points is not there", () => {
	const lines = [[0, "val_loss", true, "loss"], [1, "loss", false, "loss"], [0, "loss", false, "loss"], [0, "acc", false, "acc"]];
	const groups = grouped(lines, [points([1]), points([1]), points([1]), points([])]);
	assert.deepEqual([...groups.keys()], ["loss"]);
	assert.deepEqual(groups.get("loss").map(({ run, metric }) => `${run} ${metric}`), ["0 loss", "0 val_loss", "1 loss"]);
});

test("of many points at most two a column are left, and no spike is lost", () => {
	const [xs, ys] = [count(0, 100_000), count(0, 100_000).map((at) => Math.sin(at / 9000))];
	ys[43_210] = 50;
	ys[43_211] = -50;
	ys[99_999] = NaN;
	const row = decimated({ xs, ys }, [0, 99_999], 700);
	assert.ok(row.xs.length <= 1400);
	const shown = [...row.ys].filter((each) => each !== undefined && each !== null);
	assert.deepEqual([Math.max(...shown), Math.min(...shown)], [50, -50]);
	assert.ok(row.xs.every((x, at) => at === 0 || x > row.xs[at - 1]));
	const [high, low] = [[...row.ys].indexOf(50), [...row.ys].indexOf(-50)];
	assert.equal(low, high + 1, "in their order");
	assert.ok(Math.abs(row.xs[high] - 43_210) < 100_000 / 700, "less than a column away");
});

test("every column of a line has its own points, whatever the rounding", () => {
	for (const columns of [3, 7, 333, 641]) {
		const xs = Float32Array.from(count(0, 5000), (at) => at / 977);
		const row = decimated({ xs, ys: xs }, [xs[0], xs[4999]], columns);
		const shown = [...row.ys].filter((each) => each !== undefined);
		assert.equal(shown.length, 2 * columns);
		assert.ok(shown.every((each, at) => at === 0 || each > shown[at - 1]), "rising as the line does");
	}
});

test("what is zoomed into is shown as it is, with a neighbour on each side", () => {
	const row = decimated({ xs: count(0, 10_000), ys: count(0, 10_000) }, [500.5, 503.5], 700);
	assert.deepEqual([...row.xs], [500, 501, 502, 503, 504, 505]);
	assert.deepEqual([...decimated({ xs: [3], ys: [NaN] }, [3, 3], 700).ys], [null]);
});

test("a column with no number is a gap, and one with nothing is none", () => {
	const xs = count(0, 4000);
	const ys = xs.map((x) => (x >= 1000 && x < 2000 ? NaN : x));
	const row = decimated({ xs, ys }, [0, 7999], 800);
	const [, shown] = joined([row]);
	assert.equal(shown[250], null);
	assert.equal(shown[1000], undefined);
	assert.deepEqual(gaps({ xs, ys }, [0, 3999], 4), [1000]);
	assert.equal(gaps({ xs, ys }, [0, 3999], 40).length, 10);
});

test("rows are put over common places, and two points of one place are both kept", () => {
	const data = joined([{ xs: [0, 1, 1, 4], ys: [1, 2, 9, 4] }, { xs: [1, 3], ys: [7, null] }]);
	assert.deepEqual(data, [[0, 1, 1, 3, 4], [1, 2, 9, undefined, 4], [undefined, 7, undefined, null, undefined]]);
	assert.deepEqual(joined([]), [[]]);
});

test("the value under the pointer is that of the nearest point of each line", () => {
	const xs = [0, 1, 2, 3, 4];
	const values = [5, undefined, undefined, undefined, 6];
	assert.equal(nearest(values, xs, 1, 1.2), 0);
	assert.equal(nearest(values, xs, 3, 2.6), 4);
	assert.equal(nearest([undefined, undefined], [0, 1], 1, 1), 1);
	assert.equal(nearest([undefined, 3], [0, 1], 0, 0), 1);
});

test("what a restart has done again is parted from what counts", () => {
	const whole = points(count(0, 10));
	assert.equal(parted(whole).now, whole);
	assert.equal(parted(whole).before, null);
	const { now, before } = parted(points([0, 1, 2, 3, 1, 2], [0, 1, 2, 3, 10, 20]));
	assert.deepEqual([[...now.step], [...now.value]], [[0, 1, 2], [0, 10, 20]]);
	assert.deepEqual([[...before.step], [...before.value]], [[1, 2, 3], [1, 2, 3]]);
});

test("numbers are short", () => {
	assert.deepEqual([0, 0.5, 12.3456, 1e-4, 7.5e-4, 123456, NaN, null].map(figure), ["0", "0.5", "12.35", "1e-4", "7.5e-4", "1.23e5", "NaN", ""]);
});
