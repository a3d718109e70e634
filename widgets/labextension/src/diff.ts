/** Two texts side by side: which lines belong together and which words in them differ; plain data. */

import { diffArrays, diffWordsWithSpace } from 'diff';

/** A piece of a line; `differs` marks what the other side does not have. */
export interface Piece {
  readonly text: string;
  readonly differs: boolean;
}

/** One row: a line on each side, or on one; `hidden` is the number of equal lines that are not shown. */
export interface Row {
  readonly left: { readonly n: number; readonly pieces: Piece[] } | null;
  readonly right: { readonly n: number; readonly pieces: Piece[] } | null;
  readonly differs: boolean;
  readonly hidden: number;
}

const CONTEXT = 3; // equal lines around a difference
const MAX_ROWS = 2000;
const MAX_LINE = 2000; // characters of one line
const ALIKE = 0.3; // of the longer line that two lines must share for their words to be compared
const MAX_EDITS = 3000; // lines that differ; past it the texts stand side by side without alignment

/** Align two texts; the second number is how many rows were left out at the end. */
export function sideBySide(left: string, right: string): { rows: Row[]; cut: number } {
  const rows = folded(aligned(lines(left), lines(right)));
  return { rows: rows.slice(0, MAX_ROWS), cut: Math.max(0, rows.length - MAX_ROWS) };
}

function lines(text: string): string[] {
  return text === '' ? [] : text.split('\n');
}

function aligned(left: string[], right: string[]): Row[] {
  const parts = diffArrays(left, right, { maxEditLength: MAX_EDITS }) ?? [
    { value: left, removed: true, added: false },
    { value: right, removed: false, added: true }
  ];
  const rows: Row[] = [];
  let [l, r] = [0, 0];
  let removed: string[] = [];
  const flush = (added: string[]) => {
    for (let i = 0; i < Math.max(removed.length, added.length); i++) {
      rows.push(pair(removed[i], added[i], removed[i] === undefined ? 0 : ++l, added[i] === undefined ? 0 : ++r));
    }
    removed = [];
  };
  for (const part of parts) {
    if (part.removed) {
      removed = part.value;
    } else if (part.added) {
      flush(part.value);
    } else {
      flush([]);
      for (const text of part.value) {
        const pieces = [{ text: clipped(text), differs: false }];
        rows.push({
          left: { n: ++l, pieces },
          right: { n: ++r, pieces },
          differs: false,
          hidden: 0
        });
      }
    }
  }
  flush([]);
  return rows;
}

function pair(left: string | undefined, right: string | undefined, l: number, r: number): Row {
  const marked = left !== undefined && right !== undefined ? words(left, right) : null;
  const whole = (text: string | undefined) => [{ text: clipped(text ?? ''), differs: false }];
  return {
    left: left === undefined ? null : { n: l, pieces: marked?.left ?? whole(left) },
    right: right === undefined ? null : { n: r, pieces: marked?.right ?? whole(right) },
    differs: true,
    hidden: 0
  };
}

/** Mark the words that differ; null where the lines are too long, or have too little in common for it to help. */
function words(left: string, right: string): { left: Piece[]; right: Piece[] } | null {
  if (left.length + right.length > 2 * MAX_LINE) {
    return null;
  }
  const parts = diffWordsWithSpace(left, right);
  const common = parts.filter(part => !part.added && !part.removed);
  const shared = common.reduce((sum, part) => sum + part.value.trim().length, 0);
  const side = (skip: 'added' | 'removed') =>
    parts
      .filter(part => !part[skip])
      .map(part => ({ text: part.value, differs: part.added || part.removed }));
  return shared < ALIKE * Math.max(left.length, right.length)
    ? null
    : { left: side('added'), right: side('removed') };
}

function clipped(text: string): string {
  return text.length <= MAX_LINE
    ? text
    : `${text.slice(0, MAX_LINE)}… (${text.length - MAX_LINE} more characters not shown)`;
}

/** Hide long runs of equal lines but for a few around each difference. */
function folded(rows: Row[]): Row[] {
  const near = rows.map(() => false);
  rows.forEach((row, at) => {
    if (row.differs) {
      near.fill(true, Math.max(0, at - CONTEXT), at + CONTEXT + 1);
    }
  });
  const shown: Row[] = [];
  for (let at = 0; at < rows.length; ) {
    const end = near.indexOf(true, at);
    const hidden = (end < 0 ? rows.length : end) - at;
    if (near[at] || hidden <= 2) {
      shown.push(rows[at]);
      at += 1;
    } else {
      shown.push({ left: null, right: null, differs: false, hidden });
      at += hidden;
    }
  }
  return shown;
}
