import type { Answer } from '../domain/answer.ts';

/** An answer, and where a person finds its story: in our pages, and in the Temporal Web UI where that is known. */
export type Linked = Answer & { readonly links: { readonly order: string; readonly history: string | null } };

/** Where a person finds the story of an order. */
export class Links {
  readonly #operator: string;
  readonly #ui: string | null;
  readonly #namespace: string;

  /** @param ui the Temporal Web UI's address; null where it is not known */
  constructor(operator: string, ui: string | null, namespace: string) {
    this.#operator = operator;
    this.#ui = ui;
    this.#namespace = namespace;
  }

  onto(answer: Answer): Linked {
    const id = encodeURIComponent(answer.workflow_id);
    const history = this.#ui === null ? null : `${this.#ui}/namespaces/${this.#namespace}/workflows/${id}`;
    return { ...answer, links: { order: `${this.#operator}/orders/${id}`, history } };
  }
}
