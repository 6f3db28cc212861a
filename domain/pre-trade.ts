import { compare, type DecimalString } from './decimal.ts';
import type { EntryIntent } from './intent.ts';

import { reason, type Reason } from './reason.ts';
import type { StopLoss } from './stop-loss.ts';

/** What a strategy's alerts must satisfy, beyond being understood. */
export interface AlertRules {
  /** From 0 to 1: a signal that is less sure of itself is not traded. */
  readonly minConfidence: DecimalString;
  /** An entry whose alert is older than this, in milliseconds, is not traded. */
  readonly maxAgeMs: number;
}

export type Verdict =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'denied'; readonly reason: Reason }
  | { readonly kind: 'expired'; readonly reason: Reason };

/** Clocks of honest senders differ by some seconds; a time further ahead is a wrong clock or a wrong zone. */
const SKEW_MS = 5_000;

/** The checks that need nothing but the alert: how sure, how old. */
export function checkAlert(intent: EntryIntent, rules: AlertRules): Verdict {
  if (compare(intent.confidence, rules.minConfidence) < 0) {
    const message = `The alert's confidence ${intent.confidence} is below the minimum ${rules.minConfidence}.`;
    const fix = 'Send a higher "confidence", or lower MIN_CONFIDENCE.';
    return { kind: 'denied', reason: reason('CONFIDENCE_TOO_LOW', message, fix) };
  }
  if (intent.alertTime === undefined) return { kind: 'admitted' };
  const ageMs = intent.receivedAt - intent.alertTime;
  if (ageMs > rules.maxAgeMs) {
    const message = `The alert was ${seconds(ageMs)} s old when it arrived; the limit is ${seconds(rules.maxAgeMs)} s.`;
    const fix = 'Set "time" to when the alert fired ({{timenow}}), not to the bar\'s time, or raise max_age.';
    return { kind: 'expired', reason: reason('ALERT_TOO_OLD', message, fix) };
  }
  if (ageMs < -SKEW_MS) {
    const message = `The alert's time lies ${seconds(-ageMs)} s in the future; at most ${seconds(SKEW_MS)} s is believed.`;
    const fix = 'Check the sender\'s clock and time zone; in TradingView use "{{timenow}}".';
    return { kind: 'denied', reason: reason('ALERT_TIME_IN_FUTURE', message, fix) };
  }
  return { kind: 'admitted' };
}

/**
 * Why a stop-loss or take-profit cannot protect this entry, with both numbers; null when they can. Levels in percent are
 * on their sides of any price.
 * @param entry the price at which it is entered, where the alert's own is not the one that counts
 * @param whose that price is
 */
export function checkBracket(
  intent: EntryIntent,
  entry = intent.limitPrice ?? intent.stopPrice ?? intent.referencePrice,
  whose = 'its price',
): Reason | null {
  const { side, stopLoss, takeProfit = [] } = intent;
  const stop = stopLoss && priceIn(stopLoss);
  const even =
    stopLoss && 'breakevenAfter' in stopLoss ? stopLoss.breakevenAfter && priceIn(stopLoss.breakevenAfter) : undefined;
  const targets = takeProfit.flatMap(({ level }) => (level && priceIn(level)) ?? []);
  const [loses, wins] = side === 'buy' ? (['below', 'above'] as const) : (['above', 'below'] as const);
  if (entry !== undefined && stop !== undefined && !isOn(loses, stop, entry)) {
    return wrongSide(`The stop_loss ${stop} of a ${side} must be ${loses} ${whose} ${entry}.`);
  }
  if (even !== undefined && entry !== undefined && !isOn(wins, even, entry)) {
    return wrongSide(`The breakeven_after ${even} of a ${side} must be ${wins} its price ${entry}.`);
  }
  if (even !== undefined && stop !== undefined && !isOn(loses, stop, even)) {
    return wrongSide(`The stop_loss ${stop} of a ${side} must be ${loses} its breakeven_after ${even}.`);
  }
  const trail = stopLoss && 'trailAmount' in stopLoss ? stopLoss.trailAmount : undefined;
  if (side === 'buy' && trail !== undefined && entry !== undefined && compare(trail, entry) >= 0) {
    return wrongSide(`The trail_amount ${trail} of a buy must be less than its price ${entry}.`);
  }
  for (const target of targets) {
    if (entry !== undefined && !isOn(wins, target, entry)) {
      return wrongSide(`The take_profit ${target} of a ${side} must be ${wins} ${whose} ${entry}.`);
    }
    if (stop !== undefined && !isOn(loses, stop, target)) {
      return wrongSide(`The stop_loss ${stop} of a ${side} must be ${loses} its take_profit ${target}.`);
    }
  }
  return null;
}

const priceIn = (level: StopLoss): DecimalString | undefined => ('price' in level ? level.price : undefined);

const isOn = (side: 'above' | 'below', price: DecimalString, of: DecimalString): boolean =>
  compare(price, of) === (side === 'above' ? 1 : -1);

const wrongSide = (message: string): Reason =>
  reason('BRACKET_WRONG_SIDE', message, 'Swap "stop_loss" and "take_profit", or correct the one that is wrong.');

const seconds = (ms: number): string => String(ms / 1000);
