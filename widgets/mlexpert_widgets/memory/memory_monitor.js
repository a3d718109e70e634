// @ts-check
/** Memory over time in the browser: one lane a device, big figures, whose it is, and why something is missing. */

import { axes, colour, following, uPlot } from "../live/line_plot.js";
import { seriesOf } from "../live/series.js";
import { view } from "../live/view.js";
import { lanes, size, unit } from "./memory_monitor_core.js";

const HEIGHT = 150;
const POINTS = 1500;

/** @param {string} tag @param {string} name @param {string} [text] */
function make(tag, name, text = "") {
	const el = document.createElement(tag);
	if (name) el.className = name;
	el.textContent = text;
	return el;
}

/** @param {import("../live/view.js").Context} place @returns {() => void} */
function mount({ model, el }) {
	const root = make("div", "mlx-memory");
	const bar = make("div", "mlx-strip");
	const state = make("span", "mlx-muted");
	const pause = /** @type {HTMLButtonElement} */ (make("button", ""));
	pause.type = "button";
	pause.addEventListener("click", () => model.send({ kind: model.get("running") ? "pause" : "go" }));
	bar.append(make("strong", "", "Memory"), state, pause);
	const held = make("div", "mlx-lanes");
	const why = make("ul", "mlx-why");
	const modules = make("div", "");
	root.append(bar, held, why, modules);
	el.append(root);
	/** @type {Map<string, { plot: any, box: HTMLElement, figures: HTMLElement, count: number, unit: number }>} */
	const drawn = new Map();
	const feed = seriesOf(model, () => draw());

	const forget = () => {
		drawn.forEach(({ plot, box }) => {
			plot.destroy();
			box.remove();
		});
		drawn.clear();
	};
	const draw = () => {
		const series = feed.all();
		for (const [name, members] of lanes(series)) {
			const chosen = members.map((at) => series[at]);
			const [step, word] = unit(Math.max(...chosen.map((each) => each.value.reduce((a, b) => Math.max(a, b), 0))));
			let lane = drawn.get(name);
			if (lane && (lane.count !== members.length || lane.unit !== step)) {
				lane.plot.destroy();
				lane.box.remove();
				lane = undefined;
			}
			if (!lane) drawn.set(name, (lane = build(name, chosen, step, word)));
			const times = chosen[0].time;
			const from = Math.max(0, times.length - POINTS);
			const data = chosen.map((each) => Array.from(each.value.subarray(Math.max(0, each.length - (times.length - from))), (v) => v / step));
			const common = Math.min(times.length - from, ...data.map((each) => each.length));
			lane.plot.setData([Array.from(times.subarray(times.length - common)), ...data.map((each) => each.slice(-common))]);
			figures(lane.figures, chosen);
		}
	};
	/** @param {string} name @param {any[]} chosen @param {number} step @param {string} word */
	const build = (name, chosen, step, word) => {
		const box = make("section", "mlx-lane");
		const figures_ = make("div", "mlx-figures");
		box.append(make("h4", "", name), figures_);
		const place = make("div", "");
		box.append(place);
		held.append(box);
		const plot = new uPlot(
			{
				width: Math.max(220, Math.floor(held.clientWidth || 480)),
				height: HEIGHT,
				scales: { x: { time: false } },
				axes: axes(el, `seconds, in ${word}`, (/** @type {number} */ v) => String(Number(v.toPrecision(4)))),
				series: [{}, ...chosen.map((_, at) => ({ stroke: colour(el, `--mlx-${at + 1}`), width: 1.6 }))],
				legend: { show: false },
				cursor: { show: false },
			},
			[[], ...chosen.map(() => [])],
			place,
		);
		return { plot, box, figures: figures_, count: chosen.length, unit: step };
	};
	/** @param {HTMLElement} at @param {any[]} chosen */
	const figures = (at, chosen) => {
		const limits = model.get("limits");
		const made = chosen.map((each, index) => {
			const box = make("div", "mlx-figure");
			const line = make("i", "");
			line.style.borderTopColor = `var(--mlx-${index + 1})`;
			const now = make("b", "", size(each.value[each.length - 1]));
			const peak = size(each.value.reduce((/** @type {number} */ a, /** @type {number} */ b) => Math.max(a, b), 0));
			const limit = limits[each.name] ? ` of ${size(limits[each.name])}` : "";
			const label = make("span", "", `${each.name.replace(/^(?:GPU \d+|MPS) /, "")} · peak ${peak}${limit}`);
			label.prepend(line);
			box.append(now, label);
			return box;
		});
		at.replaceChildren(...made);
	};
	const told = () => {
		why.replaceChildren(...model.get("sentences").map((/** @type {string} */ each) => make("li", "", each)));
		const rows = model.get("modules");
		modules.hidden = !rows.length;
		const table = make("table", "");
		const head = make("tr", "");
		for (const each of ["module", "added in one call", ""]) head.append(make("th", "", each));
		table.append(head);
		for (const [path, bytes] of rows) {
			const row = make("tr", "");
			row.setAttribute("aria-selected", String(path === model.get("selected") && path !== ""));
			const button = /** @type {HTMLButtonElement} */ (make("button", "", path || "(model)"));
			button.type = "button";
			button.addEventListener("click", () => {
				model.set("selected", path);
				model.save_changes();
			});
			const [name, amount, share] = [make("td", ""), make("td", "mlx-number", size(bytes)), make("td", "")];
			const bar_ = make("span", "mlx-share");
			bar_.style.width = `${(100 * bytes) / (rows[0][1] || 1)}%`;
			name.append(button);
			share.append(bar_);
			row.append(name, amount, share);
			table.append(row);
		}
		modules.replaceChildren(table);
	};
	const runs = () => {
		pause.textContent = model.get("running") ? "Pause" : "Go on";
		state.textContent = model.get("running") ? "" : "paused";
	};
	model.on("change:sentences", told);
	model.on("change:modules", told);
	model.on("change:selected", told);
	model.on("change:running", runs);
	told();
	runs();
	draw();
	const leave = following(
		held,
		(width) => drawn.forEach(({ plot }) => plot.setSize({ width: Math.max(220, width), height: HEIGHT })),
		() => {
			forget();
			draw();
		},
	);
	return () => {
		leave();
		feed.close();
		for (const name of ["sentences", "modules", "selected"]) model.off(`change:${name}`, told);
		model.off("change:running", runs);
		forget();
	};
}

export default view(mount);
