/** What an insertion would change, cell by cell, and what comes of the user's decision on each: plain data. */

import { ownership, planInsertion, unique } from './insertion';
import type { CellView, Digest, Meta, Slot, Wanted } from './types';

/**
 * How the asked version of a cell stands to the notebook: `new` is not there, `changed` would replace an untouched one,
 * `edited` is the user's and nothing newer was made, `conflict` is the user's and something newer was made, `removed` is
 * no longer asked for, `same` is there.
 */
export type Kind = 'new' | 'changed' | 'edited' | 'conflict' | 'removed' | 'same';

/** Take the asked version, leave things as they are, or keep the user's for good (a newer version is not offered). */
export type Decision = 'accept' | 'reject' | 'mine';

export interface Version {
  readonly cell_type: string;
  readonly source: string;
}

export interface Change {
  readonly kind: Kind;
  readonly role: string;
  readonly wanted: number | null;
  readonly cell: number | null;
  readonly mine: Version | null;
  readonly theirs: Version | null;
}

/** An insertion as planned, and how it looks cell by cell. */
export interface Plan {
  readonly cells: readonly CellView[];
  readonly slots: readonly Slot[];
  readonly changes: readonly Change[];
}

/** Plan an insertion and tell what it comes to. */
export function plan(
  cells: readonly CellView[],
  magic: number,
  asked: readonly Wanted[],
  fresh: string,
  digest: Digest
): Plan {
  const slots = planInsertion(cells, magic, asked, fresh, digest);
  const wanted = unique(asked);
  const { origin, mine } = ownership(cells, magic, fresh);
  const named = new Set(slots.map(slot => slot.cell));
  const removed = mine.filter(i => !named.has(i) && cells[i].meta.offer !== true);
  return {
    cells,
    slots,
    changes: [
      ...wanted.map((each, index) => change(each, index, slots, origin, cells, digest)),
      ...removed.map(
        (i): Change => ({
          kind: 'removed',
          role: String(cells[i].meta.role),
          wanted: null,
          cell: i,
          mine: cells[i],
          theirs: null
        })
      )
    ]
  };
}

/** Give the notebook as it should be after a decision on each change; a change without one is left as it is. */
export function decided(
  { cells, slots, changes }: Plan,
  decisions: ReadonlyMap<Change, Decision>,
  digest: Digest
): Slot[] {
  const byWanted = new Map(changes.map(each => [each.wanted, each]));
  const byCell = new Map(changes.map(each => [each.cell, each]));
  const result = slots.flatMap(slot => {
    const each =
      (slot.wanted === null ? undefined : byWanted.get(slot.wanted)) ??
      (slot.cell === null ? undefined : byCell.get(slot.cell));
    return each ? one(slot, each, decisions.get(each), cells, digest) : [slot];
  });
  for (const each of changes) {
    if (each.kind === 'removed' && decisions.get(each) !== 'accept') {
      result.splice(placeFor(each.cell!, result), 0, present(cells, each.cell!));
    }
  }
  return result;
}

function change(
  each: Wanted,
  index: number,
  slots: readonly Slot[],
  origin: string,
  cells: readonly CellView[],
  digest: Digest
): Change {
  const shown = slots.find(slot => slot.wanted === index && slot.meta.offer !== true);
  const base = { role: each.role, wanted: index, theirs: version(each) };
  if (shown) {
    if (shown.cell === null) {
      return { ...base, kind: 'new', cell: null, mine: null };
    }
    const before = cells[shown.cell];
    const same = before.cell_type === each.cell_type && before.source === each.source;
    return { ...base, kind: same ? 'same' : 'changed', cell: shown.cell, mine: version(before) };
  }
  const holder = slots.find(
    ({ cell, meta }) =>
      cell !== null && meta.edited === true && meta.origin === origin && meta.role === each.role
  );
  if (!holder) {
    return { ...base, kind: 'new', cell: null, mine: null };
  }
  const newest = digest(each.cell_type, each.source);
  const taken = newest === digest(holder.cell_type, holder.source);
  const kind = taken ? 'same' : newest === holder.meta.digest ? 'edited' : 'conflict';
  return { ...base, kind, cell: holder.cell, mine: version(holder) };
}

function one(
  slot: Slot,
  each: Change,
  decision: Decision | undefined,
  cells: readonly CellView[],
  digest: Digest
): Slot[] {
  if (slot.meta.offer === true) {
    // an offer that stands goes with the decision; a new one is not made by leaving things as they are
    const decidedOn = decision === 'accept' || decision === 'mine';
    return decidedOn || slot.cell === null ? [] : [present(cells, slot.cell)];
  }
  switch (each.kind) {
    case 'new':
      return decision === 'accept' ? [slot] : [];
    case 'changed':
      return [decision === 'accept' ? slot : present(cells, slot.cell!)];
    case 'edited':
    case 'conflict':
      return [mineOrTheirs(slot, each, decision, cells, digest)];
    default:
      return [slot];
  }
}

function mineOrTheirs(
  slot: Slot,
  each: Change,
  decision: Decision | undefined,
  cells: readonly CellView[],
  digest: Digest
): Slot {
  const theirs = each.theirs!;
  const newest = digest(theirs.cell_type, theirs.source);
  if (decision === 'accept') {
    const { edited: _edited, offered: _offered, ...rest } = slot.meta;
    const meta = { ...rest, generated: true, index: each.wanted, role: each.role, digest: newest };
    return { ...slot, ...theirs, wanted: each.wanted, meta };
  }
  if (decision === 'mine') {
    return { ...slot, meta: { ...slot.meta, offered: newest } };
  }
  return present(cells, slot.cell!);
}

function present(cells: readonly CellView[], cell: number): Slot {
  return { cell, wanted: null, ...version(cells[cell]), meta: cells[cell].meta };
}

function version(cell: Version): Version {
  return { cell_type: cell.cell_type, source: cell.source };
}

function placeFor(cell: number, result: readonly Slot[]): number {
  let place = 0;
  result.forEach((slot, at) => {
    if (slot.cell !== null && slot.cell < cell) {
      place = at + 1;
    }
  });
  return place;
}

/**
 * Give the notebook with the versions that are carried over in their places, and the roles that could not be: their
 * cell is no longer the one that was compared.
 */
export function carriedOver(
  cells: readonly CellView[],
  origin: string,
  versions: readonly (Wanted & { readonly marks: Meta; readonly expects: string })[],
  digest: Digest
): { slots: Slot[]; kept: string[] } {
  const slots = cells.map((_, at) => present(cells, at));
  const kept: string[] = [];
  versions.forEach((each, wanted) => {
    const at = slots.findIndex(
      ({ meta }) => meta.origin === origin && meta.role === each.role && meta.offer !== true
    );
    const found = at < 0 ? '' : digest(slots[at].cell_type, slots[at].source);
    const behind = at < 0 ? behindEarlier(slots, origin, each.marks.index) : at;
    const whole = 'digest' in each.marks; // a version past the limits is a note in its place
    if (!whole || found !== each.expects || behind < 0) {
      kept.push(each.role);
    } else if (at < 0) {
      slots.splice(behind, 0, { cell: null, wanted, ...version(each), meta: each.marks });
    } else {
      const { id } = slots[at].meta;
      const meta = id === undefined ? each.marks : { ...each.marks, id };
      slots[at] = { cell: slots[at].cell, wanted, ...version(each), meta };
    }
  });
  return { slots, kept };
}

/** Give the place behind the last cell that comes earlier in the run, or behind the magic cell; -1 without either. */
function behindEarlier(slots: readonly Slot[], origin: string, index: unknown): number {
  let place = -1;
  slots.forEach(({ meta }, at) => {
    const earlier = meta.origin === origin && Number(meta.index) < Number(index);
    place = earlier || meta.id === origin ? at + 1 : place;
  });
  return place;
}
