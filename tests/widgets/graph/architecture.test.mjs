import assert from "node:assert/strict";
import test from "node:test";
import { crumbs, firstState, indexOf, membersOf, pathOf, read, reveal, runsOf, search, treeRows, typeAhead } from "../../../widgets/mlexpert_widgets/graph/architecture_core.js";
import { amount, count, cut, facts, total, valuesOf } from "../../../widgets/mlexpert_widgets/graph/architecture_facts.js";
import { size } from "../../../widgets/mlexpert_widgets/live/amounts.js";
import { flowOf, layOut, lineOf, remembered, stacked, tieOf } from "../../../widgets/mlexpert_widgets/graph/architecture_layout.js";

/** A graph of [name, parent, signature]; edges as pairs. */
function graphOf(modules, edges = [], more = {}) {
	const all = modules.length;
	const numbers = (value) => new Array(all).fill(value);
	return read({
		names: modules.map((each) => each[0]),
		parents: modules.map((each) => each[1]),
		signatures: modules.map((each, at) => each[2] ?? 1000 + at),
		params: numbers(10), own: numbers(10), flops: numbers(20), bytes: numbers(40), activations: numbers(8), calls: numbers(1),
		order: modules.map((_, at) => at),
		kinds: numbers(0), inputs: numbers(1), outputs: numbers(1), texts: ["Layer", "2×4 float32"], tied: {}, failed: {},
		edges: edges.flat(),
		...more,
	});
}

/** stem, blocks of three equal ones with a norm and an mlp each, head. */
const blocks = () =>
	graphOf([["", -1], ["stem", 0], ["blocks", 0], ["0", 2, 7], ["norm", 3, 1], ["mlp", 3, 2], ["1", 2, 7], ["norm", 6, 1], ["mlp", 6, 2], ["2", 2, 7], ["norm", 9, 1], ["mlp", 9, 2], ["head", 0]],
		[[1, 3], [3, 4], [4, 5], [3, 5], [5, 3], [3, 6], [6, 9], [9, 12]]);

const chain = (depth) => graphOf([["", -1], ...Array.from({ length: depth }, (_, at) => ["inner", at])]);
const wide = (many) => graphOf([["", -1], ...Array.from({ length: many }, (_, at) => [String(at), 0])], Array.from({ length: many - 1 }, (_, at) => [at + 1, at + 2]));
const drawn = (graph, state, chosen) => layOut(graph, flowOf(graph), state, stacked, chosen);

test("a path leads to its module and back", () => {
	const graph = blocks();
	assert.equal(pathOf(graph, 8), "blocks.1.mlp");
	assert.equal(indexOf(graph, "blocks.1.mlp"), 8);
	assert.equal(indexOf(graph, "blocks.7"), -1);
	assert.equal(indexOf(graph, ""), 0);
	assert.equal(pathOf(graph, 8, 1), "mlp");
});

test("equal neighbours are one run until they are unfolded", () => {
	const graph = blocks();
	assert.deepEqual(runsOf(graph, 2, new Set()), [{ first: 3, count: 3 }]);
	assert.deepEqual(runsOf(graph, 2, new Set([3])).map((run) => run.first), [3, 6, 9]);
	assert.deepEqual(membersOf(graph, 3, 3), [3, 6, 9]);
});

test("the tree has the rows that are open, each with its place among its siblings", () => {
	const rows = treeRows(blocks(), firstState(blocks()));
	assert.deepEqual(rows.map((row) => [row.index, row.depth, row.count, row.place, row.among]), [
		[0, 0, 1, 1, 1], [1, 1, 1, 1, 3], [2, 1, 1, 2, 3], [3, 2, 3, 1, 1], [4, 3, 1, 1, 2], [5, 3, 1, 2, 2], [12, 1, 1, 3, 3],
	]);
});

test("typing finds the next name, and one more letter may fit where one is", () => {
	const graph = blocks();
	const rows = treeRows(graph, firstState(graph));
	assert.equal(rows[typeAhead(graph, rows, 0, "h")].index, 12);
	assert.equal(rows[typeAhead(graph, rows, 5, "ml")].index, 5);
	assert.equal(typeAhead(graph, rows, 0, "zz"), -1);
});

test("a search finds the very path first, then paths, then classes", () => {
	const graph = blocks();
	assert.deepEqual(search(graph, "blocks.1.mlp"), [8]);
	assert.deepEqual(search(graph, "NORM"), [4, 7, 10]);
	assert.equal(search(graph, "layer").length, 13);
	assert.deepEqual(search(graph, "  "), []);
});

test("what is found is opened, unfolded and drawn", () => {
	const graph = blocks();
	const state = { open: new Set(), unfolded: new Set(), windows: new Map(), root: 0 };
	reveal(graph, 8, state);
	assert.ok(drawn(graph, state, 8).boxes.has(8));
	assert.deepEqual([...state.unfolded], [3]);
});

test("of ten thousand modules inside each other the diagram is of those around the one that is found", () => {
	const graph = chain(10_000);
	const state = firstState(graph);
	assert.ok(search(graph, "inner").length);
	reveal(graph, 9_990, state);
	const { boxes } = drawn(graph, state, 9_990);
	assert.ok(boxes.has(9_990));
	assert.ok(boxes.size < 20);
	assert.deepEqual(crumbs(graph, state.root), [0, state.root - 3, state.root - 2, state.root - 1, state.root]);
	assert.equal(treeRows(graph, state).length, 9_991);
	reveal(graph, 3, state);
	assert.equal(state.root, 0);
});

test("of ten thousand modules beside each other some are drawn, and how many are not is said", () => {
	const graph = wide(10_000);
	const state = firstState(graph);
	const first = drawn(graph, state);
	assert.deepEqual([first.boxes.size, first.boxes.get(0).before, first.boxes.get(0).after], [151, 0, 9_850]);
	reveal(graph, 7_002, state);
	const found = drawn(graph, state, 7_002);
	assert.ok(found.boxes.has(7_002));
	assert.equal(found.boxes.get(0).before + found.boxes.get(0).after, 9_850);
});

test("there are never more boxes than a page bears, and the chosen one is among them", () => {
	const modules = [["", -1]];
	for (let group = 0; group < 40; group++) {
		const parent = modules.push([`g${group}`, 0]) - 1;
		for (let at = 0; at < 60; at++) modules.push([`m${at}`, parent]);
	}
	const graph = graphOf(modules);
	const state = { open: new Set(modules.map((_, at) => at)), unfolded: new Set(), windows: new Map(), root: 0 };
	const last = modules.length - 1;
	const { boxes } = drawn(graph, state, last);
	assert.ok(boxes.size <= 500 && boxes.has(last));
});

test("children are inside their container and do not overlap", () => {
	const graph = blocks();
	const { boxes } = drawn(graph, firstState(graph));
	for (const [index, box] of boxes) {
		if (index === 0) continue;
		const outer = boxes.get(graph.columns.parents[index]);
		assert.ok(box.x >= outer.x && box.y >= outer.y && box.x + box.width <= outer.x + outer.width && box.y + box.height <= outer.y + outer.height);
	}
	assert.ok(boxes.get(5).y >= boxes.get(4).y + boxes.get(4).height);
});

test("an edge is drawn in the container of both ends, and past the others where it skips them", () => {
	const graph = blocks();
	const { edges } = drawn(graph, firstState(graph));
	const told = edges.map(({ from, to, way }) => [from.index, to.index, way]);
	assert.deepEqual(told.filter(([, , way]) => way === "down"), [[1, 2, "down"], [2, 12, "down"], [4, 5, "down"]]);
	assert.deepEqual(told.filter(([, , way]) => way !== "down"), [[3, 5, "in"]]);
	for (const edge of edges) assert.match(lineOf(edge), /^M[\d.]+ [\d.]+[CVH]/);
	assert.match(lineOf({ ...edges[0], way: "out" }), /^M/);
	assert.match(lineOf({ ...edges[0], way: "side" }), /^M/);
	assert.ok(!/NaN|undefined/.test(tieOf(edges[0].from, edges[0].from, edges[0].to)));
});

test("the flow over the border of a module that never runs itself goes through it", () => {
	const { inner, entering } = flowOf(blocks()).get(2);
	assert.deepEqual(inner, [[3, 6], [6, 9]]);
	assert.deepEqual(entering, [3]);
	assert.deepEqual(flowOf(blocks()).get(0).inner, [[1, 2], [2, 12]]);
});

test("what was arranged once is not arranged again", () => {
	let times = 0;
	const arrange = remembered((nodes) => {
		times++;
		return stacked(nodes);
	});
	const nodes = [{ id: 1, width: 4, height: 4 }];
	arrange(nodes, []);
	arrange(nodes, []);
	arrange([{ ...nodes[0], height: 5 }], []);
	assert.equal(times, 2);
});

test("a run has the sum of its members, and a module that was not measured that of what is inside", () => {
	const graph = blocks();
	const overlays = [{ name: "latency", unit: "ms", values: { "blocks.0": 1, "blocks.1": 2, "blocks.2": 4, "blocks.1.mlp": 1.5 } }];
	const latency = valuesOf(graph, overlays, "latency");
	assert.deepEqual([latency.of(2), latency.of(6), latency.of(8), latency.of(7)], [7, 2, 1.5, undefined]);
	assert.equal(total(graph, latency, 3, 3), 7);
	assert.equal(total(graph, latency, 7, 1), undefined);
	assert.equal(latency.told(7), "7 ms");
	assert.equal(total(graph, valuesOf(graph, [], "parameters"), 3, 3), 30);
	assert.equal(valuesOf(graph, [], ""), null);
});

test("the facts of a module say what is known, and nothing that is not", () => {
	const told = new Map(facts(blocks(), 3, [{ name: "latency", unit: "ms", values: { "blocks.0": 1.25 } }]));
	assert.equal(told.get("path"), "blocks.0");
	assert.equal(told.get("repeated"), "×3");
	assert.equal(told.get("latency"), "1.25 ms");
	assert.equal(told.get("parameters"), "10 (100.0 %)");
	assert.ok(!told.has("failed") && !told.has("tied"));
	const idle = graphOf([["", -1], ["a", 0]], [], { order: [0, -1], calls: [1, 0], failed: { 1: "ValueError: no" } });
	assert.equal(new Map(facts(idle, 1, [])).get("calls"), "not called with these inputs");
	assert.equal(new Map(facts(idle, 1, [])).get("failed"), "ValueError: no");
	assert.ok(facts(chain(5_000), 5_000, [])[0][1].length < 200);
});

test("numbers are told as Python tells them", () => {
	const { counts, sizes } = JSON.parse(process.env.TOLD ?? '{"counts": [], "sizes": []}');
	for (const [value, text] of counts) assert.equal(count(value), text);
	for (const [value, text] of sizes) assert.equal(size(value), text);
	assert.equal(amount(2048, "B"), "2 KiB");
	assert.equal(amount(1.23456, ""), "1.23");
	assert.equal(cut("abcdef", 4), "abc…");
});
