// @ts-check
/**
 * A latency as numbers and paths: axes, histograms, sorted tables, and what is copied.
 *
 * @typedef {{ name: string, value: number, low: number | null, high: number | null, needed: number }} Quantile
 * @typedef {{ name: string, count: number, mean: number, longest: number, resolved: boolean, counts: number[], quantiles: Quantile[] }} Distribution
 * @typedef {(value: number) => number} Scale
 * @typedef {[key: string, ...cells: (string | number)[]]} Row
 */

const UNITS = /** @type {const} */ ([
	[1e6, "s"],
	[1e3, "ms"],
	[0.1, "µs"],
	[0, "ns"],
]);
const IN_A = { s: 1e6, ms: 1e3, µs: 1, ns: 1e-3 }; // microseconds

/** Give a number with three figures, and with all of those before the point. @param {number} value @returns {string} */
export function three(value) {
	const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
	return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Give a duration as its number and its unit. @param {number} micros @returns {[string, string]} */
export function duration(micros) {
	const unit = (UNITS.find(([least]) => micros >= least) ?? UNITS[3])[1];
	return [three(micros / IN_A[unit]), unit];
}

/** Give a duration that is a round number. @param {number} micros @returns {string} */
export function round(micros) {
	const unit = duration(micros)[1];
	return `${Number((micros / IN_A[/** @type {keyof typeof IN_A} */ (unit)]).toPrecision(3))} ${unit}`;
}

/** Give the interval of a quantile in words. @param {Quantile} quantile @returns {string} */
export function interval({ low, high, needed }) {
	if (low === null || high === null) return `${needed} calls for an interval`;
	return `${duration(low).join(" ")} to ${duration(high).join(" ")}`;
}

/** Lay a logarithmic range over pixels. @param {number} low @param {number} high @param {number} start @param {number} end @returns {Scale} */
export function logScale(low, high, start, end) {
	const [from, to] = [Math.log(low), Math.log(high)];
	return (value) => start + ((end - start) * (Math.log(Math.min(high, Math.max(low, value))) - from)) / (to - from || 1);
}

/** Give round values within a range, about as many as wanted. @param {number} low @param {number} high @param {number} wanted @returns {number[]} */
export function ticks(low, high, wanted) {
	for (const steps of [[1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8], [1, 1.5, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]]) {
		const found = [];
		for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++)
			for (const step of steps) if (step * 10 ** power >= low && step * 10 ** power <= high) found.push(step * 10 ** power);
		if (found.length <= wanted) return found.length ? found : [Math.sqrt(low * high)];
	}
	const powers = [];
	const [first, last] = [Math.ceil(Math.log10(low)), Math.floor(Math.log10(high))];
	for (let power = first; power <= last; power += Math.ceil((last - first + 1) / wanted)) powers.push(10 ** power);
	return powers;
}

/** Draw counts between edges as one outline. @param {number[]} edges @param {number[]} counts @param {Scale} x @param {Scale} y @returns {string} */
export function outline(edges, counts, x, y) {
	const path = [`M${x(edges[0]).toFixed(1)} ${y(0).toFixed(1)}`];
	counts.forEach((count, at) => path.push(`V${y(count).toFixed(1)}H${x(edges[at + 1]).toFixed(1)}`));
	return `${path.join("")}V${y(0).toFixed(1)}Z`;
}

/** Draw values over numbers. @param {number[]} xs @param {number[]} ys @param {Scale} x @param {Scale} y @returns {string} */
export function line(xs, ys, x, y) {
	return ys.map((value, at) => `${at ? "L" : "M"}${x(xs[at]).toFixed(1)} ${y(value).toFixed(1)}`).join("");
}

/** Move labels apart along a line, so that none covers another; first come, first kept. @param {number[]} wanted @param {number} room @returns {number[]} the row of each */
export function rows(wanted, room) {
	/** @type {number[]} */
	const ends = [];
	return wanted.map((place) => {
		let row = ends.findIndex((end) => end <= place);
		if (row < 0) row = ends.length;
		ends[row] = place + room;
		return row;
	});
}

/** Sort rows by a column, the greatest number or the first word first. @param {Row[]} told @param {number} column @param {boolean} backwards @returns {Row[]} */
export function sorted(told, column, backwards) {
	const sign = backwards ? -1 : 1;
	return [...told].sort(
		(a, b) => sign * (typeof a[column] === "number" ? Number(b[column]) - Number(a[column]) : String(a[column]).localeCompare(String(b[column]))),
	);
}

/** Choose the rows to show: the first ones, and the selected one wherever it is. @param {Row[]} told @param {number} limit @param {string | undefined} selected @returns {Row[]} */
export function shown(told, limit, selected) {
	const kept = told.slice(0, limit);
	const more = told.slice(limit).find(([key]) => selected && key === selected);
	return more ? [...kept, more] : kept;
}

/** Give rows as CSV. @param {string[]} columns @param {Row[]} told @returns {string} */
export function csv(columns, told) {
	const cell = (/** @type {string | number} */ value) => (/[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value));
	return [columns, ...told].map((row) => row.map(cell).join(",")).join("\n");
}

/** Give the range of a ratio bar: 1 in the middle, the interval well inside. @param {number} low @param {number} high @returns {[number, number]} */
export function span(low, high) {
	const far = Math.max(1.05, high, 1 / low) ** 1.25;
	return [1 / far, far];
}
