// @ts-check
/** The diagram: boxes in boxes, arrows for what flows, tied weights, colours for what is measured; drawn anew when something opens. */

import { kindOf, nameOf, pathOf } from "./architecture_core.js";
import { draw, make } from "../live/dom.js";
import { count as short, cut, total } from "./architecture_facts.js";
import { flowOf, layOut, lineOf, tieOf } from "./architecture_layout.js";
import { lensOf } from "./architecture_lens.js";

const LETTER = 6.6; // pixels of one in a box
const WIDE = 360; // an open box with room for its shape
const PALE = 0.08; // of the smallest value
const DEEP = 0.6; // what the greatest value adds

/**
 * Make the diagram.
 * @param {import("./architecture_tree.js").Reader} reader
 * @param {object} of
 * @param {import("./architecture_layout.js").Arrange} of.arrange
 * @param {boolean} of.exact whether the arrows are what flowed
 * @param {() => import("./architecture_facts.js").Values | null} of.values what the boxes are coloured by
 * @param {Record<string, any>} of.memory
 * @param {(index: number, by: number) => void} of.step shows other children of a module
 */
export function diagramOf(reader, { arrange, exact, values, memory, step }) {
	const { graph, state, key } = reader;
	const flow = flowOf(graph);
	const el = make("div", "mlx-arch-picture");
	const svg = /** @type {SVGSVGElement} */ (draw("svg", { tabindex: 0, role: "img", "aria-label": "Diagram of the modules; the tree beside it says the same" }));
	const scene = draw("g");
	svg.append(arrowhead(key), scene);
	el.append(svg);
	/** @type {Map<number, import("./architecture_layout.js").Box>} */
	let boxes = new Map();
	const lens = lensOf(el, svg, scene, memory, () => extent());
	const extent = () => {
		const whole = boxes.get(state.root);
		return { width: whole?.width ?? 1, height: whole?.height ?? 1 };
	};
	/** Draw; a box that has just been turned stays where it is. @param {number} [anchor] @returns {number} the greatest value */
	const renew = (anchor = -1) => {
		const before = boxes.get(anchor);
		const laid = layOut(graph, flow, state, arrange, reader.chosen());
		boxes = laid.boxes;
		const shown = values();
		const amounts = new Map([...boxes.values()].map((box) => [box.index, shown && !box.open ? total(graph, shown, box.index, box.count) : undefined]));
		const most = Math.max(0, ...[...amounts.values()].map((each) => each ?? 0));
		scene.replaceChildren(
			...[...boxes.values()].map((box) => boxOf(reader, box, shown, { amount: amounts.get(box.index), most })),
			...laid.edges.map((edge) => draw("path", { d: lineOf(edge), class: `mlx-arch-edge${exact ? "" : " mlx-arch-guessed"}`, "marker-end": `url(#${key}-arrow)` })),
			...ties(graph, boxes, state.root),
		);
		mark();
		const after = boxes.get(anchor);
		lens.keep(before, after);
		return most;
	};
	const mark = () => {
		for (const group of scene.querySelectorAll(".mlx-arch-box")) group.classList.toggle("mlx-arch-selected", Number(/** @type {SVGElement} */ (group).dataset.index) === reader.chosen());
	};
	scene.addEventListener("click", (event) => {
		const target = /** @type {Element} */ (event.target);
		const group = /** @type {SVGElement | null} */ (target.closest(".mlx-arch-box"));
		if (!group || lens.moved()) return;
		const index = Number(group.dataset.index);
		const act = /** @type {SVGElement | null} */ (target.closest("[data-act]"))?.dataset.act;
		if (act === "turn") reader.turn(index, !boxes.get(index)?.open);
		else if (act === "unfold") reader.unfold(index);
		else if (act === "before" || act === "after") step(index, act === "after" ? 1 : -1);
		else reader.select(index);
	});
	scene.addEventListener("dblclick", (event) => {
		const target = /** @type {Element} */ (event.target);
		const group = /** @type {SVGElement | null} */ (target.closest(".mlx-arch-box"));
		if (group && !target.closest("[data-act]")) reader.turn(Number(group.dataset.index), !boxes.get(Number(group.dataset.index))?.open);
	});
	return { el, scene, extent, renew, mark, fit: lens.fit, has: (/** @type {number} */ index) => boxes.has(index), show: (/** @type {number} */ index) => lens.show(boxes.get(index)), close: lens.close };
}

/** @param {import("./architecture_tree.js").Reader} reader @param {import("./architecture_layout.js").Box} box @param {import("./architecture_facts.js").Values | null} shown @param {{ amount: number | undefined, most: number }} measured */
function boxOf({ graph, state }, box, shown, { amount, most }) {
	const { index, x, y, width, height } = box;
	const { columns } = graph;
	const failed = columns.failed[index];
	const idle = columns.order[index] < 0 && columns.order[0] >= 0;
	const group = draw("g", { class: `mlx-arch-box${idle ? " mlx-arch-idle" : ""}${failed ? " mlx-arch-failed" : ""}`, "data-index": index });
	group.append(draw("title", {}, `${pathOf(graph, index, 12) || nameOf(graph, index)}${failed ? `: ${failed}` : ""}`), draw("rect", { x, y, width, height, rx: 6 }));
	if (amount) group.append(draw("rect", { x, y, width, height, rx: 6, class: "mlx-arch-tone", style: `fill-opacity:${(PALE + (DEEP * amount) / (most || 1)).toFixed(3)}` }));
	const heading = draw("text", { x: x + 10, y: y + 18 });
	const room = Math.floor((width - 56) / LETTER);
	const name = cut(nameOf(graph, index), room - 4);
	heading.append(draw("tspan", { class: "mlx-arch-strong" }, name));
	const times = box.count > 1 ? ` ×${box.count}` : state.unfolded.has(index) ? " fold" : "";
	if (times) heading.append(draw("tspan", { class: "mlx-arch-times", "data-act": "unfold" }, times));
	const left = room - name.length - times.length - 1;
	if (columns.names[index] && left > 3) heading.append(draw("tspan", { class: "mlx-arch-small" }, ` ${cut(kindOf(graph, index), left)}`));
	group.append(heading);
	const told = shown && amount !== undefined ? `${shown.told(amount)}${box.count > 1 ? " in all" : ""}` : saidOf(graph, index, idle);
	if (box.open && width > WIDE) group.append(draw("text", { x: x + width - 32, y: y + 18, "text-anchor": "end", class: "mlx-arch-small" }, cut(told, 28)));
	if (!box.open) group.append(draw("text", { x: x + 10, y: y + 34, class: "mlx-arch-small" }, cut(failed ? `✕ ${failed}` : told, Math.floor((width - 22) / (LETTER - 0.4)))));
	if (graph.children[index].length) group.append(...turner(box));
	for (const [act, number, at] of /** @type {[string, number, number][]} */ ([["before", box.before, y + 40], ["after", box.after, y + height - 12]]))
		if (number) group.append(draw("text", { x: x + width / 2, y: at, "text-anchor": "middle", class: "mlx-arch-small mlx-arch-more", "data-act": act }, `… ${number.toLocaleString("en")} ${act === "before" ? "before" : "more"}`));
	return group;
}

/** What stands in a box: the output, the parameters, and whether they are tied. @param {import("./architecture_core.js").Graph} graph @param {number} index @param {boolean} idle */
function saidOf({ columns }, index, idle) {
	const output = columns.texts[columns.outputs[index]].split(" ")[0].replace(/,$/, "");
	const words = [output, columns.params[index] ? short(columns.params[index]) : "", columns.tied[index] ? "tied" : "", idle ? "not called" : ""];
	return words.filter(Boolean).join(" · ");
}

/** The sign that opens or closes a box. @param {import("./architecture_layout.js").Box} box */
function turner({ x, y, width, open }) {
	const [left, top] = [x + width - 26, y + 6];
	const sign = draw("path", { d: `M${left + 5} ${top + 9}h8${open ? "" : `M${left + 9} ${top + 5}v8`}`, class: "mlx-arch-sign" });
	const button = draw("rect", { x: left, y: top, width: 18, height: 18, rx: 4, class: "mlx-arch-button", "data-act": "turn" });
	button.append(draw("title", {}, open ? "Close" : "Open"));
	return [button, sign];
}

/** Tied weights, where both ends are drawn. @param {import("./architecture_core.js").Graph} graph @param {Map<number, import("./architecture_layout.js").Box>} boxes @param {number} root */
function ties(graph, boxes, root) {
	const whole = boxes.get(root);
	const byPath = new Map([...boxes.keys()].map((index) => [pathOf(graph, index), index]));
	return Object.entries(graph.columns.tied).flatMap(([index, told]) => {
		const [a, b] = [boxes.get(Number(index)), boxes.get(byPath.get(told.split(" with ").at(-1) ?? "") ?? -1)];
		if (!a || !b || !whole) return [];
		const line = draw("path", { d: tieOf(whole, a, b), class: "mlx-arch-tie" });
		line.append(draw("title", {}, `tied: ${told}`));
		return [line];
	});
}

/** @param {string} key */
function arrowhead(key) {
	const defs = draw("defs");
	const marker = draw("marker", { id: `${key}-arrow`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" });
	marker.append(draw("path", { d: "M0 0L8 4L0 8z", class: "mlx-arch-head" }));
	defs.append(marker);
	return defs;
}
