// @ts-check
/**
 * Curves as numbers: groups, axes, smoothing, and the few points that a screen can show.
 *
 * @typedef {{ step: Float32Array, time: Float32Array, value: Float32Array, length: number }} Points
 * @typedef {[run: number, metric: string, validation: boolean, base: string]} Told
 * @typedef {{ run: number, metric: string, validation: boolean, points: Points }} Curve
 * @typedef {{ xs: ArrayLike<number>, ys: ArrayLike<number> }} Line ascending in xs
 * @typedef {{ xs: ArrayLike<number>, ys: ArrayLike<number | null | undefined> }} Row null is a gap, undefined is nothing
 */

const SETTLED = 1e-17; // what is left of the start then changes no digit; further on it would be too small to be quick

/** Tell whether any value is no number. @param {ArrayLike<number>} values @returns {boolean} */
export function broken(values) {
	for (let at = 0; at < values.length; at++) if (!(values[at] - values[at] === 0)) return true;
	return false;
}

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

/** Smooth without the pull of the start; the same as `smoothing.py`. @param {ArrayLike<number>} values @param {number} weight @returns {ArrayLike<number>} */
export function smoothed(values, weight) {
	if (!(weight > 0)) return values;
	const made = new Float64Array(values);
	const rest = 1 - weight;
	let [mean, decay, at] = [0, 1, 0];
	for (; at < made.length && decay > SETTLED; at++) {
		const value = made[at];
		if (!(value - value === 0)) continue; // NaN or infinite
		mean = weight * mean + rest * value;
		decay *= weight;
		made[at] = mean / (1 - decay);
	}
	for (; at < made.length; at++) {
		const value = made[at];
		if (value - value === 0) made[at] = mean = weight * mean + rest * value;
	}
	return made;
}

/** Give the axis that can be drawn: steps, where a run knows of no epochs. @param {string} axis @param {[number, number][][]} epochs of each run @returns {string} */
export function drawn(axis, epochs) {
	return axis === "epoch" && !epochs.every((each) => each.length) ? "step" : axis;
}

/** Give the horizontal places of a curve; an epoch that still runs goes on at the pace of the last. @param {Points} points @param {string} axis @param {[number, number][]} epochs @returns {ArrayLike<number>} */
export function places(points, axis, epochs) {
	if (axis === "time") return points.time;
	const ends = [...new Map([[0, 0], ...epochs])].sort((a, b) => a[0] - b[0]);
	if (axis !== "epoch" || ends.length < 2) return points.step;
	const last = ends.length - 1;
	const found = new Float64Array(points.step);
	for (let index = 0, at = 1; index < found.length; index++) {
		const step = found[index];
		while (at > 1 && ends[at - 1][0] > step) at--;
		while (at < last && ends[at][0] < step) at++;
		const [[x0, y0], [x1, y1]] = [ends[at - 1], ends[at]];
		found[index] = y0 + Math.max(0, step - x0) * ((y1 - y0) / (x1 - x0));
	}
	return found;
}

/**
 * Part a curve from what a restart has done again: all to whose step or below it one that came later went back.
 * @param {Points} points @returns {{ now: Points, before: Points | null }}
 */
export function parted(points) {
	const { step, length } = points;
	let sorted = true;
	for (let at = 1; at < length && sorted; at++) sorted = step[at] >= step[at - 1];
	if (sorted) return { now: points, before: null };
	const [now, before] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])];
	for (let at = length - 1, least = Infinity; at >= 0; at--) {
		(step[at] < least ? now : before).push(at);
		if (at > 0 && step[at] < step[at - 1]) least = Math.min(least, step[at]);
	}
	before.sort((a, b) => step[b] - step[a] || b - a); // a chart needs ascending places
	return { now: chosen(points, now.reverse()), before: chosen(points, before.reverse()) };
}

/** Give some points. @param {Points} points @param {number[]} places_ @returns {Points} */
function chosen(points, places_) {
	const take = (/** @type {Float32Array} */ from) => Float32Array.from(places_, (at) => from[at]);
	return { step: take(points.step), time: take(points.time), value: take(points.value), length: places_.length };
}

/**
 * Give what a chart of some columns can show of a line: all of it if that is little, else of each column the least and the
 * greatest, in their order, at places that all such lines have in common.
 * @param {Line} line @param {[number, number]} range of xs that is shown @param {number} columns @returns {Row}
 */
export function decimated({ xs, ys }, [left, right], columns) {
	const [from, to] = [Math.max(0, bound(xs, left) - 1), Math.min(xs.length, bound(xs, right) + 2)];
	if (to - from <= 2 * columns || !(right > left)) return exact(xs, ys, from, to);
	const scale = columns / (right - left);
	const values = /** @type {(number | null | undefined)[]} */ (new Array(2 * columns));
	for (let at = from, column = -1; at < to; ) {
		column = Math.min(columns - 1, Math.max(column + 1, Math.floor((xs[at] - left) * scale)));
		const end = column === columns - 1 ? to : Math.max(at + 1, bound(xs, left + (column + 1) / scale, at, to));
		let [low, high, gap] = [-1, -1, false];
		for (let [least, most] = [Infinity, -Infinity]; at < end; at++) {
			const y = ys[at];
			if (!(y - y === 0)) {
				gap = true; // NaN or infinite
				continue;
			}
			if (y < least) [least, low] = [y, at];
			if (y > most) [most, high] = [y, at];
		}
		const [first, second] = low < high ? [low, high] : [high, low];
		values[2 * column] = first >= 0 ? ys[first] : gap ? null : undefined;
		if (second !== first) values[2 * column + 1] = ys[second];
	}
	return { xs: Float64Array.from(values, (_, at) => left + (at / 2 + 0.25) / scale), ys: values };
}

/** Give a part of a line as it is. @param {ArrayLike<number>} xs @param {ArrayLike<number>} ys @param {number} from @param {number} to @returns {Row} */
function exact(xs, ys, from, to) {
	const [places_, values] = [new Float64Array(to - from), new Array(to - from)];
	for (let at = from; at < to; at++) {
		places_[at - from] = xs[at];
		values[at - from] = Number.isFinite(ys[at]) ? ys[at] : null;
	}
	return { xs: places_, ys: values };
}

/** Give the first index, of those from `low` to `high`, whose place is not below `x`. @param {ArrayLike<number>} xs @param {number} x @param {number} [low] @param {number} [high] @returns {number} */
export function bound(xs, x, low = 0, high = xs.length) {
	while (low < high) {
		const middle = (low + high) >> 1;
		if (xs[middle] < x) low = middle + 1;
		else high = middle;
	}
	return low;
}

/** Put rows with places of their own over common ones. @param {Row[]} rows @returns {[number[], ...(number | null | undefined)[][]]} */
export function joined(rows) {
	const heads = rows.map(() => 0);
	/** @type {[number[], ...(number | null | undefined)[][]]} */
	const made = [[], ...rows.map(() => /** @type {(number | null | undefined)[]} */ ([]))];
	for (;;) {
		let x = Infinity;
		for (let row = 0; row < rows.length; row++) if (heads[row] < rows[row].xs.length) x = Math.min(x, rows[row].xs[heads[row]]);
		if (x === Infinity) return made;
		const place = made[0].push(x) - 1;
		for (let row = 0; row < rows.length; row++)
			made[row + 1][place] = rows[row].xs[heads[row]] === x ? rows[row].ys[heads[row]++] : undefined;
	}
}

/** Give the index of the value nearest to one; the same one if there is none. @param {ArrayLike<number | null | undefined>} values @param {ArrayLike<number>} xs @param {number} at @param {number} x @returns {number} */
export function nearest(values, xs, at, x) {
	let [left, right] = [at, at];
	while (left >= 0 && (values[left] ?? null) === null) left--;
	while (right < xs.length && (values[right] ?? null) === null) right++;
	if (left < 0) return right < xs.length ? right : at;
	return right < xs.length && xs[right] - x < x - xs[left] ? right : left;
}

/** Give where a curve is no number, at most one place a column. @param {Line} line @param {[number, number]} range @param {number} columns @returns {number[]} */
export function gaps({ xs, ys }, [left, right], columns) {
	const found = [];
	const width = (right - left) / columns;
	for (let at = bound(xs, left), last = -Infinity; at < xs.length && xs[at] <= right; at++) {
		if (Number.isFinite(ys[at]) || xs[at] - last < width) continue;
		found.push((last = xs[at]));
	}
	return found;
}

/** Give a number as an axis and a legend show it. @param {number | null | undefined} value @returns {string} */
export function figure(value) {
	if (value === null || value === undefined) return "";
	const size = Math.abs(value);
	if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(2).replace(/\.?0*e\+?/, "e");
	return String(Number(value.toPrecision(4)));
}
