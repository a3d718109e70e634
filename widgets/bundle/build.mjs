// Builds `mlexpert_widgets/bundles/NAME.js` of each view, and copies the style of the charts; the result is committed.
// `node build.mjs` builds all, `node build.mjs learning_curves` some.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const PACKAGE = join(HERE, "..", "mlexpert_widgets");
const OUT = join(PACKAGE, "bundles");
// d3-zoom beside dagre would make 104 kB of the architecture's 80: panning and zooming are its own few lines
const LIMIT = 80_000; // bytes
const VIEWS = {
	architecture_view: "graph/architecture_view.js",
	learning_curves: "curves/learning_curves.js",
	memory_monitor: "memory/memory_monitor.js",
	dashboard: "dashboard.js",
	latency_profile: "latency/latency_profile.js",
};

/** Name the sources of a bundle with the hash of each, so that a test can tell a bundle that was not built anew. */
function sources(/** @type {string[]} */ inputs) {
	const own = inputs.map((input) => join(HERE, input)).filter((file) => !file.includes("node_modules"));
	return own.map((file) => {
		const text = readFileSync(file, "utf-8");
		return `${relative(PACKAGE, file)}=${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;
	});
}

const chosen = process.argv.slice(2);
mkdirSync(OUT, { recursive: true });
copyFileSync(join(HERE, "node_modules", "uplot", "dist", "uPlot.min.css"), join(OUT, "uplot.css"));
for (const [name, entry] of Object.entries(VIEWS)) {
	if (chosen.length && !chosen.includes(name)) continue;
	const made = await build({
		entryPoints: [join(PACKAGE, entry)],
		bundle: true,
		format: "esm",
		minify: true,
		target: "es2021",
		write: false,
		metafile: true,
		absWorkingDir: HERE,
		nodePaths: [join(HERE, "node_modules")],
		legalComments: "inline",
		charset: "utf8",
	});
	if (made.outputFiles[0].text.length > LIMIT) throw new Error(`${name} is larger than ${LIMIT} bytes: every instance carries it`);
	const text = `/* sources: ${sources(Object.keys(made.metafile.inputs)).sort().join(" ")} */\n${made.outputFiles[0].text}`;
	writeFileSync(join(OUT, `${name}.js`), text);
	console.log(`${name}: ${(text.length / 1000).toFixed(1)} kB`);
}
