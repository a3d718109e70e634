// @ts-check
/**
 * A graph in the browser: what is open, what is folded, what is found. Folding follows the same rules as `fold.py`.
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
 * @typedef {{ columns: Columns, children: number[][], depths: number[], groups: (number[][] | undefined)[], named: Map<number, Map<string, number>>, size: number }} Graph
 * @typedef {{ first: number, count: number }} Run
 * @typedef {{ index: number, depth: number, count: number, open: boolean, place: number, among: number }} Row
 *
 * @typedef {object} State what a reader has changed
 * @property {Set<number>} open
 * @property {Set<number>} unfolded first modules of runs that are drawn one by one
 * @property {Map<number, number>} windows which run of a module is the first to be drawn, where there are too many
 * @property {number} root the module that the diagram is of
 */

const LEAST_LEAVES = 3;
const DEEPEST = 7;
const MOST_LEVELS = 12; // inside each other that are still read
const LEVELS_ABOVE = 3; // around a module that lies deeper
const PARTS = 40; // of a path that are searched
export const MOST_CHILDREN = 150;

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
	return { columns, children, depths, groups: new Array(size), named: new Map(), size };
}

/** Choose what is open at first: level by level, as long as there are few boxes. @param {Graph} graph @param {number} [limit] @returns {State} */
export function firstState(graph, limit = 28) {
	const state = { open: new Set(graph.size ? [0] : []), unfolded: new Set(), windows: new Map(), root: 0 };
	const waiting = graph.size ? [0] : [];
	for (let at = 0, boxes = 1; at < waiting.length; at++) {
		const index = waiting[at];
		const runs = runsOf(graph, index, state.unfolded);
		if (!runs.length || graph.depths[index] > DEEPEST || (index && boxes + runs.length > limit)) continue;
		state.open.add(index);
		boxes += runs.length;
		waiting.push(...runs.slice(0, MOST_CHILDREN).map((run) => run.first));
	}
	return state;
}

/** Give the path of a module, as in named_modules(). @param {Graph} graph @param {number} index @param {number} [parts] how many of its end @returns {string} */
export function pathOf(graph, index, parts = Infinity) {
	const names = [];
	for (let at = index; at > 0 && names.length < parts; at = graph.columns.parents[at]) names.push(graph.columns.names[at]);
	return names.reverse().join(".");
}

/** Find a module by its path; -1 if there is none. @param {Graph} graph @param {string} path @returns {number} */
export function indexOf(graph, path) {
	if (!path) return 0;
	let at = 0;
	for (const name of path.split(".")) {
		let named = graph.named.get(at);
		if (!named) graph.named.set(at, (named = new Map(graph.children[at].map((each) => [graph.columns.names[each], each]))));
		const next = named.get(name);
		if (next === undefined) return -1;
		at = next;
	}
	return at;
}

/** Give what a module is called: its name, or its class. @param {Graph} graph @param {number} index @returns {string} */
export function nameOf(graph, index) {
	return graph.columns.names[index] || kindOf(graph, index);
}

/** Give the class of a module. @param {Graph} graph @param {number} index @returns {string} */
export function kindOf(graph, index) {
	return graph.columns.texts[graph.columns.kinds[index]];
}

/** Put neighbours of one structure together, once for each module. @param {Graph} graph @param {number} index @returns {number[][]} */
function groupsOf(graph, index) {
	const known = graph.groups[index];
	if (known) return known;
	/** @type {number[][]} */
	const groups = [];
	const { names, signatures } = graph.columns;
	for (const each of graph.children[index]) {
		const last = groups.at(-1);
		if (last && signatures[last[0]] === signatures[each] && /^\d+$/.test(names[each])) last.push(each);
		else groups.push([each]);
	}
	return (graph.groups[index] = groups);
}

/** Fold neighbours of one structure. @param {Graph} graph @param {number} index @param {Set<number>} unfolded @returns {Run[]} */
export function runsOf(graph, index, unfolded) {
	/** @type {Run[]} */
	const runs = [];
	for (const group of groupsOf(graph, index)) {
		const least = graph.children[group[0]].length ? 2 : LEAST_LEAVES;
		if (group.length >= least && !unfolded.has(group[0])) runs.push({ first: group[0], count: group.length });
		else for (const first of group) runs.push({ first, count: 1 });
	}
	return runs;
}

/** Give the modules that a box stands for. @param {Graph} graph @param {number} first @param {number} count @returns {number[]} */
export function membersOf(graph, first, count) {
	if (count === 1) return [first];
	const siblings = graph.children[graph.columns.parents[first]];
	const from = siblings.indexOf(first);
	return siblings.slice(from, from + count);
}

/** Find modules by path or class; best first. @param {Graph} graph @param {string} query @param {number} [limit] @returns {number[]} */
export function search(graph, query, limit = 50) {
	const wanted = query.trim().toLowerCase();
	if (!wanted) return [];
	const exact = indexOf(graph, query.trim());
	/** @type {[number, number][]} */
	const found = exact > 0 ? [[0, exact]] : [];
	for (let at = 0; at < graph.size && found.length < 2000; at++) {
		if (at === exact) continue;
		const path = pathOf(graph, at, PARTS).toLowerCase();
		const rank = path.startsWith(wanted) ? 1 : path.includes(wanted) ? 2 : kindOf(graph, at).toLowerCase().includes(wanted) ? 3 : -1;
		if (rank >= 0) found.push([rank, at]);
	}
	found.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
	return found.slice(0, limit).map((each) => each[1]);
}

/** Open what a module is in, so that it is drawn. @param {Graph} graph @param {number} index @param {State} state */
export function reveal(graph, index, state) {
	for (let at = index; at > 0; at = graph.columns.parents[at]) {
		const parent = graph.columns.parents[at];
		state.open.add(parent);
		const group = groupsOf(graph, parent).find((each) => each[0] <= at && at <= /** @type {number} */ (each.at(-1)));
		if (group && group[0] !== at) state.unfolded.add(group[0]);
		const place = runsOf(graph, parent, state.unfolded).findIndex((run) => run.first === at);
		const from = state.windows.get(parent) ?? 0;
		if (place < from || place >= from + MOST_CHILDREN) state.windows.set(parent, Math.max(0, place - MOST_CHILDREN / 2));
	}
	look(graph, index, state);
}

/** Have the diagram be of a module near one that lies deep, or of the model. @param {Graph} graph @param {number} index @param {State} state */
function look(graph, index, state) {
	const [inside, levels] = above(graph, index, state.root);
	if (inside && levels <= MOST_LEVELS) return;
	state.root = 0;
	if (graph.depths[index] <= MOST_LEVELS) return;
	state.root = index;
	for (let up = 0; up < LEVELS_ABOVE; up++) state.root = graph.columns.parents[state.root];
}

/** Tell whether a module is in another, and how many levels. @param {Graph} graph @param {number} index @param {number} root @returns {[boolean, number]} */
function above(graph, index, root) {
	let at = index;
	while (graph.depths[at] > graph.depths[root]) at = graph.columns.parents[at];
	return [at === root, graph.depths[index] - graph.depths[root]];
}

/** List the modules that the diagram's module is in, the model first; the middle of a long way is left out. @param {Graph} graph @param {number} root @returns {number[]} */
export function crumbs(graph, root) {
	const way = [];
	for (let at = root; at > 0 && way.length < 4; at = graph.columns.parents[at]) way.push(at);
	return [0, ...way.reverse()];
}

/** List the rows of the tree that are to be seen. @param {Graph} graph @param {State} state @returns {Row[]} */
export function treeRows(graph, state) {
	/** @type {Row[]} */
	const rows = [];
	/** @type {Row[]} */
	const stack = graph.size ? [{ index: 0, depth: 0, count: 1, open: false, place: 1, among: 1 }] : [];
	while (stack.length) {
		const row = /** @type {Row} */ (stack.pop());
		row.open = state.open.has(row.index) && graph.children[row.index].length > 0;
		rows.push(row);
		if (!row.open) continue;
		const runs = runsOf(graph, row.index, state.unfolded);
		for (let at = runs.length - 1; at >= 0; at--)
			stack.push({ index: runs[at].first, depth: row.depth + 1, count: runs[at].count, open: false, place: at + 1, among: runs.length });
	}
	return rows;
}

/** Find the next row whose name starts with some letters. @param {Graph} graph @param {Row[]} rows @param {number} at @param {string} typed @returns {number} */
export function typeAhead(graph, rows, at, typed) {
	const wanted = typed.toLowerCase();
	const from = typed.length > 1 ? at : at + 1; // one more letter may still fit where one is
	for (let step = 0; step < rows.length; step++) {
		const place = (from + step) % rows.length;
		if (nameOf(graph, rows[place].index).toLowerCase().startsWith(wanted)) return place;
	}
	return -1;
}
