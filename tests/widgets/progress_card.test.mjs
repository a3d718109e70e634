// The parts of the progress card that need no browser; run by test_progress_card.py.
import assert from "node:assert/strict";
import { test } from "node:test";
import card, { duration, resync, share, spoken } from "../../widgets/mlexpert_widgets/progress_card.js";

test("a duration reads as people say it", () => {
	const said = [-1, 0, 59.9, 60, 125, 3605].map(duration);
	assert.deepEqual(said, ["0 s", "0 s", "59 s", "1 min 00 s", "2 min 05 s", "60 min 05 s"]);
});

test("the clock does not jump for a late message, but follows a big difference", () => {
	assert.equal(resync(10.4, 9.1), 10.4);
	assert.equal(resync(10.4, 11.9), 10.4);
	assert.equal(resync(10.4, 40), 40);
	assert.equal(resync(10.4, 0), 0);
});

test("the share of the tests is unknown without a total and never beyond the bar", () => {
	assert.deepEqual([[], [0, 0], [1, 4], [9, 4], [-1, 4]].map(share), [null, null, 25, 100, 0]);
});

test("read aloud are the phase, what failed and the stop, not every step", () => {
	const phases = [
		{ name: "plan", state: "done" },
		{ name: "verify", state: "now" },
	];
	assert.equal(spoken(phases, [], false), "Phase verify");
	assert.equal(spoken(phases, ["causality"], false), "Phase verify, 1 failed");
	assert.equal(spoken(phases, [], true), "Stopping");
	assert.equal(spoken([], [], false), "Starting");
});

test("a card that was closed before it could tell that it is seen is left in peace", async () => {
	let told = 0;
	const model = {
		get: () => false,
		send: () => {
			told += 1;
			if (told > 1) throw new Error("Cannot send");
		},
	};
	const end = card.initialize({ model });
	await new Promise((resolve) => setTimeout(resolve, 700));
	end();
	assert.equal(told, 2);
});
