/** What is typed into a form of questions, as the text of the cell that goes on with the run: plain data. */

import { plain, type Asked } from './payload';

export const LONGEST = 20_000; // characters of one answer
/** The same as in `mlexpert_nb/keys.py`, which refuses the cell: what is refused here is not even written into one. */
const KEY = /\bsk-(?:ant-[\w-]{8,}|(?=[\w-]*\d)[\w-]{20,})/;
const PLAIN_WORD = /^[\w@%+=:,./-]+$/; // what a shell reads as one word

/** Say why a run cannot be named on a magic line; empty if it can. IPython reads more into a line than `shlex` does. */
export function unnameable({ workspace }: Asked): string {
  return !workspace || workspace !== plain(workspace) || /[{}$\n]/.test(workspace)
    ? 'the name of the workspace cannot stand on a magic line; type the line below yourself'
    : '';
}

/** Say what is wrong with an answer; empty if nothing is. */
export function wrongWith(answer: string): string {
  if (!answer.trim()) {
    return 'This needs an answer; “you decide” is one.';
  }
  return KEY.test(answer) ? 'This looks like an API key, and is not written into the notebook.' : '';
}

/** Give the line that goes on with a run. */
export function lineOf({ workspace, approve }: Asked): string {
  const word = PLAIN_WORD.test(workspace) ? workspace : `'${workspace.replaceAll("'", `'"'"'`)}'`;
  return `%%mlexpert resume --workspace ${word}${approve ? ` --approve ${approve}` : ''}`;
}

/** Give the whole text of the cell: the line, and under it each question with its answer. */
export function cellOf(asked: Asked, answers: readonly string[]): string {
  const said = asked.questions.map(({ question }, at) => `${at + 1}. ${question}\n${indented(answers[at])}`);
  return [lineOf(asked), ...said].join('\n');
}

/** Give an answer as lines that nobody takes for a magic, a shell or a help line, nor IPython for a pasted prompt. */
function indented(answer: string): string {
  const lines = plain(answer, LONGEST).trim().split('\n');
  return lines.map(line => `   ${line.replace(/^(\s*)([%!?>])/, '$1\\$2')}`.trimEnd()).join('\n');
}
