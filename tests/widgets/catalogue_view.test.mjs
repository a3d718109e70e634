// The parts of the catalogue view that need no browser; run by test_catalogue_view.py.
import assert from "node:assert/strict";
import { test } from "node:test";
import { counted, filtered, ordered } from "../../widgets/mlexpert_widgets/catalogue_view.js";

const ROWS = [
	{ name: "vit", search: "vit vision transformer patches", size: "5.7M", size_order: 5.7e6, rate: "not yet", rate_order: null },
	{ name: "bert", search: "bert masked transformer", size: "11.2M", size_order: 11.2e6, rate: "92 %", rate_order: 0.92 },
	{ name: "lora", search: "lora adapters", size: "920K", size_order: 9.2e5, rate: "100 %", rate_order: 1 },
];
const names = (rows) => rows.map((row) => row.name);

test("every word of a query must be there, in any order and any case", () => {
	assert.deepEqual(names(filtered(ROWS, "")), ["vit", "bert", "lora"]);
	assert.deepEqual(names(filtered(ROWS, "  Transformer ")), ["vit", "bert"]);
	assert.deepEqual(names(filtered(ROWS, "PATCH vision")), ["vit"]);
	assert.deepEqual(names(filtered(ROWS, "vision adapters")), []);
});

test("figures are sorted as figures, names as names, and no row is lost", () => {
	assert.deepEqual(names(ordered(ROWS, "size", false)), ["lora", "vit", "bert"]);
	assert.deepEqual(names(ordered(ROWS, "size", true)), ["bert", "vit", "lora"]);
	assert.deepEqual(names(ordered(ROWS, "name", false)), ["bert", "lora", "vit"]);
	assert.deepEqual(names(ordered(ROWS, "", true)), ["vit", "bert", "lora"]);
});

test("what was never measured stands last, whichever way", () => {
	assert.deepEqual(names(ordered(ROWS, "rate", false)), ["bert", "lora", "vit"]);
	assert.deepEqual(names(ordered(ROWS, "rate", true)), ["lora", "bert", "vit"]);
});

test("sorting leaves the given rows alone", () => {
	ordered(ROWS, "name", true);
	assert.deepEqual(names(ROWS), ["vit", "bert", "lora"]);
});

test("the count says how many are left out", () => {
	assert.equal(counted(18, 18), "18 entries");
	assert.equal(counted(2, 18), "2 of 18 entries");
});
