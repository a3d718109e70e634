// Runs the extension's decisions in node, straight from their TypeScript: one JSON request a line, one answer a line.
import { createHash } from 'node:crypto';
import { registerHooks } from 'node:module';
import { createInterface } from 'node:readline';

const SOURCES = new URL('../../widgets/labextension/src/', import.meta.url);

// the sources import each other as a bundler has it, without an ending
registerHooks({
  resolve: (name, context, next) =>
    next(name.startsWith('./') && !name.endsWith('.ts') ? `${name}.ts` : name, context)
});

const { planInsertion } = await import(new URL('insertion.ts', SOURCES));
const { planUndo } = await import(new URL('undo.ts', SOURCES));
const { plan, decided, carriedOver } = await import(new URL('changes.ts', SOURCES));
const { readPayload, plain } = await import(new URL('payload.ts', SOURCES));

const digest = (type, source) =>
  createHash('sha256')
    .update(`${type}\0${source.replace(/\p{Surrogate}/gu, '?')}`)
    .digest('hex')
    .slice(0, 16);

const ANSWERS = {
  insertion: ({ cells, magic, wanted, fresh }) => planInsertion(cells, magic, wanted, fresh, digest),
  undo: ({ now, before, after }) => planUndo(now, before, after),
  changes: ({ cells, magic, wanted, fresh }) => plan(cells, magic, wanted, fresh, digest).changes,
  decided: ({ cells, magic, wanted, fresh, decisions }) => {
    const planned = plan(cells, magic, wanted, fresh, digest);
    const taken = planned.changes.flatMap(each => (decisions[each.role] ? [[each, decisions[each.role]]] : []));
    return decided(planned, new Map(taken), digest);
  },
  carry: ({ cells, origin, versions }) => carriedOver(cells, origin, versions, digest),
  payload: ({ payload }) => readPayload(payload),
  plain: ({ text, limit }) => plain(text, limit)
};

for await (const line of createInterface({ input: process.stdin })) {
  const { ask, ...request } = JSON.parse(line);
  console.log(JSON.stringify(ANSWERS[ask](request)));
}
