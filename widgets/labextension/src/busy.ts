/**
 * A page that is loaded while its kernel is busy: the kernel's answer to "who are you" waits behind the cell that runs, and
 * with it everything that widgets need. It is asked for on the control channel, which is served at any time; then the views
 * of the kernel are asked, beside the cell, to come into this page.
 */

import type { ISessionContext } from '@jupyterlab/apputils';
import { type Kernel, KernelMessage } from '@jupyterlab/services';

const PATIENCE_MS = 400; // an idle kernel has answered by then
const TRIES = 20; // while the connection is being made
const WIDGETS = 'jupyter.widget'; // what a widget manager listens for
const VIEWS = 'mlexpert.views';

/** What JupyterLab's kernel connection keeps to itself; nothing is done where it has other names. */
type Inside = {
  _info?: { resolve: (info: KernelMessage.IInfoReply) => void };
  _supportsSubshells?: boolean;
  _targetRegistry?: Record<string, unknown>;
};

/** Meet the kernels of a session, also one that is busy. */
export function introduce(session: ISessionContext): void {
  const meet = (kernel: Kernel.IKernelConnection | null | undefined) => {
    if (kernel) {
      window.setTimeout(() => void ask(kernel, TRIES), PATIENCE_MS);
    }
  };
  session.kernelChanged.connect((_, { newValue }) => meet(newValue));
  meet(session.session?.kernel);
}

async function ask(kernel: Kernel.IKernelConnection, tries: number): Promise<void> {
  const inside = kernel as unknown as Inside;
  const known = await Promise.race([kernel.info.then(() => true), Promise.resolve(false)]);
  if (known || kernel.isDisposed || !inside._info || inside._supportsSubshells === undefined) {
    return;
  }
  if (kernel.connectionStatus !== 'connected') {
    if (tries > 0) {
      window.setTimeout(() => void ask(kernel, tries - 1), PATIENCE_MS);
    }
    return;
  }
  const question = KernelMessage.createMessage({
    msgType: 'kernel_info_request',
    channel: 'control' as 'shell', // the types know of the shell channel alone
    username: kernel.username,
    session: kernel.clientId,
    content: {}
  });
  const answer = await kernel.sendControlMessage(question as never, true, true).done.catch(() => undefined);
  const told = answer?.content as unknown as KernelMessage.IInfoReply & { supported_features?: string[] };
  if (told?.status !== 'ok') {
    return;
  }
  inside._supportsSubshells = told.supported_features?.includes('kernel subshells') ?? false;
  inside._info.resolve(told);
  if (inside._supportsSubshells && inside._targetRegistry?.[WIDGETS]) {
    await call(kernel);
  }
}

/** Ask for the views beside the running cell: in a subshell, which a comm would get for later messages only. */
async function call(kernel: Kernel.IKernelConnection): Promise<void> {
  const { subshell_id: subshellId } = (await kernel.requestCreateSubshell({}).done).content;
  const message = KernelMessage.createMessage({
    msgType: 'comm_open',
    channel: 'shell',
    username: kernel.username,
    session: kernel.clientId,
    subshellId,
    content: { comm_id: kernel.createComm(VIEWS).commId, target_name: VIEWS, data: {} }
  });
  await kernel.sendShellMessage(message, false, true).done;
  kernel.requestDeleteSubshell({ subshell_id: subshellId }, true);
}
