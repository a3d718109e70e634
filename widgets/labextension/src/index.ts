/** The extension of JupyterLab and Notebook 7: shows the card of a run and puts its cells into the notebook. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker, NotebookActions, type Notebook } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { introduce } from './busy';
import { CellsCard } from './card';
import { Controller, type Owner } from './controller';
import { MIME } from './payload';

const ID = 'mlexpert-nb:plugin';
const REQUEST = /^\s*%%?mlexpert\b/m;

const plugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Shows the card of an mlexpert run and inserts its cells.',
  autoStart: true,
  requires: [INotebookTracker, IRenderMimeRegistry],
  optional: [ISettingRegistry],
  activate
};

function activate(
  app: JupyterFrontEnd,
  tracker: INotebookTracker,
  rendermime: IRenderMimeRegistry,
  settings: ISettingRegistry | null
): void {
  const controller = new Controller(tracker);
  const cards = new Set<CellsCard>();
  const createRenderer = () => {
    const card = new CellsCard(app, controller);
    cards.add(card);
    card.disposed.connect(() => cards.delete(card));
    return card;
  };
  // safe: the card is made of text nodes, so it may be shown in a notebook that is not trusted; rank 0 beats text/html
  rendermime.addFactory({ safe: true, mimeTypes: [MIME], defaultRank: 0, createRenderer }, 0);
  const ownerOf = (notebook: Notebook, cellId: string): Owner | null => {
    const panel = tracker.find(each => each.content === notebook);
    return panel ? { panel, cellId } : null;
  };
  NotebookActions.executionScheduled.connect((_, { notebook, cell }) => {
    const owner = ownerOf(notebook, cell.model.id);
    if (owner && REQUEST.test(cell.model.sharedModel.getSource())) {
      controller.scheduled(owner);
    }
  });
  // fires once, on the client that ran the cell: never on load, never on a collaborator's screen
  NotebookActions.executed.connect((_, { notebook, cell, success }) => {
    const owner = cell.model.type === 'code' ? ownerOf(notebook, cell.model.id) : null;
    if (owner) {
      controller.ended(owner);
    }
    // what takes cells out or changes them is heard from a request alone, and not from any output that looks like it
    const asked = success && owner && REQUEST.test(cell.model.sharedModel.getSource());
    const said = asked || (success && owner && controller.onlyInserts(owner)) ? controller.executed(owner!) : null;
    if (said) {
      [...cards].filter(card => cell.node.contains(card.node)).forEach(card => card.say(said));
    }
  });
  tracker.widgetAdded.connect((_, panel) => {
    introduce(panel.sessionContext);
    let path = panel.context.path;
    panel.context.pathChanged.connect((_context, to) => {
      controller.renamed(path, to);
      path = to;
    });
  });
  void settings?.load(ID).then(found => {
    const follow = () => {
      controller.automatic = found.get('insert').composite !== 'on click';
    };
    found.changed.connect(follow);
    follow();
  });
}

export default plugin;
