/** The form of a run that waits for answers: each question with the answers it expects, and a field for other words. */

import { lineOf, LONGEST, wrongWith } from './answers';
import { el } from './dom';
import type { Asked, Question } from './payload';

const NONE = 'none of these';
/** Keys on these are for the form, else an arrow goes to the next cell; a text field has its keys to itself anyway. */
const OWN_KEYS = { 'data-lm-suppress-shortcuts': 'true' };
let forms = 0; // radio buttons and labels find each other by names that are used once on a page

/** One question in the form. */
interface Field {
  readonly node: HTMLFieldSetElement;
  readonly words: HTMLTextAreaElement;
  readonly wrong: HTMLElement;
}

export class QuestionForm {
  readonly node: HTMLFormElement;
  private readonly fields: readonly Field[];
  private readonly button = el(
    'button',
    { type: 'submit', class: 'mlx-button mlx-primary', ...OWN_KEYS },
    'Answer and go on'
  );
  private readonly why: HTMLElement;
  private readonly send: (answers: string[]) => Promise<void>;
  private blocked = '';
  private sending = false;

  /** `status` is where the card says what came of it, `send` is called with one answer for each question. */
  constructor(asked: Asked, status: HTMLElement, send: (answers: string[]) => Promise<void>) {
    const name = `mlx-form-${++forms}`;
    this.send = send;
    this.fields = asked.questions.map((each, at) => field(each, at, `${name}-${at}`));
    this.why = el('p', { class: 'mlx-why', id: `${name}-why` });
    this.button.setAttribute('aria-describedby', this.why.id);
    this.node = el(
      'form',
      { class: 'mlx-form', 'aria-label': 'Questions of the specialist' },
      ...this.fields.map(each => each.node),
      el('div', { class: 'mlx-toolbar' }, this.button, status),
      this.why,
      el('p', { class: 'mlx-quiet mlx-runs' }, 'Your answers go into a cell below, which runs ', el('code', {}, lineOf(asked)))
    );
    this.node.noValidate = true;
    this.node.addEventListener('submit', event => {
      event.preventDefault();
      void this.submit();
    });
    this.node.addEventListener('keydown', event => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.node.requestSubmit();
      }
    });
    this.show();
  }

  /** Say why nothing can be sent now; empty if it can. */
  block(reason: string): void {
    this.blocked = reason;
    this.show();
  }

  private show(): void {
    this.button.disabled = this.sending || this.blocked !== '';
    // while the answers are on their way, the status beside the button says more
    this.why.textContent = this.blocked && !this.sending ? `Not to be answered here now: ${this.blocked}.` : '';
  }

  private async submit(): Promise<void> {
    const answers = this.fields.map(answerOf);
    const wrong = this.fields.filter((each, at) => tell(each, wrongWith(answers[at])));
    if (wrong.length) {
      wrong[0].words.focus();
    }
    if (wrong.length || this.button.disabled) {
      return;
    }
    this.sending = true;
    this.show();
    try {
      await this.send(answers);
    } finally {
      this.sending = false;
      this.show();
    }
  }
}

function field({ question, options }: Question, at: number, name: string): Field {
  const radio = (option: string, value: string) =>
    el('label', { class: 'mlx-option' }, el('input', { type: 'radio', name, value, ...OWN_KEYS }), el('span', {}, option));
  const wrong = el('p', { class: 'mlx-wrong', id: `${name}-wrong`, role: 'alert' });
  const words = el('textarea', {
    rows: '1',
    maxlength: String(LONGEST),
    spellcheck: 'false',
    'aria-describedby': wrong.id
  });
  const node = el(
    'fieldset',
    { class: 'mlx-question' },
    el('legend', {}, `${at + 1}. ${question}`),
    options.length
      ? el('div', { class: 'mlx-options' }, ...options.map(each => radio(each, each)), radio(NONE, ''))
      : null,
    el('label', { class: 'mlx-words' }, el('span', {}, options.length ? 'In other words, or more to it' : 'Your answer'), words),
    wrong
  );
  return { node, words, wrong };
}

/** Give the chosen option and the words, whichever there are. */
function answerOf({ node, words }: Field): string {
  const chosen = node.querySelector<HTMLInputElement>('input:checked')?.value ?? '';
  return [chosen, words.value.trim()].filter(Boolean).join('\n');
}

/** Show what is wrong with an answer, or that nothing is; tell whether something is. */
function tell({ words, wrong }: Field, reason: string): boolean {
  wrong.textContent = reason;
  words.setAttribute('aria-invalid', String(reason !== ''));
  return reason !== '';
}
