// Writes the hash of what the built assets were made from beside them; tests/widgets/test_labextension.py compares it.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const files = [
  ...['src', 'style', 'schema'].flatMap(folder => readdirSync(join(here, folder)).map(name => `${folder}/${name}`)),
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  '../../mlexpert_nb/display/mlexpert.css'
].sort();
const sha = createHash('sha256');
for (const name of files) {
  sha.update(`${name}\0`).update(readFileSync(join(here, name))).update('\0');
}
writeFileSync(join(here, 'dist', 'sources.sha256'), `${sha.digest('hex')}\n`);
