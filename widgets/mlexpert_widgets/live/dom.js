// @ts-check
/** Elements in one line each. */

const SVG = "http://www.w3.org/2000/svg";

/** Make an element. @param {string} tag @param {string} [name] @param {string} [text] @returns {HTMLElement} */
export function make(tag, name = "", text = "") {
	const el = document.createElement(tag);
	if (name) el.className = name;
	el.textContent = text;
	return el;
}

/** Make an element of a drawing. @param {string} tag @param {Record<string, string | number>} [attributes] @param {string} [text] @returns {SVGElement} */
export function draw(tag, attributes = {}, text = "") {
	const el = document.createElementNS(SVG, tag);
	for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, String(value));
	el.textContent = text;
	return el;
}

/** Make a button. @param {string} text @param {() => void} pressed @param {string} [title] @returns {HTMLButtonElement} */
export function button(text, pressed, title = "") {
	const el = /** @type {HTMLButtonElement} */ (make("button", "", text));
	el.type = "button";
	if (title) el.title = title;
	if (title) el.setAttribute("aria-label", title);
	el.addEventListener("click", pressed);
	return el;
}
