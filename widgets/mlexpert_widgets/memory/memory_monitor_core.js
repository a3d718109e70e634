// @ts-check
/**
 * Amounts, groups and points of the memory monitor.
 *
 * @typedef {{ name: string, unit: string, device: string, label: string, newest: number | null, peak: number, limit: number | null }} Fact
 * @typedef {{ name: string, length: number, time: ArrayLike<number>, value: ArrayLike<number> }} Points
 * @typedef {{ name: string, bytes: { fact: Fact, points: Points }[], percents: Fact[], limit: number | null, most: number }} Lane
 */

import { size } from "../live/amounts.js";

const SHOWN_FROM = 0.5; // of the limit; the same as in `lanes.py`

/** Give a value in words, or that it is gone. @param {number | null | undefined} value @param {string} unit_ @returns {string} */
export function amount(value, unit_) {
	if (value === null || value === undefined || Number.isNaN(value)) return "gone";
	return unit_ === "%" ? `${Math.round(value)} %` : size(value);
}

/** Put what belongs to one device together. @param {Fact[]} facts @param {Points[]} series @returns {Lane[]} */
export function lanes(facts, series) {
	const points = new Map(series.map((each) => [each.name, each]));
	/** @type {Map<string, Lane>} */
	const found = new Map();
	for (const fact of facts) {
		const lane = found.get(fact.device) ?? { name: fact.device, bytes: [], percents: [], limit: null, most: 0 };
		found.set(fact.device, lane);
		const own = points.get(fact.name);
		if (fact.unit === "%") lane.percents.push(fact);
		else if (own?.length) {
			lane.bytes.push({ fact, points: own });
			lane.most = Math.max(lane.most, fact.peak);
			lane.limit ??= fact.limit;
		}
	}
	return [...found.values()].filter((lane) => lane.bytes.length);
}

/** Give the limit if it is near enough to what is used to be drawn. @param {Lane} lane @returns {number | null} */
export function shownLimit({ limit, most }) {
	return limit && most >= SHOWN_FROM * limit ? limit : null;
}

/**
 * Give the few points that a chart can show: the least and the greatest of each column, and that there is a gap.
 * @param {Points} points @param {number} columns @param {number} step what one unit of the axis is
 * @returns {[number[], (number | null)[]]}
 */
export function decimated({ time, value, length }, columns, step) {
	/** @type {[number[], (number | null)[]]} */
	const made = [[], []];
	const add = (/** @type {number} */ at) => {
		if (made[0].length && made[0][made[0].length - 1] >= time[at]) return;
		made[0].push(time[at]);
		made[1].push(Number.isNaN(value[at]) ? null : value[at] / step);
	};
	const width = Math.max(1, Math.ceil(length / columns));
	for (let from = 0; from < length; from += width) {
		let [low, high, gap] = [-1, -1, -1];
		for (let at = from; at < Math.min(length, from + width); at++) {
			if (Number.isNaN(value[at])) gap = at;
			else if (low < 0) low = high = at;
			else if (value[at] < value[low]) low = at;
			else if (value[at] > value[high]) high = at;
		}
		for (const at of [low, high, gap].filter((each) => each >= 0).sort((a, b) => a - b)) add(at);
	}
	if (length) add(length - 1);
	return made;
}

/** Give a share as a width. @param {number | null} part @param {number} whole @returns {string} */
export function width(part, whole) {
	return `${Math.min(100, Math.max(0, (100 * (part ?? 0)) / (whole || 1))).toFixed(2)}%`;
}
