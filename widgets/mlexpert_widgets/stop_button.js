// @ts-check
/**
 * @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(name: string, value: unknown) => void} set
 * @property {(event: string, heard: () => void) => void} on
 * @property {(event: string, heard: () => void) => void} off
 * @property {(content: unknown) => void} send
 */

/**
 * Say what stands on the button, and what is read aloud.
 * @param {string} label
 * @param {boolean} stopping
 * @returns {{ text: string, spoken: string, disabled: boolean }}
 */
export function face(label, stopping) {
	return stopping
		? { text: "stopping…", spoken: `${label}: stopping`, disabled: true }
		: { text: label, spoken: label, disabled: false };
}

/** @param {{ model: Model, el: HTMLElement }} place @returns {() => void} */
function render({ model, el }) {
	const button = document.createElement("button");
	button.type = "button";
	button.className = "mlx-stop-button";
	button.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take Enter and Space for the cell
	const draw = () => {
		const { text, spoken, disabled } = face(model.get("label"), model.get("stopping"));
		button.textContent = text;
		button.setAttribute("aria-label", spoken);
		button.disabled = disabled;
	};
	button.addEventListener("click", () => {
		model.set("stopping", true);
		model.send({ kind: "stop" });
	});
	model.on("change:label", draw);
	model.on("change:stopping", draw);
	draw();
	el.append(button);
	return () => {
		model.off("change:label", draw);
		model.off("change:stopping", draw);
		button.remove();
	};
}

export default { render };
