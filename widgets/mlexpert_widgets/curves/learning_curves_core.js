// @ts-check
/**
 * Curves as numbers: groups, axes, smoothing, and the few points that a screen can show.
 *
 * @typedef {{ step: Float32Array, time: Float32Array, value: Float32Array, length: number }} Points
 * @typedef {[run: number, metric: string, validation: boolean, base: string]} Told
 * @typedef {{ run: number, metric: string, validation: boolean, points: Points }} Curve
 */

/** Put the curves of one metric together, training before validation. @param {Told[]} lines @param {Points[]} series @returns {Map<string, Curve[]>} */
export function grouped(lines, series) {
	/** @type {Map<string, Curve[]>} */
	const groups = new Map();
	lines.forEach(([run, metric, validation, base], at) => {
		if (!series[at]?.length) return;
		if (!groups.has(base)) groups.set(base, []);
		groups.get(base)?.push({ run, metric, validation, points: series[at] });
	});
	for (const members of groups.values()) members.sort((a, b) => a.run - b.run || Number(a.validation) - Number(b.validation));
	return groups;
}

/** Smooth without the pull of the start; the same as `smoothing.py`. @param {ArrayLike<number>} values @param {number} weight @returns {Float64Array} */
export function smoothed(values, weight) {
	const made = Float64Array.from(values);
	let [mean, decay] = [0, 1];
	for (let at = 0; at < made.length; at++) {
		if (!Number.isFinite(made[at])) continue;
		mean = weight * mean + (1 - weight) * made[at];
		decay *= weight;
		made[at] = mean / (1 - decay);
	}
	return made;
}

/** Give the horizontal places of a curve. @param {Points} points @param {string} axis @param {[number, number][]} epochs @returns {ArrayLike<number>} */
export function places(points, axis, epochs) {
	if (axis === "time") return points.time;
	if (axis !== "epoch" || !epochs.length) return points.step;
	const ends = [[0, 0], ...epochs];
	return Float32Array.from(points.step, (step) => {
		let at = 1;
		while (at < ends.length - 1 && ends[at][0] < step) at++;
		const [[x0, y0], [x1, y1]] = [ends[at - 1], ends[at]];
		return x1 === x0 ? y1 : y0 + (Math.min(step, x1) - x0) * ((y1 - y0) / (x1 - x0));
	});
}

/**
 * Choose the points that a screen can show: of each bucket the least, the greatest and one that is no number.
 * @param {ArrayLike<number>} xs @param {ArrayLike<number>} ys @param {number} buckets @param {[number, number]} [range] of xs
 * @returns {[number[], (number | null)[]]} in the order of xs; null is a gap
 */
export function decimated(xs, ys, buckets, range) {
	let [from, to] = [0, xs.length];
	if (range) {
		while (from < to - 1 && xs[from + 1] < range[0]) from++;
		while (to > from + 1 && xs[to - 2] > range[1]) to--;
	}
	const width = Math.max(1, Math.ceil((to - from) / buckets));
	/** @type {[number, number | null][]} */
	const kept = [];
	for (let start = from; start < to; start += width) {
		const end = Math.min(start + width, to);
		let [low, high, gap] = [-1, -1, -1];
		for (let at = start; at < end; at++) {
			if (!Number.isFinite(ys[at])) gap = at;
			else {
				if (low < 0 || ys[at] < ys[low]) low = at;
				if (high < 0 || ys[at] > ys[high]) high = at;
			}
		}
		const chosen = new Set([start === from ? start : low, low, high, gap, end === to ? end - 1 : low]);
		for (const at of [...chosen].filter((each) => each >= 0).sort((a, b) => a - b))
			kept.push([xs[at], Number.isFinite(ys[at]) ? ys[at] : null]);
	}
	kept.sort((a, b) => a[0] - b[0]); // steps may go back after a restart
	return [kept.map((each) => each[0]), kept.map((each) => each[1])];
}

/** Put curves with places of their own over common ones; undefined is no gap. @param {[number[], (number | null)[]][]} curves @returns {[number[], ...(number | null | undefined)[][]]} */
export function joined(curves) {
	const xs = [...new Set(curves.flatMap(([each]) => each))].sort((a, b) => a - b);
	const at = new Map(xs.map((x, index) => [x, index]));
	const rows = curves.map(([places_, values]) => {
		/** @type {(number | null | undefined)[]} */
		const row = new Array(xs.length);
		places_.forEach((x, index) => (row[/** @type {number} */ (at.get(x))] = values[index]));
		return row;
	});
	return [xs, ...rows];
}

/** Give a number as an axis and a legend show it. @param {number | null | undefined} value @returns {string} */
export function figure(value) {
	if (value === null || value === undefined) return "";
	const size = Math.abs(value);
	if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(2).replace("e+", "e");
	return String(Number(value.toPrecision(4)));
}
