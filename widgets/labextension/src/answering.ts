/** How answers get from the form to the kernel: as a cell under the request, which anybody can read and run again. */

import type { ISessionContext } from '@jupyterlab/apputils';
import type { ICodeCellModel } from '@jupyterlab/cells';
import { NotebookActions } from '@jupyterlab/notebook';
import { cellOf, unnameable } from './answers';
import { indexOf, putCode, readOnlyReason, views } from './cells';
import type { Owner } from './controller';
import { digest } from './digest';
import { receiptIn } from './history';
import { isUntouched } from './insertion';
import { ask } from './kernel';
import type { Asked } from './payload';
import type { CellView } from './types';

const ROLE = 'answers';
const RESUMES = /^%%mlexpert resume\b/;

/** Say why a question cannot be answered in a notebook now; empty if it can. */
export function blocked(owner: Owner | null, asked: Asked): string {
  if (!owner) {
    return 'this output is not in a notebook; use the card under its cell';
  }
  const { panel } = owner;
  const reason = unnameable(asked) || readOnlyReason(panel);
  if (reason) {
    return reason;
  }
  if (!hasKernel(panel.sessionContext)) {
    return 'no kernel is running; start one';
  }
  return isFinished(owner) ? 'the cell below holds the result of your answers; to answer anew, run the request again' : '';
}

/** Put the answers under their request and run them; gives what came of it, once the run has ended. */
export async function answer(
  owner: Owner,
  asked: Asked,
  answers: readonly string[],
  say: (text: string) => void
): Promise<string> {
  const { panel, cellId } = owner;
  const heard = await ask(panel, null);
  if (!heard.done) {
    return `not answered: ${heard.text}`;
  }
  const at = indexOf(panel, cellId) + 1;
  const reason = at ? blocked(owner, asked) : 'the cell that asked is gone';
  if (reason) {
    return `not answered: ${reason}`;
  }
  const source = cellOf(asked, answers);
  const below = views(panel)[at];
  const stands = holdsAnswers(below);
  panel.content.activeCellIndex = at;
  if (stands && below.source !== source && !isUntouched(below, digest)) {
    return 'not answered: the cell below holds answers that you have edited; run it, or delete it and try again';
  }
  if (!stands || below.source !== source) {
    putCode(panel, at, source, { role: ROLE, digest: digest('code', source) }, stands);
  }
  panel.content.activeCellIndex = at;
  void panel.content.scrollToItem(at, 'smart');
  say('the run goes on in the cell below');
  const ran = await NotebookActions.runCells(panel.content, [panel.content.widgets[at]], panel.sessionContext);
  return ran ? 'answered; the run went on in the cell below' : 'answered, but the run did not go on; the cell below says why';
}

function holdsAnswers(cell: CellView | undefined): boolean {
  return cell?.cell_type === 'code' && cell.meta.role === ROLE && RESUMES.test(cell.source);
}

/** Tell whether the answers below a request have led to a delivery since it asked: a second time is not to lose that. */
function isFinished({ panel, cellId }: Owner): boolean {
  const at = indexOf(panel, cellId);
  if (at < 0 || !holdsAnswers(views(panel)[at + 1])) {
    return false;
  }
  const [asked, answered] = [at, at + 1].map(each => panel.content.model!.cells.get(each) as ICodeCellModel);
  const isLater = !asked.executionCount || !answered.executionCount || answered.executionCount > asked.executionCount;
  return isLater && receiptIn(answered.outputs.toJSON()) !== '';
}

function hasKernel({ session }: ISessionContext): boolean {
  const status = session?.kernel?.status ?? 'dead';
  return !['dead', 'terminating'].includes(status);
}
