// @ts-check
/**
 * A graph in the browser: what is open, what is folded, where it stands. The same rules as `fold.py` and `layout.py`.
 *
 * @typedef {object} Columns
 * @property {string[]} names
 * @property {number[]} parents
 * @property {number[]} params
 * @property {number[]} own
 * @property {number[]} flops
 * @property {number[]} bytes
 * @property {number[]} activations
 * @property {number[]} calls
 * @property {number[]} order
 * @property {number[]} signatures
 * @property {number[]} kinds
 * @property {number[]} inputs
 * @property {number[]} outputs
 * @property {string[]} texts
 * @property {Record<string, string>} tied
 * @property {Record<string, string>} failed
 * @property {number[]} edges
 *
 * @typedef {{ columns: Columns, children: number[][], depths: number[], size: number }} Graph
 * @typedef {{ first: number, count: number }} Run
 * @typedef {{ index: number, count: number, parent: number, open: boolean, left_out: number, x: number, y: number, width: number, height: number }} Box
 */

const LEAST_LEAVES = 3;
const DEEPEST = 7;
export const BOX = { width: 196, height: 44 };
const [HEAD, PAD, GAP] = [30, 14, 26];
const MOST_CHILDREN = 150;

/** Read columns. @param {Columns} columns @returns {Graph} */
export function read(columns) {
	const size = columns.names?.length ?? 0;
	/** @type {number[][]} */
	const children = Array.from({ length: size }, () => []);
	const depths = new Array(size).fill(0);
	for (let at = 1; at < size; at++) {
		children[columns.parents[at]].push(at);
		depths[at] = depths[columns.parents[at]] + 1;
	}
	return { columns, children, depths, size };
}

/** Give the path of a module, as in named_modules(). @param {Graph} graph @param {number} index @returns {string} */
export function pathOf(graph, index) {
	const parts = [];
	for (let at = index; at > 0; at = graph.columns.parents[at]) parts.push(graph.columns.names[at]);
	return parts.reverse().join(".");
}

/** Find a module by its path; -1 if there is none. @param {Graph} graph @param {string} path @returns {number} */
export function indexOf(graph, path) {
	if (!path) return 0;
	let at = 0;
	for (const name of path.split(".")) {
		const next = graph.children[at].find((each) => graph.columns.names[each] === name);
		if (next === undefined) return -1;
		at = next;
	}
	return at;
}

/** Fold neighbours of one structure. @param {Graph} graph @param {number} index @param {Set<number>} unfolded @returns {Run[]} */
export function runsOf(graph, index, unfolded) {
	/** @type {Run[]} */
	const runs = [];
	/** @type {number[][]} */
	const groups = [];
	const { names, signatures } = graph.columns;
	for (const each of graph.children[index]) {
		const last = groups.at(-1);
		if (last && /^\d+$/.test(names[each]) && signatures[last[0]] === signatures[each]) last.push(each);
		else groups.push([each]);
	}
	for (const group of groups) {
		const least = graph.children[group[0]].length ? 2 : LEAST_LEAVES;
		if (group.length >= least && !unfolded.has(group[0])) runs.push({ first: group[0], count: group.length });
		else runs.push(...group.map((first) => ({ first, count: 1 })));
	}
	return runs;
}

/** Choose what is open at first: level by level, as long as there are few boxes. @param {Graph} graph @param {number} [limit] @returns {Set<number>} */
export function firstOpen(graph, limit = 28) {
	const open = new Set(graph.size ? [0] : []);
	const waiting = graph.size ? [0] : [];
	let boxes = 1;
	while (waiting.length) {
		const index = /** @type {number} */ (waiting.shift());
		const runs = runsOf(graph, index, new Set());
		if (!runs.length || graph.depths[index] > DEEPEST || (index && boxes + runs.length > limit)) continue;
		open.add(index);
		boxes += runs.length;
		waiting.push(...runs.map((run) => run.first));
	}
	return open;
}

/** Find modules by path or class; best first. @param {Graph} graph @param {string} query @param {number} [limit] @returns {number[]} */
export function search(graph, query, limit = 50) {
	const wanted = query.trim().toLowerCase();
	if (!wanted) return [];
	/** @type {[number, number][]} */
	const found = [];
	for (let at = 0; at < graph.size && found.length < 2000; at++) {
		const path = pathOf(graph, at).toLowerCase();
		const kind = graph.columns.texts[graph.columns.kinds[at]].toLowerCase();
		const rank = path === wanted ? 0 : path.startsWith(wanted) ? 1 : path.includes(wanted) ? 2 : kind.includes(wanted) ? 3 : -1;
		if (rank >= 0) found.push([rank, at]);
	}
	return found
		.sort((a, b) => a[0] - b[0] || a[1] - b[1])
		.slice(0, limit)
		.map((each) => each[1]);
}

/** Open what a module is in, so that it is drawn. @param {Graph} graph @param {number} index @param {Set<number>} open @param {Set<number>} unfolded */
export function reveal(graph, index, open, unfolded) {
	for (let at = index; at > 0; at = graph.columns.parents[at]) {
		const parent = graph.columns.parents[at];
		open.add(parent);
		const folded = runsOf(graph, parent, unfolded).find((run) => run.first < at && at < run.first + 1e9 && run.count > 1 && inRun(graph, parent, run, at));
		if (folded) unfolded.add(folded.first);
	}
}

/** @param {Graph} graph @param {number} parent @param {Run} run @param {number} index */
function inRun(graph, parent, run, index) {
	const siblings = graph.children[parent];
	const start = siblings.indexOf(run.first);
	return siblings.slice(start, start + run.count).includes(index);
}

/** List the rows of the tree that are to be seen. @param {Graph} graph @param {Set<number>} open @param {Set<number>} unfolded @returns {{ index: number, depth: number, count: number, open: boolean }[]} */
export function treeRows(graph, open, unfolded) {
	const rows = [];
	/** @type {[number, number, number][]} */
	const stack = graph.size ? [[0, 0, 1]] : [];
	while (stack.length) {
		const [index, depth, count] = /** @type {[number, number, number]} */ (stack.pop());
		const isOpen = open.has(index) && graph.children[index].length > 0;
		rows.push({ index, depth, count, open: isOpen });
		if (isOpen) for (const run of runsOf(graph, index, unfolded).reverse()) stack.push([run.first, depth + 1, run.count]);
	}
	return rows;
}

/**
 * Place every box: children in rows by what flows between them, containers around their children.
 * @param {Graph} graph @param {Set<number>} open @param {Set<number>} unfolded
 * @param {(nodes: { id: number, width: number, height: number }[], edges: [number, number][]) => Map<number, { x: number, y: number }> & { width?: number, height?: number }} arrange gives centres
 * @returns {{ boxes: Box[], edges: [number, number, boolean][] }} boxes, a container before its children; edges, and whether they go along the side
 */
export function layOut(graph, open, unfolded, arrange) {
	/** @type {Map<number, Box>} */
	const boxes = new Map();
	/** @type {[number, Run[]][]} */
	const containers = [];
	const stack = graph.size ? [0] : [];
	if (graph.size) boxes.set(0, box(0, 1, -1));
	while (stack.length) {
		const index = /** @type {number} */ (stack.pop());
		if (!open.has(index) || !graph.children[index].length) continue;
		const runs = runsOf(graph, index, unfolded);
		const shown = runs.slice(0, MOST_CHILDREN);
		const held = /** @type {Box} */ (boxes.get(index));
		held.open = true;
		held.left_out = runs.slice(MOST_CHILDREN).reduce((sum, run) => sum + run.count, 0);
		for (const run of shown) boxes.set(run.first, box(run.first, run.count, index));
		containers.push([index, shown]);
		stack.push(...shown.map((run) => run.first).reverse());
	}
	const inner = edgesBetween(graph, containers);
	/** @type {Map<number, Map<number, { x: number, y: number }>>} */
	const places = new Map();
	for (const [index, runs] of [...containers].reverse()) {
		const nodes = inOrder(graph, runs).map((run) => {
			const { width, height } = /** @type {Box} */ (boxes.get(run.first));
			return { id: run.first, width, height };
		});
		const placed = arrange(nodes, forward(graph, inner.get(index) ?? []));
		const [left, top] = [Math.min(...nodes.map((n) => at(placed, n.id).x - n.width / 2)), Math.min(...nodes.map((n) => at(placed, n.id).y - n.height / 2))];
		const [right, bottom] = [Math.max(...nodes.map((n) => at(placed, n.id).x + n.width / 2)), Math.max(...nodes.map((n) => at(placed, n.id).y + n.height / 2))];
		const held = /** @type {Box} */ (boxes.get(index));
		held.width = Math.max(BOX.width, right - left + 2 * PAD + 16);
		held.height = HEAD + bottom - top + PAD + (held.left_out ? GAP : 0);
		const shift = (held.width - (right - left)) / 2;
		places.set(index, new Map(nodes.map((n) => [n.id, { x: at(placed, n.id).x - n.width / 2 - left + shift, y: at(placed, n.id).y - n.height / 2 - top + HEAD }])));
	}
	for (const [index] of containers) {
		const held = /** @type {Box} */ (boxes.get(index));
		for (const [child, place] of places.get(index) ?? []) Object.assign(/** @type {Box} */ (boxes.get(child)), { x: held.x + place.x, y: held.y + place.y });
	}
	/** @type {[number, number, boolean][]} */
	const edges = [...inner.values()].flat().map(([a, b]) => {
		const [from, to] = [/** @type {Box} */ (boxes.get(a)), /** @type {Box} */ (boxes.get(b))];
		const room = to.y - (from.y + from.height);
		return [a, b, !(room > 0 && room < BOX.height + GAP)];
	});
	return { boxes: [...boxes.values()], edges };
}

/** @param {Map<number, { x: number, y: number }>} placed @param {number} id */
function at(placed, id) {
	return placed.get(id) ?? { x: 0, y: 0 };
}

/** @param {number} index @param {number} count @param {number} parent @returns {Box} */
function box(index, count, parent) {
	return { index, count, parent, open: false, left_out: 0, x: 0, y: 0, ...BOX };
}

/** Those that ran in the order of their first call, then the others. @param {Graph} graph @param {Run[]} runs @returns {Run[]} */
function inOrder(graph, runs) {
	const place = (/** @type {Run} */ run) => (graph.columns.order[run.first] < 0 ? Infinity : graph.columns.order[run.first]);
	return [...runs].sort((a, b) => place(a) - place(b) || a.first - b.first);
}

/** Those edges that go on in the order of the calls: what comes back must not turn the picture over. @param {Graph} graph @param {[number, number][]} edges @returns {[number, number][]} */
function forward(graph, edges) {
	const { order } = graph.columns;
	return edges.filter(([a, b]) => (order[a] < 0 && order[b] < 0 ? a < b : order[a] < order[b]));
}

/** Give the edges between the children of each open container. @param {Graph} graph @param {[number, Run[]][]} containers @returns {Map<number, [number, number][]>} */
function edgesBetween(graph, containers) {
	const { parents, edges } = graph.columns;
	/** @type {Map<number, number>} */
	const standsFor = new Map([[0, 0]]);
	/** @type {Map<number, Map<string, [number, number]>>} */
	const found = new Map();
	for (const [index, runs] of containers) {
		found.set(index, new Map());
		const firsts = new Set(runs.map((run) => run.first));
		let current = -1;
		for (const each of graph.children[index]) {
			if (firsts.has(each)) current = each;
			standsFor.set(each, current);
		}
	}
	for (let at = 0; at < edges.length; at += 2) {
		let [a, b] = [edges[at], edges[at + 1]];
		while (parents[a] !== parents[b] && a !== b) {
			if (graph.depths[a] >= graph.depths[b]) a = parents[a];
			else b = parents[b];
		}
		const [from, to, into] = [standsFor.get(a), standsFor.get(b), found.get(parents[a])];
		if (from === undefined || to === undefined || from < 0 || to < 0 || from === to || !into) continue;
		into.set(`${from} ${to}`, [from, to]);
	}
	return new Map([...found].map(([index, each]) => [index, [...each.values()]]));
}

/** Put boxes under each other, where there are too many for a finer way. @param {{ id: number, width: number, height: number }[]} nodes @returns {Map<number, { x: number, y: number }>} */
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

/** Give a number of things in three digits: 124M. @param {number} value @returns {string} */
export function count(value) {
	for (const [size, letter] of /** @type {[number, string][]} */ ([[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]))
		if (Math.abs(value) >= size) return `${Number((value / size).toPrecision(3))}${letter}`;
	return String(Number(value.toPrecision(3)));
}

/** Give bytes by 1024. @param {number} bytes @returns {string} */
export function size(bytes) {
	for (const [step, unit] of /** @type {[number, string][]} */ ([[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]]))
		if (bytes >= step) return `${Number((bytes / step).toPrecision(3))} ${unit}`;
	return `${bytes} B`;
}

/** Cut text. @param {string} text @param {number} limit @returns {string} */
export function cut(text, limit) {
	return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}
