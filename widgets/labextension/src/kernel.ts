/** What the extension asks of the kernel; the kernel's side is `mlexpert_nb/magics/front.py`. */

import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel, KernelMessage } from '@jupyterlab/services';

const TARGET = 'mlexpert';
const TIMEOUT_MS = 60_000;
const SUBSHELL_MS = 3_000;

export interface Answer {
  readonly done: boolean;
  readonly text: string;
  /** Receipt of the run that the workspace holds now, if it holds one. */
  readonly left?: string;
}

/**
 * Ask the kernel to do something, also while a cell runs; with no request, ask whether it listens at all.
 *
 * The request itself is sent only when the kernel has said that it listens: one that gave no answer in time has not been
 * made, and will not be made later. Never rejects: what goes wrong is an answer too.
 */
export async function ask(panel: NotebookPanel, request: Record<string, string> | null): Promise<Answer> {
  const kernel = panel.sessionContext.session?.kernel;
  if (!kernel || kernel.status === 'dead' || kernel.status === 'unknown') {
    return { done: false, text: 'no kernel is running; start one and try again' };
  }
  if (!kernel.handleComms) {
    return { done: false, text: 'another view of this notebook has the kernel; use that one' };
  }
  const comm = kernel.createComm(TARGET);
  if (kernel.supportsSubshells) {
    // only then does what follows reach a busy kernel; one that cannot start a subshell answers when its cell has ended
    const { subshellStarted } = comm as { subshellStarted?: Promise<void> }; // not on the interface
    await Promise.race([subshellStarted?.catch(() => undefined), later(SUBSHELL_MS)]);
  }
  return new Promise(resolve => converse(comm, request, resolve));
}

function converse(
  comm: Kernel.IComm,
  request: Record<string, string> | null,
  resolve: (answer: Answer) => void
): void {
  const end = (answer: Answer) => {
    window.clearTimeout(timer);
    comm.onClose = () => undefined; // closing it calls this
    comm.close();
    resolve(answer);
  };
  const timer = window.setTimeout(
    () => end({ done: false, text: 'the kernel is busy; nothing was changed: stop the running cell and try again' }),
    TIMEOUT_MS
  );
  comm.onMsg = (message: KernelMessage.ICommMsgMsg) => {
    const { ready, done, text, left } = message.content.data as Record<string, unknown>;
    if (ready === true && !request) {
      end({ done: true, text: '' });
    } else if (ready === true) {
      window.clearTimeout(timer);
      comm.send(request!);
    } else {
      end({
        done: done === true,
        text: typeof text === 'string' ? text : '',
        left: typeof left === 'string' ? left : ''
      });
    }
  };
  comm.onClose = () => {
    window.clearTimeout(timer);
    resolve({
      done: false,
      text: 'the kernel does not know mlexpert_nb; run %load_ext mlexpert_nb and try again'
    });
  };
  comm.open();
}

function later(ms: number): Promise<void> {
  return new Promise(resolve => window.setTimeout(resolve, ms));
}
