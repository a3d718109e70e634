// What stands on the stop button; run by test_stop_button.py.
import assert from "node:assert/strict";
import { test } from "node:test";
import { face } from "../../widgets/mlexpert_widgets/stop_button.js";

test("the label stands on the button and is read aloud", () => {
	assert.deepEqual(face("Stop training", false), { text: "Stop training", spoken: "Stop training", disabled: false });
});

test("after a press it cannot be pressed and says so", () => {
	assert.deepEqual(face("Stop training", true), {
		text: "stopping…",
		spoken: "Stop training: stopping",
		disabled: true,
	});
});
