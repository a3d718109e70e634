/**
 * Where generated cells go in a notebook, and what happens to the ones that are there: a decision, as plain data.
 *
 * The same rules as `mlexpert_nb/display/insertion.py`, which explains them; `tests/display/insertion_cases.json` and
 * random histories hold the two equal. Runs in node as it stands: no import but types.
 */

import type { CellView, Digest, Meta, Slot, Wanted } from './types';

const NEWER =
  "A newer version of the cell above, from the last run. To use it, put it in that cell's place.";
export const OFFER: Readonly<Record<string, string>> = {
  markdown: `<!-- ${NEWER} -->\n`,
  code: `# ${NEWER}\n`
};
const OURS = new Set([
  'generated',
  'edited',
  'offer',
  'offered',
  'origin',
  'index',
  'role',
  'digest'
]);

/** A present cell, or "new:3" and "offer:3" for the cell that shows wanted cell 3. */
type Key = number | string;

/**
 * Give the whole notebook as it should be after the magic cell has asked for `wanted`.
 *
 * Present cells that no slot names are to be deleted. If the magic cell is itself an untouched generated cell, nothing
 * changes: no recursion. `fresh` is an id that no magic cell carries, for a magic cell that needs one.
 */
export function planInsertion(
  cells: readonly CellView[],
  magic: number,
  wanted: readonly Wanted[],
  fresh: string,
  digest: Digest
): Slot[] {
  if (isUntouched(cells[magic], digest) && cells[magic].meta.generated === true) {
    return cells.map((_, index) => kept(cells, index));
  }
  const { origin, mine } = ownership(cells, magic, fresh);
  return new Insertion(cells, magic, origin, mine, digest).slots(unique(wanted));
}

/** Give the id that a magic cell has from now on, and the generated cells that are its. */
export function ownership(
  cells: readonly CellView[],
  magic: number,
  fresh: string
): { origin: string; mine: number[] } {
  const own = text(cells[magic].meta.id);
  const carriers = indices(cells, cell => own !== '' && cell.meta.id === own);
  const made = indices(cells, cell => own !== '' && cell.meta.origin === own).filter(
    i => !carriers.includes(i)
  );
  const mine = made.filter(i => {
    const above = carriers.filter(c => c < i);
    return (above.length ? above[above.length - 1] : carriers[0]) === magic;
  });
  if (carriers.length === 1) {
    return { origin: own, mine };
  }
  // cells whose magic cell was deleted and typed again: a derived id finds them
  const orphans = indices(cells, cell => cell.meta.origin === fresh).filter(i => i !== magic);
  return { origin: fresh, mine: [...new Set([...mine, ...orphans])].sort((a, b) => a - b) };
}

/** Give the wanted cells with a number on every role that was there before. */
export function unique(wanted: readonly Wanted[]): Wanted[] {
  const seen = new Map<string, number>();
  return wanted.map(each => {
    const count = (seen.get(each.role) ?? 0) + 1;
    seen.set(each.role, count);
    return { ...each, role: count === 1 ? each.role : `${each.role}#${count}` };
  });
}

/** Tell whether a cell is as it was generated. */
export function isUntouched(cell: CellView, digest: Digest): boolean {
  return cell.meta.digest === digest(cell.cell_type, cell.source);
}

function kept(cells: readonly CellView[], index: number): Slot {
  return { cell: index, wanted: null, ...cells[index] };
}

function indices(cells: readonly CellView[], test: (cell: CellView) => boolean): number[] {
  return cells.flatMap((cell, i) => (test(cell) ? [i] : []));
}

/** Give a mark as text, as Python's str() does for the values that JSON can hold here. */
function text(value: unknown): string {
  return value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
}

/** The decision under way: slots of present cells, cells to delete, new slots. */
class Insertion {
  private readonly present: Slot[];
  private readonly gone = new Set<number>();
  private readonly fresh = new Map<string, Slot>();
  private readonly holders = new Map<number, number>();
  private readonly cells: readonly CellView[];
  private readonly magic: number;
  private readonly origin: string;
  private readonly mine: readonly number[];
  private readonly digest: Digest;

  constructor(
    cells: readonly CellView[],
    magic: number,
    origin: string,
    mine: readonly number[],
    digest: Digest
  ) {
    this.cells = cells;
    this.magic = magic;
    this.origin = origin;
    this.mine = mine;
    this.digest = digest;
    this.present = cells.map((_, index) => kept(cells, index));
    this.present[magic] = {
      ...this.present[magic],
      meta: { ...cells[magic].meta, id: origin }
    };
  }

  slots(wanted: readonly Wanted[]): Slot[] {
    wanted.forEach((each, index) => this.place(index, each));
    const roles = new Set(wanted.map(each => each.role));
    const left = new Set(this.mine.map(i => this.role(i)).filter(role => !roles.has(role)));
    for (const role of left) {
      this.retire(this.group(role, false));
      this.retire(this.group(role, true));
    }
    return this.order(wanted).map(key =>
      typeof key === 'string' ? this.fresh.get(key)! : this.present[key]
    );
  }

  private place(index: number, each: Wanted): void {
    const group = this.group(each.role, false);
    const untouched = group.filter(i => isUntouched(this.cells[i], this.digest));
    const holder = [...untouched, ...group][0];
    const offers = this.group(each.role, true);
    if (holder === undefined) {
      const meta = this.generated(index, each);
      this.fresh.set(`new:${index}`, slot(null, index, each.cell_type, each.source, meta));
      this.retire(offers);
      return;
    }
    this.holders.set(index, holder);
    this.release(group.filter(i => i !== holder));
    if (untouched.includes(holder)) {
      const meta = { ...this.others(holder), ...this.generated(index, each) };
      this.present[holder] = slot(holder, index, each.cell_type, each.source, meta);
      this.retire(offers);
    } else {
      this.offer(index, each, holder, offers);
    }
  }

  /** Keep an edited cell; put a version it was neither edited from nor offered before beside it. */
  private offer(index: number, each: Wanted, holder: number, offers: number[]): void {
    const cell = this.cells[holder];
    const newest = this.digest(each.cell_type, each.source);
    if (newest === cell.meta.digest) {
      this.present[holder] = this.edited(holder, index);
      this.retire(offers);
      return;
    }
    this.present[holder] = this.edited(holder, index, newest);
    if (newest === this.digest(cell.cell_type, cell.source)) {
      this.retire(offers); // the user has taken it
      return;
    }
    const source = (OFFER[each.cell_type] ?? '') + each.source;
    const shown = {
      ...this.generated(index, each),
      digest: this.digest('raw', source),
      offer: true
    };
    const standing = offers.find(i => isUntouched(this.cells[i], this.digest));
    this.release(offers.filter(i => i !== standing));
    if (standing !== undefined) {
      const meta = { ...this.others(standing), ...shown };
      this.present[standing] = slot(standing, index, 'raw', source, meta);
    } else if (cell.meta.offered !== newest) {
      this.fresh.set(`offer:${index}`, slot(null, index, 'raw', source, shown));
    }
  }

  /** Delete one untouched cell whose role is gone; its copies and the edited ones stay with the user. */
  private retire(group: number[]): void {
    const first = group.find(i => isUntouched(this.cells[i], this.digest));
    if (first !== undefined) {
      this.gone.add(first);
    }
    this.release(group.filter(i => i !== first));
  }

  /** Leave cells to the user: copies lose every mark, edited ones keep what they were edited from. */
  private release(group: number[]): void {
    for (const i of group) {
      const cell = this.cells[i];
      const ours = isUntouched(cell, this.digest) || cell.meta.offer === true;
      this.present[i] = ours
        ? slot(i, null, cell.cell_type, cell.source, this.others(i))
        : this.edited(i);
    }
  }

  private edited(i: number, index?: number, offered = ''): Slot {
    const cell = this.cells[i];
    const marks: Record<string, unknown> = { ...this.others(i) };
    for (const key of ['index', 'role', 'digest']) {
      if (key in cell.meta) {
        marks[key] = cell.meta[key];
      }
    }
    Object.assign(marks, { generated: false, edited: true, origin: this.origin });
    Object.assign(marks, index === undefined ? {} : { index }, offered ? { offered } : {});
    return slot(i, null, cell.cell_type, cell.source, marks);
  }

  private order(wanted: readonly Wanted[]): Key[] {
    const moved = this.inPlanOrder();
    const keys: Key[] = this.cells.flatMap((_, i) =>
      this.gone.has(i) ? [] : [moved.get(i) ?? i]
    );
    for (const [index, holder] of this.holders) {
      if (this.fresh.has(`offer:${index}`)) {
        keys.splice(keys.indexOf(holder) + 1, 0, `offer:${index}`);
      }
    }
    let last = keys.indexOf(this.magic);
    wanted.forEach((_, index) => {
      if (this.fresh.has(`new:${index}`)) {
        last += 1;
        keys.splice(last, 0, `new:${index}`);
      } else {
        const places = [this.holders.get(index)!, `offer:${index}`]
          .map(key => keys.indexOf(key))
          .filter(place => place >= 0);
        last = Math.min(...places) > keys.indexOf(this.magic) ? Math.max(...places) : last;
      }
    });
    return keys;
  }

  /** Give which cell takes whose place when the plan's order has changed; none where the user has moved cells. */
  private inPlanOrder(): Map<number, number> {
    const plan = [...this.holders]
      .sort((a, b) => a[0] - b[0])
      .map(([, cell]) => cell)
      .filter(cell => this.present[cell].wanted !== null);
    const places = [...plan].sort((a, b) => a - b);
    const numbers = places.map(i => this.cells[i].meta.index);
    const asLeft = numbers.every(
      (n, at) =>
        typeof n === 'number' &&
        Number.isInteger(n) &&
        (at === 0 || n > (numbers[at - 1] as number))
    );
    const below = places.every(i => i > this.magic);
    return new Map(asLeft && below ? places.map((place, at) => [place, plan[at]]) : []);
  }

  private group(role: string, offers: boolean): number[] {
    return this.mine.filter(
      i => this.role(i) === role && (this.cells[i].meta.offer === true) === offers
    );
  }

  private role(i: number): string {
    return text(this.cells[i].meta.role);
  }

  private others(i: number): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(this.cells[i].meta).filter(([key]) => !OURS.has(key))
    );
  }

  private generated(index: number, each: Wanted): Meta {
    return {
      generated: true,
      origin: this.origin,
      index,
      role: each.role,
      digest: this.digest(each.cell_type, each.source)
    };
  }
}

function slot(
  cell: number | null,
  wanted: number | null,
  cell_type: string,
  source: string,
  meta: Meta
): Slot {
  return { cell, wanted, cell_type, source, meta };
}
