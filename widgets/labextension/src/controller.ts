/** What the buttons and a finished run do to a notebook; every way in says in words what came of it. */

import type { ICodeCellModel } from '@jupyterlab/cells';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { carriedOver, decided, plan, type Change, type Decision, type Plan } from './changes';
import { indexOf, readOnlyReason, rebuild, restoreOutputs, snapshot, targets, views } from './cells';
import { digest, freshId } from './digest';
import { History, receiptIn } from './history';
import { planInsertion } from './insertion';
import { ask } from './kernel';
import { MIME, readPayload, type Payload } from './payload';
import { review } from './review';

/** A cell whose output holds a card. */
export interface Owner {
  readonly panel: NotebookPanel;
  readonly cellId: string;
}

export class Controller {
  private readonly tracker: INotebookTracker;
  private readonly history = new History();
  automatic = true;

  constructor(tracker: INotebookTracker) {
    this.tracker = tracker;
  }

  /** Give the notebook cell that a node of an output is in; null for a mirrored output. */
  ownerOf(node: HTMLElement): Owner | null {
    const panel = this.tracker.find(each => each.content.node.contains(node));
    const cell = panel?.content.widgets.find(each => each.node.contains(node));
    return panel && cell ? { panel, cellId: cell.model.id } : null;
  }

  /** Note a cell that is about to run. */
  scheduled(owner: Owner): void {
    this.history.start(owner.panel, owner.cellId);
  }

  /** Note that a cell has ended. */
  ended(owner: Owner): void {
    this.history.end(owner.panel, owner.cellId);
  }

  /** Tell whether a cell's output only brings cells, as that of any code may. */
  onlyInserts(owner: Owner): boolean {
    const payload = this.payloadOf(owner);
    return !!payload && !payload.undoes && !payload.carries;
  }

  /** Follow what a request that has just run asks for; null if it asks for nothing. */
  executed(owner: Owner): string | null {
    const payload = this.payloadOf(owner);
    if (payload?.undoes) {
      return this.takenBack(owner.panel, payload.undoes, payload.left);
    }
    if (payload?.carries) {
      return this.carryOver(owner.panel, payload);
    }
    if (!payload?.auto) {
      return null;
    }
    const before = this.history.before(owner.panel, owner.cellId);
    const said = this.automatic
      ? this.insert(owner, payload)
      : 'not inserted: the settings say to wait for a click';
    this.history.note(owner.panel, owner.cellId, payload.receipt, before);
    return said;
  }

  /** Tell how the notebook stands to a payload. */
  plan({ panel, cellId }: Owner, payload: Payload): Plan | null {
    const at = indexOf(panel, cellId);
    const cells = at < 0 ? [] : views(panel);
    return at < 0 ? null : plan(cells, at, payload.cells, fresh(cells, at), digest);
  }

  /** Insert everything, by the rules. */
  insert(owner: Owner, payload: Payload): string {
    return this.change(owner, payload, (cells, at) =>
      planInsertion(cells, at, payload.cells, fresh(cells, at), digest)
    );
  }

  /** Insert the first cell that is not in the notebook, and go to it; or one that is named. */
  insertNext(owner: Owner, payload: Payload, wanted?: number): string {
    const before = this.plan(owner, payload);
    const next = before?.changes.find(each =>
      wanted === undefined ? each.kind === 'new' || each.kind === 'changed' : each.wanted === wanted
    );
    if (!before || !next) {
      return 'every cell is in the notebook';
    }
    const said = this.decide(owner, payload, before, new Map([[next, 'accept']]));
    this.show(owner, payload, next.wanted!);
    return said;
  }

  /** Let the user decide change by change. */
  async review(owner: Owner, payload: Payload): Promise<string> {
    const reason = readOnlyReason(owner.panel);
    const before = reason ? null : this.plan(owner, payload);
    if (!before) {
      return refused(reason ?? 'the cell that made them is gone');
    }
    const open = before.changes.filter(each => each.kind !== 'same');
    if (!open.length) {
      return 'nothing to review: the notebook holds every cell as it was generated';
    }
    const decisions = await review(open, payload.title);
    owner.panel.content.node.focus();
    if (!decisions) {
      return 'review closed; nothing was changed';
    }
    return this.decide(owner, payload, before, decisions);
  }

  /** Take the generated cells out again; the ones that the user edited stay. */
  discard(owner: Owner, payload: Payload): string {
    const before = views(owner.panel).length;
    const said = this.change(owner, payload, (cells, at) =>
      planInsertion(cells, at, [], fresh(cells, at), digest)
    );
    const gone = before - views(owner.panel).length;
    return said.startsWith('not ') ? said : `removed ${counted(gone)}; undo brings them back`;
  }

  /** Take the run back: the workspace first, and the notebook if that went well. */
  async undo(owner: Owner, payload: Payload): Promise<string> {
    const reason = readOnlyReason(owner.panel);
    if (reason) {
      return refused(reason);
    }
    const { workspace, receipt } = payload;
    const answer = await ask(owner.panel, { do: 'undo', workspace, receipt });
    return answer.done
      ? this.takenBack(owner.panel, receipt, answer.left ?? '')
      : `not undone: ${answer.text}`;
  }

  /** Select the cell that shows a wanted one. */
  show({ panel, cellId }: Owner, payload: Payload, wanted: number): void {
    const found = this.plan({ panel, cellId }, payload)?.changes.find(each => each.wanted === wanted);
    if (found?.cell != null) {
      panel.content.activeCellIndex = found.cell;
      void panel.content.scrollToItem(found.cell, 'smart');
    }
  }

  renamed(from: string, to: string): void {
    this.history.rename(from, to);
  }

  private payloadOf({ panel, cellId }: Owner): Payload | null {
    const model = panel.content.model?.cells.get(indexOf(panel, cellId)) as ICodeCellModel | undefined;
    let found: Payload | null = null;
    for (let i = 0; i < (model?.outputs?.length ?? 0); i++) {
      found = readPayload(model!.outputs.get(i).data[MIME]) ?? found;
    }
    return found;
  }

  private decide(
    owner: Owner,
    payload: Payload,
    before: Plan,
    decisions: ReadonlyMap<Change, Decision>
  ): string {
    // the review may have been open for long: what was decided on must still be what is there
    const now = this.plan(owner, payload);
    if (!now || JSON.stringify(now) !== JSON.stringify(before)) {
      return refused('the notebook changed meanwhile; look again');
    }
    if (![...decisions.values()].some(each => each !== 'reject')) {
      return 'nothing was changed';
    }
    return this.change(owner, payload, () => decided(before, decisions, digest));
  }

  private change(
    owner: Owner,
    payload: Payload,
    slots: (cells: ReturnType<typeof views>, magic: number) => ReturnType<typeof planInsertion>
  ): string {
    const { panel, cellId } = owner;
    const reason = readOnlyReason(panel);
    const at = reason ? -1 : indexOf(panel, cellId);
    if (reason || at < 0) {
      return refused(reason ?? 'the cell that made them is gone');
    }
    const before = this.history.before(panel, cellId);
    const cells = views(panel);
    const planned = slots(cells, at);
    if (!rebuild(panel, targets(panel, planned, payload.cells))) {
      return 'the cells are up to date';
    }
    this.history.record(panel, cellId, payload.receipt, before);
    return told(cells, planned, at);
  }

  private carryOver(panel: NotebookPanel, payload: Payload): string {
    const reason = readOnlyReason(panel);
    if (reason) {
      return refused(reason);
    }
    const { slots, kept } = carriedOver(views(panel), payload.carries, payload.cells, digest);
    rebuild(panel, targets(panel, slots, payload.cells));
    const done = `${counted(payload.cells.length - kept.length)} carried over; one undo takes it back`;
    return kept.length
      ? `${done}; changed since the notebook was saved, and kept: ${kept.join(', ')}`
      : done;
  }

  /** Take the notebook's part of a run back, once the workspace's is; `left` is the run that the workspace holds now. */
  private takenBack(panel: NotebookPanel, receipt: string, left: string): string {
    if (readOnlyReason(panel)) {
      return refused(readOnlyReason(panel)!);
    }
    if (this.history.undo(panel, receipt)) {
      return 'taken back: the workspace and the notebook are as before the run';
    }
    const magic = snapshot(panel).find(cell => receipt && receiptIn(cell.outputs) === receipt);
    if (!magic) {
      return 'the workspace is as before the run; this notebook holds no cells of it';
    }
    if (left) {
      return 'the workspace is as before the run; this browser does not know the notebook from before it: run the request again';
    }
    // a first run, of another browser: what is untouched goes, and so does the card
    const at = indexOf(panel, String(magic.id));
    const cells = views(panel);
    const slots = planInsertion(cells, at, [], fresh(cells, at), digest);
    rebuild(panel, targets(panel, slots, []));
    restoreOutputs(panel, indexOf(panel, String(magic.id)), { ...magic, outputs: [], execution_count: null });
    return 'the workspace is as before the run, and the generated cells are gone';
  }
}

function fresh(cells: ReturnType<typeof views>, magic: number): string {
  return freshId(cells[magic].source, new Set(cells.map(cell => cell.meta.id)));
}

function refused(reason: string): string {
  return `not inserted: ${reason}`;
}

function told(
  cells: ReturnType<typeof views>,
  slots: ReturnType<typeof planInsertion>,
  magic: number
): string {
  const origin = slots.find(slot => slot.cell === magic)?.meta.id;
  const named = new Set(slots.map(slot => slot.cell));
  const parts: [number, string][] = [
    [slots.filter(slot => slot.cell === null && slot.meta.offer !== true).length, 'inserted'],
    [
      slots.filter(
        slot => slot.cell !== null && slot.wanted !== null && cells[slot.cell].source !== slot.source
      ).length,
      'replaced'
    ],
    [cells.filter((_, i) => !named.has(i)).length, 'removed'],
    [
      slots.filter(({ meta }) => meta.edited === true && meta.origin === origin).length,
      'kept as you edited it'
    ],
    [slots.filter(slot => slot.cell === null && slot.meta.offer === true).length, 'offered beside yours']
  ];
  const said = parts.filter(([n]) => n > 0).map(([n, what]) => `${counted(n)} ${what}`);
  return said.length ? said.join(', ') : 'the cells are up to date';
}

function counted(n: number): string {
  return n === 1 ? '1 cell' : `${n} cells`;
}
