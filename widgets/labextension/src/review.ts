/** The review: each change side by side with what is in the notebook; accept, reject or keep mine, by mouse or keyboard. */

import type { Change, Decision, Kind } from './changes';
import { sideBySide, type Piece, type Row } from './diff';
import { button, el } from './dom';
import { counted, line } from './payload';

const KINDS: Readonly<Record<Kind, string>> = {
  new: 'new',
  changed: 'changed; you have not touched it',
  edited: 'edited by you',
  conflict: 'edited by you, and there is a newer version',
  removed: 'no longer part of the plan',
  same: 'the same'
};
const LABELS: Readonly<Record<Decision, string>> = {
  accept: 'Accept',
  reject: 'Reject',
  mine: 'Keep mine'
};
const KEYS: Readonly<Record<string, Decision>> = { a: 'accept', r: 'reject', m: 'mine' };

/** Show the changes and wait for a decision on each; null if the user closes the review. */
export function review(
  changes: readonly Change[],
  title: string
): Promise<Map<Change, Decision> | null> {
  return new Promise(resolve => new Review(changes, title, resolve).open());
}

class Review {
  private readonly dialog: HTMLDialogElement;
  private readonly decisions = new Map<Change, Decision>();
  private readonly items: HTMLElement[];
  private readonly count = el('span', { class: 'mlx-quiet', role: 'status' });
  private readonly changes: readonly Change[];
  private readonly resolve: (decisions: Map<Change, Decision> | null) => void;
  private current = 0;

  constructor(
    changes: readonly Change[],
    title: string,
    resolve: (decisions: Map<Change, Decision> | null) => void
  ) {
    this.changes = changes;
    this.resolve = resolve;
    this.items = changes.map((change, at) => this.item(change, at));
    this.dialog = el(
      'dialog',
      { class: 'mlx mlx-review', 'aria-label': `Review: ${title}` },
      el(
        'div',
        { class: 'mlx-review-head' },
        el('strong', { class: 'mlx-review-title' }, title),
        this.count,
        button('Accept all', () => this.decideAll('accept')),
        button('Reject all', () => this.decideAll('reject'))
      ),
      el('div', { class: 'mlx-review-body' }, ...this.items),
      el(
        'div',
        { class: 'mlx-review-foot' },
        el(
          'span',
          { class: 'mlx-quiet mlx-keys' },
          '↑ ↓ move · a accept · r reject · m keep mine · Enter apply · Esc close'
        ),
        button('Cancel', () => this.close(null)),
        button('Apply', () => this.close(this.decisions), { class: 'mlx-button mlx-primary' })
      )
    );
    this.dialog.addEventListener('keydown', event => this.onKey(event));
    this.dialog.addEventListener('cancel', event => {
      event.preventDefault();
      this.close(null);
    });
  }

  open(): void {
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.tell();
    this.go(0);
  }

  private close(decisions: Map<Change, Decision> | null): void {
    this.dialog.close();
    this.dialog.remove();
    this.resolve(decisions);
  }

  private item(change: Change, at: number): HTMLElement {
    const choices = choicesFor(change).map(decision =>
      button(LABELS[decision], () => this.decide(at, decision), {
        'data-decision': decision,
        'aria-pressed': 'false'
      })
    );
    const name = `${at + 1}. ${line(change.role, 60)}`;
    const node = el(
      'section',
      { class: 'mlx-change', tabindex: '-1', 'aria-label': `${name}: ${KINDS[change.kind]}` },
      el(
        'div',
        { class: 'mlx-change-head' },
        el('strong', {}, name),
        el('span', { class: `mlx-chip mlx-chip-${change.kind}` }, KINDS[change.kind]),
        el('span', { class: 'mlx-choices', role: 'group', 'aria-label': name }, ...choices)
      ),
      comparison(change)
    );
    node.addEventListener('focusin', () => {
      this.current = at;
    });
    return node;
  }

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const onButton = event.target instanceof HTMLButtonElement;
    const decision = KEYS[event.key.toLowerCase()];
    if (decision) {
      this.decide(this.current, decision);
      this.go(this.current + 1);
    } else if (event.key === 'ArrowDown' || event.key === 'j') {
      this.go(this.current + 1);
    } else if (event.key === 'ArrowUp' || event.key === 'k') {
      this.go(this.current - 1);
    } else if (event.key === 'Enter' && !onButton) {
      this.close(this.decisions);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  private go(to: number): void {
    this.current = Math.min(Math.max(0, to), this.items.length - 1);
    this.items[this.current]?.focus({ preventScroll: true });
    this.items[this.current]?.scrollIntoView({ block: 'nearest' });
  }

  private decideAll(decision: Decision): void {
    this.changes.forEach((_, at) => this.decide(at, decision));
  }

  private decide(at: number, decision: Decision): void {
    const change = this.changes[at];
    if (!change || !choicesFor(change).includes(decision)) {
      return;
    }
    this.decisions.set(change, decision);
    this.items[at].dataset.decided = decision;
    for (const choice of this.items[at].querySelectorAll<HTMLElement>('[data-decision]')) {
      choice.setAttribute('aria-pressed', String(choice.dataset.decision === decision));
    }
    this.tell();
  }

  private tell(): void {
    this.count.textContent = `${this.decisions.size} of ${this.changes.length} decided; the rest stays as it is`;
  }
}

function choicesFor(change: Change): Decision[] {
  const isMine = change.kind === 'edited' || change.kind === 'conflict';
  return isMine ? ['accept', 'reject', 'mine'] : ['accept', 'reject'];
}

function comparison(change: Change): HTMLElement {
  const { rows, cut } = sideBySide(change.mine?.source ?? '', change.theirs?.source ?? '');
  const head = el(
    'tr',
    {},
    el('th', { colspan: '2', scope: 'col' }, side('In the notebook', change.mine?.cell_type)),
    el('th', { colspan: '2', scope: 'col' }, side('New version', change.theirs?.cell_type))
  );
  const more = cut
    ? el('p', { class: 'mlx-quiet' }, `${counted(cut)} more lines are not shown.`)
    : null;
  return el(
    'div',
    { class: 'mlx-scroll' },
    el('table', { class: 'mlx-diff' }, columns(), el('thead', {}, head), el('tbody', {}, ...rows.map(row))),
    more
  );
}

function columns(): HTMLElement {
  const [number, text] = [{ class: 'mlx-col-n' }, {}];
  return el('colgroup', {}, el('col', number), el('col', text), el('col', number), el('col', text));
}

function side(name: string, cellType: string | undefined): string {
  return cellType ? `${name} (${cellType})` : `${name}: not there`;
}

function row({ left, right, differs, hidden }: Row): HTMLElement {
  if (hidden) {
    const text = `… ${counted(hidden)} equal lines`;
    return el('tr', { class: 'mlx-gap' }, el('td', { colspan: '4' }, text));
  }
  return el(
    'tr',
    {},
    ...cells(left, differs ? '−' : '', 'mlx-old'),
    ...cells(right, differs ? '+' : '', 'mlx-new')
  );
}

function cells(
  given: { n: number; pieces: readonly Piece[] } | null,
  sign: string,
  look: string
): HTMLElement[] {
  if (!given) {
    return [el('td', { class: 'mlx-n' }), el('td', { class: 'mlx-none' })];
  }
  const text = given.pieces.map(piece =>
    piece.differs ? el('mark', {}, piece.text) : piece.text
  );
  return [
    el('td', { class: 'mlx-n' }, sign ? `${sign} ${given.n}` : String(given.n)),
    el('td', { class: sign ? look : '' }, el('code', {}, ...text))
  ];
}
