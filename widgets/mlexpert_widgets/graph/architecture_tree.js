// @ts-check
/**
 * The tree of modules beside the diagram: the same open and closed, by keys too; only the rows in sight are in the page.
 *
 * @typedef {object} Reader what both parts of the view know and may change
 * @property {import("./architecture_core.js").Graph} graph
 * @property {import("./architecture_core.js").State} state
 * @property {string} key of the view
 * @property {() => number} chosen the selected module; -1 if none is
 * @property {(index: number) => void} select
 * @property {(index: number, on: boolean) => void} turn opens or closes a module
 * @property {(index: number) => void} unfold draws a run one by one, or as one again
 */

import { kindOf, nameOf, treeRows, typeAhead } from "./architecture_core.js";
import { make } from "../live/dom.js";
import { count } from "./architecture_facts.js";

const ROW = 24; // pixels, as in the style
const SPARE = 8; // rows above and below what is in sight
const INDENTED = 9; // levels
const TYPING_MS = 800;

/** Make the tree. @param {Reader} reader */
export function treeOf(reader) {
	const { graph, state, key } = reader;
	const el = make("div", "mlx-arch-tree");
	el.tabIndex = 0;
	el.setAttribute("role", "tree");
	el.setAttribute("aria-label", "Modules");
	const sheet = make("div");
	sheet.setAttribute("role", "presentation");
	el.append(sheet);
	let rows = treeRows(graph, state);
	let [typed, typedAt] = ["", 0];

	const sight = () => {
		const first = Math.max(0, Math.floor(el.scrollTop / ROW) - SPARE);
		const last = Math.min(rows.length, Math.ceil((el.scrollTop + el.clientHeight) / ROW) + SPARE);
		sheet.replaceChildren(...rows.slice(first, last).map((row, at) => rowOf(reader, row, first + at)));
		mark();
	};
	const mark = () => {
		for (const line of sheet.children) line.setAttribute("aria-selected", String(line.id === `${key}-${reader.chosen()}`));
		if (reader.chosen() >= 0) el.setAttribute("aria-activedescendant", `${key}-${reader.chosen()}`);
	};
	const renew = () => {
		rows = treeRows(graph, state);
		sheet.style.height = `${rows.length * ROW}px`;
		sight();
	};
	const show = (/** @type {number} */ index) => {
		const top = ROW * rows.findIndex((row) => row.index === index);
		if (top < 0) return;
		if (top < el.scrollTop) el.scrollTop = top;
		else if (top + ROW > el.scrollTop + el.clientHeight) el.scrollTop = top + ROW - el.clientHeight;
		sight();
	};
	const go = (/** @type {number} */ to) => {
		const { index } = rows[Math.max(0, Math.min(rows.length - 1, to))];
		reader.select(index);
		show(index);
	};
	const type = (/** @type {KeyboardEvent} */ event, /** @type {number} */ at) => {
		typed = event.timeStamp - typedAt > TYPING_MS ? event.key : typed + event.key;
		typedAt = event.timeStamp;
		const found = typeAhead(graph, rows, at, typed);
		if (found >= 0) go(found);
	};
	el.addEventListener("keydown", (event) => {
		if (event.ctrlKey || event.metaKey || event.altKey || !rows.length) return;
		const chosen = rows.findIndex((row) => row.index === reader.chosen());
		const act = actions(reader, rows, Math.max(0, chosen), go, chosen)[event.key];
		if (act) act();
		else if (event.key.length === 1) type(event, Math.max(0, chosen));
		else return;
		event.preventDefault();
		event.stopPropagation();
	});
	el.addEventListener("scroll", sight);
	const sizes = new ResizeObserver(sight);
	sizes.observe(el);
	return { el, renew, mark, show, close: () => sizes.disconnect() };
}

/** What the keys do. @param {Reader} reader @param {import("./architecture_core.js").Row[]} rows @param {number} at @param {(to: number) => void} go @param {number} chosen @returns {Record<string, () => void>} */
function actions(reader, rows, at, go, chosen) {
	const { index, open, count: times } = rows[at];
	const branch = reader.graph.children[index].length > 0;
	const parent = rows.findIndex((each) => each.index === reader.graph.columns.parents[index]);
	const enter = () => {
		reader.select(index);
		if (times > 1) reader.unfold(index);
		else if (branch) reader.turn(index, !open);
	};
	return {
		ArrowDown: () => go(chosen < 0 ? 0 : at + 1),
		ArrowUp: () => go(at - 1),
		PageDown: () => go(at + 15),
		PageUp: () => go(at - 15),
		Home: () => go(0),
		End: () => go(rows.length - 1),
		ArrowRight: () => (open ? go(at + 1) : branch && reader.turn(index, true)),
		ArrowLeft: () => (open ? reader.turn(index, false) : go(Math.max(0, parent))),
		Enter: enter,
		" ": enter,
	};
}

/** @param {Reader} reader @param {import("./architecture_core.js").Row} row @param {number} at */
function rowOf(reader, { index, depth, count: times, open, place, among }, at) {
	const { graph, state, key } = reader;
	const { columns } = graph;
	const branch = graph.children[index].length > 0;
	const line = make("div", "mlx-arch-row");
	line.id = `${key}-${index}`;
	line.style.top = `${at * ROW}px`;
	line.style.paddingLeft = `${6 + Math.min(depth, INDENTED) * 13}px`;
	const aria = { role: "treeitem", "aria-level": depth + 1, "aria-posinset": place, "aria-setsize": among };
	for (const [name, value] of Object.entries(aria)) line.setAttribute(name, String(value));
	if (branch) line.setAttribute("aria-expanded", String(open));
	const turner = make("span", "mlx-arch-turn", branch ? (open ? "▾" : "▸") : "");
	turner.setAttribute("aria-hidden", "true");
	turner.addEventListener("click", (event) => {
		event.stopPropagation();
		reader.turn(index, !open);
	});
	line.append(turner, make("span", "", `${columns.failed[index] ? "✕ " : ""}${nameOf(graph, index)}`));
	if (times > 1 || state.unfolded.has(index)) line.append(chip(reader, index, times));
	if (columns.names[index]) line.append(make("span", "mlx-arch-kind", kindOf(graph, index)));
	if (columns.params[index]) line.append(make("span", "mlx-number", count(columns.params[index])));
	line.addEventListener("click", () => reader.select(index));
	line.addEventListener("dblclick", () => reader.turn(index, !open));
	return line;
}

/** What unfolds a run, or folds it again. @param {Reader} reader @param {number} index @param {number} times */
function chip(reader, index, times) {
	const el = make("span", "mlx-arch-times", times > 1 ? `×${times}` : "fold");
	el.title = times > 1 ? `${times} of one structure; click to see each` : "draw as one again";
	el.addEventListener("click", (event) => {
		event.stopPropagation();
		reader.unfold(index);
	});
	return el;
}
