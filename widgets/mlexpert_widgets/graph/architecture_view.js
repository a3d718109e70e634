// @ts-check
/** The architecture in the browser: a tree and a diagram of the same modules, open and closed together. */

import dagre from "@dagrejs/dagre";
import { view } from "../live/view.js";
import { crumbs, firstState, indexOf, kindOf, MOST_CHILDREN, nameOf, pathOf, read, reveal, runsOf, search } from "./architecture_core.js";
import { diagramOf } from "./architecture_diagram.js";
import { button, make } from "../live/dom.js";
import { exports } from "./architecture_exports.js";
import { facts, KNOWN, valuesOf } from "./architecture_facts.js";
import { remembered, stacked } from "./architecture_layout.js";
import { treeOf } from "./architecture_tree.js";

const MOST_FINE = 60; // children that are laid out finely
const HINT = "Select a module for its shapes, parameters and cost; double-click or + opens it, ×N shows each of the repeats.";

/** Lay the children of one module out. @type {import("./architecture_layout.js").Arrange} */
function arrange(nodes, edges) {
	const chain = edges.length === nodes.length - 1 && edges.every(([a, b], at) => a === nodes[at].id && b === nodes[at + 1].id);
	if (chain || nodes.length > MOST_FINE || !edges.length) return stacked(nodes);
	const graph = new dagre.graphlib.Graph().setGraph({ nodesep: 22, ranksep: 26 }).setDefaultEdgeLabel(() => ({}));
	for (const { id, width, height } of nodes) graph.setNode(String(id), { width, height });
	const linked = new Set(edges.flat());
	for (const [a, b] of edges) graph.setEdge(String(a), String(b));
	for (let at = 1; at < nodes.length; at++) if (!linked.has(nodes[at].id)) graph.setEdge(String(nodes[at - 1].id), String(nodes[at].id)); // below, not beside
	dagre.layout(graph);
	return new Map(nodes.map(({ id }) => [id, graph.node(String(id))]));
}

/** @param {import("../live/view.js").Context} place @returns {() => void} */
function mount(place) {
	const { model, el } = place;
	let leave = shown(place);
	const renewed = () => {
		leave();
		delete place.memory.state;
		el.replaceChildren();
		leave = shown(place);
	};
	model.on("change:graph", renewed);
	return () => {
		model.off("change:graph", renewed);
		leave();
	};
}

/** Show one graph. @param {import("../live/view.js").Context} place @returns {() => void} */
function shown({ model, el, memory }) {
	const graph = read(model.get("graph"));
	memory.state ??= firstState(graph);
	memory.overlay ??= "";
	const { state } = memory;
	let chosen = model.get("selected") ? indexOf(graph, model.get("selected")) : -1;

	const reader = {
		graph,
		state,
		key: model.get("key"),
		chosen: () => chosen,
		select: (/** @type {number} */ index) => {
			chosen = index;
			model.set("selected", pathOf(graph, index));
			model.save_changes();
			if (!diagram.has(index)) draw();
			told();
			diagram.show(index);
		},
		turn: (/** @type {number} */ index, /** @type {boolean} */ on) => {
			if (!graph.children[index].length) return;
			state.open[on ? "add" : "delete"](index);
			draw(index);
		},
		unfold: (/** @type {number} */ index) => {
			state.unfolded[state.unfolded.has(index) ? "delete" : "add"](index);
			draw(index);
		},
	};
	const step = (/** @type {number} */ index, /** @type {number} */ by) => {
		const last = Math.max(0, runsOf(graph, index, state.unfolded).length - MOST_CHILDREN);
		state.windows.set(index, Math.max(0, Math.min(last, (state.windows.get(index) ?? 0) + by * (MOST_CHILDREN - 10))));
		draw(index);
	};
	const values = () => valuesOf(graph, model.get("overlays"), memory.overlay);
	const tree = treeOf(reader);
	const diagram = diagramOf(reader, { arrange: remembered(arrange), exact: model.get("exact"), values, memory, step });
	const way = make("nav", "mlx-arch-way");
	way.setAttribute("aria-label", "What the diagram is of");
	const legend = make("span", "mlx-arch-legend mlx-muted");
	const details = make("div", "mlx-arch-details");
	details.setAttribute("aria-live", "polite");
	const said = make("span", "mlx-muted");
	said.setAttribute("role", "status");

	const draw = (anchor = -1) => {
		tree.renew();
		const most = diagram.renew(anchor);
		const colours = values();
		legend.hidden = !colours;
		legend.replaceChildren(...(most ? [make("i"), ` up to ${colours?.told(most)}`] : ["nothing of these boxes"]));
		walk();
	};
	const told = () => {
		tree.mark();
		diagram.mark();
		details.replaceChildren(listed(facts(graph, Math.max(0, chosen), model.get("overlays"))));
		if (chosen < 0) details.append(make("p", "mlx-arch-notes", HINT));
	};
	const walk = () => {
		way.hidden = state.root === 0;
		const steps = crumbs(graph, state.root).map((index) => {
			const part = button(nameOf(graph, index), () => {
				state.root = index;
				memory.lens = null;
				draw();
				diagram.fit();
			});
			if (index === state.root) part.setAttribute("aria-current", "true");
			return part;
		});
		if (graph.depths[state.root] >= steps.length) steps.splice(1, 0, /** @type {any} */ (make("span", "mlx-muted", "…")));
		way.replaceChildren(...steps);
	};
	const find = (/** @type {number} */ index) => {
		reveal(graph, index, state);
		chosen = index;
		draw();
		told();
		tree.show(index);
		diagram.show(index);
	};
	const jump = (/** @type {number} */ index) => {
		find(index);
		model.set("selected", pathOf(graph, index));
		model.save_changes();
	};
	const elsewhere = () => {
		const path = model.get("selected");
		const index = path ? indexOf(graph, path) : Math.min(chosen, 0);
		if (index === chosen) return;
		if (index > 0) return find(index);
		chosen = index;
		told();
	};
	const [chooser, offer] = choosing(model, memory, () => draw());
	const overlaid = () => {
		offer();
		draw();
		told();
	};
	const collapse = button("Collapse", () => {
		Object.assign(state, { open: new Set([0]), unfolded: new Set(), windows: new Map(), root: 0 });
		draw();
		diagram.fit();
	});
	const bar = make("div", "mlx-strip");
	bar.append(...seeking(graph, reader.key, jump, said), chooser, legend, collapse, exports(model, () => graph, diagram.scene, diagram.extent), said);
	const body = make("div", "mlx-arch-body");
	const right = make("div", "mlx-arch-side");
	right.append(way, diagram.el);
	body.append(tree.el, right, details);
	const root = make("div", "mlx-arch");
	root.append(bar, body, make("p", "mlx-arch-notes", model.get("notes").join(" · ")));
	el.append(root);
	model.on("change:selected", elsewhere);
	model.on("change:overlays", overlaid);
	if (chosen > 0) reveal(graph, chosen, state);
	overlaid();
	return () => {
		tree.close();
		diagram.close();
		model.off("change:selected", elsewhere);
		model.off("change:overlays", overlaid);
	};
}

/** Make the field that finds modules. @param {import("./architecture_core.js").Graph} graph @param {string} key @param {(index: number) => void} jump @param {HTMLElement} said @returns {HTMLElement[]} */
function seeking(graph, key, jump, said) {
	const offered = make("datalist");
	offered.id = `${key}-found`;
	const field = /** @type {HTMLInputElement} */ (make("input"));
	Object.assign(field, { type: "search", placeholder: "Search path or class" });
	field.setAttribute("aria-label", "Search modules by path or class");
	field.setAttribute("list", offered.id);
	field.addEventListener("input", () => offered.replaceChildren(...search(graph, field.value, 20).map((each) => new Option(`${kindOf(graph, each)}`, pathOf(graph, each)))));
	/** @type {[string, number]} */
	let last = ["", -1];
	field.addEventListener("keydown", (event) => {
		if (event.key !== "Enter") return;
		const found = search(graph, field.value);
		const at = field.value === last[0] && found.length ? (last[1] + 1) % found.length : 0; // Enter again: the next one
		last = [field.value, at];
		said.textContent = found.length ? `${at + 1} of ${found.length}` : `nothing is called ${field.value}`;
		if (found.length) jump(found[at]);
	});
	return [field, offered];
}

/** Make what chooses the colours. @param {import("../live/view.js").Model} model @param {Record<string, any>} memory @param {() => void} changed @returns {[HTMLElement, () => void]} */
function choosing(model, memory, changed) {
	const chooser = /** @type {HTMLSelectElement} */ (make("select"));
	chooser.setAttribute("aria-label", "Colour the modules by");
	chooser.addEventListener("change", () => {
		memory.overlay = chooser.value;
		changed();
	});
	const offer = () => {
		const measured = model.get("overlays").map((/** @type {{ name: string }} */ each) => each.name);
		const names = [...KNOWN.filter((each) => !measured.includes(each)), ...measured];
		chooser.replaceChildren(new Option("No colours", ""), ...names.map((each) => new Option(`Colour by ${each}`, each)));
		chooser.value = memory.overlay;
	};
	return [chooser, offer];
}

/** @param {[string, string][]} told */
function listed(told) {
	const list = make("dl");
	for (const [name, value] of told) {
		const pair = make("div");
		pair.append(make("dt", "", name), make("dd", name === "failed" ? "mlx-arch-bad" : "", value));
		list.append(pair);
	}
	return list;
}

export default view(mount);
