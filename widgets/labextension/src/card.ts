/** The card of a finished run, under its cell: what was asked and measured, each file and cell, and what to do with them. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';
import { answer, blocked } from './answering';
import type { Kind } from './changes';
import type { Controller, Owner } from './controller';
import { button, el, folded } from './dom';
import { QuestionForm } from './form';
import { counted, line, MIME, plain, readPayload, type Card, type Payload, type Table, type Tone } from './payload';

const SYMBOLS: Readonly<Record<Tone, string>> = { good: '✓', bad: '✗', warn: '!', info: 'i' };
// Okabe and Ito 2008, as in mlexpert_widgets/share_bar.py
const COLOURS = ['#0072B2', '#E69F00', '#009E73', '#CC79A7', '#56B4E9', '#D55E00', '#F0E442', '#999999'];
const STATES: Readonly<Record<Kind, string>> = {
  new: 'not in the notebook',
  changed: 'an older version is in the notebook',
  edited: 'in the notebook, edited by you',
  conflict: 'edited by you; there is a newer version',
  removed: 'no longer part of the plan',
  same: 'in the notebook'
};
const LONG = 280; // characters of a request that are shown without a click
const SHOWN = 20_000; // characters of a cell that are shown on a click
const REFRESH_MS = 150;
const MAX_TRIES = 40;

export class CellsCard extends Widget implements IRenderMime.IRenderer {
  private readonly app: JupyterFrontEnd;
  private readonly controller: Controller;
  private readonly status = el('span', { class: 'mlx-status', role: 'status' });
  private payload: Payload | null = null;
  private rows: { wanted: number; state: HTMLElement; insert: HTMLButtonElement }[] = [];
  private next: HTMLButtonElement | null = null;
  private form: QuestionForm | null = null;
  private watched: Owner | null = null;
  private timer = 0;

  constructor(app: JupyterFrontEnd, controller: Controller) {
    super();
    this.app = app;
    this.controller = controller;
    this.addClass('mlx-host');
  }

  /** Show a payload; called again when the output changes. */
  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.payload = readPayload(model.data[MIME]);
    this.rows = [];
    this.next = this.form = null;
    const shown = this.payload
      ? this.whole(this.payload)
      : el('div', { class: 'mlx mlx-bad' }, 'This output cannot be read as cells of mlexpert_nb; run its cell again.');
    this.node.replaceChildren(shown);
    this.watch();
  }

  /** Windowed notebooks attach a card when it is scrolled to. */
  protected onAfterAttach(): void {
    this.watch();
  }

  /** Say what came of the last action. */
  say(text: string): void {
    this.status.textContent = text;
    this.refresh();
  }

  dispose(): void {
    if (!this.isDisposed) {
      window.clearTimeout(this.timer);
      this.unwatch();
      super.dispose();
    }
  }

  /** Follow the notebook that the card is in; while a page loads, it is in none yet. */
  private watch(tries = MAX_TRIES): void {
    window.clearTimeout(this.timer);
    const owner = this.isDisposed ? null : this.controller.ownerOf(this.node);
    if (owner?.panel.content.model) {
      this.unwatch();
      owner.panel.content.model.sharedModel.changed.connect(this.later, this);
      owner.panel.sessionContext.statusChanged.connect(this.later, this);
      owner.panel.sessionContext.kernelChanged.connect(this.later, this);
      this.watched = owner;
      this.refresh();
    } else if (!this.isDisposed && tries > 0) {
      this.timer = window.setTimeout(() => this.watch(tries - 1), REFRESH_MS);
    }
  }

  private unwatch(): void {
    this.watched?.panel.content.model?.sharedModel.changed.disconnect(this.later, this);
    this.watched?.panel.sessionContext.statusChanged.disconnect(this.later, this);
    this.watched?.panel.sessionContext.kernelChanged.disconnect(this.later, this);
  }

  private later(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.refresh(), REFRESH_MS);
  }

  /** Bring the state of each row up to date with the notebook. */
  private refresh(): void {
    const owner = this.isDisposed ? null : this.controller.ownerOf(this.node);
    if (this.form) {
      this.form.block(blocked(owner, this.payload!.asked!));
    }
    const plan = owner && this.payload && this.controller.plan(owner, this.payload);
    if (!plan) {
      return;
    }
    const byWanted = new Map(plan.changes.map(each => [each.wanted, each]));
    let missing = 0;
    for (const { wanted, state, insert } of this.rows) {
      const kind = byWanted.get(wanted)?.kind ?? 'new';
      missing += kind === 'new' || kind === 'changed' ? 1 : 0;
      state.textContent = STATES[kind];
      state.className = `mlx-chip mlx-chip-${kind}`;
      insert.textContent = kind === 'new' ? 'Insert' : kind === 'changed' ? 'Replace' : 'Show';
    }
    if (this.next) {
      this.next.disabled = missing === 0;
      this.next.textContent = missing ? `Insert one by one (${missing} left)` : 'Insert one by one';
    }
  }

  private whole(payload: Payload): HTMLElement {
    const card = payload.card;
    const tone = card?.tone ?? 'info';
    return el(
      'div',
      { class: `mlx mlx-${tone} mlx-card`, role: 'region', 'aria-label': payload.title },
      el(
        'div',
        { class: 'mlx-head', role: 'heading', 'aria-level': '3' },
        el('span', { class: 'mlx-mark', 'aria-hidden': 'true' }, SYMBOLS[tone]),
        ' ',
        el('strong', {}, card?.headline || payload.title)
      ),
      card?.message && el('p', {}, card.message),
      card && asked(card.asked),
      ...payload.cut.map(text => el('p', { class: 'mlx-cut' }, `⚠ ${text}`)),
      card && failures(card),
      card && figures(card),
      this.controls(payload),
      card && shares(card),
      payload.carries ? null : this.delivered(payload),
      ...(card?.tables ?? []).filter(table => !isFiles(table)).map(table),
      ...(card?.texts ?? []).map(({ title, text }) => folded(title, el('pre', {}, text))),
      card && facts(card),
      card && steps(card)
    );
  }

  /** Give what a person can do here; a card whose run has done it already only says so. */
  private controls(payload: Payload): HTMLElement {
    const { asked } = payload;
    if (asked) {
      const send = (answers: string[]) => this.act(owner => answer(owner, asked, answers, text => this.say(text)));
      this.form = new QuestionForm(asked, this.status, send);
      this.form.block(blocked(null, asked));
      return this.form.node;
    }
    return payload.undoes || payload.carries ? this.status : this.toolbar(payload);
  }

  private toolbar(payload: Payload): HTMLElement {
    const act = (does: (owner: Owner) => string | Promise<string>) => () => void this.act(does);
    const primary = { class: 'mlx-button mlx-primary', title: 'Put every cell under the request, in one undo step' };
    this.next = button('Insert one by one', act(o => this.controller.insertNext(o, payload)), {
      title: 'Insert the next missing cell and go to it'
    });
    const buttons = [
      button('Insert', act(o => this.controller.insert(o, payload)), primary),
      this.next,
      button('Review', act(o => this.controller.review(o, payload)), {
        title: 'Compare with what is in the notebook, and decide cell by cell'
      }),
      button('Discard', act(o => this.controller.discard(o, payload)), {
        title: 'Take the generated cells out again; the ones you edited stay'
      }),
      payload.receipt
        ? button('Undo', act(o => this.controller.undo(o, payload)), {
            title: 'Take the run back: notebook and workspace as before it'
          })
        : null
    ];
    return el(
      'div',
      { class: 'mlx-toolbar', role: 'toolbar', 'aria-label': 'Generated cells' },
      ...buttons,
      this.status
    );
  }

  private async act(does: (owner: Owner) => string | Promise<string>): Promise<void> {
    const owner = this.controller.ownerOf(this.node);
    if (!owner) {
      this.say('this output is not in a notebook; use the card under its cell');
      return;
    }
    this.status.textContent = '…';
    try {
      this.say(await does(owner));
    } catch (error) {
      this.say(`it did not work: ${line((error as Error).message, 200)}`);
      throw error;
    }
  }

  private delivered(payload: Payload): HTMLElement | null {
    const files = payload.card?.tables.find(isFiles);
    const rows = [
      ...payload.cells.map((_, wanted) => this.cell(payload, wanted)),
      ...(files?.rows ?? []).map(row => this.file(row, payload))
    ];
    if (!rows.length) {
      return null;
    }
    const title = [
      payload.cells.length > 0 && plural(payload.cells.length, 'cell'),
      files && plural(files.rows.length + files.more, 'file')
    ];
    const body = el('ul', { class: 'mlx-list' }, ...rows);
    return folded(title.filter(Boolean).join(' and '), body, payload.cells.length <= 30);
  }

  private file(row: readonly string[], payload: Payload): HTMLElement {
    const [path = '', size = '', tests = '', what = ''] = row;
    const open = button('Open file', () => void this.act(owner => this.open(owner, payload, path)), {
      'aria-label': `Open file ${path}`
    });
    return el(
      'li',
      {},
      el('span', { class: 'mlx-name' }, el('code', {}, path)),
      el('span', { class: 'mlx-quiet mlx-what' }, [size, tests, what].filter(Boolean).join(' · ')),
      payload.workspace ? open : null
    );
  }

  private cell(payload: Payload, wanted: number): HTMLElement {
    const { role, cell_type, source } = payload.cells[wanted];
    const name = line(role, 60);
    const state = el('span', { class: 'mlx-chip' });
    const insert = button(
      'Insert',
      () =>
        void this.act(owner => {
          if (insert.textContent !== 'Show') {
            return this.controller.insertNext(owner, payload, wanted);
          }
          this.controller.show(owner, payload, wanted);
          return `cell ${wanted + 1} is selected`;
        }),
      { 'aria-label': `Insert or show cell ${wanted + 1}, ${name}` }
    );
    this.rows.push({ wanted, state, insert });
    const lines = plural(source.split('\n').length, 'line');
    return el(
      'li',
      {},
      el(
        'details',
        { class: 'mlx-name' },
        el('summary', {}, `${wanted + 1}. ${name} `, el('span', { class: 'mlx-quiet' }, `${cell_type}, ${lines}`)),
        el('pre', {}, plain(source, SHOWN))
      ),
      state,
      insert
    );
  }

  private async open({ panel }: Owner, payload: Payload, path: string): Promise<string> {
    if (payload.workspace.startsWith('/') || payload.workspace.startsWith('~')) {
      return `open it by hand: ${payload.workspace}/${path} (the file browser does not reach it from here)`;
    }
    const folder = panel.context.path.split('/').slice(0, -1);
    const place = normal([...folder, ...payload.workspace.split('/'), ...path.split('/')]);
    if (!place) {
      return `${path} is outside the folder that Jupyter was started in`;
    }
    try {
      await this.app.serviceManager.contents.get(place, { content: false });
    } catch {
      return `${place} is not there; the workspace may have been moved or the run taken back`;
    }
    await this.app.commands.execute('docmanager:open', { path: place });
    return `opened ${place}`;
  }
}

/** Give a path without "." and ".."; null if it leaves the root. */
function normal(parts: readonly string[]): string | null {
  const kept: string[] = [];
  for (const part of parts) {
    if (part === '..' && !kept.length) {
      return null;
    }
    if (part === '..') {
      kept.pop();
    } else if (part && part !== '.') {
      kept.push(part);
    }
  }
  return kept.join('/');
}

function isFiles(given: Table): boolean {
  return given.header[0] === 'file';
}

function plural(n: number, noun: string): string {
  return `${counted(n)} ${noun}${n === 1 ? '' : 's'}`;
}

function asked(text: string): HTMLElement | null {
  if (!text) {
    return null;
  }
  const whole = el('div', { class: 'mlx-asked mlx-quiet mlx-quote' }, text);
  return text.length <= LONG ? whole : folded(`asked: ${line(text, LONG)}`, whole);
}

function failures(card: Card): HTMLElement | null {
  const items = card.failed.map(each =>
    el(
      'li',
      {},
      el('strong', {}, `${SYMBOLS.bad} ${each.name}`),
      pairs([
        ['measured', each.measured],
        ['limit', each.limit],
        ['fix', each.fix]
      ])
    )
  );
  return items.length ? el('ul', { class: 'mlx-failed' }, ...items) : null;
}

function figures(card: Card): HTMLElement | null {
  const items = card.figures.map(({ label, value, note }) =>
    el('div', {}, el('dt', {}, label), el('dd', {}, value, note && el('small', {}, ` ${note}`)))
  );
  return items.length ? el('dl', { class: 'mlx-figures' }, ...items) : null;
}

function shares(card: Card): HTMLElement | null {
  const total = card.shares.reduce((sum, { size }) => sum + size, 0);
  if (!total) {
    return null;
  }
  const colour = (at: number) => COLOURS[Math.min(at, COLOURS.length - 1)];
  const bar = el('div', { class: 'mlx-bar', role: 'img', 'aria-label': 'Where the parameters are; figures follow' });
  const legend = el('ul', { class: 'mlx-legend' });
  card.shares.forEach(({ name, size }, at) => {
    const part = el('div', { title: `${name}: ${counted(Math.round(size))}` });
    part.style.cssText = `flex: ${size / total} 0 0; background-color: ${colour(at)}`;
    bar.append(part);
    const swatch = el('span', { class: 'mlx-swatch' });
    swatch.style.backgroundColor = colour(at);
    const figure = `${counted(Math.round(size))} (${((100 * size) / total).toFixed(1)} %)`;
    legend.append(el('li', {}, swatch, `${name} `, el('span', { class: 'mlx-quiet' }, figure)));
  });
  return el('div', { class: 'mlx-shares' }, bar, legend);
}

function table({ title, header, rows, unfolded, more }: Table): HTMLElement {
  const head = el('tr', {}, ...header.map(each => el('th', { scope: 'col' }, each)));
  const body = rows.map(row => el('tr', {}, ...row.map(each => el('td', {}, each))));
  const rest = more ? el('p', { class: 'mlx-quiet' }, `${counted(more)} more rows are not shown.`) : null;
  const shown = el('table', {}, el('thead', {}, head), el('tbody', {}, ...body));
  return folded(title, el('div', { class: 'mlx-scroll' }, shown, rest), unfolded);
}

function facts(card: Card): HTMLElement | null {
  return pairs(card.facts.map(({ label, text }) => [label, text]), 'mlx-facts');
}

function pairs(given: readonly (readonly [string, string])[], extra = ''): HTMLElement | null {
  const items = given
    .filter(([, text]) => text)
    .flatMap(([name, text]) => [el('dt', {}, name), el('dd', {}, text)]);
  return items.length ? el('dl', { class: `mlx-rows ${extra}` }, ...items) : null;
}

function steps(card: Card): HTMLElement | null {
  const items = card.steps.map(({ why, command }) =>
    el('li', {}, why, command && ': ', command && el('code', {}, command))
  );
  return items.length ? el('ul', { class: 'mlx-steps' }, ...items) : null;
}
