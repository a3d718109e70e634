// @ts-check
/** Bytes in words; the same as `amounts.py`. */

const STEPS = /** @type {[number, string][]} */ ([
	[2 ** 40, "TiB"],
	[2 ** 30, "GiB"],
	[2 ** 20, "MiB"],
	[2 ** 10, "KiB"],
]);

/** Give bytes by 1024: 5.21 GiB. @param {number} bytes @returns {string} */
export function size(bytes) {
	const [step, name] = unit(bytes);
	if (step === 1) return `${Math.round(bytes)} B`;
	const value = bytes / step;
	return `${Math.abs(value) >= 100 ? value.toFixed(0) : Number(value.toPrecision(3))} ${name}`;
}

/** Choose the unit of an axis. @param {number} largest @returns {[number, string]} */
export function unit(largest) {
	return STEPS.find(([step]) => Math.abs(largest) >= step) ?? [1, "bytes"];
}
