// @ts-check
/**
 * Where a diagram is looked at: moved by dragging, zoomed by keys, buttons, and the wheel with Ctrl or in the focused diagram.
 *
 * @typedef {{ x: number, y: number, width: number, height: number }} Place
 */

import { button, make } from "../live/dom.js";

const [LEAST, MOST] = [0.05, 4];
const [SMALL, LARGE] = [0.8, 1.1]; // when it is fitted: smaller text is not read
const MARGIN = 20;
const STEP = 1.25;

/** Make a lens. @param {HTMLElement} el @param {SVGSVGElement} svg @param {SVGElement} scene @param {Record<string, any>} memory @param {() => { width: number, height: number }} extent */
export function lensOf(el, svg, scene, memory, extent) {
	/** @type {{ x: number, y: number, k: number } | null} */
	let lens = memory.lens ?? null;
	let moved = false;
	/** @type {{ x: number, y: number } | null} */
	let held = null;

	const look = () => {
		if (!lens) return;
		memory.lens = lens;
		scene.setAttribute("transform", `translate(${lens.x.toFixed(1)} ${lens.y.toFixed(1)}) scale(${lens.k.toFixed(4)})`);
	};
	const fit = () => {
		const { clientWidth, clientHeight } = el;
		if (!clientWidth) return;
		const { width, height } = extent();
		const k = Math.min(LARGE, Math.max(SMALL, Math.min((clientWidth - 2 * MARGIN) / width, (clientHeight - 2 * MARGIN) / height)));
		lens = { k, x: Math.max(MARGIN, (clientWidth - width * k) / 2), y: Math.max(12, (clientHeight - height * k) / 2) };
		look();
	};
	const zoom = (/** @type {number} */ factor, x = el.clientWidth / 2, y = el.clientHeight / 2) => {
		if (!lens) return;
		const k = Math.min(MOST, Math.max(LEAST, lens.k * factor));
		lens = { k, x: x - ((x - lens.x) * k) / lens.k, y: y - ((y - lens.y) * k) / lens.k };
		look();
	};
	/** Have a box that was turned stay where it was. @param {Place} [before] @param {Place} [after] */
	const keep = (before, after) => {
		if (!lens) return fit();
		if (before && after) lens = { ...lens, x: lens.x + (before.x - after.x) * lens.k, y: lens.y + (before.y - after.y) * lens.k };
		look();
	};
	/** Bring a box into sight. @param {Place} [box] */
	const show = (box) => {
		if (!box || !lens) return;
		const { clientWidth, clientHeight } = el;
		const [left, top] = [lens.x + box.x * lens.k, lens.y + box.y * lens.k];
		const inside = left >= 0 && top >= 0 && left + Math.min(box.width * lens.k, clientWidth) <= clientWidth && top + 30 <= clientHeight;
		if (inside) return;
		const height = Math.min(box.height, clientHeight / lens.k); // of a tall one its head
		lens = { ...lens, x: clientWidth / 2 - (box.x + box.width / 2) * lens.k, y: clientHeight / 2 - (box.y + height / 2) * lens.k };
		look();
	};
	svg.addEventListener("pointerdown", (event) => {
		held = event.button === 0 ? { x: event.clientX, y: event.clientY } : null;
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
	for (const name of ["pointerup", "pointercancel"]) svg.addEventListener(name, () => (held = null));
	svg.addEventListener(
		"wheel",
		(event) => {
			if (!event.ctrlKey && !event.metaKey && !svg.matches(":focus")) return; // the page scrolls on
			event.preventDefault();
			const { left, top } = svg.getBoundingClientRect();
			zoom(Math.exp(-event.deltaY / 400), event.clientX - left, event.clientY - top);
		},
		{ passive: false },
	);
	svg.addEventListener("keydown", (event) => {
		const keys = /** @type {Record<string, () => void>} */ ({ "+": () => zoom(STEP), "=": () => zoom(STEP), "-": () => zoom(1 / STEP), 0: fit, Escape: () => svg.blur() });
		if (event.ctrlKey || event.metaKey || !keys[event.key]) return;
		keys[event.key]();
		event.preventDefault();
	});
	const buttons = make("div", "mlx-arch-zoom");
	buttons.append(button("+", () => zoom(STEP), "Zoom in"), button("−", () => zoom(1 / STEP), "Zoom out"), button("Fit", fit, "Fit the diagram"));
	el.append(buttons);
	let width = 0;
	const sizes = new ResizeObserver(() => {
		if (width && lens) lens = { ...lens, x: lens.x + (el.clientWidth - width) / 2 };
		if (!width && !lens) fit();
		width = el.clientWidth;
		look();
	});
	sizes.observe(el);
	return { fit, keep, show, moved: () => moved, close: () => sizes.disconnect() };
}
