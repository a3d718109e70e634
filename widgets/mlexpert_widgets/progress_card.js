// @ts-check
/**
 * @typedef {{ name: string, state: "done" | "now" | "next" }} Phase
 * @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(name: string, value: unknown) => void} set
 * @property {(event: string, heard: () => void) => void} on
 * @property {(event: string, heard: () => void) => void} off
 * @property {(content: unknown) => void} send
 * @property {any} [widget_manager] the host's own, different in each
 */

const STOP = "Stop the assistant";
const SHOWN = ["phases", "doing", "tests", "counts", "failed", "stoppable", "stopping"];
const SPOKEN = { done: "done", now: "in progress", next: "to come" };
const FIRST_WAIT_MS = 250; // between two words that a browser has the card; doubled each time
const LONGEST_WAIT_MS = 4000;
const DRIFT_S = 2; // a message is late by less; a clock that goes back a second looks broken

/** Say a duration as people do. @param {number} seconds @returns {string} */
export function duration(seconds) {
	const whole = Math.max(0, Math.floor(seconds));
	if (whole < 60) return `${whole} s`;
	return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** Decide where the clock goes on when it is told the time. @param {number} shown_s @param {number} told_s */
export function resync(shown_s, told_s) {
	return Math.abs(told_s - shown_s) < DRIFT_S ? shown_s : told_s;
}

/** Give how much is through, in percent; null while unknown. @param {number[]} tests @returns {number | null} */
export function share([done, total]) {
	return total > 0 ? Math.min(100, Math.max(0, (100 * (done ?? 0)) / total)) : null;
}

/**
 * Say what a screen reader hears: the phase and what failed, never the stream of small steps.
 * @param {Phase[]} phases @param {string[]} failed @param {boolean} stopping @returns {string}
 */
export function spoken(phases, failed, stopping) {
	const now = phases.find((phase) => phase.state === "now");
	const parts = [stopping ? "Stopping" : now ? `Phase ${now.name}` : "Starting"];
	if (failed.length) parts.push(`${failed.length} failed`);
	return parts.join(", ");
}

/** Make an element. @param {string} tag @param {string} name @param {string} [text] @returns {HTMLElement} */
function make(tag, name, text = "") {
	const element = document.createElement(tag);
	element.className = `mlx-live-${name}`;
	element.textContent = text;
	return element;
}

/** Write text only where it differs: nothing blinks, nothing is read out twice. @param {Element} at @param {string} text */
function write(at, text) {
	if (at.textContent !== text) at.textContent = text;
}

/** @param {Phase} phase @returns {HTMLElement} */
function step(phase) {
	const item = make("li", phase.state);
	item.append(make("span", "dot"), make("span", "name", phase.name), make("span", "said", `, ${SPOKEN[phase.state]}`));
	item.firstElementChild?.setAttribute("aria-hidden", "true");
	if (phase.state === "now") item.setAttribute("aria-current", "step");
	return item;
}

/** Build the card once; what is drawn later only fills it. */
function build() {
	const root = make("section", "card");
	root.setAttribute("aria-label", "The assistant is working");
	const [head, phases, side] = [make("div", "head"), make("ol", "phases"), make("div", "side")];
	const [clock, meter, fill] = [make("span", "clock"), make("div", "meter"), make("div", "fill")];
	const [counts, doing, failed] = [make("div", "counts"), make("div", "doing"), make("ul", "failed")];
	const said = make("div", "said");
	const stop = /** @type {HTMLButtonElement} */ (make("button", "stop", STOP));
	clock.setAttribute("role", "timer");
	said.setAttribute("role", "status");
	meter.setAttribute("role", "progressbar");
	meter.setAttribute("aria-label", "Tests");
	stop.type = "button";
	stop.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take Enter and Space for the cell
	side.append(clock, stop);
	head.append(phases, side);
	meter.append(fill);
	root.append(head, meter, counts, doing, failed, said);
	return { root, phases, clock, stop, meter, fill, counts, doing, failed, said };
}

/** @typedef {ReturnType<typeof build>} Parts */

/** @param {Parts} parts @param {number[]} tests */
function drawMeter({ meter, fill }, tests) {
	const percent = share(tests);
	meter.hidden = percent === null;
	if (percent === null) return;
	fill.style.width = `${percent}%`;
	meter.setAttribute("aria-valuenow", String(Math.round(percent)));
	meter.setAttribute("aria-valuetext", `${tests[0]} of ${tests[1]} tests`);
}

/** @param {Parts} parts @param {boolean} stoppable @param {boolean} stopping */
function drawStop({ root, stop }, stoppable, stopping) {
	root.classList.toggle("mlx-live-stopping", stopping);
	stop.hidden = !stoppable;
	stop.disabled = stopping;
	write(stop, stopping ? "stopping…" : STOP);
	stop.setAttribute("aria-label", stopping ? `${STOP}: stopping` : STOP);
}

/** Replace the items of a list, but only if they differ: a running animation goes on. @param {HTMLElement} list @param {unknown} items @param {() => HTMLElement[]} made */
function fillList(list, items, made) {
	const key = JSON.stringify(items);
	if (list.dataset.items === key) return;
	list.dataset.items = key;
	list.replaceChildren(...made());
}

/** @param {Parts} parts @param {Model} model */
function draw(parts, model) {
	/** @type {{ phases: Phase[], failed: string[] }} */
	const { phases, failed } = { phases: model.get("phases"), failed: model.get("failed") };
	fillList(parts.phases, phases, () => phases.map(step));
	fillList(parts.failed, failed, () => failed.map((text) => make("li", "failure", text)));
	parts.failed.hidden = !failed.length;
	drawMeter(parts, model.get("tests"));
	drawStop(parts, model.get("stoppable"), model.get("stopping"));
	parts.counts.hidden = !model.get("counts");
	write(parts.counts, model.get("counts"));
	write(parts.doing, model.get("doing"));
	parts.doing.title = model.get("doing");
	write(parts.said, spoken(phases, failed, model.get("stopping")));
}

/** Count on between updates. @param {Element} clock @param {Model} model @returns {() => void} its end */
function run(clock, model) {
	let [from_s, since_ms] = [model.get("elapsed_s"), performance.now()];
	const now_s = () => from_s + (performance.now() - since_ms) / 1000;
	const tick = () => write(clock, duration(now_s()));
	const told = () => {
		[from_s, since_ms] = [resync(now_s(), model.get("elapsed_s")), performance.now()];
		tick();
	};
	const timer = setInterval(tick, 250);
	model.on("change:elapsed_s", told);
	tick();
	return () => {
		clearInterval(timer);
		model.off("change:elapsed_s", told);
	};
}

/**
 * Take back the question that the stopped run had asked: JupyterLab runs no cell before an answer, except after an
 * interrupt of its own.
 * @param {Model} model @param {HTMLElement} el
 */
function dropQuestion(model, el) {
	const question = el.closest(".jp-OutputArea")?.querySelector(".jp-OutputArea-stdin-item");
	if (!question) return;
	question.classList.add("lm-mod-hidden");
	model.widget_manager?.context?.sessionContext?.session?.kernel?.removeInputGuard?.();
}

/** @param {{ model: Model, el: HTMLElement }} place @returns {() => void} */
function render({ model, el }) {
	const parts = build();
	const redraw = () => draw(parts, model);
	parts.stop.addEventListener("click", () => {
		model.set("stopping", true);
		model.send({ kind: "stop" });
		dropQuestion(model, el);
	});
	for (const name of SHOWN) model.on(`change:${name}`, redraw);
	const end = run(parts.clock, model);
	redraw();
	el.append(parts.root);
	return () => {
		end();
		for (const name of SHOWN) model.off(`change:${name}`, redraw);
		parts.root.remove();
	};
}

/**
 * Tell Python that a browser has the card, so that it offers the button only where a press arrives; and again until it
 * does: JupyterLab sends what comes before its subshell is there to the main shell, which is busy.
 *
 * @param {{ model: Model }} place
 */
function initialize({ model }) {
	/** @type {ReturnType<typeof setTimeout>} */
	let timer;
	/** @param {number} waitMs */
	const tell = (waitMs) => {
		try {
			model.send({ kind: "seen" });
		} catch {
			return; // the cell has ended and the card is closed: there is nobody to tell any more
		}
		timer = setTimeout(() => model.get("stoppable") || waitMs > LONGEST_WAIT_MS || tell(2 * waitMs), waitMs);
	};
	tell(FIRST_WAIT_MS);
	return () => clearTimeout(timer);
}

export default { initialize, render };
