// @ts-check
/** The diagram as files: made in the browser, so that a busy kernel is not needed. */

import { pathOf } from "./architecture_core.js";

const STYLE = ["fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-dasharray", "font-size", "font-weight", "font-family"];

/** Give a chooser that saves the graph as a file. @param {import("../live/view.js").Model} model @param {() => import("./architecture_core.js").Graph} graph @param {SVGElement} scene @param {() => { width: number, height: number }} extent @returns {HTMLElement} */
export function exports(model, graph, scene, extent) {
	const chooser = document.createElement("select");
	chooser.setAttribute("aria-label", "Save the diagram");
	chooser.append(new Option("Save as…", ""), ...["SVG", "PNG", "Mermaid", "DOT", "JSON"].map((each) => new Option(each)));
	const name = model.get("title").replace(/[^\w-]+/g, "_") || "model";
	/** @type {Record<string, () => void>} */
	const ways = {
		SVG: () => save(`${name}.svg`, "image/svg+xml", picture(scene, extent())),
		PNG: () => raster(picture(scene, extent()), extent(), (blob) => save(`${name}.png`, "image/png", blob)),
		Mermaid: () => save(`${name}.mmd`, "text/plain", model.get("mermaid")),
		DOT: () => save(`${name}.dot`, "text/plain", model.get("dot")),
		JSON: () => save(`${name}.json`, "application/json", JSON.stringify(rows(graph()), null, 1)),
	};
	chooser.addEventListener("change", () => {
		ways[chooser.value]?.();
		chooser.value = "";
	});
	return chooser;
}

/** One object a module. @param {import("./architecture_core.js").Graph} graph */
function rows(graph) {
	const { columns } = graph;
	return columns.names.map((_, at) => ({
		path: pathOf(graph, at),
		class: columns.texts[columns.kinds[at]],
		input: columns.texts[columns.inputs[at]],
		output: columns.texts[columns.outputs[at]],
		parameters: columns.params[at],
		flops: columns.flops[at] ?? null,
		calls: columns.calls[at],
		tied: columns.tied[at] ?? null,
		failed: columns.failed[at] ?? null,
	}));
}

/** The diagram as a file of its own: what the page's style gives it is written into it. @param {SVGElement} scene @param {{ width: number, height: number }} extent @returns {string} */
function picture(scene, extent) {
	const copy = styled(scene);
	for (const sign of copy.querySelectorAll("[data-act=turn], [data-act=turn] + path")) sign.remove(); // a file does not open
	copy.setAttribute("transform", "translate(20 8)"); // the lines of tied weights are left of the boxes
	const [width, height] = [Math.ceil(extent.width + 28), Math.ceil(extent.height + 16)];
	const arrowhead = scene.ownerSVGElement?.querySelector("defs");
	const defs = arrowhead ? styled(arrowhead).outerHTML : "";
	const back = resolved(/** @type {Element} */ (scene.closest(".mlx-live")), "--mlx-back");
	return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><rect width="100%" height="100%" style="fill:${back}"/>${defs}${copy.outerHTML}</svg>`;
}

/** Copy a part of a drawing with its style in it. @template {Element} T @param {T} part @returns {T} */
function styled(part) {
	const copy = /** @type {T} */ (part.cloneNode(true));
	const [from, to] = [[...part.querySelectorAll("*")], [...copy.querySelectorAll("*")]];
	from.forEach((each, at) => {
		const style = getComputedStyle(each);
		for (const property of STYLE) /** @type {SVGElement} */ (to[at]).style.setProperty(property, style.getPropertyValue(property));
		to[at].removeAttribute("class");
	});
	return copy;
}

/** Give the value of a colour variable, which may be of two schemes. @param {Element} el @param {string} name @returns {string} */
function resolved(el, name) {
	const probe = document.createElement("span");
	probe.style.color = `var(${name}, #fff)`;
	el.append(probe);
	const found = getComputedStyle(probe).color;
	probe.remove();
	return found;
}

/** @param {string} svg @param {{ width: number, height: number }} extent @param {(blob: Blob) => void} done */
function raster(svg, extent, done) {
	const image = new Image();
	const scale = Math.min(2, 8000 / Math.max(extent.width, extent.height));
	image.onload = () => {
		const canvas = document.createElement("canvas");
		[canvas.width, canvas.height] = [image.width * scale, image.height * scale];
		canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
		canvas.toBlob((blob) => blob && done(blob));
	};
	image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
}

/** @param {string} name @param {string} type @param {string | Blob} content */
function save(name, type, content) {
	const link = document.createElement("a");
	link.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
	link.download = name;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
