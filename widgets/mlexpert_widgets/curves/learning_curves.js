// @ts-check
/** Learning curves in the browser: everything but the verdicts is worked out here, since the kernel is busy training. */

import { make } from "../live/dom.js";
import { following } from "../live/line_plot.js";
import { seriesOf } from "../live/series.js";
import { view } from "../live/view.js";
import { curveChart, nameOf } from "./curve_chart.js";
import { grouped } from "./learning_curves_core.js";

/** Make a button that is pressed or not. @param {string} text @param {() => boolean} pressed @param {() => void} press */
function toggle(text, pressed, press) {
	const button = /** @type {HTMLButtonElement} */ (make("button", "", text));
	button.type = "button";
	const told = () => button.setAttribute("aria-pressed", String(pressed()));
	button.addEventListener("click", () => {
		press();
		told();
	});
	told();
	return button;
}

/** @typedef {{ place: HTMLElement, kind: string, chart: ReturnType<typeof curveChart> | null }} Entry */

/** @param {import("../live/view.js").Context} place @returns {() => void} */
function mount({ model, el, memory }) {
	const look = (memory.look ??= {
		smoothing: model.get("smoothing"),
		log: model.get("log_scale"),
		axis: model.get("axis"),
		zoom: null,
		off: new Set(), // curves
		hidden: new Set(), // runs
	});
	memory.open ??= new Set();
	const root = make("div", "mlx-curves");
	const runs = make("div", "mlx-runs");
	const waiting = make("div", "mlx-waiting", "Waiting for the first point…");
	const charts = make("div", "mlx-charts");
	const verdicts = said(model, memory.open);
	let frame = 0;
	const renewed = () => {
		frame ||= requestAnimationFrame(() => {
			frame = 0;
			rebuild();
		});
	};
	const controls = bar(model, look, renewed);
	root.append(controls.el, runs, waiting, charts, verdicts.el);
	el.append(root);
	/** @type {Map<string, Entry>} */
	const entries = new Map();
	const feed = seriesOf(model, () => draw());
	const told = () => ({ names: model.get("names"), epochs: model.get("epochs"), verdicts: model.get("verdicts") });

	let ended = false;
	const sizes = new ResizeObserver(() => {
		if ([...entries.values()].filter(({ chart }) => chart?.resize()).length) draw();
	});
	const draw = () => {
		if (ended) return;
		const groups = grouped(model.get("lines"), feed.all());
		waiting.hidden = groups.size > 0;
		controls.update();
		legend(groups.size > 0);
		/** @type {[string, any[], Entry][]} */
		const shown = [...groups].map(([name, members]) => {
			if (!entries.has(name)) {
				entries.set(name, { place: charts.appendChild(make("div", "")), kind: "", chart: null });
				sizes.observe(/** @type {HTMLElement} */ (charts.lastElementChild));
			}
			const some = members.filter((each) => !look.hidden.has(each.run));
			const entry = /** @type {Entry} */ (entries.get(name));
			entry.place.hidden = !some.length;
			return [name, some, entry];
		});
		for (const [name, some, entry] of shown) {
			if (!some.length) continue;
			const kind = some.map(nameOf).join("|");
			const renew = () => {
				entry.chart?.plot.destroy();
				const wanted = { el: entry.place, name, key: model.get("key"), curves: some, told: told(), look, zoomed };
				return Object.assign(entry, { kind, chart: curveChart(wanted) }).chart;
			};
			const chart = entry.chart && entry.kind === kind ? entry.chart : renew();
			if (!chart.update(some, told())) renew().update(some, told());
		}
	};
	const zoomed = () => requestAnimationFrame(draw); // each chart of the page tells of the same selection: none may move before
	const rebuild = () => {
		for (const entry of entries.values()) {
			entry.chart?.plot.destroy();
			entry.chart = null;
		}
		draw();
	};
	/** @param {boolean} any */
	const legend = (any) => {
		const names = model.get("names");
		runs.hidden = names.length < 2 || !any;
		if (runs.hidden || runs.childElementCount) return;
		for (const [at, name] of names.entries()) {
			const press = () => {
				if (!look.hidden.delete(at)) look.hidden.add(at);
				draw();
			};
			const button = toggle(name, () => !look.hidden.has(at), press);
			const swatch = make("span", "mlx-key-line");
			swatch.style.borderTopColor = `var(--mlx-${(at % 8) + 1})`;
			swatch.style.borderTopStyle = at >= 8 ? "dashed" : "solid";
			button.prepend(swatch);
			runs.append(button);
		}
	};
	charts.addEventListener("dblclick", () => {
		look.zoom = null;
		draw();
	});
	for (const each of ["lines", "epochs", "verdicts"]) model.on(`change:${each}`, draw);
	draw();
	const leave = following(charts, () => {}, renewed);
	return () => {
		ended = true;
		cancelAnimationFrame(frame);
		leave();
		sizes.disconnect();
		feed.close();
		controls.close();
		verdicts.close();
		for (const each of ["lines", "epochs", "verdicts"]) model.off(`change:${each}`, draw);
		for (const { chart } of entries.values()) chart?.plot.destroy();
	};
}

/** Make the list of verdicts, each with its rule to unfold. @param {any} model @param {Set<string>} open rules that are unfolded */
function said(model, open) {
	const el = make("div", "");
	const list = make("ul", "mlx-verdicts");
	const aloud = make("span", "mlx-aloud"); // only what is new is read aloud, not each new figure
	aloud.setAttribute("role", "status");
	el.append(list, aloud);
	/** @type {Map<string, HTMLElement>} */
	const items = new Map();
	/** @param {string} key @param {string} kind */
	const add = (key, kind) => {
		const item = make("li", `mlx-verdict mlx-${kind}`);
		const details = /** @type {HTMLDetailsElement} */ (make("details", ""));
		details.open = open.has(key);
		details.addEventListener("toggle", () => open[details.open ? "add" : "delete"](key));
		details.append(make("summary", ""), make("small", ""));
		item.append(details);
		items.set(key, item);
		return item;
	};
	const update = () => {
		const many = model.get("names").length > 1;
		const now = model.get("verdicts").map((/** @type {any} */ each) => [`${each.run}/${each.metric}/${each.kind}`, each]);
		const fresh = now.filter((/** @type {any[]} */ [key, { kind }]) => !items.has(key) && kind !== "healthy");
		for (const [key, item] of items) {
			if (now.some((/** @type {any[]} */ [other]) => other === key)) continue;
			item.remove();
			items.delete(key);
		}
		now.forEach((/** @type {any[]} */ [key, each], /** @type {number} */ at) => {
			const item = items.get(key) ?? add(key, each.kind);
			const [summary, rule] = item.querySelectorAll("summary, small");
			summary.textContent = many ? `${each.run}: ${each.sentence}` : each.sentence;
			rule.textContent = `rule: ${each.rule}`;
			if (list.children[at] !== item) list.insertBefore(item, list.children[at] ?? null);
		});
		if (fresh.length) aloud.textContent = fresh.map((/** @type {any[]} */ [, each]) => each.sentence).join(". ");
	};
	model.on("change:verdicts", update);
	update();
	return { el, close: () => model.off("change:verdicts", update) };
}

/** Make the bar of controls. @param {any} model @param {any} look @param {() => void} changed */
function bar(model, look, changed) {
	const el = make("div", "mlx-strip");
	const left = make("div", "mlx-strip");
	const smoothing = /** @type {HTMLInputElement} */ (make("input", ""));
	Object.assign(smoothing, { type: "range", min: "0", max: "0.99", step: "0.01", value: String(look.smoothing) });
	const told = make("output", "mlx-number mlx-muted", look.smoothing.toFixed(2));
	smoothing.addEventListener("input", () => {
		look.smoothing = Number(smoothing.value);
		told.textContent = look.smoothing.toFixed(2);
		changed();
	});
	const slider = make("label", "", "Smoothing");
	slider.append(smoothing, told);
	const press = () => {
		look.log = !look.log;
		changed();
	};
	const log = toggle("Log scale", () => look.log, press);
	const axis = /** @type {HTMLSelectElement} */ (make("select", ""));
	for (const each of ["step", "epoch", "time"]) axis.append(new Option(each, each, false, each === look.axis));
	axis.addEventListener("change", () => {
		Object.assign(look, { axis: axis.value, zoom: null });
		changed();
	});
	const over = make("label", "", "over");
	over.append(axis);
	left.append(slider, log, over);
	const stop = /** @type {HTMLButtonElement} */ (make("button", "", "Stop training"));
	stop.type = "button";
	stop.addEventListener("click", () => {
		model.set("stopping", true);
		model.send({ kind: "stop" });
	});
	const stopping = () => {
		stop.disabled = model.get("stopping");
		stop.textContent = stop.disabled ? "Stopping…" : "Stop training";
	};
	model.on("change:stopping", stopping);
	stopping();
	el.append(left, stop);
	const update = () => {
		const epochs = model.get("epochs");
		axis.options[1].disabled = !epochs.length || epochs.some((/** @type {any[]} */ each) => !each.length);
	};
	return { el, update, close: () => model.off("change:stopping", stopping) };
}

export default view(mount);
