export interface HeldRequest {
  readonly id: number;
  readonly clientOrderIds: readonly string[];
  readonly stage: 'before-engine' | 'in-engine';
}

/** Requests that are late: between the client that sent them and the engine that will book them. */
export class HeldRequests {
  readonly #held = new Map<number, HeldRequest & { go: () => void }>();
  #count = 0;

  /** Until it is released, or `ms` have passed; null: only a release ends it. */
  async hold(clientOrderIds: readonly string[], stage: HeldRequest['stage'], ms: number | null): Promise<void> {
    this.#count += 1;
    const id = this.#count;
    await new Promise<void>((resolve) => {
      const timer = ms === null ? null : setTimeout(resolve, ms);
      const go = (): void => {
        if (timer !== null) clearTimeout(timer);
        resolve();
      };
      this.#held.set(id, { id, clientOrderIds, stage, go });
    });
    this.#held.delete(id);
  }

  list(): HeldRequest[] {
    return [...this.#held.values()].map(({ id, clientOrderIds, stage }) => ({ id, clientOrderIds, stage }));
  }

  release(clientOrderId: string | null): number {
    const chosen = [...this.#held.values()].filter(
      (held) => clientOrderId === null || held.clientOrderIds.includes(clientOrderId),
    );
    for (const held of chosen) held.go();
    return chosen.length;
  }
}
