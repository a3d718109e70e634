// @ts-check
/** uPlot in the notebook's colours: one chart that follows the theme and the width of its place. */

import uPlot from "uplot";

/** Give the value of a colour variable where an element is. @param {Element} el @param {string} name @returns {string} */
export function colour(el, name) {
	const probe = document.createElement("span");
	probe.style.color = `var(${name})`;
	el.append(probe);
	const found = getComputedStyle(probe).color;
	probe.remove();
	return found;
}

/** Axes in the theme's colours. @param {Element} el @param {string} label @param {(value: number) => string} format */
export function axes(el, label, format) {
	const [stroke, grid] = [colour(el, "--mlx-muted"), colour(el, "--mlx-line")];
	const look = { stroke, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font: "11px system-ui" };
	return [
		{ ...look, label, labelSize: 18, labelFont: "11px system-ui", size: 34 },
		{ ...look, size: 62, values: (/** @type {any} */ _u, /** @type {number[]} */ ticks) => ticks.map((each) => (each === null ? "" : format(each))) },
	];
}

/** Have something drawn anew when the width of an element or the theme of the page changes. @param {HTMLElement} el @param {(width: number) => void} resized @param {() => void} themed @returns {() => void} */
export function following(el, resized, themed) {
	let width = 0;
	const sizes = new ResizeObserver(() => {
		const now = Math.floor(el.clientWidth);
		if (now > 0 && now !== width) resized((width = now));
	});
	sizes.observe(el);
	const themes = new MutationObserver(themed);
	themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"] });
	const system = matchMedia("(prefers-color-scheme: dark)"); // where the page has no theme of its own
	system.addEventListener("change", themed);
	return () => {
		sizes.disconnect();
		themes.disconnect();
		system.removeEventListener("change", themed);
	};
}

export { uPlot };
