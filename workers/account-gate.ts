import { WorkflowNotFoundError } from '@temporalio/client';

import type { Admission, AdmissionRequest, OrderName } from '../domain/admission.ts';
import type { Answer } from '../domain/answer.ts';
import type { ExitRequest } from '../domain/exit-plan.ts';
import { accountId } from '../domain/ids.ts';
import { newsOf, type OrderNews } from '../domain/tally.ts';
import type { Engine } from '../ingress/engine.ts';
import { admitUpdate, ANSWER_MEMO } from '../workflows/messages.ts';
import type { Standings } from './standings.ts';

const DEADLINE_MS = 3_000;
/** What goes in one question: the engine takes one at a time from this process, so those that come meanwhile go together. */
const BATCH_MOST = 50;
const NEWS_MOST = 500;
const ASKED_AT_ONCE = 20;
/** News that no question has taken along by then go by themselves. */
const NEWS_WAIT_MS = 1_000;

interface Waiting {
  readonly request: AdmissionRequest | ExitRequest;
  readonly answer: (admission: Admission | undefined) => void;
}

/**
 * One account's way to where its orders are counted. What this process learns of its orders goes along with the next
 * question; what other processes have learned is asked of the orders themselves, where it would matter.
 */
export class AccountGate {
  readonly #engine: Engine;
  readonly #account: string;
  readonly #standings: Standings;
  readonly #news = new Map<string, OrderNews>();
  #waiting: Waiting[] = [];
  #isAsking = false;
  /** Whether anything is counted: where no order ever asks, nobody wants to know. */
  #isCounting = false;
  #isTelling = false;

  constructor(engine: Engine, account: string, standings: Standings) {
    this.#engine = engine;
    this.#account = account;
    this.#standings = standings;
  }

  /** Has the order counted, or tells what keeps it; undefined where the account cannot be asked. */
  admit(request: AdmissionRequest | ExitRequest): Promise<Admission | undefined> {
    this.#isCounting = true;
    return new Promise((answer) => {
      this.#waiting.push({ request, answer });
      if (!this.#isAsking) void this.#askOn();
    });
  }

  /** What goes with the next question; of more than that the account asks the orders. */
  learn(answer: Answer): void {
    if (!this.#isCounting || this.#news.size >= NEWS_MOST) return;
    this.#tell(newsOf(answer));
    if (this.#isTelling) return;
    this.#isTelling = true;
    setTimeout(() => this.#tellWaiting(), NEWS_WAIT_MS).unref();
  }

  #tellWaiting(): void {
    this.#isTelling = false;
    if (this.#news.size > 0 && !this.#isAsking) void this.#ask([]).catch(() => undefined);
  }

  #tell(news: OrderNews): void {
    this.#news.set(news.clientOrderId, news);
  }

  async #askOn(): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_MOST);
      await this.#ask(batch).catch(() => {
        for (const { answer } of batch) answer(undefined);
      });
    }
    this.#isAsking = false;
  }

  async #ask(batch: readonly Waiting[]): Promise<void> {
    const at = performance.now();
    const news = [...this.#news.values()];
    const requests = batch.map(({ request }) => request);
    const handle = this.#engine.client.workflow.getHandle(accountId(this.#account));
    const ask = () => handle.executeUpdate(admitUpdate, { args: [{ news, requests }] });
    const { admissions, standing } = await this.#engine.within(DEADLINE_MS, ask).catch(async (error: unknown) => {
      // Somebody has ended the account's execution: it goes on as it stood.
      if (error instanceof WorkflowNotFoundError) await this.#standings.introduce(this.#account);
      throw error;
    });
    for (const one of news) if (this.#news.get(one.clientOrderId) === one) this.#news.delete(one.clientOrderId);
    this.#standings.saw(this.#account, standing, at);
    const kept = new Map<string, OrderName>();
    batch.forEach(({ request, answer }, index) => {
      const admission = admissions[index]!;
      if (admission.kind !== 'ask_first') {
        answer(admission);
        return;
      }
      for (const order of admission.orders) kept.set(order.clientOrderId, order);
      this.#waiting.push({ request: { ...request, hasAsked: true }, answer });
    });
    await this.#askAbout([...kept.values()]);
  }

  /** What has become of orders that the account counts as open. */
  async #askAbout(orders: readonly OrderName[]): Promise<void> {
    for (let from = 0; from < orders.length; from += ASKED_AT_ONCE) {
      await Promise.all(orders.slice(from, from + ASKED_AT_ONCE).map((order) => this.#askOrder(order)));
    }
  }

  async #askOrder({ clientOrderId, workflowId }: OrderName): Promise<void> {
    const handle = this.#engine.client.workflow.getHandle(workflowId);
    const ask = async (): Promise<OrderNews | undefined> => {
      const { status, memo } = await handle.describe();
      const published = memo?.[ANSWER_MEMO] as Answer | undefined;
      if (status.name === 'RUNNING') return published && newsOf(published);
      const answer = (await handle.result()) as Answer;
      return { ...newsOf(answer), isOver: true };
    };
    // An order that was ended from outside, or that the engine has forgotten, tells no more than is known of it.
    const over = { clientOrderId, isKnown: true, isOver: true, filledQuantity: '0', averagePrice: null };
    const isNoAnswer = (error: unknown): boolean =>
      error instanceof WorkflowNotFoundError || (error as Error).name === 'WorkflowFailedError';
    await this.#engine.within(DEADLINE_MS, ask).then(
      (news) => news && this.#tell(news),
      (error: unknown) => isNoAnswer(error) && this.#tell(over),
    );
  }
}
