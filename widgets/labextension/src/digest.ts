/** Hashes and ids, equal to those of `mlexpert_nb/display/insertion.py` and `notebook_cells.py`. */

import { sha1 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';

const NAMESPACE = hexToBytes('6f3a1f5e4f0b5d0e9c586d6c65787065');

/** Give what a generated cell is recognised by: 16 hex digits of SHA-256 over "type NUL source" in UTF-8. */
export function digest(cellType: string, source: string): string {
  return bytesToHex(sha256(utf8(`${cellType}\0${source}`))).slice(0, 16);
}

/** Give an id for a magic cell that follows from its text, and that no other cell of the notebook carries. */
export function freshId(source: string, carried: ReadonlySet<unknown>): string {
  for (let n = 0; ; n++) {
    const id = uuid5(`${source}\0${n}`);
    if (!carried.has(id)) {
      return id;
    }
  }
}

/** Give the id of a new generated cell: the same wherever the notebook is run. */
export function cellId(
  meta: Readonly<Record<string, unknown>>,
  taken: ReadonlySet<string>
): string {
  const seed = `${meta.origin}\0${meta.role}\0${meta.offer === true ? 'True' : 'False'}`;
  const wish = `mlx-${bytesToHex(sha256(utf8(seed))).slice(0, 12)}`;
  for (let n = 1; ; n++) {
    const id = n === 1 ? wish : `${wish}-${n}`;
    if (!taken.has(id)) {
      return id;
    }
  }
}

/** Version 5 of RFC 9562, section 5.5. */
function uuid5(name: string): string {
  const bytes = sha1(concatBytes(NAMESPACE, utf8(name))).slice(0, 16);
  bytes[6] = (bytes[6] & 0x0f) | 0x50;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = bytesToHex(bytes);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Encode as Python does with errors="replace": half a surrogate pair becomes a question mark. */
function utf8(text: string): Uint8Array {
  return utf8ToBytes(text.replace(/\p{Surrogate}/gu, '?'));
}
