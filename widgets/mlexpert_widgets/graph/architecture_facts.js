// @ts-check
/**
 * What is known of a module, in words: its facts, and the values by which the diagram is coloured.
 *
 * @typedef {import("./architecture_core.js").Graph} Graph
 * @typedef {{ name: string, unit: string, values: Record<string, number> }} Overlay measured values by path
 * @typedef {{ of: (index: number) => number | undefined, told: (value: number) => string }} Values
 */

import { size } from "../live/amounts.js";
import { indexOf, kindOf, membersOf, pathOf, runsOf } from "./architecture_core.js";

const NOTHING = new Set();
const PARTS = 24; // of a path that are shown
export const KNOWN = ["parameters", "FLOPs", "parameter memory", "output memory"];

/** Give the values of an overlay; nothing if there is none. @param {Graph} graph @param {Overlay[]} overlays @param {string} name @returns {Values | null} */
export function valuesOf(graph, overlays, name) {
	const { params, flops, bytes, activations } = graph.columns;
	/** @type {Record<string, Values>} */
	const known = {
		parameters: { of: (at) => params[at], told: (v) => `${count(v)} parameters` },
		FLOPs: { of: (at) => flops[at], told: (v) => `${count(v)} FLOPs` },
		"parameter memory": { of: (at) => bytes[at], told: size },
		"output memory": { of: (at) => activations[at], told: size },
	};
	const measured = overlays.find((each) => each.name === name);
	if (!measured) return known[name] ?? null;
	const summed = sums(graph, measured.values);
	return { of: (at) => summed[at], told: (v) => amount(v, measured.unit) };
}

/** Give what was measured of each module; of one that was not, the sum of what was measured inside. @param {Graph} graph @param {Record<string, number>} values @returns {(number | undefined)[]} */
function sums(graph, values) {
	/** @type {(number | undefined)[][]} */
	const [own, inside] = [new Array(graph.size), new Array(graph.size)];
	for (const [path, value] of Object.entries(values)) own[indexOf(graph, path)] = value;
	for (let at = graph.size - 1; at > 0; at--) {
		const value = own[at] ?? inside[at];
		const parent = graph.columns.parents[at];
		if (value !== undefined) inside[parent] = (inside[parent] ?? 0) + value;
	}
	return Array.from(inside, (value, at) => own[at] ?? value);
}

/** Add up the values of all modules that a box stands for. @param {Graph} graph @param {Values} values @param {number} first @param {number} times @returns {number | undefined} */
export function total(graph, values, first, times) {
	const found = membersOf(graph, first, times).flatMap((each) => values.of(each) ?? []);
	return found.length ? found.reduce((sum, each) => sum + each, 0) : undefined;
}

/** List what is known of a module. @param {Graph} graph @param {number} index @param {Overlay[]} overlays @returns {[string, string][]} */
export function facts(graph, index, overlays) {
	const { columns } = graph;
	const share = columns.params[0] ? ` (${((100 * columns.params[index]) / columns.params[0]).toFixed(1)} %)` : "";
	const flops = columns.flops[index];
	const idle = columns.order[0] < 0 ? "" : columns.order[index] < 0 ? "not called with these inputs" : "only its children are called";
	const run = index > 0 && runsOf(graph, columns.parents[index], NOTHING).find((each) => each.first === index && each.count > 1);
	/** @type {[string, string][]} */
	const told = [
		["path", `${graph.depths[index] > PARTS ? "…" : ""}${pathOf(graph, index, PARTS)}` || "(the model)"],
		["class", kindOf(graph, index)],
		["input", columns.texts[columns.inputs[index]]],
		["output", columns.texts[columns.outputs[index]]],
		["parameters", `${columns.params[index].toLocaleString("en")}${share}`],
		["tied", columns.tied[index] ?? ""],
		["FLOPs", flops === undefined ? "" : `${count(flops)} (${count(flops / 2)} MACs)`],
		["parameter memory", size(columns.bytes[index])],
		["output memory", columns.activations[index] ? size(columns.activations[index]) : ""],
		["calls", columns.calls[index] ? String(columns.calls[index]) : idle],
		["repeated", run ? `×${run.count}` : ""],
		["failed", columns.failed[index] ?? ""],
	];
	for (const { name, unit, values } of overlays) {
		const value = values[pathOf(graph, index)];
		if (value !== undefined) told.push([name, amount(value, unit)]);
	}
	return told.filter(([, value]) => value);
}

/** Give a measured value with its unit. @param {number} value @param {string} unit @returns {string} */
export function amount(value, unit) {
	return unit === "B" ? size(value) : `${Number(value.toPrecision(3))} ${unit}`.trim();
}

/** Give a number of things in three digits: 124M; the same as `words.py`. @param {number} value @returns {string} */
export function count(value) {
	const steps = /** @type {[number, string][]} */ ([[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]);
	for (const [step, letter] of steps) if (Math.abs(value) >= 0.9995 * step) return `${Number((value / step).toPrecision(3))}${letter}`; // what rounds up to it is one of it
	return String(Number(value.toPrecision(3)));
}

/** Cut text. @param {string} text @param {number} limit @returns {string} */
export function cut(text, limit) {
	return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}
