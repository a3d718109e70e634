/** Elements made of text: nothing that comes from outside is ever read as HTML. */

type Child = Node | string | null | undefined | false;

/** Make an element; strings become text nodes. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    node.setAttribute(name, value);
  }
  node.append(...children.filter((child): child is Node | string => !!child));
  return node;
}

/** Make a button with a handler. */
export function button(
  label: string,
  onClick: () => void,
  attributes: Readonly<Record<string, string>> = {}
): HTMLButtonElement {
  const node = el('button', { type: 'button', class: 'mlx-button', ...attributes }, label);
  node.addEventListener('click', onClick);
  return node;
}

/** Make a heading that opens on a click. */
export function folded(title: string, body: Node, open = false): HTMLDetailsElement {
  return el('details', open ? { open: '' } : {}, el('summary', {}, title), body);
}
