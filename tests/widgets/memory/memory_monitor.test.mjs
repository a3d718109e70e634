import assert from "node:assert/strict";
import test from "node:test";
import { lanes, size, unit } from "../../../widgets/mlexpert_widgets/memory/memory_monitor_core.js";

test("bytes are told by 1024", () => {
	const told = [0, 999, 2048, 5.21 * 2 ** 30, 260 * 2 ** 20, 3 * 2 ** 40].map(size);
	assert.deepEqual(told, ["0 B", "999 B", "2 KiB", "5.21 GiB", "260 MiB", "3 TiB"]);
	assert.deepEqual(unit(5e9), [2 ** 30, "GiB"]);
	assert.deepEqual(unit(0), [1, "bytes"]);
});

test("series of one device share a lane", () => {
	const series = ["this process", "GPU 0 used", "GPU 1 used", "GPU 0 allocated", "MPS driver"].map((name) => ({ name }));
	assert.deepEqual([...lanes(series)], [["This process", [0]], ["GPU 0", [1, 3]], ["GPU 1", [2]], ["MPS", [4]]]);
});
