// @ts-check
/**
 * What all live views share in the browser: where they are put, what survives that, how they are linked.
 *
 * An output holds the frozen picture in an element that carries the view's key. As soon as the model is alive, the live view is
 * put into that element and hides the picture; when the model goes (the kernel is restarted), the picture is back.
 *
 * @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(name: string, value: unknown) => void} set
 * @property {() => void} save_changes
 * @property {(event: string, heard: (...told: any[]) => void) => void} on
 * @property {(event: string, heard?: (...told: any[]) => void) => void} off
 * @property {(content: unknown) => void} send
 * @property {any} [widget_manager] the host's own, different in each
 *
 * @typedef {{ model: Model, el: HTMLElement, memory: Record<string, any> }} Context
 * @typedef {(context: Context) => (() => void)} Mount
 * @typedef {{ model: Model, mount: Mount, memory: Record<string, any>, places: Map<Element, () => void> }} Entry
 * @typedef {{ entries: Map<string, Entry>, observer: MutationObserver }} Page
 */

/** Give what all views of this page share, whichever bundle made it. @returns {Page} */
function page() {
	const shared = /** @type {{ mlexpertViews?: Page }} */ (globalThis);
	if (!shared.mlexpertViews) {
		/** @type {Map<string, Entry>} */
		const entries = new Map();
		const observer = new MutationObserver(() => entries.forEach(settle));
		observer.observe(document.documentElement, { childList: true, subtree: true });
		shared.mlexpertViews = { entries, observer };
	}
	return shared.mlexpertViews;
}

/** Put a view wherever its key is, and take it out of what has left the page. @param {Entry} entry @param {string} key */
function settle(entry, key) {
	for (const [place, leave] of entry.places) {
		if (place.isConnected) continue;
		leave();
		entry.places.delete(place);
	}
	for (const place of [...document.getElementsByClassName(key)])
		if (!entry.places.has(place)) entry.places.set(place, enter(entry, place));
}

/** Put the live view in the place of the picture. @param {Entry} entry @param {Element} place @returns {() => void} */
function enter({ model, mount, memory }, place) {
	const picture = place.querySelector(":scope > .mlx-frozen");
	const el = document.createElement("div");
	place.prepend(el);
	const leave = start({ model, el, memory }, mount);
	picture?.toggleAttribute("hidden", true);
	return () => {
		leave();
		el.remove();
		picture?.toggleAttribute("hidden", false);
	};
}

/** Start one live view in an element of its own. @param {Context} context @param {Mount} mount @returns {() => void} */
function start({ model, el, memory }, mount) {
	el.classList.add("mlx-live");
	el.setAttribute("role", "group");
	el.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take the keys for the cell
	const name = () => el.setAttribute("aria-label", model.get("summary") || model.get("title"));
	model.on("change:summary", name);
	name();
	const leave = mount({ model, el, memory });
	return () => {
		model.off("change:summary", name);
		leave();
		el.replaceChildren();
	};
}

/** Tell the other views of a group which module is selected. @param {string} key @param {Model} model */
function tell(key, model) {
	const [group, selected] = [model.get("group"), model.get("selected")];
	if (!group) return;
	for (const [other, entry] of page().entries) {
		if (other === key || entry.model.get("group") !== group || entry.model.get("selected") === selected) continue;
		entry.model.set("selected", selected);
		entry.model.save_changes();
	}
}

/**
 * Bring the output in the notebook up to date where the page, loaded anew, did not hear of it.
 * @param {string} key @param {Model} model
 */
function keep(key, model) {
	const { data, metadata } = model.get("frozen");
	if (!data) return;
	for (const cell of model.widget_manager?.context?.model?.cells ?? []) {
		for (let at = 0; at < (cell.outputs?.length ?? 0); at++) {
			const output = cell.outputs.get(at).toJSON();
			const html = [output.data?.["text/html"] ?? ""].flat().join("");
			if (html.includes(key) && html !== data["text/html"]) cell.outputs.set(at, { ...output, data, metadata });
		}
	}
}

/** Make a widget of a function that draws into an element. @param {Mount} mount */
export function view(mount) {
	/** @type {WeakMap<Model, Record<string, any>>} */
	const memories = new WeakMap();
	return {
		/** @param {{ model: Model }} widget @returns {() => void} */
		initialize({ model }) {
			const key = model.get("key");
			/** @type {Entry} */
			const entry = { model, mount, memory: {}, places: new Map() };
			const selects = () => tell(key, model);
			const keeps = () => keep(key, model);
			const ends = () => {
				if (page().entries.get(key) === entry) page().entries.delete(key);
				for (const leave of entry.places.values()) leave();
				entry.places.clear();
			};
			model.on("change:selected", selects);
			model.on("change:frozen", keeps);
			model.on("comm_live_update", ends); // the kernel is gone: the picture stays
			page().entries.get(key)?.places.forEach((leave) => leave()); // announced again to a page that has it
			page().entries.set(key, entry);
			settle(entry, key);
			keeps();
			return ends; // what was listened for goes with the model
		},
		/** @param {{ model: Model, el: HTMLElement }} widget @returns {() => void} */
		render({ model, el }) {
			if (!memories.has(model)) memories.set(model, {});
			return start({ model, el, memory: memories.get(model) ?? {} }, mount);
		},
	};
}
