// @ts-check
/** Learning curves in the browser: everything but the numbers is decided here, since the kernel is busy training. */

import { axes, colour, following, uPlot } from "../live/line_plot.js";
import { seriesOf } from "../live/series.js";
import { view } from "../live/view.js";
import { decimated, figure, grouped, joined, places, smoothed } from "./learning_curves_core.js";

const HEIGHT = 210;
const DASHES = [[], [7, 3], [2, 3], [9, 3, 2, 3]];

/** @param {string} tag @param {string} name @param {string} [text] */
function make(tag, name, text = "") {
	const el = document.createElement(tag);
	if (name) el.className = name;
	el.textContent = text;
	return el;
}

/** A labelled control. @param {string} text @param {HTMLElement} control */
function labelled(text, control) {
	const label = make("label", "", text);
	label.append(control);
	return label;
}

/** @param {import("../live/view.js").Context} place @returns {() => void} */
function mount({ model, el, memory }) {
	memory.smoothing ??= model.get("smoothing");
	memory.log ??= model.get("log_scale");
	memory.axis ??= model.get("axis");
	memory.hidden ??= new Set();
	memory.zoom ??= new Map();
	const root = make("div", "mlx-curves");
	const bar = make("div", "mlx-strip");
	const runs = make("div", "mlx-runs");
	const charts = make("div", "mlx-charts");
	const waiting = make("div", "mlx-waiting", "Waiting for the first point…");
	const verdicts = make("ul", "mlx-verdicts");
	verdicts.setAttribute("aria-live", "polite");
	root.append(bar, runs, waiting, charts, verdicts);
	el.append(root);
	const feed = seriesOf(model, () => draw());
	/** @type {Map<string, { plot: any, place: HTMLElement, kind: string }>} */
	const plots = new Map();
	const controls = buttons(model, memory, bar, () => {
		rebuild();
	});

	const rebuild = () => {
		for (const { plot, place } of plots.values()) {
			plot.destroy();
			place.remove();
		}
		plots.clear();
		draw();
	};
	const draw = () => {
		const groups = grouped(model.get("lines"), feed.all());
		waiting.hidden = groups.size > 0;
		legend(groups);
		for (const [name, members] of groups) {
			const shown = members.filter((each) => !memory.hidden.has(each.run));
			const kind = shown.map((each) => `${each.run}/${each.metric}`).join("|");
			let entry = plots.get(name);
			if (entry && entry.kind !== kind) {
				entry.plot.destroy();
				entry.place.remove();
				plots.delete(name);
				entry = undefined;
			}
			if (!shown.length) continue;
			if (!entry) plots.set(name, (entry = build(name, shown, kind)));
			update(name, entry.plot, shown);
		}
	};
	/** @param {string} name @param {any[]} shown @param {string} kind */
	const build = (name, shown, kind) => {
		const place = make("div", "");
		place.append(make("p", "mlx-chart-title", name));
		charts.append(place);
		const many = model.get("names").length > 1;
		const raw = memory.smoothing > 0;
		const series = shown.flatMap((each, at) => {
			const tone = many ? each.run : at;
			const stroke = colour(el, `--mlx-${(tone % 8) + 1}`);
			const dash = each.validation ? [5, 3] : DASHES[Math.floor(tone / 8) % 4];
			const label = many ? `${model.get("names")[each.run]} ${each.metric}` : each.metric;
			const look = { stroke, dash, width: 1.6, points: { show: each.points.length < 2 }, spanGaps: false };
			const line = { ...look, label, value: (/** @type {any} */ _u, /** @type {number} */ v) => figure(v) };
			return raw ? [{ ...look, label: "", width: 1, alpha: 0.28, value: () => "" }, line] : [line];
		});
		const options = {
			width: Math.max(220, Math.floor(place.clientWidth || 380)),
			height: HEIGHT,
			scales: { x: { time: false }, y: { distr: memory.log ? 3 : 1 } },
			axes: axes(el, memory.axis === "time" ? "seconds" : memory.axis, figure),
			series: [{ label: memory.axis, value: (/** @type {any} */ _u, /** @type {number} */ v) => figure(v) }, ...series],
			legend: { live: true },
			cursor: { drag: { x: true, y: false } },
			hooks: {
				setSelect: [
					(/** @type {any} */ u) => {
						if (u.select.width < 4) return;
						memory.zoom.set(name, [u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")]);
						draw();
					},
				],
				drawAxes: [(/** @type {any} */ u) => marks(u, name)],
			},
		};
		const plot = new uPlot(options, [[], ...series.map(() => [])], place);
		place.addEventListener("dblclick", () => {
			memory.zoom.delete(name);
			draw();
		});
		place.querySelectorAll(".u-series").forEach((row, at) => {
			if (raw && at > 0 && at % 2 === 1) row.toggleAttribute("hidden", true);
		});
		return { plot, place, kind };
	};
	/** @param {string} name @param {any} plot @param {any[]} shown */
	const update = (name, plot, shown) => {
		const range = memory.zoom.get(name);
		const data = shown.flatMap((each) => {
			const xs = places(each.points, memory.axis, model.get("epochs")[each.run] ?? []);
			const values = memory.log ? Float64Array.from(each.points.value, (v) => (v > 0 ? v : NaN)) : each.points.value;
			const raw = decimated(xs, values, plot.width, range);
			return memory.smoothing > 0 ? [raw, decimated(xs, smoothed(values, memory.smoothing), plot.width, range)] : [raw];
		});
		plot.setData(joined(data), !range);
		if (range) plot.setScale("x", { min: range[0], max: range[1] });
	};
	/** Draw where a verdict begins. @param {any} u @param {string} name */
	const marks = (u, name) => {
		if (memory.axis !== "step") return;
		for (const each of model.get("verdicts")) {
			if (each.base !== name || each.step === null || each.kind === "healthy") continue;
			const x = u.valToPos(each.step, "x", true);
			if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) continue;
			u.ctx.save();
			u.ctx.strokeStyle = u.ctx.fillStyle = colour(el, "--mlx-muted");
			u.ctx.setLineDash([4, 4]);
			u.ctx.beginPath();
			u.ctx.moveTo(x, u.bbox.top);
			u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
			u.ctx.stroke();
			u.ctx.textAlign = "left";
			u.ctx.fillText(each.kind, x + 4 * devicePixelRatio, u.bbox.top + 10 * devicePixelRatio);
			u.ctx.restore();
		}
	};
	/** @param {Map<string, any[]>} groups */
	const legend = (groups) => {
		const names = model.get("names");
		runs.hidden = names.length < 2 || !groups.size;
		if (runs.hidden || runs.childElementCount === names.length) return;
		runs.replaceChildren(
			...names.map((/** @type {string} */ name, /** @type {number} */ at) => {
				const button = /** @type {HTMLButtonElement} */ (make("button", "", name));
				const swatch = make("span", "mlx-key-line");
				swatch.style.borderTopColor = `var(--mlx-${(at % 8) + 1})`;
				swatch.style.borderTopStyle = at >= 8 ? "dashed" : "solid";
				button.type = "button";
				button.prepend(swatch);
				button.setAttribute("aria-pressed", String(!memory.hidden.has(at)));
				button.addEventListener("click", () => {
					if (!memory.hidden.delete(at)) memory.hidden.add(at);
					button.setAttribute("aria-pressed", String(!memory.hidden.has(at)));
					draw();
				});
				return button;
			}),
		);
	};
	const judged = () => {
		verdicts.replaceChildren(...model.get("verdicts").map((/** @type {any} */ each) => verdict(each, model.get("names"))));
		for (const { plot } of plots.values()) plot.redraw(false);
	};
	model.on("change:verdicts", judged);
	model.on("change:lines", draw);
	judged();
	draw();
	const leave = following(
		charts,
		() => plots.forEach(({ plot, place }) => plot.setSize({ width: Math.max(220, Math.floor(place.clientWidth)), height: HEIGHT })),
		rebuild,
	);
	return () => {
		leave();
		feed.close();
		controls();
		model.off("change:verdicts", judged);
		model.off("change:lines", draw);
		for (const { plot } of plots.values()) plot.destroy();
	};
}

/** Give one verdict with its rule. @param {any} each @param {string[]} names @returns {HTMLElement} */
function verdict(each, names) {
	const item = make("li", `mlx-verdict mlx-${each.kind}`);
	const details = make("details", "");
	const run = names.length > 1 ? `${each.run}: ` : "";
	details.append(make("summary", "", `${run}${each.sentence}`), make("small", "", `rule: ${each.rule}`));
	item.append(details);
	return item;
}

/** Put the controls into the bar. @param {any} model @param {any} memory @param {HTMLElement} bar @param {() => void} changed @returns {() => void} */
function buttons(model, memory, bar, changed) {
	const smoothing = /** @type {HTMLInputElement} */ (make("input", ""));
	Object.assign(smoothing, { type: "range", min: "0", max: "0.99", step: "0.01", value: String(memory.smoothing) });
	const told = make("output", "mlx-number mlx-muted", Number(memory.smoothing).toFixed(2));
	smoothing.addEventListener("input", () => {
		memory.smoothing = Number(smoothing.value);
		told.textContent = memory.smoothing.toFixed(2);
		changed();
	});
	const log = /** @type {HTMLButtonElement} */ (make("button", "", "Log"));
	log.type = "button";
	log.title = "Logarithmic vertical axis";
	log.setAttribute("aria-pressed", String(memory.log));
	log.addEventListener("click", () => {
		memory.log = !memory.log;
		log.setAttribute("aria-pressed", String(memory.log));
		changed();
	});
	const axis = /** @type {HTMLSelectElement} */ (make("select", ""));
	for (const each of ["step", "epoch", "time"]) axis.append(new Option(each, each, false, each === memory.axis));
	axis.setAttribute("aria-label", "Horizontal axis");
	axis.addEventListener("change", () => {
		memory.axis = axis.value;
		memory.zoom.clear();
		changed();
	});
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
	const left = make("div", "mlx-strip");
	left.append(labelled("Smoothing", smoothing), told, log, labelled("over", axis));
	bar.append(left, stop);
	return () => model.off("change:stopping", stopping);
}

export default view(mount);
