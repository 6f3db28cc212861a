import { proxyActivities } from '@temporalio/workflow';

interface Place {
  place(alert: { id: string; quantity: string }): Promise<unknown>;
}

const { place } = proxyActivities<Place>({ startToCloseTimeout: 25_000, retry: { maximumAttempts: 1 } });

/** The least that an order can cost on this engine: one eager activity, and nothing around it. */
export async function Bare(alert: { id: string; quantity: string }): Promise<unknown> {
  return place(alert);
}
