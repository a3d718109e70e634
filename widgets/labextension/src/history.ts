/** What is needed to take a run back: the cells from before it, kept for as long as the browser keeps its storage. */

import type * as nbformat from '@jupyterlab/nbformat';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { entries, indexOf, rebuild, restoreOutputs, snapshot, type Metadata, type Target } from './cells';
import { KEY, MIME, readPayload, TAG } from './payload';
import { planUndo, type Entry } from './undo';

const MAX_RUNS = 20;
const MAX_STORED = 1_000_000;

/** One run: `magic` is the id of its cell, `was` holds the cells that it changed, by their place in `before`. */
interface Run {
  readonly receipt: string;
  readonly magic: string;
  readonly before: Entry[];
  readonly after: Entry[];
  readonly was: Record<number, nbformat.ICell>;
}

/** Runs of each notebook, newest last, and the magic cells as they were when they were started. */
export class History {
  private readonly runs = new Map<string, readonly Run[]>();
  private readonly started = new Map<string, nbformat.ICell>();
  private readonly pending = new Set<string>();

  /** Note a cell that is about to run, before its outputs are gone; one that is queued twice was noted already. */
  start(panel: NotebookPanel, cellId: string): void {
    const at = indexOf(panel, cellId);
    const key = `${panel.context.path}\0${cellId}`;
    if (at >= 0 && !this.pending.has(key)) {
      this.pending.add(key);
      this.started.set(key, snapshot(panel)[at]);
    }
  }

  /** Note that a cell has ended, whatever became of it. */
  end(panel: NotebookPanel, cellId: string): void {
    this.pending.delete(`${panel.context.path}\0${cellId}`);
  }

  /** Give the notebook as it was before a cell ran: its present cells, the cell itself with its old outputs. */
  before(panel: NotebookPanel, cellId: string): nbformat.ICell[] {
    const was = this.started.get(`${panel.context.path}\0${cellId}`);
    return snapshot(panel).map(cell =>
      cell.id === cellId && was ? withOutputsOf(was, cell) : cell
    );
  }

  /** Keep what an insertion has changed; one run may insert more than once. */
  record(panel: NotebookPanel, cellId: string, receipt: string, before: nbformat.ICell[]): void {
    const after = entries(snapshot(panel));
    const kept = new Map(after.map(entry => [entry.id, entry]));
    const was: Record<number, nbformat.ICell> = {};
    entries(before).forEach((entry, at) => {
      const now = kept.get(entry.id);
      const same = now && now.digest === entry.digest && now.mark === entry.mark;
      if (!same || entry.id === cellId) {
        was[at] = before[at];
      }
    });
    const path = panel.context.path;
    this.store(path, [...this.of(path), { receipt, magic: cellId, before: entries(before), after, was }]);
  }

  /** Keep a run that has changed no cell too, so that taking it back is not taken for taking back an earlier one. */
  note(panel: NotebookPanel, cellId: string, receipt: string, before: nbformat.ICell[]): void {
    const magic = before.find(cell => cell.id === cellId);
    const last = this.of(panel.context.path).filter(run => run.magic === cellId).pop();
    if (receipt && last?.receipt !== receipt && receiptIn(magic?.outputs) !== receipt) {
      this.record(panel, cellId, receipt, before);
    }
  }

  /**
   * Take back what a run did to a notebook; what the user has written since stays.
   *
   * Returns false where nothing is known of such a run.
   */
  undo(panel: NotebookPanel, receipt: string): boolean {
    const path = panel.context.path;
    const runs = this.of(path);
    const mine = receipt ? runs.filter(run => run.receipt === receipt) : [];
    for (const run of [...mine].reverse()) {
      const later = runs.slice(runs.indexOf(run) + 1).filter(each => each.receipt !== receipt);
      takeBack(panel, run, new Set(later.flatMap(each => each.after.map(entry => entry.id))));
    }
    this.store(
      path,
      runs.filter(run => run.receipt !== receipt)
    );
    return mine.length > 0;
  }

  /** Forget nothing when a notebook gets another name; every view of it tells. */
  rename(from: string, to: string): void {
    const runs = from === to ? [] : this.of(from);
    if (runs.length) {
      this.store(to, [...this.of(to), ...runs]);
      this.store(from, []);
    }
  }

  /** Give the runs of a notebook: other tabs write them too, so what is stored counts, where anything is. */
  private of(path: string): readonly Run[] {
    return load(path) ?? this.runs.get(path) ?? [];
  }

  private store(path: string, runs: readonly Run[]): void {
    const kept = runs.slice(-MAX_RUNS);
    this.runs.set(path, kept);
    try {
      const text = JSON.stringify(kept);
      if (kept.length && text.length <= MAX_STORED) {
        window.localStorage.setItem(storageKey(path), text);
      } else {
        window.localStorage.removeItem(storageKey(path));
      }
    } catch {
      // storage is full or forbidden: the runs are known until the page is left
    }
  }
}

/** Give the receipt of the card that outputs show; empty without one. */
export function receiptIn(outputs: unknown): string {
  const found = (Array.isArray(outputs) ? outputs : []).map(each => readPayload(each?.data?.[MIME]));
  return found.filter(each => each !== null).pop()?.receipt ?? '';
}

/** Take one insertion back; cells that a later run has in its `later` state stay. */
function takeBack(panel: NotebookPanel, run: Run, later: ReadonlySet<string>): void {
  const now = snapshot(panel);
  const known = new Set(run.before.map(entry => entry.id));
  const seen = entries(now).map(entry =>
    later.has(entry.id) && !known.has(entry.id) ? { ...entry, digest: '' } : entry
  );
  const places = planUndo(seen, run.before, run.after);
  rebuild(
    panel,
    places.map(place => ('kept' in place ? { stays: place.kept } : restored(now, run, place.restored)))
  );
  const was = run.was[run.before.findIndex(entry => entry.id === run.magic)];
  const magic = indexOf(panel, run.magic);
  if (magic >= 0 && was && receiptIn(snapshot(panel)[magic].outputs) === run.receipt) {
    restoreOutputs(panel, magic, was);
  }
}

/** Give a cell as it was; one that only has other metadata keeps its place and its present outputs. */
function restored(now: readonly nbformat.ICell[], run: Run, at: number): Target {
  const was = run.was[at];
  const index = now.findIndex(cell => cell.id === was.id);
  const same =
    index >= 0 && now[index].cell_type === was.cell_type && now[index].source === was.source;
  return same ? { stays: index, metadata: withMarksOf(was.metadata, now[index].metadata) } : { fresh: was };
}

/** Give metadata with our marks as they were; a person's own tags and keys stay. */
function withMarksOf(was: Metadata, now: Metadata): Metadata {
  const { [KEY]: _marks, tags: _tags, ...others } = now;
  const tags = (each: Metadata): unknown[] => (Array.isArray(each.tags) ? each.tags : []);
  const kept = tags(now).filter(tag => tag !== TAG || tags(was).includes(TAG));
  return {
    ...others,
    ...(KEY in was ? { [KEY]: was[KEY] } : {}),
    ...(kept.length ? { tags: kept } : {})
  };
}

function withOutputsOf(was: nbformat.ICell, cell: nbformat.ICell): nbformat.ICell {
  const { outputs, execution_count } = was;
  return { ...cell, outputs, execution_count } as nbformat.ICell;
}

function storageKey(path: string): string {
  return `mlexpert:runs:${path}`;
}

/** Read what is stored; null where nothing is, or nothing that can be used. */
function load(path: string): Run[] | null {
  try {
    const runs = JSON.parse(window.localStorage.getItem(storageKey(path)) ?? 'null') as Run[] | null;
    const whole = (run: Run) => !!run?.was && Array.isArray(run.before) && Array.isArray(run.after);
    return Array.isArray(runs) ? runs.filter(whole) : null;
  } catch {
    return null;
  }
}
