// @ts-check
/**
 * @typedef {{ name: string, search: string, details: [string, string][], copy: string, [key: string]: any }} Row
 * @typedef {{ key: string, label: string, number?: boolean }} Column
 * @typedef {{ query: string, by: string, down: boolean, open: Set<string> }} State
 * @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(event: string, heard: () => void) => void} on
 * @property {(event: string, heard: () => void) => void} off
 */

const COPIED_MS = 1600;

/** Keep the rows that hold every word of a query, in any order and any case. @param {Row[]} rows @param {string} query @returns {Row[]} */
export function filtered(rows, query) {
	const words = query.toLowerCase().split(/\s+/).filter(Boolean);
	return rows.filter((row) => words.every((word) => row.search.includes(word)));
}

/** Order rows by a column, those that have nothing there last both ways. @param {Row[]} rows @param {string} by @param {boolean} down @returns {Row[]} */
export function ordered(rows, by, down) {
	if (!by) return rows;
	const value = (/** @type {Row} */ row) => (`${by}_order` in row ? row[`${by}_order`] : row[by]);
	const none = (/** @type {any} */ each) => each === null || each === undefined || each === "";
	return [...rows].sort((left, right) => {
		const [a, b] = [value(left), value(right)];
		if (none(a) || none(b)) return Number(none(a)) - Number(none(b));
		const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
		return down ? -order : order;
	});
}

/** Say how many are shown. @param {number} shown @param {number} all @returns {string} */
export function counted(shown, all) {
	return shown === all ? `${all} entries` : `${shown} of ${all} entries`;
}

/** Make an element. @param {string} tag @param {string} name @param {string} [text] @returns {HTMLElement} */
function make(tag, name, text = "") {
	const element = document.createElement(tag);
	element.className = `mlx-cat-${name}`;
	element.textContent = text;
	return element;
}

/** @param {string} name @param {string} text @param {() => void} pressed @returns {HTMLButtonElement} */
function button(name, text, pressed) {
	const made = /** @type {HTMLButtonElement} */ (make("button", name, text));
	made.type = "button";
	made.addEventListener("click", pressed);
	return made;
}

/** Copy a text; where the page may not, select it, so that one key does. @param {string} text @param {HTMLElement} shown @param {HTMLElement} told */
async function copy(text, shown, told) {
	try {
		await navigator.clipboard.writeText(text);
		told.textContent = "Copied";
	} catch {
		getSelection()?.selectAllChildren(shown);
		told.textContent = "Selected: press Ctrl+C";
	}
	setTimeout(() => (told.textContent = "Copy"), COPIED_MS);
}

/** Tell more about a row. @param {Row} row @param {number} width in columns @param {string} id @returns {HTMLElement} */
function details(row, width, id) {
	const [line, cell, list] = [make("tr", "more"), make("td", "inside"), make("dl", "facts")];
	line.id = id;
	/** @type {HTMLTableCellElement} */ (cell).colSpan = width;
	for (const [label, text] of row.details) list.append(make("dt", "label", label), make("dd", "text", text));
	cell.append(list);
	if (row.copy) {
		const [box, code] = [make("div", "request"), make("pre", "code", row.copy)];
		/** @type {HTMLButtonElement} */
		const copies = button("copy", "Copy", () => void copy(row.copy, code, copies));
		copies.setAttribute("aria-live", "polite");
		box.append(code, copies);
		cell.append(box);
	}
	line.append(cell);
	return line;
}

/** Build what stays: the search field, the count, the table's head. @param {Model} model @param {State} state @param {() => void} redraw */
function build(model, state, redraw) {
	const [root, bar, count] = [make("section", "view"), make("div", "bar"), make("span", "count")];
	const [table, head, titles, body] = [make("table", "table"), make("thead", "head"), make("tr", "titles"), make("tbody", "body")];
	const search = /** @type {HTMLInputElement} */ (make("input", "search"));
	root.setAttribute("aria-label", model.get("label"));
	root.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take the keys for the cell
	Object.assign(search, { type: "search", placeholder: "Search: a name, a paper, an option…", value: state.query });
	search.setAttribute("aria-label", `Search in ${model.get("label")}`);
	count.setAttribute("role", "status");
	search.addEventListener("input", () => {
		state.query = search.value;
		redraw();
	});
	for (const column of /** @type {Column[]} */ (model.get("columns"))) {
		const title = make("th", `title mlx-cat-of-${column.key}${column.number ? " mlx-cat-number" : ""}`);
		title.setAttribute("scope", "col");
		title.dataset.key = column.key;
		title.append(button("sort", column.label, () => sort(state, column, redraw)));
		titles.append(title);
	}
	bar.append(search, count);
	head.append(titles);
	table.append(head, body);
	root.append(bar, table);
	root.addEventListener("keydown", (event) => walk(event, search, body));
	return { root, count, titles, body };
}

/** Sort by a column; once more turns the order, a third time gives back the first one. @param {State} state @param {Column} column @param {() => void} redraw */
function sort(state, column, redraw) {
	if (state.by !== column.key) Object.assign(state, { by: column.key, down: false });
	else if (!state.down) state.down = true;
	else Object.assign(state, { by: "", down: false });
	redraw();
}

/** Go from row to row by the arrow keys. @param {KeyboardEvent} event @param {HTMLElement} search @param {HTMLElement} body */
function walk(event, search, body) {
	const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
	if (!step) return;
	const stops = [search, .../** @type {NodeListOf<HTMLElement>} */ (body.querySelectorAll(".mlx-cat-name"))];
	const at = stops.indexOf(/** @type {HTMLElement} */ (document.activeElement));
	if (at < 0) return;
	event.preventDefault();
	stops[Math.min(stops.length - 1, Math.max(0, at + step))].focus();
}

/** @param {Row} row @param {Column[]} columns @param {State} state @param {string} key @param {() => void} redraw @returns {HTMLElement[]} */
function drawRow(row, columns, state, key, redraw) {
	const [line, id, isOpen] = [make("tr", "row"), `${key}-${row.name}`, state.open.has(row.name)];
	const toggle = () => {
		if (!state.open.delete(row.name)) state.open.add(row.name);
		redraw();
	};
	for (const [index, column] of columns.entries()) {
		const cell = make("td", `cell mlx-cat-of-${column.key}${column.number ? " mlx-cat-number" : ""}`);
		if (index === 0) {
			const opens = button("name", row[column.key], toggle);
			opens.dataset.name = row.name;
			opens.setAttribute("aria-expanded", String(isOpen));
			opens.setAttribute("aria-controls", id);
			cell.append(opens);
		} else cell.textContent = row[column.key];
		line.append(cell);
	}
	line.classList.toggle("mlx-cat-open", isOpen);
	line.addEventListener("click", (event) => {
		if (!(/** @type {Element} */ (event.target).closest("button"))) toggle();
	});
	return isOpen ? [line, details(row, columns.length, id)] : [line];
}

/** @param {ReturnType<typeof build>} parts @param {Model} model @param {State} state @param {() => void} redraw */
function draw({ count, titles, body }, model, state, redraw) {
	/** @type {{ rows: Row[], columns: Column[] }} */
	const { rows, columns } = { rows: model.get("rows"), columns: model.get("columns") };
	const shown = ordered(filtered(rows, state.query), state.by, state.down);
	const focused = /** @type {HTMLElement | null} */ (body.querySelector(".mlx-cat-name:focus"))?.dataset.name;
	count.textContent = counted(shown.length, rows.length);
	for (const title of /** @type {HTMLCollectionOf<HTMLElement>} */ (titles.children)) {
		const order = title.dataset.key === state.by ? (state.down ? "descending" : "ascending") : "none";
		title.setAttribute("aria-sort", order);
	}
	const lines = shown.flatMap((row) => drawRow(row, columns, state, model.get("key"), redraw));
	if (!shown.length) {
		const [line, none] = [make("tr", "none"), make("td", "inside", "Nothing here has all of these words.")];
		/** @type {HTMLTableCellElement} */ (none).colSpan = columns.length;
		line.append(none);
		lines.push(line);
	}
	body.replaceChildren(...lines);
	if (focused) /** @type {HTMLElement | null} */ (body.querySelector(`[data-name="${CSS.escape(focused)}"]`))?.focus();
}

/** @param {{ model: Model, el: HTMLElement }} place @returns {() => void} */
function render({ model, el }) {
	/** @type {State} */
	const state = { query: "", by: "", down: false, open: new Set() };
	const redraw = () => draw(parts, model, state, redraw);
	const parts = build(model, state, () => redraw());
	model.on("change:rows", redraw);
	redraw();
	el.append(parts.root);
	return () => {
		model.off("change:rows", redraw);
		parts.root.remove();
	};
}

/**
 * Put the live table wherever its key is, in the place of the frozen one, which is back when the model goes.
 * @param {{ model: Model }} widget @returns {() => void}
 */
function initialize({ model }) {
	/** @type {Map<Element, () => void>} */
	const places = new Map();
	const leave = () => {
		for (const [place, end] of places) {
			end();
			place.querySelector(":scope > .mlx-frozen")?.toggleAttribute("hidden", false);
		}
		places.clear();
	};
	const settle = () => {
		for (const [place, end] of places) {
			if (place.isConnected) continue;
			end();
			places.delete(place);
		}
		for (const place of document.getElementsByClassName(model.get("key"))) {
			if (places.has(place)) continue;
			places.set(place, render({ model, el: /** @type {HTMLElement} */ (place) }));
			place.querySelector(":scope > .mlx-frozen")?.toggleAttribute("hidden", true);
		}
	};
	const observer = new MutationObserver(settle);
	const end = () => {
		observer.disconnect();
		model.off("comm_live_update", end);
		leave();
	};
	observer.observe(document.documentElement, { childList: true, subtree: true });
	model.on("comm_live_update", end); // the kernel is gone: the frozen table stays
	settle();
	return end;
}

export default { initialize, render };
