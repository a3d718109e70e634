// @ts-check
/** One chart of learning curves: the lines of a metric, where they are no number, and where verdicts begin. */

import { axes, colour, uPlot } from "../live/line_plot.js";
import { bound, broken, decimated, drawn, figure, gaps, joined, nearest, parted, places, smoothed } from "./learning_curves_core.js";

const HEIGHT = 210;
const LEAST_WIDTH = 220;
const DASHES = [[], [7, 3], [2, 3], [9, 3, 2, 3]];
const ROW = 13; // height of a word at a mark
const WORDS = 4; // at marks; more would hide each other
const FEW = 12; // points of a line that are drawn as dots too

/** @typedef {import("./learning_curves_core.js").Curve} Curve */
/** @typedef {{ names: string[], epochs: [number, number][][], verdicts: any[] }} Told what the kernel says */
/** @typedef {{ axis: string, log: boolean, smoothing: number, zoom: [number, number] | null, off: Set<string> }} Look what the user chose */
/** @typedef {{ xs: ArrayLike<number>, ys: ArrayLike<number> }} Line */
/** @typedef {{ line: Line, faint: boolean }} Layer */
/** @typedef {import("./learning_curves_core.js").Row} Row */
/** @typedef {{ buffer: ArrayBufferLike, length: number, ends: number | undefined, lines: Line[], broken: boolean, columns: number, range: [number, number], rows: Row[] }} Drawn */
/** @typedef {{ x: number, tone: string, text: string }} Begun */

/** Give what a curve is drawn with, the line that counts last. @param {Curve} curve @param {Told} told @param {Look} look @returns {Layer[]} */
function layers(curve, told, look) {
	const axis = drawn(look.axis, told.epochs);
	const { now, before } = axis === "time" ? { now: curve.points, before: null } : parted(curve.points);
	const line = (/** @type {any} */ points) => ({ xs: places(points, axis, told.epochs[curve.run] ?? []), ys: points.value });
	const raw = line(now);
	const made = [{ line: { xs: raw.xs, ys: smoothed(raw.ys, look.smoothing) }, faint: false }];
	if (look.smoothing > 0) made.unshift({ line: raw, faint: true });
	if (before) made.unshift({ line: line(before), faint: true });
	return made;
}

/** Leave out what a logarithmic axis has no place for. @param {Line} line @returns {Line} */
function positive({ xs, ys }) {
	const made = new Float64Array(ys);
	for (let at = 0; at < made.length; at++) if (!(made[at] > 0)) made[at] = NaN;
	return { xs, ys: made };
}

/** Say how a curve is told from others. @param {Curve} curve @returns {string} */
export const nameOf = (curve) => `${curve.run}/${curve.metric}`;

/**
 * Make a chart.
 * @param {{ el: HTMLElement, name: string, key: string, curves: Curve[], told: Told, look: Look, zoomed: () => void }} wanted
 * `el` is empty; `key` is what charts share that point at the same place; `zoomed` is called when `look.zoom` was set
 */
export function curveChart({ el, name, key, curves, told, look, zoomed }) {
	const many = told.names.length > 1;
	const title = document.createElement("p");
	title.className = "mlx-chart-title";
	title.textContent = name;
	el.replaceChildren(title);
	/** @type {number[]} */
	const owners = []; // of each series, the one in the legend
	const series = curves.flatMap((curve, at) => {
		const made = layers(curve, told, look);
		const owner = owners.length + made.length;
		const tone = many ? curve.run : at;
		const shared = {
			stroke: colour(el, `--mlx-${(tone % 8) + 1}`),
			dash: curve.validation ? [5, 3] : DASHES[Math.floor(tone / 8) % DASHES.length],
			spanGaps: false,
			show: !look.off.has(nameOf(curve)),
		};
		return made.map(({ faint }) => {
			owners.push(owner);
			if (faint) return { ...shared, label: "", width: 1, alpha: 0.3, points: { show: false }, value: () => "" };
			const label = many ? `${told.names[curve.run]} ${curve.metric}` : curve.metric;
			const value = (/** @type {any} */ u, /** @type {number} */ v, /** @type {number} */ index, /** @type {number | null} */ at_) =>
				figure(at_ === null ? newest(u.data[index]) : v);
			return { ...shared, label, width: 1.6, points: { show: few, size: 5 }, value };
		});
	});
	/** @type {number[]} */
	let missing = [];
	/** @type {Begun[]} */
	let begun = [];
	const select = (/** @type {any} */ u) => {
		if (u.select.width < 4) return;
		look.zoom = [u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")];
		u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
		zoomed();
	};
	const toggled = (/** @type {any} */ u, /** @type {number} */ at, /** @type {any} */ how) => {
		if (how.show === undefined || owners[at - 1] !== at) return;
		owners.forEach((owner, index) => {
			if (owner === at && index + 1 !== at) u.setSeries(index + 1, { show: u.series[at].show });
		});
		curves.forEach((curve, index) => {
			const shown = u.series[[...new Set(owners)][index]].show;
			look.off[shown ? "delete" : "add"](nameOf(curve));
		});
	};
	const x_label = look.axis === "time" ? "seconds" : drawn(look.axis, told.epochs);
	const plot = new uPlot(
		{
			width: width(el),
			height: HEIGHT,
			scales: { x: { time: false }, y: { distr: look.log ? 3 : 1 } },
			axes: axes(el, x_label, figure),
			series: [{ label: x_label, value: (/** @type {any} */ _u, /** @type {number} */ v) => figure(v) }, ...series],
			legend: {
				live: true,
				markers: { dash: (/** @type {any} */ u, /** @type {number} */ at) => (u.series[at].dash?.length ? "dashed" : "solid") },
			},
			padding: [10, 12, 0, 0],
			cursor: {
				drag: { x: true, y: false, setScale: false },
				sync: { key },
				dataIdx: (/** @type {any} */ u, /** @type {number} */ at, /** @type {number} */ index, /** @type {number} */ x) =>
					at ? nearest(u.data[at], u.data[0], index, x) : index,
			},
			hooks: {
				setSelect: [(/** @type {any} */ u) => select(u)],
				setSeries: [(/** @type {any} */ u, /** @type {number} */ at, /** @type {any} */ how) => toggled(u, at, how)],
				draw: [(/** @type {any} */ u) => mark(u, el, missing, begun)],
			},
		},
		[[], ...series.map(() => [])],
		el,
	);
	el.querySelectorAll(".u-series").forEach((row, at) => {
		if (at > 0 && owners[at - 1] !== at) row.toggleAttribute("hidden", true);
	});
	/** @type {Map<string, Drawn>} */
	const known = new Map(); // nine runs of ten are over: they need not be smoothed again for each point of the tenth
	/** @param {Curve} curve @param {Told} now @returns {Drawn} */
	const drawnOf = (curve, now) => {
		const [{ buffer }, { length }, ends] = [curve.points.value, curve.points, now.epochs[curve.run]?.length];
		const old = known.get(nameOf(curve));
		if (old && old.buffer === buffer && old.length === length && old.ends === ends) return old;
		const lines = layers(curve, now, look).map(({ line }) => line);
		const made = { buffer, length, ends, lines, broken: broken(curve.points.value), columns: 0, range: /** @type {[number, number]} */ ([0, 0]), rows: [] };
		known.set(nameOf(curve), made);
		return made;
	};
	/** Draw what there is now; false if a restart has done a part again, which needs lines of its own. @param {Curve[]} now the same curves, longer @param {Told} told_ @returns {boolean} */
	const update = (now, told_) => {
		const made = now.map((curve) => drawnOf(curve, told_));
		if (made.flatMap(({ lines }) => lines).length !== owners.length) return false;
		const range = look.zoom ?? extent(made.flatMap(({ lines }) => lines));
		const columns = Math.max(1, Math.floor(plot.bbox.width / devicePixelRatio) || plot.width);
		for (const each of made) {
			if (each.rows.length && each.columns === columns && each.range[0] === range[0] && each.range[1] === range[1]) continue;
			const rows = each.lines.map((line) => decimated(look.log ? positive(line) : line, range, columns));
			Object.assign(each, { columns, range, rows });
		}
		missing = made.flatMap(({ broken: some, lines }) => (some ? gaps(lines[lines.length - 1], range, columns) : []));
		begun = begins(now, told_, look, made);
		plot.batch(() => {
			plot.setData(joined(made.flatMap(({ rows }) => rows)), !look.zoom);
			if (look.zoom) plot.setScale("x", { min: range[0], max: range[1] });
		});
		return true;
	};
	const resize = () => {
		const changed = width(el) !== plot.width;
		if (changed) plot.setSize({ width: width(el), height: HEIGHT });
		return changed;
	};
	return { plot, update, resize };
}

/** Tell whether a line has so few points that they are drawn as dots too. @param {any} u @param {number} at @returns {boolean} */
function few(u, at) {
	let count = 0;
	for (const value of u.data[at]) if ((value ?? null) !== null && ++count > FEW) return false;
	return true;
}

/** Give the last value that is one. @param {ArrayLike<number | null | undefined>} values @returns {number | null} */
function newest(values) {
	let at = values.length - 1;
	while (at >= 0 && (values[at] ?? null) === null) at--;
	return values[at] ?? null;
}

/** @param {HTMLElement} el */
const width = (el) => Math.max(LEAST_WIDTH, Math.floor(el.clientWidth || 380));

/** Give the least and the greatest place of lines. @param {Line[]} lines @returns {[number, number]} */
function extent(lines) {
	const some = lines.filter(({ xs }) => xs.length);
	return [Math.min(...some.map(({ xs }) => xs[0])), Math.max(...some.map(({ xs }) => xs[xs.length - 1]))];
}

/** Give where verdicts begin, on this axis. @param {Curve[]} curves @param {Told} told @param {Look} look @param {Drawn[]} made */
function begins(curves, told, look, made) {
	return told.verdicts.flatMap(({ run, metric, step, kind }) => {
		const at = curves.findIndex((curve) => told.names[curve.run] === run && curve.metric === metric);
		if (at < 0 || step === null || look.off.has(nameOf(curves[at]))) return [];
		const { now } = parted(curves[at].points);
		const index = Math.min(bound(now.step, step), now.length - 1);
		const line = made[at].lines[made[at].lines.length - 1];
		const x = look.axis === "time" ? now.time[index] : line.xs[index];
		const tone = told.names.length > 1 ? `--mlx-${(curves[at].run % 8) + 1}` : "--mlx-muted";
		return [{ x, tone, text: told.names.length > 1 ? `${run}: ${kind}` : kind }];
	});
}

/** Draw crosses where a line is no number, and a dashed line with a word where a verdict begins. @param {any} u @param {HTMLElement} el @param {number[]} missing @param {Begun[]} begun */
function mark(u, el, missing, begun) {
	const { ctx, bbox } = u;
	const ratio = devicePixelRatio;
	const inside = (/** @type {number} */ x) => x >= bbox.left - 1 && x <= bbox.left + bbox.width + 1;
	ctx.save();
	ctx.lineWidth = 1.5 * ratio;
	ctx.strokeStyle = colour(el, "--mlx-bad");
	ctx.beginPath();
	const [size, y] = [3.5 * ratio, bbox.top + bbox.height - 6 * ratio];
	for (const x of missing.map((each) => u.valToPos(each, "x", true)).filter(inside)) {
		for (const side of [-1, 1]) {
			ctx.moveTo(x - size, y - side * size);
			ctx.lineTo(x + size, y + side * size);
		}
	}
	ctx.stroke();
	ctx.lineWidth = ratio;
	ctx.fillStyle = colour(el, "--mlx-muted");
	ctx.font = `${11 * ratio}px system-ui`;
	ctx.setLineDash([4 * ratio, 4 * ratio]);
	begun.forEach(({ x: value, tone, text }, at) => {
		const x = u.valToPos(value, "x", true);
		if (!inside(x)) return;
		ctx.strokeStyle = colour(el, tone);
		ctx.beginPath();
		ctx.moveTo(x, bbox.top);
		ctx.lineTo(x, bbox.top + bbox.height);
		ctx.stroke();
		if (begun.length > WORDS) return; // the list below says it
		const left = x + ctx.measureText(text).width + 8 * ratio > bbox.left + bbox.width;
		ctx.textAlign = left ? "right" : "left";
		ctx.fillText(text, x + (left ? -4 : 4) * ratio, bbox.top + (10 + ROW * at) * ratio);
	});
	ctx.restore();
}
