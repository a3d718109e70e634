// @ts-check
/** The bar over the four views: which module is selected in all of them. */

import { view } from "./live/view.js";

/** @param {import("./live/view.js").Context} place @returns {() => void} */
function mount({ model, el }) {
	el.classList.add("mlx-strip");
	const title = document.createElement("strong");
	const said = document.createElement("span");
	said.className = "mlx-muted";
	said.setAttribute("role", "status");
	const clear = document.createElement("button");
	clear.type = "button";
	clear.textContent = "Clear";
	clear.addEventListener("click", () => {
		model.set("selected", "");
		model.save_changes();
	});
	const draw = () => {
		const selected = model.get("selected");
		title.textContent = model.get("title");
		said.textContent = selected ? `selected: ${selected}` : "select a module in any view and it is marked in all";
		clear.hidden = !selected;
	};
	model.on("change:selected", draw);
	model.on("change:title", draw);
	draw();
	el.append(title, said, clear);
	return () => {
		model.off("change:selected", draw);
		model.off("change:title", draw);
	};
}

export default view(mount);
