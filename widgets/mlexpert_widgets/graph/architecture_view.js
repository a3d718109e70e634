// @ts-check
/** The architecture in the browser: a tree and a diagram of the same modules, both open and closed together. */

import dagre from "@dagrejs/dagre";
import { view } from "../live/view.js";
import { cut, firstOpen, indexOf, layOut, pathOf, read, reveal, runsOf, search, size, stacked, count, treeRows } from "./architecture_core.js";
import { exports } from "./architecture_exports.js";

const SVG = "http://www.w3.org/2000/svg";
const ROW = 24;
const MOST_FINE = 90; // children that are laid out finely
const MOST_BOXES = 500;
const PLAIN = ["parameters", "FLOPs", "activations"];

/** @param {string} tag @param {string} name @param {string} [text] @returns {HTMLElement} */
function make(tag, name, text = "") {
	const el = document.createElement(tag);
	if (name) el.className = name;
	el.textContent = text;
	return el;
}

/** @param {string} tag @param {Record<string, string | number>} attributes @param {string} [text] @returns {SVGElement} */
function draw(tag, attributes, text = "") {
	const el = document.createElementNS(SVG, tag);
	for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, String(value));
	el.textContent = text;
	return el;
}

/** @param {string} text @param {() => void} pressed @param {string} [title] @returns {HTMLButtonElement} */
function button(text, pressed, title = "") {
	const el = /** @type {HTMLButtonElement} */ (make("button", "", text));
	el.type = "button";
	if (title) {
		el.title = title;
		el.setAttribute("aria-label", title);
	}
	el.addEventListener("click", pressed);
	return el;
}

/** Lay the children of one module out. @param {{ id: number, width: number, height: number }[]} nodes @param {[number, number][]} edges */
function arrange(nodes, edges) {
	if (nodes.length > MOST_FINE || !edges.length) return stacked(nodes);
	const graph = new dagre.graphlib.Graph().setGraph({ nodesep: 22, ranksep: 26 }).setDefaultEdgeLabel(() => ({}));
	for (const { id, width, height } of nodes) graph.setNode(String(id), { width, height });
	const linked = new Set(edges.flat());
	let last = nodes.find((node) => linked.has(node.id));
	for (const [a, b] of edges) graph.setEdge(String(a), String(b));
	for (const node of nodes) {
		if (!linked.has(node.id) && last && node !== last) graph.setEdge(String(last.id), String(node.id)); // below, not beside
		if (!linked.has(node.id)) last = node;
	}
	dagre.layout(graph);
	return new Map(nodes.map(({ id }) => [id, graph.node(String(id))]));
}

/** @param {import("../live/view.js").Context} place @returns {() => void} */
function mount({ model, el, memory }) {
	let graph = read(model.get("graph"));
	const { columns } = graph;
	memory.open ??= firstOpen(graph);
	memory.unfolded ??= new Set();
	memory.overlay ??= "";
	/** @type {{ x: number, y: number, k: number } | null} */
	let lens = memory.lens ?? null;
	let extent = { width: 1, height: 1 };
	/** @type {Map<number, import("./architecture_core.js").Box>} */
	let drawn = new Map();
	let chosen = indexOf(graph, model.get("selected"));
	if (!model.get("selected")) chosen = -1;

	const root = make("div", "mlx-arch");
	const bar = make("div", "mlx-strip");
	const body = make("div", "mlx-arch-body");
	const tree = make("div", "mlx-arch-tree");
	const picture = make("div", "mlx-arch-picture");
	const details = make("div", "mlx-arch-details");
	details.setAttribute("aria-live", "polite");
	const svg = /** @type {SVGSVGElement} */ (draw("svg", { tabindex: 0, role: "img" }));
	const scene = draw("g", {});
	svg.append(arrowhead(), scene);
	picture.append(svg);
	body.append(tree, picture, details);
	root.append(bar, body);
	el.append(root);
	tree.tabIndex = 0;
	tree.setAttribute("role", "tree");
	tree.setAttribute("aria-label", "Modules");

	const select = (/** @type {number} */ index, tell = true) => {
		chosen = index;
		if (tell) {
			model.set("selected", pathOf(graph, index));
			model.save_changes();
		}
		drawTree();
		mark();
		tellDetails();
	};
	const turn = (/** @type {number} */ index, /** @type {boolean} */ on) => {
		if (!graph.children[index].length) return;
		if (on) memory.open.add(index);
		else memory.open.delete(index);
		drawAll();
	};
	const unfold = (/** @type {number} */ index) => {
		memory.unfolded.add(index);
		drawAll();
	};
	const find = (/** @type {number} */ index) => {
		reveal(graph, index, memory.open, memory.unfolded);
		lens = null;
		drawAll();
		select(index);
		scrollTo(index);
		centre(index);
	};

	// the tree: only the rows that are to be seen are in the page
	/** @type {ReturnType<typeof treeRows>} */
	let rows = [];
	const sheet = make("div", "");
	tree.append(sheet);
	const drawTree = () => {
		sheet.style.height = `${rows.length * ROW}px`;
		const first = Math.max(0, Math.floor(tree.scrollTop / ROW) - 5);
		const last = Math.min(rows.length, first + Math.ceil((tree.clientHeight || 440) / ROW) + 10);
		sheet.replaceChildren(
			...rows.slice(first, last).map((row, at) => {
				const { index } = row;
				const line = make("div", "mlx-arch-row");
				line.id = `${model.get("key")}-${index}`;
				line.style.top = `${(first + at) * ROW}px`;
				line.style.paddingLeft = `${6 + row.depth * 13}px`;
				line.setAttribute("role", "treeitem");
				line.setAttribute("aria-level", String(row.depth + 1));
				line.setAttribute("aria-selected", String(index === chosen));
				const branch = graph.children[index].length > 0;
				if (branch) line.setAttribute("aria-expanded", String(row.open));
				const turner = make("span", "mlx-arch-turn", branch ? (row.open ? "▾" : "▸") : "");
				const failed = columns.failed[index] ? "✕ " : "";
				const name = make("span", "", `${failed}${columns.names[index] || columns.texts[columns.kinds[index]]}${row.count > 1 ? ` ×${row.count}` : ""}`);
				const kind = make("span", "mlx-arch-kind", columns.names[index] ? columns.texts[columns.kinds[index]] : "");
				line.append(turner, name, kind, make("span", "mlx-number", columns.params[index] ? count(columns.params[index]) : ""));
				turner.addEventListener("click", (event) => {
					event.stopPropagation();
					turn(index, !row.open);
				});
				line.addEventListener("click", () => select(index));
				line.addEventListener("dblclick", () => (row.count > 1 ? unfold(index) : turn(index, !row.open)));
				return line;
			}),
		);
		tree.setAttribute("aria-activedescendant", chosen >= 0 ? `${model.get("key")}-${chosen}` : "");
	};
	const scrollTo = (/** @type {number} */ index) => {
		const at = rows.findIndex((row) => row.index === index);
		if (at < 0) return;
		if (at * ROW < tree.scrollTop) tree.scrollTop = at * ROW;
		if ((at + 1) * ROW > tree.scrollTop + tree.clientHeight) tree.scrollTop = (at + 1) * ROW - tree.clientHeight;
	};
	let typed = "";
	let typedAt = 0;
	const key = (/** @type {KeyboardEvent} */ event) => {
		const at = Math.max(0, rows.findIndex((row) => row.index === chosen));
		const row = rows[at];
		if (!row) return;
		const go = (/** @type {number} */ to) => {
			const next = rows[Math.max(0, Math.min(rows.length - 1, to))];
			select(next.index);
			scrollTo(next.index);
			drawTree();
		};
		const keys = {
			ArrowDown: () => go(at + (chosen < 0 ? 0 : 1)),
			ArrowUp: () => go(at - 1),
			Home: () => go(0),
			End: () => go(rows.length - 1),
			ArrowRight: () => (row.count > 1 && row.open ? unfold(row.index) : row.open ? go(at + 1) : turn(row.index, true)),
			ArrowLeft: () => (row.open ? turn(row.index, false) : go(rows.findIndex((each) => each.index === columns.parents[row.index]))),
			Enter: () => (row.count > 1 ? unfold(row.index) : turn(row.index, !row.open)),
		};
		const act = keys[/** @type {keyof typeof keys} */ (event.key)];
		if (act) act();
		else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
			typed = event.timeStamp - typedAt > 800 ? event.key : typed + event.key;
			typedAt = event.timeStamp;
			const order = [...rows.slice(at + (typed.length > 1 ? 0 : 1)), ...rows.slice(0, at + 1)];
			const hit = order.find((each) => (columns.names[each.index] || "").toLowerCase().startsWith(typed.toLowerCase()));
			if (hit) go(rows.indexOf(hit));
		} else return;
		event.preventDefault();
		event.stopPropagation();
	};
	tree.addEventListener("keydown", key);
	tree.addEventListener("scroll", drawTree);

	// the diagram
	const values = () => overlayValues(model.get("overlays"), memory.overlay, graph);
	const drawPicture = () => {
		const { boxes, edges } = layOut(graph, memory.open, memory.unfolded, arrange);
		if (boxes.length > MOST_BOXES) {
			said.textContent = `${boxes.length} boxes are too many to draw; close some`;
			return;
		}
		said.textContent = "";
		const shown = values();
		const most = Math.max(...boxes.filter((box) => !box.open).map((box) => shown?.of(box.index) ?? 0), 0);
		const places = new Map(boxes.map((box) => [box.index, box]));
		drawn = places;
		extent = boxes[0] ? { width: boxes[0].width, height: boxes[0].height } : extent;
		scene.replaceChildren(
			...boxes.map((box) => boxOf(box, shown, most)),
			...edges.map(([a, b, side]) => edge(places.get(a), places.get(b), side)),
			...ties(places),
		);
		mark();
		look();
	};
	/** @param {import("./architecture_core.js").Box} box @param {any} shown @param {number} most */
	const boxOf = (box, shown, most) => {
		const { index, x, y, width, height } = box;
		const idle = columns.order[index] < 0 && columns.order[0] >= 0;
		const failed = columns.failed[index];
		const group = draw("g", { class: `mlx-arch-box${idle ? " mlx-arch-idle" : ""}${failed ? " mlx-arch-failed" : ""}`, "data-index": index });
		const name = columns.names[index] || columns.texts[columns.kinds[index]];
		const kind = columns.names[index] ? columns.texts[columns.kinds[index]] : "";
		const parts = [draw("title", {}, `${pathOf(graph, index) || name}${failed ? `: ${failed}` : ""}`), draw("rect", { x, y, width, height, rx: 6 })];
		const value = shown?.of(index);
		if (shown && !box.open && value > 0) {
			const tone = draw("rect", { x, y, width, height, rx: 6, class: "mlx-arch-tone", "fill-opacity": (0.08 + 0.6 * (value / (most || 1))).toFixed(3) });
			parts.push(tone);
		}
		const heading = draw("text", { x: x + 10, y: y + 18 });
		const strong = draw("tspan", { class: "mlx-arch-strong" }, `${cut(name, 20)}${box.count > 1 ? ` ×${box.count}` : ""} `);
		heading.append(strong, draw("tspan", { class: "mlx-arch-small" }, cut(kind, 20)));
		parts.push(heading);
		const told = failed
			? `✕ ${failed}`
			: shown && value !== undefined
				? shown.told(value)
				: [columns.texts[columns.outputs[index]].split(" ")[0], columns.params[index] ? count(columns.params[index]) : ""].filter(Boolean).join(" · ");
		const small = box.open ? { x: x + width - 10, y: y + 18, "text-anchor": "end" } : { x: x + 10, y: y + 34 };
		if (!box.open || width > 340) parts.push(draw("text", { ...small, class: "mlx-arch-small" }, cut(told, box.open ? 24 : 32)));
		if (box.left_out) parts.push(draw("text", { x: x + width / 2, y: y + height - 14, "text-anchor": "middle", class: "mlx-arch-small" }, `… ${box.left_out} more`));
		group.append(...parts);
		group.addEventListener("click", (event) => {
			if (moved) return;
			event.stopPropagation();
			select(index);
			scrollTo(index);
		});
		group.addEventListener("dblclick", (event) => {
			event.stopPropagation();
			if (box.count > 1 && box.open) unfold(index);
			else turn(index, !box.open);
		});
		return group;
	};
	/** @param {any} from @param {any} to @param {boolean} side */
	const edge = (from, to, side) => {
		const dashed = model.get("exact") ? {} : { "stroke-dasharray": "5 4" };
		const [x1, y1, x2, y2] = [from.x + from.width / 2, from.y + from.height, to.x + to.width / 2, to.y];
		let path = `M${x1} ${y1}C${x1} ${(y1 + y2) / 2} ${x2} ${(y1 + y2) / 2} ${x2} ${y2}`;
		if (side) {
			const right = Math.max(from.x + from.width, to.x + to.width) + 18;
			path = `M${from.x + from.width} ${from.y + from.height - 8}C${right} ${from.y + from.height - 8} ${right} ${to.y + 8} ${to.x + to.width} ${to.y + 8}`;
		}
		return draw("path", { d: path, class: "mlx-arch-edge", "marker-end": `url(#${model.get("key")}-arrow)`, ...dashed });
	};
	/** Tied weights, where both ends are drawn. @param {Map<number, any>} places */
	const ties = (places) =>
		Object.entries(columns.tied).flatMap(([index, told]) => {
			const other = indexOf(graph, told.split(" with ").at(-1) ?? "");
			const [a, b] = [places.get(Number(index)), places.get(other)];
			if (!a || !b) return [];
			const left = Math.min(a.x, b.x) - 16;
			const path = `M${a.x} ${a.y + 12}C${left} ${a.y + 12} ${left} ${b.y + 30} ${b.x} ${b.y + 30}`;
			const line = draw("path", { d: path, class: "mlx-arch-tie" });
			line.append(draw("title", {}, `tied: ${told}`));
			return [line];
		});
	const mark = () => {
		for (const group of scene.querySelectorAll(".mlx-arch-box")) group.classList.toggle("mlx-arch-selected", Number(/** @type {SVGElement} */ (group).dataset.index) === chosen);
	};

	// the lens: where the diagram is looked at
	const fit = () => {
		const { clientWidth, clientHeight } = picture;
		if (!clientWidth) return;
		const k = Math.min(1.1, Math.max(0.6, Math.min((clientWidth - 24) / extent.width, (clientHeight - 24) / extent.height))); // small text is not read
		lens = { k, x: Math.max(12, (clientWidth - extent.width * k) / 2), y: 12 };
		look();
	};
	const look = () => {
		if (!lens) return fit();
		memory.lens = lens;
		scene.setAttribute("transform", `translate(${lens.x} ${lens.y}) scale(${lens.k})`);
	};
	/** Look at one module. @param {number} index */
	const centre = (index) => {
		const box = drawn.get(index);
		if (!box || !lens) return;
		const { clientWidth, clientHeight } = picture;
		lens = { ...lens, x: clientWidth / 2 - (box.x + box.width / 2) * lens.k, y: clientHeight / 2 - (box.y + box.height / 2) * lens.k };
		look();
	};
	const zoom = (/** @type {number} */ factor, x = picture.clientWidth / 2, y = picture.clientHeight / 2) => {
		if (!lens) return;
		const k = Math.min(4, Math.max(0.05, lens.k * factor));
		lens = { k, x: x - ((x - lens.x) * k) / lens.k, y: y - ((y - lens.y) * k) / lens.k };
		look();
	};
	let moved = false;
	/** @type {{ x: number, y: number } | null} */
	let held = null;
	svg.addEventListener("pointerdown", (event) => {
		held = { x: event.clientX, y: event.clientY };
		moved = false;
	});
	svg.addEventListener("pointermove", (event) => {
		if (!held || !lens) return;
		const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
		if (!moved && Math.hypot(dx, dy) < 4) return;
		if (!moved) svg.setPointerCapture(event.pointerId);
		moved = true;
		lens = { ...lens, x: lens.x + dx, y: lens.y + dy };
		held = { x: event.clientX, y: event.clientY };
		look();
	});
	svg.addEventListener("pointerup", () => (held = null));
	svg.addEventListener("pointercancel", () => (held = null));
	svg.addEventListener("wheel", (event) => {
		if (!event.ctrlKey && !event.metaKey && document.activeElement !== svg) return; // the page scrolls on
		event.preventDefault();
		const { left, top } = svg.getBoundingClientRect();
		zoom(Math.exp(-event.deltaY / 400), event.clientX - left, event.clientY - top);
	}, { passive: false });
	svg.addEventListener("keydown", (event) => {
		const keys = { "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: fit };
		const act = keys[/** @type {keyof typeof keys} */ (event.key)];
		if (!act) return;
		act();
		event.preventDefault();
	});
	const lenses = make("div", "mlx-arch-zoom");
	lenses.append(button("+", () => zoom(1.25), "Zoom in"), button("−", () => zoom(0.8), "Zoom out"), button("Fit", fit, "Fit the diagram"));
	picture.append(lenses);

	// what is known of the selected module
	const tellDetails = () => {
		if (chosen < 0 || chosen >= graph.size) {
			const hint = "Select a module for its shapes, parameters and cost; double-click opens it, and unfolds ×N.";
			details.replaceChildren(make("p", "mlx-arch-notes", hint));
			return;
		}
		const list = make("dl", "");
		for (const [name, value] of facts(graph, chosen, model.get("overlays"))) {
			const pair = make("div", "");
			pair.append(make("dt", "", name), make("dd", name === "failed" ? "mlx-arch-bad" : "", value));
			list.append(pair);
		}
		details.replaceChildren(list);
	};

	// the bar
	const found = make("datalist", "");
	found.id = `${model.get("key")}-found`;
	const seek = /** @type {HTMLInputElement} */ (make("input", ""));
	Object.assign(seek, { type: "search", placeholder: "Search path or class" });
	seek.setAttribute("aria-label", "Search modules");
	seek.setAttribute("list", found.id);
	seek.addEventListener("input", () => found.replaceChildren(...search(graph, seek.value, 20).map((each) => new Option(pathOf(graph, each)))));
	seek.addEventListener("keydown", (event) => {
		if (event.key !== "Enter") return;
		const [first] = search(graph, seek.value);
		if (first === undefined) said.textContent = `nothing is called ${seek.value}`;
		else find(first);
	});
	const chooser = /** @type {HTMLSelectElement} */ (make("select", ""));
	chooser.setAttribute("aria-label", "Colour the modules by");
	chooser.addEventListener("change", () => {
		memory.overlay = chooser.value;
		drawPicture();
	});
	const said = make("span", "mlx-muted");
	said.setAttribute("role", "status");
	const closing = button("Collapse", () => {
		memory.open = new Set([0]);
		memory.unfolded = new Set();
		lens = null;
		drawAll();
	});
	bar.append(seek, found, chooser, closing, exports(model, () => graph, scene, () => extent), said);
	const offer = () => {
		const names = [...PLAIN, ...model.get("overlays").map((/** @type {any} */ each) => each.name)];
		chooser.replaceChildren(new Option("plain", "", true, !memory.overlay), ...names.map((each) => new Option(`by ${each}`, each, false, each === memory.overlay)));
		drawPicture();
		tellDetails();
	};
	const notes = make("p", "mlx-arch-notes", [...model.get("notes")].join(" · "));
	root.append(notes);

	const drawAll = () => {
		rows = treeRows(graph, memory.open, memory.unfolded);
		drawTree();
		drawPicture();
	};
	const elsewhere = () => {
		const path = model.get("selected");
		const index = path ? indexOf(graph, path) : -1;
		if (index === chosen) return;
		if (index > 0) reveal(graph, index, memory.open, memory.unfolded);
		drawAll();
		select(index, false);
		scrollTo(index);
		centre(index);
	};
	const renewed = () => {
		graph = read(model.get("graph"));
		drawAll();
	};
	model.on("change:selected", elsewhere);
	model.on("change:overlays", offer);
	model.on("change:graph", renewed);
	drawAll();
	offer();
	tellDetails();
	const sizes = new ResizeObserver(() => {
		if (!memory.lens || !lens) fit();
		drawTree();
	});
	sizes.observe(picture);
	return () => {
		sizes.disconnect();
		model.off("change:selected", elsewhere);
		model.off("change:overlays", offer);
		model.off("change:graph", renewed);
	};

	function arrowhead() {
		const defs = draw("defs", {});
		const marker = draw("marker", { id: `${model.get("key")}-arrow`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" });
		marker.append(draw("path", { d: "M0 0L8 4L0 8z", fill: "currentColor" }));
		defs.append(marker);
		return defs;
	}
}

/** Give the values of an overlay. @param {any[]} overlays @param {string} name @param {import("./architecture_core.js").Graph} graph */
function overlayValues(overlays, name, graph) {
	const { columns } = graph;
	if (name === "parameters") return { of: (/** @type {number} */ at) => columns.params[at], told: (/** @type {number} */ v) => `${count(v)} parameters` };
	if (name === "FLOPs") return { of: (/** @type {number} */ at) => columns.flops[at] ?? 0, told: (/** @type {number} */ v) => `${count(v)} FLOPs` };
	if (name === "activations") return { of: (/** @type {number} */ at) => columns.activations[at], told: size };
	const found = overlays.find((each) => each.name === name);
	if (!found) return null;
	const told = (/** @type {number} */ v) => (found.unit === "B" ? size(v) : `${Number(v.toPrecision(3))} ${found.unit}`);
	return { of: (/** @type {number} */ at) => found.values[pathOf(graph, at)], told };
}

/** List what is known of a module. @param {import("./architecture_core.js").Graph} graph @param {number} index @param {any[]} overlays @returns {[string, string][]} */
function facts(graph, index, overlays) {
	const { columns } = graph;
	const share = columns.params[0] ? ` (${((100 * columns.params[index]) / columns.params[0]).toFixed(1)} %)` : "";
	const flops = columns.flops[index];
	/** @type {[string, string][]} */
	const told = [
		["path", pathOf(graph, index) || "(the model)"],
		["class", columns.texts[columns.kinds[index]]],
		["input", columns.texts[columns.inputs[index]]],
		["output", columns.texts[columns.outputs[index]]],
		["parameters", `${columns.params[index].toLocaleString("en")}${share}`],
		["tied", columns.tied[index] ?? ""],
		["FLOPs", flops === undefined ? "" : `${count(flops)} (${count(flops / 2)} MACs)`],
		["parameter memory", size(columns.bytes[index])],
		["output memory", columns.activations[index] ? size(columns.activations[index]) : ""],
		["calls", columns.calls[index] ? String(columns.calls[index]) : columns.order[0] >= 0 ? "did not run itself" : ""],
		["failed", columns.failed[index] ?? ""],
	];
	for (const each of overlays) {
		const value = each.values[pathOf(graph, index)];
		if (value !== undefined) told.push([each.name, each.unit === "B" ? size(value) : `${Number(value.toPrecision(4))} ${each.unit}`]);
	}
	const folded = runsOf(graph, columns.parents[index] < 0 ? 0 : columns.parents[index], new Set()).find((run) => run.first === index && run.count > 1);
	if (folded) told.push(["repeated", `×${folded.count}`]);
	return told.filter(([, value]) => value);
}

export default view(mount);
