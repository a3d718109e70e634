// @ts-check
/** Memory over time in the browser: one lane a device, big figures, whose it is, and why something is missing. */

import { size, unit } from "../live/amounts.js";
import { make } from "../live/dom.js";
import { axes, colour, following, uPlot } from "../live/line_plot.js";
import { seriesOf } from "../live/series.js";
import { view } from "../live/view.js";
import { amount, decimated, lanes, shownLimit, width } from "./memory_monitor_core.js";

/** @typedef {import("./memory_monitor_core.js").Lane} Lane */
/** @typedef {{ kind: string, plot: any, box: HTMLElement, figures: HTMLElement, meter: HTMLElement, when: HTMLElement, lane: Lane }} Drawn */

const HEIGHT = 170;
const FEW = 10; // modules, until all are asked for
const LEAST = 220; // pixels of width

/** @param {string} name @param {string} text @param {() => void} pressed */
function button(name, text, pressed) {
	const made = /** @type {HTMLButtonElement} */ (make("button", name, text));
	made.type = "button";
	made.addEventListener("click", pressed);
	return made;
}

/** @param {import("../live/view.js").Context} place @returns {() => void} */
function mount({ model, el, memory }) {
	const root = make("div", "mlx-memory");
	const bar = make("div", "mlx-strip");
	const state = make("span", "mlx-muted");
	const pause = button("", "", () => model.send({ kind: model.get("running") ? "pause" : "go" }));
	const title = make("div", "mlx-strip");
	title.append(make("strong", "", "Memory"), state);
	bar.append(title, pause);
	const held = make("div", "mlx-lanes");
	const waiting = make("p", "mlx-muted", "Waiting for the first reading…");
	const modules = make("div", "mlx-modules");
	const why = make("ul", "mlx-why");
	root.append(bar, waiting, held, modules, why);
	el.append(root);
	/** @type {Map<string, Drawn>} */
	const drawn = new Map();
	const feed = seriesOf(model, () => draw());

	const forget = (/** @type {string} */ name) => {
		drawn.get(name)?.plot.destroy();
		drawn.get(name)?.box.remove();
		drawn.delete(name);
	};
	const draw = () => {
		const found = lanes(model.get("facts"), feed.all());
		waiting.hidden = found.length > 0;
		for (const lane of found) {
			const [step, word] = unit(shownLimit(lane) ?? lane.most);
			const kind = [word, shownLimit(lane) !== null, ...lane.bytes.map(({ fact }) => fact.name)].join("|");
			if (drawn.get(lane.name)?.kind !== kind) forget(lane.name);
			const own = drawn.get(lane.name) ?? build(held, el, lane, kind);
			drawn.set(lane.name, own);
			own.lane = lane;
			update(own, step);
		}
	};
	const told = () => {
		why.replaceChildren(...model.get("sentences").map((/** @type {string} */ each) => make("li", "", each)));
	};
	const ranked = () => {
		const rows = model.get("modules");
		modules.hidden = !rows.length;
		const select = (/** @type {string} */ path) => {
			model.set("selected", path);
			model.save_changes();
		};
		const all = memory.all || rows.findIndex((/** @type {any} */ row) => row[0] && row[0] === model.get("selected")) >= FEW;
		modules.replaceChildren(table(all ? rows : rows.slice(0, FEW), model.get("selected"), select));
		if (rows.length <= FEW) return;
		const more = button("", all ? "Fewer modules" : `All ${rows.length} modules`, () => {
			memory.all = !all;
			if (all && model.get("selected")) select("");
			ranked();
		});
		modules.append(more);
	};
	const runs = () => {
		pause.textContent = model.get("running") ? "Pause" : "Go on";
		state.textContent = model.get("running") ? "" : "paused";
	};
	const heard = /** @type {[string, () => void][]} */ ([
		["change:sentences", told],
		["change:modules", ranked],
		["change:selected", ranked],
		["change:running", runs],
		["change:facts", draw],
	]);
	for (const [event, hears] of heard) model.on(event, hears);
	for (const each of [told, ranked, runs, draw]) each();
	const leave = following(
		held,
		(now) => {
			for (const { plot } of drawn.values()) plot.setSize({ width: Math.max(LEAST, now), height: HEIGHT });
		},
		() => {
			for (const name of [...drawn.keys()]) forget(name);
			draw();
		},
	);
	return () => {
		leave();
		feed.close();
		for (const [event, hears] of heard) model.off(event, hears);
		for (const name of [...drawn.keys()]) forget(name);
	};
}

/** Make the place of one device, with a chart that has no points yet. @param {HTMLElement} held @param {HTMLElement} el @param {Lane} lane @param {string} kind @returns {Drawn} */
function build(held, el, lane, kind) {
	const box = make("section", "mlx-lane");
	const head = make("div", "mlx-strip");
	const [when, figures_, meter, place] = ["mlx-muted", "mlx-figures", "mlx-meter", ""].map((name) => make("div", name));
	head.append(make("h4", "", lane.name), when);
	box.append(head, figures_, meter, place);
	held.append(box);
	meter.setAttribute("role", "meter");
	meter.append(make("i", "mlx-fill"), make("i", "mlx-peak"));
	const word = unit(shownLimit(lane) ?? lane.most)[1];
	const series = lane.bytes.map((_, at) => {
		const stroke = colour(el, `--mlx-${(at % 8) + 1}`);
		return { stroke, width: 1.6, points: { show: false }, fill: at === 0 ? stroke.replace(/^rgb\((.*)\)$/, "rgba($1, 0.1)") : undefined };
	});
	const limit = { stroke: colour(el, "--mlx-muted"), width: 1, dash: [6, 4], points: { show: false } };
	/** @type {Drawn} */
	const own = { kind, plot: null, box, figures: figures_, meter, when, lane };
	own.plot = new uPlot(
		{
			width: Math.max(LEAST, Math.floor(held.clientWidth || 480)),
			height: HEIGHT,
			scales: { x: { time: false }, y: { range: (/** @type {any} */ _u, /** @type {number} */ _low, /** @type {number} */ high) => [0, 1.06 * (high || 1)] } },
			axes: axes(el, `seconds, in ${word}`, (/** @type {number} */ v) => String(Number(v.toPrecision(4)))),
			series: [{}, ...series, ...(shownLimit(lane) === null ? [] : [limit])],
			legend: { show: false },
			cursor: { y: false, drag: { setScale: false }, points: { size: 6 } },
			hooks: { setCursor: [() => figures(own)] },
		},
		[[], ...series.map(() => []), ...(shownLimit(lane) === null ? [] : [[]])],
		place,
	);
	return own;
}

/** Bring chart, figures and meter up to date. @param {Drawn} own @param {number} step */
function update(own, step) {
	const { lane, plot, meter } = own;
	const rows = lane.bytes.map(({ points }) => decimated(points, plot.width, step));
	const limit = shownLimit(lane);
	if (limit !== null) {
		const ends = [Math.min(...rows.map(([time]) => time[0])), Math.max(...rows.map(([time]) => time[time.length - 1]))];
		rows.push([ends[0] === ends[1] ? [ends[0]] : ends, ends[0] === ends[1] ? [limit / step] : [limit / step, limit / step]]);
	}
	plot.setData(uPlot.join(rows));
	figures(own);
	meter.hidden = !lane.limit;
	if (!lane.limit) return;
	const { newest, peak } = lane.bytes[0].fact;
	const [fill, most] = /** @type {HTMLElement[]} */ ([...meter.children]);
	fill.style.width = width(newest, lane.limit);
	most.style.left = width(peak, lane.limit);
	const told = { "aria-label": `${lane.name} in use`, "aria-valuemin": "0", "aria-valuemax": String(lane.limit), "aria-valuenow": String(newest ?? 0), "aria-valuetext": `${amount(newest, "B")} of ${size(lane.limit)}` };
	for (const [name, value] of Object.entries(told)) meter.setAttribute(name, value);
	meter.title = `${amount(newest, "B")} of ${size(lane.limit)}; the mark is the peak, ${size(peak)}`;
}

/** Show the newest values, or those under the pointer. @param {Drawn} own */
function figures(own) {
	const { lane, plot } = own;
	const at = plot?.cursor?.idx ?? null;
	const times = plot?.data?.[0] ?? [];
	const past = at !== null && times[at] !== undefined;
	own.when.textContent = past ? `at ${Number(times[at].toPrecision(4))} s` : lane.limit ? `of ${size(lane.limit)}` : "";
	const step = unit(shownLimit(lane) ?? lane.most)[0];
	const made = lane.bytes.map(({ fact }, index) => {
		const then = past ? plot.data[index + 1][at] : undefined;
		return figure(amount(typeof then === "number" ? then * step : fact.newest, "B"), fact, index);
	});
	own.figures.replaceChildren(...made, ...lane.percents.map((fact) => figure(amount(fact.newest, "%"), fact, -1)));
}

/** Give one big figure with what it is. @param {string} now @param {import("./memory_monitor_core.js").Fact} fact @param {number} index its line; negative for none */
function figure(now, fact, index) {
	const box = make("div", "mlx-figure");
	const label = make("span", "", fact.label);
	if (index >= 0) {
		const line = make("i", "");
		line.style.borderTopColor = `var(--mlx-${(index % 8) + 1})`;
		label.prepend(line);
	}
	box.append(make("b", now === "gone" ? "mlx-gone" : "", now), label, make("span", "", `peak ${amount(fact.peak, fact.unit)}`));
	return box;
}

/** Give the modules that took most; a click selects one. @param {[string, number, number][]} rows @param {string} selected @param {(path: string) => void} select */
function table(rows, selected, select) {
	const made = make("table", "");
	const head = make("tr", "");
	for (const each of ["module", "most in one call", "left behind", ""]) {
		const cell = make("th", "", each);
		cell.setAttribute("scope", "col");
		head.append(cell);
	}
	made.append(head);
	for (const [path, most, left] of rows) {
		const row = make("tr", "");
		row.setAttribute("aria-selected", String(path === selected && path !== ""));
		const [name, share] = [make("td", ""), make("td", "")];
		name.append(path ? button("", path, () => select(path === selected ? "" : path)) : make("span", "mlx-muted", "(model)"));
		const length = make("span", "mlx-share");
		length.style.width = width(most, rows[0][1]);
		share.append(length);
		row.append(name, make("td", "mlx-number", size(most)), make("td", "mlx-number", size(left)), share);
		made.append(row);
	}
	return made;
}

export default view(mount);
