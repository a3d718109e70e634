/**
 * How an insertion is taken back: a decision over three states of a notebook, as plain data.
 *
 * The same rules as `mlexpert_nb/display/undo.py`, which explains them; random histories hold the two equal. Runs in
 * node as it stands: no imports.
 */

/** What the decision needs to know of a cell. */
export interface Entry {
  readonly id: string;
  readonly digest: string;
  readonly mark: string;
}

/** A cell that stays (`kept` is its index in `now`) or is put back (`restored` is its index in `before`). */
export type Place = { readonly kept: number } | { readonly restored: number };

/** Give the whole notebook as it should be once the run between `before` and `after` is taken back. */
export function planUndo(
  now: readonly Entry[],
  before: readonly Entry[],
  after: readonly Entry[]
): Place[] {
  return new Undo(now, before, after).places();
}

/** The way back under way: `origin` leads from `after` to `before`, `present` from `now` to `after`. */
class Undo {
  private readonly now: readonly Entry[];
  private readonly before: readonly Entry[];
  private readonly after: readonly Entry[];
  private readonly origin = new Map<number, number>();
  private readonly present: Map<number, number>;
  /** Cells of `before` that stand in the notebook again although the run has deleted them, by their place in `now`. */
  private readonly again = new Map<number, number>();

  constructor(now: readonly Entry[], before: readonly Entry[], after: readonly Entry[]) {
    this.now = now;
    this.before = before;
    this.after = after;
    const known = new Map<string, number>();
    before.forEach((cell, at) => cell.id && known.set(cell.id, at));
    after.forEach((cell, at) => {
      if (known.has(cell.id)) {
        this.origin.set(at, known.get(cell.id)!);
      }
    });
    this.present = this.foundAgain(known);
    const gone = new Set(this.origin.values());
    now.forEach((cell, at) => {
      const was = known.get(cell.id);
      if (!this.present.has(at) && was !== undefined && !gone.has(was)) {
        this.again.set(at, was);
        gone.add(was);
      }
    });
  }

  places(): Place[] {
    const each = this.now.map((_, at) => this.place(at));
    const places = this.inOldOrder(each.filter(place => place !== null));
    const shown = new Set([...places.map(place => this.was(place)), ...this.origin.values()]);
    this.before.forEach((_, at) => {
      if (!shown.has(at)) {
        places.splice(this.slotOf(at, places), 0, { restored: at }); // deleted by the run
      }
    });
    return places;
  }

  /** Give where one present cell goes; null to delete it. */
  private place(at: number): Place | null {
    const made = this.present.get(at);
    if (made === undefined || this.now[at].digest !== this.after[made].digest) {
      return { kept: at }; // written or edited since: the user's
    }
    const from = this.origin.get(made);
    if (from === undefined) {
      return null; // made by the run
    }
    const same =
      this.before[from].digest === this.after[made].digest &&
      this.before[from].mark === this.after[made].mark;
    return same ? { kept: at } : { restored: from };
  }

  /** Give, for each present cell, which one after the run it is: by id, or by text and mark if its id is lost. */
  private foundAgain(known: ReadonlyMap<string, number>): Map<number, number> {
    const byId = new Map<string, number>();
    this.after.forEach((cell, at) => cell.id && byId.set(cell.id, at));
    const found = new Map<number, number>();
    this.now.forEach((cell, at) => {
      if (byId.has(cell.id)) {
        found.set(at, byId.get(cell.id)!);
        byId.delete(cell.id);
      }
    });
    const taken = new Set(found.values());
    const left = this.after.map((_, at) => at).filter(at => !taken.has(at));
    this.now.forEach((cell, at) => {
      const match = found.has(at) || known.has(cell.id)
        ? -1
        : left.findIndex(
            i => this.after[i].digest === cell.digest && this.after[i].mark === cell.mark
          );
      if (match >= 0) {
        found.set(at, left[match]);
        left.splice(match, 1);
      }
    });
    return found;
  }

  /** Give which cell of `before` a place shows; -1 for a cell that was not there. */
  private was(place: Place): number {
    if ('restored' in place) {
      return place.restored;
    }
    return this.origin.get(this.present.get(place.kept) ?? -1) ?? this.again.get(place.kept) ?? -1;
  }

  /** Give the cells from before the run their old order back, where only the run has changed it. */
  private inOldOrder(places: Place[]): Place[] {
    const inAfter = new Map([...this.origin].map(([after, before]) => [before, after]));
    const slots = places.flatMap((place, slot) => (inAfter.has(this.was(place)) ? [slot] : []));
    const standing = slots.map(slot => inAfter.get(this.was(places[slot]))!);
    if (standing.some((at, i) => i > 0 && at < standing[i - 1])) {
      return places; // the user has moved cells since
    }
    const ordered = slots
      .map(slot => places[slot])
      .sort((a, b) => this.was(a) - this.was(b));
    const again = [...places];
    slots.forEach((slot, i) => (again[slot] = ordered[i]));
    return again;
  }

  /** Give the slot behind the nearest cell that stood before cell `at` of `before`. */
  private slotOf(at: number, places: readonly Place[]): number {
    let best = -1;
    let slot = 0;
    places.forEach((place, i) => {
      const was = this.was(place);
      if (was >= 0 && was >= best && was < at) {
        best = was;
        slot = i + 1;
      }
    });
    return slot;
  }
}
