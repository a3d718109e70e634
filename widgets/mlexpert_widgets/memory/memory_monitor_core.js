// @ts-check
/** Bytes in words and units, for the memory monitor. */

const STEPS = /** @type {[number, string][]} */ ([
	[2 ** 40, "TiB"],
	[2 ** 30, "GiB"],
	[2 ** 20, "MiB"],
	[2 ** 10, "KiB"],
]);

/** Give bytes by 1024: 5.21 GiB; the same as `words.py`. @param {number} bytes @returns {string} */
export function size(bytes) {
	for (const [step, unit] of STEPS) {
		const value = bytes / step;
		if (Math.abs(value) >= 1) return `${value >= 100 ? value.toFixed(0) : Number(value.toPrecision(3))} ${unit}`;
	}
	return `${Math.round(bytes)} B`;
}

/** Choose the unit of an axis. @param {number} largest @returns {[number, string]} */
export function unit(largest) {
	return STEPS.find(([step]) => largest >= step) ?? [1, "bytes"];
}

/** Put series that belong to one device into one lane. @param {{ name: string }[]} series @returns {Map<string, number[]>} */
export function lanes(series) {
	/** @type {Map<string, number[]>} */
	const found = new Map();
	series.forEach(({ name }, at) => {
		const lane = name.match(/^(?:GPU \d+|MPS)/)?.[0] ?? "This process";
		found.set(lane, [...(found.get(lane) ?? []), at]);
	});
	return found;
}
