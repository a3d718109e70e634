/** The cells of an open notebook, read and rewritten: the only module that changes a document. */

import type { ISharedCell } from '@jupyter/ydoc';
import type { ICodeCellModel } from '@jupyterlab/cells';
import type * as nbformat from '@jupyterlab/nbformat';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { JSONExt } from '@lumino/coreutils';
import { cellId, digest } from './digest';
import { KEY, TAG, type CellSpec } from './payload';
import type { CellView, Meta, Slot } from './types';
import type { Entry } from './undo';

/** Metadata of a cell, ours and everybody's. */
export type Metadata = Readonly<Record<string, unknown>>;

/** A cell of the notebook that is to be: a present one that stays, perhaps with other metadata, or a new one. */
export type Target =
  | { readonly stays: number; readonly metadata?: Metadata }
  | { readonly fresh: nbformat.ICell };

/** Say why nothing can be written into a notebook; null if it can. */
export function readOnlyReason(panel: NotebookPanel): string | null {
  if (!panel.content.model) {
    return 'the notebook is not loaded';
  }
  // model.readOnly stays false for a read-only file, context.canSave is false under collaboration: ask both of these
  if (panel.context.contentsModel?.writable === false) {
    return 'the file is read-only; save a copy under another name and run the cell there';
  }
  return panel.content.model.readOnly
    ? 'the notebook is read-only; save a copy under another name and run the cell there'
    : null;
}

/** Give every cell as the decision needs it. */
export function views(panel: NotebookPanel): CellView[] {
  return documentOf(panel).cells.map(cell => ({
    cell_type: cell.cell_type,
    source: cell.getSource(),
    meta: marksOf(cell.getMetadata())
  }));
}

/** Give every cell in full, as it would be saved. */
export function snapshot(panel: NotebookPanel): nbformat.ICell[] {
  return documentOf(panel).cells.map(cell => cell.toJSON() as nbformat.ICell);
}

/** Give what the way back needs to know of saved cells. */
export function entries(cells: readonly nbformat.ICell[]): Entry[] {
  return cells.map(cell => ({
    id: typeof cell.id === 'string' ? cell.id : '',
    digest: digest(cell.cell_type as string, sourceOf(cell)),
    mark: canonical(marksOf(cell.metadata))
  }));
}

/** Give the place of a cell by its id; -1 if it is gone. */
export function indexOf(panel: NotebookPanel, id: string): number {
  return documentOf(panel).cells.findIndex(cell => cell.getId() === id);
}

/** Turn slots into the cells that are to be. */
export function targets(
  panel: NotebookPanel,
  slots: readonly Slot[],
  specs: readonly CellSpec[]
): Target[] {
  const cells = documentOf(panel).cells;
  const taken = new Set(cells.map(cell => cell.getId()));
  return slots.map(slot => {
    const spec = slot.wanted === null ? undefined : specs[slot.wanted];
    if (slot.cell === null) {
      const id = cellId(slot.meta, taken);
      taken.add(id);
      return { fresh: made(id, slot, {}, spec) };
    }
    const cell = cells[slot.cell];
    const metadata = cell.getMetadata() as Metadata;
    if (cell.cell_type !== slot.cell_type || cell.getSource() !== slot.source) {
      const { attachments } = cell.toJSON() as nbformat.ICell; // pictures in a text stay with it
      const fresh = made(cell.getId(), slot, metadata, spec);
      return { fresh: attachments && slot.cell_type !== 'code' ? ({ ...fresh, attachments } as nbformat.ICell) : fresh };
    }
    return JSONExt.deepEqual(marksOf(metadata) as any, slot.meta as any)
      ? { stays: slot.cell }
      : { stays: slot.cell, metadata: marked(metadata, slot, spec) };
  });
}

/**
 * Make the notebook what `targets` say, in one step of its undo history; the active cell stays the active one.
 *
 * Returns whether anything was changed.
 */
export function rebuild(panel: NotebookPanel, wanted: readonly Target[]): boolean {
  const shared = documentOf(panel);
  const cells = [...shared.cells]; // inside a transaction shared.cells is out of date
  const stays = new Set<number>();
  let last = -1;
  const steps = wanted.map(target => {
    if ('stays' in target && target.stays > last) {
      last = target.stays;
      stays.add(target.stays);
      return target;
    }
    return 'fresh' in target ? target : { fresh: moved(cells[target.stays], target.metadata) };
  });
  const unchanged = steps.every(step => 'stays' in step && !step.metadata);
  if (unchanged && stays.size === cells.length) {
    return false;
  }
  const active = panel.content.activeCell?.model.id;
  const undoManager = undoManagerOf(panel);
  undoManager?.stopCapturing(); // steps less than 500 ms apart are merged; this one is a step of its own
  shared.transact(() => {
    for (let i = cells.length - 1; i >= 0; i--) {
      if (!stays.has(i)) {
        shared.deleteCell(i);
      }
    }
    steps.forEach((step, at) => {
      if ('fresh' in step) {
        shared.insertCells(at, [step.fresh as any]);
      } else if (step.metadata) {
        replaceMetadata(cells[step.stays], step.metadata);
      }
    });
  });
  undoManager?.stopCapturing();
  settle(panel, steps, active);
  return true;
}

/** Put a code cell before the cell at a place, or in the place of that one; it keeps its id and a person's metadata. */
export function putCode(panel: NotebookPanel, at: number, source: string, meta: Meta, replaces: boolean): void {
  const cells = documentOf(panel).cells;
  const taken = new Set(cells.map(cell => cell.getId()));
  const id = replaces ? cells[at].getId() : cellId({ role: meta.role, origin: cells[at - 1]?.getId() }, taken);
  const was = replaces ? (cells[at].getMetadata() as Metadata) : {};
  const slot: Slot = { cell: null, wanted: null, cell_type: 'code', source, meta: { ...marksOf(was), ...meta } };
  const wanted: Target[] = cells.map((_, stays) => ({ stays }));
  wanted.splice(at, replaces ? 1 : 0, { fresh: made(id, slot, was, undefined) });
  rebuild(panel, wanted);
}

/** Put outputs and the execution count of a code cell back as they were. */
export function restoreOutputs(panel: NotebookPanel, index: number, was: nbformat.ICell): void {
  const model = panel.content.model?.cells.get(index) as ICodeCellModel | undefined;
  if (model?.type === 'code') {
    model.outputs.fromJSON((was.outputs as nbformat.IOutput[] | undefined) ?? []);
    model.executionCount = (was.execution_count as number | null | undefined) ?? null;
  }
}

/** Give `metadata.mlexpert`, empty if there is none. */
export function marksOf(metadata: unknown): Meta {
  const marks = (metadata as Record<string, unknown> | undefined)?.[KEY];
  return typeof marks === 'object' && marks !== null && !Array.isArray(marks)
    ? (marks as Meta)
    : {};
}

/** Give JSON with its keys in order, so that equal values are equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each
  );
}

function sourceOf(cell: nbformat.ICell): string {
  return Array.isArray(cell.source) ? cell.source.join('') : (cell.source as string);
}

function documentOf(panel: NotebookPanel) {
  return panel.content.model!.sharedModel;
}

/** Setting metadata as a whole leaves the keys that are not named: they are deleted one by one. */
function replaceMetadata(cell: ISharedCell, metadata: Metadata): void {
  for (const key of Object.keys(cell.getMetadata())) {
    if (!(key in metadata)) {
      cell.deleteMetadata(key);
    }
  }
  cell.setMetadata(metadata as any);
}

/** A getter of @jupyter/ydoc that its interface for notebooks does not name. */
function undoManagerOf(panel: NotebookPanel): { stopCapturing(): void } | undefined {
  return (documentOf(panel) as any).undoManager;
}

function made(
  id: string,
  slot: Slot,
  metadata: Metadata,
  spec: CellSpec | undefined
): nbformat.ICell {
  const cell: Record<string, unknown> = {
    id,
    cell_type: slot.cell_type,
    source: slot.source,
    metadata: { ...marked(metadata, slot, spec), trusted: false }
  };
  if (slot.cell_type === 'code') {
    Object.assign(cell, { outputs: [], execution_count: null });
  }
  return cell as unknown as nbformat.ICell;
}

function moved(cell: { toJSON(): unknown }, metadata?: Metadata): nbformat.ICell {
  const json = cell.toJSON() as nbformat.ICell;
  return metadata ? ({ ...json, metadata } as unknown as nbformat.ICell) : json;
}

function marked(
  metadata: Metadata,
  slot: Slot,
  spec: CellSpec | undefined
): Metadata {
  const present = Array.isArray(metadata.tags) ? (metadata.tags as string[]) : [];
  const others = present.filter(tag => tag !== TAG);
  const tags =
    slot.meta.generated === true
      ? [...new Set([...others, ...(spec?.tags ?? []), TAG])]
      : others;
  const result: Record<string, unknown> = { ...metadata };
  for (const [key, value, empty] of [
    [KEY, slot.meta, !Object.keys(slot.meta).length],
    ['tags', tags, !tags.length]
  ] as const) {
    if (empty) {
      delete result[key];
    } else {
      result[key] = value;
    }
  }
  return result;
}

/** Show new text as text, and let the user stand where they stood. */
function settle(panel: NotebookPanel, steps: readonly Target[], active?: string): void {
  const notebook = panel.content;
  steps.forEach((step, at) => {
    const widget = notebook.widgets[at];
    if ('fresh' in step && widget?.model.type === 'markdown') {
      (widget as any).rendered = true;
    }
  });
  const index = notebook.widgets.findIndex(widget => widget.model.id === active);
  if (active && index >= 0 && index !== notebook.activeCellIndex) {
    notebook.activeCellIndex = index;
  }
}
