/** The cells payload as it comes from outside: checked, cut to what a page can show, with a word about what was cut. */

import type { Meta, Wanted } from './types';

export const MIME = 'application/vnd.mlexpert.cells.v1+json';
/** Name space in a cell's metadata, and the tag that nbval and other tools see. */
export const KEY = 'mlexpert';
export const TAG = 'mlexpert-generated';
/** The same limits as in `mlexpert_nb/display/cells.py`; a payload need not come from there. */
export const MAX_CELLS = 200;
export const MAX_SOURCE = 200_000;
const MAX_FIELD = 4_000;
const MAX_ROWS = 200;
/** The same limits as in `mlexpert_nb/display/question_form.py`. */
const MAX_QUESTIONS = 50;
const MAX_OPTIONS = 20;

export type Tone = 'good' | 'bad' | 'warn' | 'info';

export interface Table {
  title: string;
  header: string[];
  rows: string[][];
  unfolded: boolean;
  more: number;
}

/** What the card says: `mlexpert_nb/display/card.py`, as plain data. */
export interface Card {
  tone: Tone;
  headline: string;
  message: string;
  asked: string;
  failed: { name: string; measured: string; limit: string; fix: string }[];
  figures: { label: string; value: string; note: string }[];
  shares: { name: string; size: number }[];
  tables: Table[];
  texts: { title: string; text: string }[];
  facts: { label: string; text: string }[];
  steps: { why: string; command: string }[];
}

export interface CellSpec extends Wanted {
  readonly tags: readonly string[];
  /** For a version that is carried over: its marks, and the digest of what it takes the place of ("" for nothing). */
  readonly marks: Meta;
  readonly expects: string;
}

export interface Question {
  readonly question: string;
  readonly options: readonly string[];
}

/** What a run waits for: `mlexpert_nb/display/question_form.py`, as plain data. */
export interface Asked {
  readonly questions: readonly Question[];
  readonly workspace: string;
  /** "auto" if the request said that its plan needs no approval; the only word that is passed on. */
  readonly approve: '' | 'auto';
}

/** A payload that can be shown and inserted. */
export interface Payload {
  readonly auto: boolean;
  readonly title: string;
  readonly workspace: string;
  readonly receipt: string;
  /** Receipt of a run that was taken back; empty for a payload that brings cells. */
  readonly undoes: string;
  /** Receipt of the run that the workspace holds after that; empty if it holds none. */
  readonly left: string;
  /** Id of the magic cell whose cells take other versions; empty for a payload that brings cells. */
  readonly carries: string;
  readonly cells: readonly CellSpec[];
  /** What the run asks the user; null if it asks nothing. */
  readonly asked: Asked | null;
  readonly card: Card | null;
  /** What was left out, one sentence each. */
  readonly cut: readonly string[];
}

type Json = Record<string, unknown>;

/** Read a payload; null if it is none that this version understands. */
export function readPayload(data: unknown): Payload | null {
  if (!isObject(data) || data.version !== 1 || !Array.isArray(data.cells)) {
    return null;
  }
  if (!data.cells.every(isSpec)) {
    return null;
  }
  const cut: string[] = [];
  if (data.cells.length > MAX_CELLS) {
    cut.push(
      `Only the first ${MAX_CELLS} of ${counted(data.cells.length)} cells are shown and inserted.`
    );
  }
  const cells = data.cells
    .slice(0, MAX_CELLS)
    .map((cell, at) => readCell(cell as Json, at, cut));
  return {
    auto: data.auto === true,
    title: line(data.title, 200) || 'Generated cells',
    workspace: typeof data.workspace === 'string' ? data.workspace : '',
    receipt: typeof data.receipt === 'string' ? data.receipt : '',
    undoes: typeof data.undoes === 'string' ? data.undoes : '',
    left: typeof data.left === 'string' ? data.left : '',
    carries: typeof data.carries === 'string' ? data.carries : '',
    cells,
    asked: readAsked(data),
    card: isObject(data.card) ? readCard(data.card) : null,
    cut
  };
}

/** Give text without terminal codes and hidden characters; what is cut off is counted at the end. */
export function plain(value: unknown, limit = MAX_FIELD): string {
  const raw = typeof value === 'string' ? value : value === undefined ? '' : String(value);
  const kept = raw
    .slice(0, 2 * limit + 1000)
    .replace(/\r\n/g, '\n')
    .replace(TERMINAL_CODES, '')
    .replace(HIDDEN, '');
  if (kept.length <= limit && raw.length <= 2 * limit + 1000) {
    return kept;
  }
  return `${kept.slice(0, limit)}… (${counted(raw.length - limit)} more characters not shown)`;
}

/** Give text on one line. */
export function line(value: unknown, limit = 400): string {
  const joined = plain(value).split(/\s+/).filter(Boolean).join(' ');
  return joined.length <= limit ? joined : `${joined.slice(0, limit - 1)}…`;
}

/** Give a number with its thousands apart, the same in every locale. */
export function counted(n: number): string {
  return n.toLocaleString('en-US');
}

const TERMINAL_CODES =
  // eslint-disable-next-line no-control-regex
  /\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]?/g;
const HIDDEN =
  // eslint-disable-next-line no-control-regex
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]/g;

function isSpec(cell: unknown): boolean {
  return (
    isObject(cell) &&
    ['markdown', 'code', 'raw'].includes(cell.cell_type as string) &&
    typeof cell.source === 'string'
  );
}

function readCell(cell: Json, at: number, cut: string[]): CellSpec {
  const metadata = isObject(cell.metadata) ? cell.metadata : {};
  const marks = isObject(metadata[KEY]) ? metadata[KEY] : {};
  const role = typeof marks.role === 'string' && marks.role ? marks.role : `cell-${at + 1}`;
  const source = cell.source as string;
  const tags = list(metadata.tags).filter(tag => typeof tag === 'string').slice(0, 20);
  const expects = typeof cell.expects === 'string' ? cell.expects : '';
  if (source.length <= MAX_SOURCE) {
    return { cell_type: cell.cell_type as string, source, role, tags, marks: ours(marks), expects };
  }
  const size = `${counted(source.length)} characters, at most ${counted(MAX_SOURCE)} fit in one cell`;
  cut.push(`The cell “${line(role, 60)}” was left out: ${size}.`);
  const note = `*The cell \`${line(role, 60)}\` was left out: ${size}.*`;
  return { cell_type: 'markdown', source: note, role, tags: [], marks: {}, expects };
}

function readAsked(data: Json): Asked | null {
  const questions = objects(data.questions).map(each => ({
    question: line(each.question, 1_000),
    options: list(each.options).slice(0, MAX_OPTIONS).map(option => line(option)).filter(Boolean)
  }));
  return questions.length > 0 && questions.length <= MAX_QUESTIONS
    ? {
        questions,
        workspace: typeof data.workspace === 'string' ? data.workspace : '',
        approve: data.approve === 'auto' ? 'auto' : ''
      }
    : null;
}

/** Give the marks that a version may bring along, and no others. */
function ours(marks: Json): Meta {
  const kept = ['generated', 'edited', 'origin', 'index', 'role', 'digest'] as const;
  const plainOnes = kept.filter(key => ['string', 'number', 'boolean'].includes(typeof marks[key]));
  return Object.fromEntries(plainOnes.map(key => [key, marks[key]]));
}

function readCard(card: Json): Card {
  const tone = card.tone as Tone;
  return {
    tone: ['good', 'bad', 'warn', 'info'].includes(tone) ? tone : 'info',
    headline: line(card.headline),
    message: plain(card.message),
    asked: plain(card.asked),
    failed: objects(card.failed).map(each => ({
      name: line(each.name),
      measured: plain(each.measured),
      limit: plain(each.limit),
      fix: plain(each.fix)
    })),
    figures: objects(card.figures).map(each => ({
      label: line(each.label),
      value: line(each.value),
      note: line(each.note)
    })),
    shares: pairs(card.shares)
      .filter(([, size]) => typeof size === 'number' && Number.isFinite(size) && size > 0)
      .map(([name, size]) => ({ name: line(name, 60), size: size as number })),
    tables: objects(card.tables).map(readTable),
    texts: pairs(card.texts).map(([title, text]) => ({
      title: line(title),
      text: plain(text, 20_000)
    })),
    facts: pairs(card.facts).map(([label, text]) => ({ label: line(label), text: plain(text, 600) })),
    steps: objects(card.steps).map(each => ({
      why: line(each.why),
      command: line(each.command)
    }))
  };
}

function readTable(table: Json): Table {
  const rows = list(table.rows);
  const more = typeof table.more === 'number' ? table.more : 0;
  return {
    title: line(table.title),
    header: list(table.header).slice(0, 10).map(each => line(each)),
    rows: rows.slice(0, MAX_ROWS).map(row => list(row).slice(0, 10).map(each => line(each))),
    unfolded: table.unfolded === true,
    more: more + Math.max(0, rows.length - MAX_ROWS)
  };
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function list(value: unknown): any[] {
  return Array.isArray(value) ? value : [];
}

function objects(value: unknown): Json[] {
  return list(value).filter(isObject).slice(0, MAX_ROWS);
}

function pairs(value: unknown): [unknown, unknown][] {
  return list(value)
    .filter(each => Array.isArray(each) && each.length === 2)
    .slice(0, MAX_ROWS) as [unknown, unknown][];
}
