// @ts-check
/**
 * Where the boxes stand: the children of each open module by what flows between them, containers around their children.
 *
 * @typedef {import("./architecture_core.js").Graph} Graph
 * @typedef {import("./architecture_core.js").State} State
 * @typedef {import("./architecture_core.js").Run} Run
 * @typedef {{ index: number, count: number, open: boolean, before: number, after: number, x: number, y: number, width: number, height: number }} Box before and after: children for which there is no room
 * @typedef {"down" | "side" | "in" | "out"} Way an edge between children goes down or along the side; in and out are past other children
 * @typedef {{ from: Box, to: Box, way: Way }} Edge
 * @typedef {{ id: number, width: number, height: number }} Node
 * @typedef {(nodes: Node[], edges: [number, number][]) => Map<number, { x: number, y: number }>} Arrange gives the centres
 * @typedef {{ inner: [number, number][], entering: number[], leaving: number[] }} Flow of one module: between its children, from what it is given, into what it gives
 */

import { MOST_CHILDREN, runsOf } from "./architecture_core.js";

export const BOX = { width: 204, height: 44 };
export const HEAD = 30;
const [PAD, RAIL, GAP] = [14, 10, 26];
const MOST_BOXES = 400;
const LEAST_CHILDREN = 12; // of a module that must be drawn

/** Take the edges of a graph apart at the borders of its modules. @param {Graph} graph @returns {Map<number, Flow>} */
export function flowOf(graph) {
	const { parents, edges } = graph.columns;
	/** @type {Map<number, { inner: Map<string, [number, number]>, entering: Set<number>, leaving: Set<number> }>} */
	const found = new Map();
	const of = (/** @type {number} */ index) => {
		let flow = found.get(index);
		if (!flow) found.set(index, (flow = { inner: new Map(), entering: new Set(), leaving: new Set() }));
		return flow;
	};
	for (let at = 0; at < edges.length; at += 2) {
		let [a, b] = [edges[at], edges[at + 1]];
		while (parents[a] !== parents[b] && a !== b) {
			const [up, down] = [graph.depths[a] >= graph.depths[b], graph.depths[b] >= graph.depths[a]];
			if (up) of(parents[a]).leaving.add(a);
			if (up) a = parents[a];
			if (down && a !== b) of(parents[b]).entering.add(b);
			if (down && a !== b) b = parents[b];
		}
		if (a !== b) of(parents[a]).inner.set(`${a} ${b}`, [a, b]);
	}
	return new Map([...found].map(([index, { inner, entering, leaving }]) => [index, { inner: [...inner.values()], entering: [...entering], leaving: [...leaving] }]));
}

/**
 * Place every box.
 * @param {Graph} graph @param {Map<number, Flow>} flow @param {State} state @param {Arrange} arrange
 * @param {number} [chosen] what must be drawn, however many boxes there are
 * @returns {{ boxes: Map<number, Box>, edges: Edge[] }} the boxes, a container before its children
 */
export function layOut(graph, flow, state, arrange, chosen = -1) {
	/** @type {Map<number, Box>} */
	const boxes = new Map();
	const containers = graph.size ? opened(graph, state, chosen, boxes) : [];
	const lifted = containers.map(([index, runs]) => folded(graph, flow.get(index), index, runs));
	/** @type {Map<number, { x: number, y: number }>[]} */
	const places = new Array(containers.length);
	for (let at = containers.length - 1; at >= 0; at--) {
		const [index, runs] = containers[at];
		const nodes = inOrder(graph, runs).map(({ first: id }) => ({ id, width: get(boxes, id).width, height: get(boxes, id).height }));
		places[at] = around(get(boxes, index), nodes, arrange(nodes, forward(graph, lifted[at].inner)));
	}
	containers.forEach(([index], at) => {
		const { x, y } = get(boxes, index);
		for (const [child, place] of places[at]) Object.assign(get(boxes, child), { x: x + place.x, y: y + place.y });
	});
	return { boxes, edges: containers.flatMap(([index, runs], at) => drawnEdges(boxes, get(boxes, index), runs, lifted[at])) };
}

/** Choose what is drawn open; level by level, and what leads to the chosen module in any case. @param {Graph} graph @param {State} state @param {number} chosen @param {Map<number, Box>} boxes @returns {[number, Run[]][]} */
function opened(graph, state, chosen, boxes) {
	const needed = new Set();
	for (let at = chosen; at > 0 && at !== state.root; at = graph.columns.parents[at]) needed.add(graph.columns.parents[at]);
	/** @type {[number, Run[]][]} */
	const containers = [];
	const [first, later] = [[state.root], /** @type {number[]} */ ([])];
	boxes.set(state.root, box(state.root, 1));
	for (let index = first.shift(); index !== undefined; index = first.shift() ?? later.shift()) {
		if (!state.open.has(index) || !graph.children[index].length) continue;
		const runs = runsOf(graph, index, state.unfolded);
		const must = index === state.root || needed.has(index);
		const room = must ? Math.max(LEAST_CHILDREN, MOST_BOXES - boxes.size) : MOST_BOXES - boxes.size;
		if (!must && Math.min(runs.length, MOST_CHILDREN) > room) continue;
		const shown = windowed(runs, state.windows.get(index) ?? 0, Math.min(room, MOST_CHILDREN), pathTo(graph, index, chosen));
		const held = get(boxes, index);
		Object.assign(held, { open: true, before: counted(runs.slice(0, shown.from)), after: counted(runs.slice(shown.from + shown.runs.length)) });
		containers.push([index, shown.runs]);
		for (const run of shown.runs) {
			boxes.set(run.first, box(run.first, run.count));
			(needed.has(run.first) ? first : later).push(run.first);
		}
	}
	return containers;
}

/** Give the child of a module on the way to another. @param {Graph} graph @param {number} index @param {number} to @returns {number} */
function pathTo(graph, index, to) {
	let at = to;
	while (at > 0 && graph.columns.parents[at] !== index) at = graph.columns.parents[at];
	return at;
}

/** Cut out the runs for which there is room. @param {Run[]} runs @param {number} from @param {number} room @param {number} wanted @returns {{ from: number, runs: Run[] }} */
function windowed(runs, from, room, wanted) {
	let start = Math.max(0, Math.min(from, runs.length - room));
	const place = runs.findIndex((run) => run.first === wanted);
	if (place >= 0 && (place < start || place >= start + room)) start = Math.max(0, Math.min(place - Math.floor(room / 2), runs.length - room));
	return { from: start, runs: runs.slice(start, start + room) };
}

/** @param {Run[]} runs @returns {number} */
function counted(runs) {
	return runs.reduce((sum, run) => sum + run.count, 0);
}

/** Give the flow of a module between the boxes that are drawn. @param {Graph} graph @param {Flow | undefined} flow @param {number} index @param {Run[]} runs @returns {Flow} */
function folded(graph, flow, index, runs) {
	if (!flow) return { inner: [], entering: [], leaving: [] };
	const standsFor = new Map(runs.map((run) => [run.first, run.first]));
	const many = runs.filter((run) => run.count > 1);
	const places = many.length ? new Map(graph.children[index].map((each, at) => [each, at])) : new Map();
	for (const run of many) {
		const from = places.get(run.first);
		for (const each of graph.children[index].slice(from, from + run.count)) standsFor.set(each, run.first);
	}
	/** @type {Map<string, [number, number]>} */
	const inner = new Map();
	for (const [source, target] of flow.inner) {
		const [a, b] = [standsFor.get(source), standsFor.get(target)];
		if (a !== undefined && b !== undefined && a !== b) inner.set(`${a} ${b}`, [a, b]);
	}
	const drawn = (/** @type {number[]} */ ends) => [...new Set(ends.flatMap((each) => standsFor.get(each) ?? []))];
	return { inner: [...inner.values()], entering: drawn(flow.entering), leaving: drawn(flow.leaving) };
}

/** Make a container as large as its children, and give their places in it. @param {Box} held @param {Node[]} nodes @param {Map<number, { x: number, y: number }>} placed @returns {Map<number, { x: number, y: number }>} */
function around(held, nodes, placed) {
	let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
	const corners = nodes.map(({ id, width, height }) => {
		const { x, y } = placed.get(id) ?? { x: 0, y: 0 };
		[left, right] = [Math.min(left, x - width / 2), Math.max(right, x + width / 2)];
		[top, bottom] = [Math.min(top, y - height / 2), Math.max(bottom, y + height / 2)];
		return { id, x: x - width / 2, y: y - height / 2 };
	});
	held.width = Math.max(BOX.width, right - left + 2 * (PAD + RAIL));
	const [over, under] = [HEAD + (held.before ? GAP : 0), PAD + (held.after ? GAP : 0)];
	held.height = over + bottom - top + under;
	const shift = (held.width - (right - left)) / 2;
	return new Map(corners.map(({ id, x, y }) => [id, { x: x - left + shift, y: y - top + over }]));
}

/** @param {Map<number, Box>} boxes @param {Box} held @param {Run[]} runs @param {Flow} flow @returns {Edge[]} */
function drawnEdges(boxes, held, runs, flow) {
	const among = runs.map((run) => get(boxes, run.first));
	const [top, bottom] = [Math.min(...among.map((each) => each.y)), Math.max(...among.map((each) => each.y + each.height))];
	/** @type {Edge[]} */
	const between = flow.inner.map(([a, b]) => {
		const [from, to] = [get(boxes, a), get(boxes, b)];
		const room = to.y - (from.y + from.height);
		return { from, to, way: room > 0 && room < BOX.height + GAP ? "down" : "side" };
	});
	const targets = flow.entering.map((each) => get(boxes, each)).filter((each) => each.y > top + 1);
	const sources = flow.leaving.map((each) => get(boxes, each)).filter((each) => each.y + each.height < bottom - 1);
	return [...between, ...targets.map((to) => /** @type {Edge} */ ({ from: held, to, way: "in" })), ...sources.map((from) => /** @type {Edge} */ ({ from, to: held, way: "out" }))];
}

/** Give the line of an edge. @param {Edge} edge @returns {string} */
export function lineOf({ from, to, way }) {
	const [x1, y1, x2, y2] = [from.x + from.width / 2, from.y + from.height, to.x + to.width / 2, to.y];
	if (way === "down") return `M${x1} ${y1}C${x1} ${(y1 + y2) / 2} ${x2} ${(y1 + y2) / 2} ${x2} ${y2}`;
	if (way === "in") return `M${from.x + RAIL} ${from.y + HEAD - 6}V${y2 + 10}q0 6 6 6H${to.x}`;
	if (way === "out") return `M${from.x + from.width} ${y1 - 16}H${to.x + to.width - RAIL - 6}q6 0 6 6V${to.y + to.height}`;
	const right = Math.max(from.x + from.width, to.x + to.width) + 18;
	return `M${from.x + from.width} ${y1 - 8}C${right} ${y1 - 8} ${right} ${y2 + 8} ${to.x + to.width} ${y2 + 8}`;
}

/** Give the line of tied weights, outside of all boxes on the left. @param {Box} whole @param {Box} a @param {Box} b @returns {string} */
export function tieOf(whole, a, b) {
	const left = whole.x - 12;
	const [from, to] = a.y < b.y ? [a, b] : [b, a];
	const [above, below] = [from.y - 5, to.y + to.height + 6]; // between the rows, not across a neighbour
	return `M${from.x + 14} ${from.y}V${above}H${left + 8}q-8 0 -8 8V${below - 8}q0 8 8 8H${to.x + 14}V${to.y + to.height}`;
}

/** Keep what was arranged: when one module opens, most others stay as they are. @param {Arrange} arrange @returns {Arrange} */
export function remembered(arrange) {
	/** @type {Map<string, ReturnType<Arrange>>} */
	const known = new Map();
	return (nodes, edges) => {
		const key = JSON.stringify([nodes.map(({ id, width, height }) => [id, width, height]), edges]);
		let placed = known.get(key);
		if (!placed) known.set(key, (placed = arrange(nodes, edges)));
		if (known.size > MOST_BOXES) known.delete(/** @type {string} */ (known.keys().next().value));
		return placed;
	};
}

/** Put boxes under each other, where there are too many for a finer way. @param {Node[]} nodes @returns {Map<number, { x: number, y: number }>} */
export function stacked(nodes) {
	let y = 0;
	return new Map(
		nodes.map((node) => {
			const place = { x: 0, y: y + node.height / 2 };
			y += node.height + GAP;
			return [node.id, place];
		}),
	);
}

/** @param {Map<number, Box>} boxes @param {number} index @returns {Box} */
function get(boxes, index) {
	return /** @type {Box} */ (boxes.get(index));
}

/** @param {number} index @param {number} count @returns {Box} */
function box(index, count) {
	return { index, count, open: false, before: 0, after: 0, x: 0, y: 0, ...BOX };
}

/** Those that ran in the order of their first call, then the others. @param {Graph} graph @param {Run[]} runs @returns {Run[]} */
function inOrder(graph, runs) {
	const place = (/** @type {Run} */ run) => (graph.columns.order[run.first] < 0 ? Infinity : graph.columns.order[run.first]);
	return [...runs].sort((a, b) => (place(a) === place(b) ? a.first - b.first : place(a) - place(b)));
}

/** Those edges that go on in the order of the calls: what comes back must not turn the picture over. @param {Graph} graph @param {[number, number][]} edges @returns {[number, number][]} */
function forward(graph, edges) {
	const { order } = graph.columns;
	return edges.filter(([a, b]) => (order[a] < 0 && order[b] < 0 ? a < b : order[a] < order[b]));
}
