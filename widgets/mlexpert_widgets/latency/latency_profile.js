// @ts-check
/** A latency in the browser: the distribution while it is measured, then where the time goes. */

import { button, draw, make } from "../live/dom.js";
import { view } from "../live/view.js";
import { csv, duration, interval, line, logScale, outline, round, rows, shown, sorted, span, three, ticks } from "./latency_profile_core.js";

const [HEIGHT, TOP, BOTTOM, SIDE] = [190, 30, 26, 6];
const STRIP = 56;
const ROWS = 12;
const MARK = 46; // width of a label of a percentile
const TABLES = {
	modules: { trait: "module_rows", key: "module", columns: ["module", "class", "runs", "total ms", "own ms"], micros: 1e3 },
	ops: { trait: "op_rows", key: "op", columns: ["op", "runs", "total µs", "own µs"], micros: 1 },
};

/** @param {number} width @param {number} height @param {string} label @param {Element[]} parts */
function canvas(width, height, label, parts) {
	const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label });
	svg.append(...parts);
	return svg;
}

/** @param {number} at @returns {string} */
const tone = (at) => `var(--mlx-${at + 1})`;

/** @param {import("../live/view.js").Context} place @returns {() => void} */
function mount({ model, el, memory }) {
	memory.table ??= "modules";
	memory.sort ??= { modules: [4, false], ops: [3, false] };
	memory.all ??= false;
	let width = 0;
	const root = make("div", "mlx-latency");
	const [head, numbers, verdict, chart, strip, hints, tables] = ["mlx-strip", "mlx-numbers", "mlx-verdict", "mlx-distribution", "mlx-first", "mlx-hints", "mlx-where"].map((name) => make("div", name));
	const title = make("strong", "mlx-title");
	const state = make("span", "mlx-muted");
	state.setAttribute("aria-live", "polite");
	const progress = /** @type {HTMLProgressElement} */ (make("progress"));
	progress.setAttribute("aria-label", "measured");
	const stop = button("Stop", () => {
		stop.disabled = true;
		model.send({ kind: "stop" });
	});
	const copies = ["CSV", "JSON"].map((kind) => button(`Copy ${kind}`, () => copy(kind)));
	head.append(title, state, progress, stop, make("span", "mlx-space"), ...copies);
	root.append(head, numbers, verdict, chart, strip, hints, tables);
	el.append(root);

	/** @param {string} kind */
	const copy = async (kind) => {
		const { trait, columns } = TABLES[/** @type {"modules" | "ops"} */ (memory.table)];
		const told = ["distributions", "comparison_told", "module_rows", "op_rows", "sentences"];
		const all = Object.fromEntries(told.map((name) => [name, model.get(name)]));
		const text = kind === "CSV" ? csv(columns, model.get(trait)) : JSON.stringify(all, null, 1);
		await written(text, el);
		state.textContent = `${kind} copied`;
	};

	const drawHead = () => {
		const phase = model.get("phase");
		title.textContent = model.get("title");
		const words = { ready: "not measured yet", measuring: "measuring…", looking: "looking where the time goes…", done: "" };
		state.textContent = words[/** @type {keyof typeof words} */ (phase)];
		progress.hidden = stop.hidden = phase !== "measuring";
		progress.value = Math.min(1, model.get("progress"));
		if (phase === "ready" || phase === "done") stop.disabled = false;
		for (const each of copies) each.hidden = phase !== "done";
	};

	const drawNumbers = () => {
		numbers.replaceChildren(...model.get("distributions").flatMap(/** @param {import("./latency_profile_core.js").Distribution} each @param {number} at */ (each, at) => {
			const name = make("div", "mlx-who", each.name);
			name.style.borderColor = tone(at);
			name.append(make("small", "mlx-muted", each.resolved ? `${each.count.toLocaleString("en")} calls, mean ${duration(each.mean).join(" ")}, longest ${duration(each.longest).join(" ")}` : "too short to resolve: below 0.5 µs"));
			const figures = each.quantiles.map((quantile) => {
				const [value, unit] = duration(quantile.value);
				const cell = make("div", "mlx-figure");
				const big = make("div", "mlx-big", value);
				big.append(make("span", "mlx-unit", unit));
				cell.append(make("div", "mlx-muted", quantile.name), big, make("small", "mlx-muted", interval(quantile)));
				return cell;
			});
			const row = make("div", "mlx-row");
			row.append(name, ...figures);
			return [row];
		}));
	};

	const drawVerdict = () => {
		const told = model.get("comparison_told");
		verdict.hidden = !told.sentence;
		if (verdict.hidden) return;
		const text = make("p", told.differ ? "mlx-told" : "mlx-told mlx-even", `${told.sentence}.`);
		verdict.replaceChildren(text);
		if (!told.enough) return;
		const wide = Math.min(width, 520);
		const [low, high] = span(told.low, told.high);
		const x = logScale(low, high, SIDE + 20, wide - SIDE - 20);
		const marks = ticks(low, high, 5).map((tick) => draw("text", { x: x(tick), y: 42, "text-anchor": "middle", class: "mlx-tick" }, String(Number(tick.toPrecision(3)))));
		const names = model.get("distributions").map((/** @type {{ name: string }} */ each) => each.name);
		verdict.append(
			canvas(wide, 46, "Ratio of the medians with its interval", [
				draw("line", { x1: x(low), x2: x(high), y1: 16, y2: 16, class: "mlx-grid" }),
				draw("line", { x1: x(1), x2: x(1), y1: 4, y2: 28, class: "mlx-one" }),
				draw("rect", { x: Math.min(x(told.low), x(told.ratio) - 3), width: Math.max(6, x(told.high) - x(told.low)), y: 10, height: 12, rx: 3, class: told.differ ? "mlx-range" : "mlx-range mlx-even" }),
				draw("rect", { x: x(told.ratio) - 1, width: 2, y: 6, height: 20, class: "mlx-dot" }),
				...marks,
			]),
			make("small", "mlx-muted", `median of ${names[0]} over that of ${names[1]}: right of 1, ${names[1]} is faster`),
		);
	};

	const drawChart = () => {
		const [edges, told] = [model.get("edges"), model.get("distributions")];
		chart.hidden = !told.length;
		if (chart.hidden || !width) return;
		const x = logScale(edges[0], edges[edges.length - 1], SIDE, width - SIDE);
		const most = Math.max(1, ...told.flatMap((/** @type {{ counts: number[] }} */ each) => each.counts));
		const y = (/** @type {number} */ count) => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * count) / most;
		const parts = [draw("line", { x1: SIDE, x2: width - SIDE, y1: y(0), y2: y(0), class: "mlx-grid" })];
		for (const tick of ticks(edges[0], edges[edges.length - 1], Math.max(2, Math.floor(width / 90)))) {
			const at = Math.min(width - 26, Math.max(26, x(tick)));
			parts.push(draw("line", { x1: x(tick), x2: x(tick), y1: y(0), y2: y(0) + 4, class: "mlx-grid" }));
			parts.push(draw("text", { x: at, y: HEIGHT - 8, "text-anchor": "middle", class: "mlx-tick" }, round(tick)));
		}
		told.forEach((/** @type {import("./latency_profile_core.js").Distribution} */ each, /** @type {number} */ at) => {
			parts.push(draw("path", { d: outline(edges, each.counts, x, y), fill: tone(at), "fill-opacity": 0.28, stroke: tone(at), "stroke-width": 1.3, "stroke-dasharray": at ? "4 2" : "none" }));
		});
		chart.replaceChildren(canvas(width, HEIGHT, model.get("summary") || "Distribution of the times", [...parts, ...marks(told, x, y(0))]));
	};

	/** Percentiles over the distribution: of one all, of two the medians. @param {import("./latency_profile_core.js").Distribution[]} told @param {import("./latency_profile_core.js").Scale} x @param {number} ground */
	const marks = (told, x, ground) => {
		const wanted = told.flatMap((each, at) => each.quantiles.slice(0, told.length > 1 ? 1 : 3).map((quantile) => ({ quantile, at })));
		wanted.sort((a, b) => a.quantile.value - b.quantile.value);
		const places = rows(wanted.map(({ quantile }) => x(quantile.value)), MARK);
		return wanted.flatMap(({ quantile, at }, index) => {
			const place = x(quantile.value);
			const left = place > width - MARK;
			const parts = [
				draw("line", { x1: place, x2: place, y1: 4 + 12 * (places[index] % 2), y2: ground, stroke: tone(at), "stroke-dasharray": "3 3" }),
				draw("text", { x: place + (left ? -4 : 4), y: 12 + 12 * (places[index] % 2), "text-anchor": left ? "end" : "start", class: "mlx-label" }, told.length > 1 ? `p50 ${"AB"[at]}` : quantile.name),
			];
			if (quantile.low !== null && quantile.high !== null)
				parts.unshift(draw("rect", { x: x(quantile.low), width: Math.max(1, x(quantile.high) - x(quantile.low)), y: TOP, height: ground - TOP, fill: tone(at), "fill-opacity": 0.2 }));
			return parts;
		});
	};

	const drawStrip = () => {
		const told = model.get("strip");
		strip.hidden = !told.numbers?.length;
		if (strip.hidden || !width) return;
		const last = Math.max(2, told.shown);
		const x = (/** @type {number} */ number) => SIDE + ((width - 2 * SIDE) * (number - 1)) / (last - 1);
		const values = told.times.flat().filter((/** @type {number} */ each) => each > 0);
		const y = logScale(Math.min(...values) / 1.05, Math.max(...values) * 1.05, STRIP - 4, 4);
		const parts = told.times.map((/** @type {number[]} */ times, /** @type {number} */ at) => draw("path", { d: line(told.numbers, times, x, y), fill: "none", stroke: tone(at), "stroke-width": 1.2 }));
		if (told.dropped) {
			const end = x(told.dropped + 0.5);
			parts.unshift(draw("rect", { x: 0, y: 0, width: end, height: STRIP, class: "mlx-dropped" }), draw("line", { x1: end, x2: end, y1: 0, y2: STRIP, class: "mlx-one" }));
		}
		strip.replaceChildren(canvas(width, STRIP, told.sentence, parts), make("small", "mlx-muted", `${told.sentence} Shown: the first ${told.shown}.`));
	};

	const drawHints = () => {
		const said = model.get("sentences").filter((/** @type {string} */ each) => /-bound:|^Most time|have not settled/.test(each));
		hints.replaceChildren(...said.map((/** @type {string} */ each) => make("p", "mlx-hint", each)));
	};

	const drawTables = () => {
		const there = Object.entries(TABLES).filter(([, { trait }]) => model.get(trait).length);
		const focused = document.activeElement instanceof HTMLElement && tables.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
		tables.hidden = !there.length;
		if (tables.hidden) return;
		const name = there.some(([each]) => each === memory.table) ? memory.table : there[0][0];
		const bar = make("div", "mlx-strip");
		bar.append(
			...there.map(([each, { key }]) => {
				const tab = button(`By ${key}`, () => {
					memory.table = each;
					drawTables();
				});
				tab.setAttribute("aria-pressed", String(each === name));
				tab.dataset.key = `by ${each}`;
				return tab;
			}),
		);
		tables.replaceChildren(bar, table(/** @type {"modules" | "ops"} */ (name)));
		const { length } = model.get(TABLES[/** @type {"modules" | "ops"} */ (name)].trait);
		if (length > ROWS) {
			const more = button(memory.all ? "Show fewer" : `Show all ${length}`, () => {
				memory.all = !memory.all;
				drawTables();
			});
			more.dataset.key = "more";
			tables.append(more);
		}
		if (focused !== undefined) /** @type {HTMLElement | undefined} */ ([...tables.querySelectorAll("button")].find((each) => each.dataset.key === focused))?.focus();
	};

	/** @param {"modules" | "ops"} name */
	const table = (name) => {
		const { trait, key, columns, micros } = TABLES[name];
		const [column, backwards] = memory.sort[name];
		const told = model.get(trait);
		const [total, own] = [columns.length - 2, columns.length - 1];
		const most = Math.max(...told.map((/** @type {number[]} */ row) => row[own]), 1e-9);
		const selected = name === "modules" ? model.get("selected") : undefined;
		const made = make("table");
		const headRow = make("tr");
		headRow.append(
			...columns.map((text, at) => {
				const cell = make("th", at >= total - 1 ? "mlx-right" : "");
				cell.setAttribute("scope", "col");
				if (at === column) cell.setAttribute("aria-sort", backwards === (typeof told[0][at] !== "number") ? "descending" : "ascending");
				const sort = button(text.split(" ")[0], () => {
					memory.sort[name] = [at, at === column && !backwards];
					drawTables();
				});
				sort.dataset.key = `sort ${at}`;
				if (at === column) sort.append(make("span", "mlx-arrow", backwards ? " ▲" : " ▼"));
				cell.append(sort);
				return cell;
			}),
		);
		const thead = make("thead");
		thead.append(headRow);
		const body = make("tbody");
		body.append(
			...shown(sorted(told, column, backwards), memory.all ? Infinity : ROWS, selected).map((row) => {
				const line_ = make("tr", selected !== undefined && selected !== "" && row[0] === selected ? "mlx-selected" : "");
				row.forEach((value, at) => {
					const text = at >= total ? duration(Number(value) * micros).join(" ") : typeof value === "number" ? String(Number(three(value).replaceAll(",", ""))) : value;
					const cell = make("td", at >= total - 1 ? "mlx-right" : at ? "mlx-muted" : "mlx-key", at ? text : "");
					if (!at) cell.append(name === "modules" ? pick(String(value), selected) : make("span", "", text));
					if (at === own) {
						const bar = make("span", "mlx-share");
						bar.style.width = `${(100 * Number(value)) / most}%`;
						cell.append(bar);
					}
					line_.append(cell);
				});
				return line_;
			}),
		);
		made.append(make("caption", "mlx-muted", name === "ops" ? "One call, under the profiler" : "One call"), thead, body);
		made.setAttribute("aria-label", `Time by ${key}`);
		return made;
	};

	/** @param {string} path @param {string | undefined} selected */
	const pick = (path, selected) => {
		const el_ = button(path || "(whole model)", () => {
			model.set("selected", selected === path ? "" : path);
			model.save_changes();
		});
		el_.dataset.key = `pick ${path}`;
		el_.setAttribute("aria-pressed", String(path !== "" && selected === path));
		return el_;
	};

	const all = () => {
		drawHead();
		drawNumbers();
		drawVerdict();
		drawChart();
		drawStrip();
		drawHints();
	};
	let frame = 0;
	const soon = () => {
		frame ||= requestAnimationFrame(() => {
			frame = 0;
			all();
		});
	};
	const traits = ["phase", "progress", "title", "distributions", "comparison_told", "strip", "sentences"];
	for (const name of traits) model.on(`change:${name}`, soon);
	for (const name of ["module_rows", "op_rows", "selected"]) model.on(`change:${name}`, drawTables);
	const sizes = new ResizeObserver(() => {
		const now = Math.floor(root.clientWidth);
		if (now > 0 && now !== width) {
			width = now;
			all();
		}
	});
	sizes.observe(root);
	all();
	drawTables();
	return () => {
		cancelAnimationFrame(frame);
		sizes.disconnect();
		for (const name of traits) model.off(`change:${name}`, soon);
		for (const name of ["module_rows", "op_rows", "selected"]) model.off(`change:${name}`, drawTables);
	};
}

/** Put text into the clipboard, also where the page is not served safely. @param {string} text @param {HTMLElement} el */
async function written(text, el) {
	try {
		await navigator.clipboard.writeText(text);
	} catch {
		const area = document.createElement("textarea");
		area.value = text;
		el.append(area);
		area.select();
		document.execCommand("copy");
		area.remove();
	}
}

export default view(mount);
