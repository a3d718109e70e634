/** The words that the modules share. */

/** `metadata.mlexpert` of a cell. */
export type Meta = Readonly<Record<string, unknown>>;

/** What a decision needs to know of a cell. */
export interface CellView {
  readonly cell_type: string;
  readonly source: string;
  readonly meta: Meta;
}

/** One cell that the magic cell asked for. */
export interface Wanted {
  readonly cell_type: string;
  readonly source: string;
  readonly role: string;
}

/** One cell of the notebook as it should be: `cell` is the present cell that it is, `wanted` the asked one it shows. */
export interface Slot {
  readonly cell: number | null;
  readonly wanted: number | null;
  readonly cell_type: string;
  readonly source: string;
  readonly meta: Meta;
}

/** Gives what a generated cell is recognised by. */
export type Digest = (cellType: string, source: string) => string;
