/** The keys of an alert that this build acts on. */
export const SUPPORTED_FIELDS = [
  'id',
  'symbol',
  'account',
  'action',
  'quantity',
  'order_type',
  'price',
  'limit_price',
  'stop_price',
  'stop_loss',
  'take_profit',
  'time',
  'time_in_force',
  'confidence',
  'secret',
] as const;

export type SupportedField = (typeof SUPPORTED_FIELDS)[number];

/**
 * The rest of the alert grammar: keys, and other spellings of keys, that senders use elsewhere and that this build
 * does not act on. To accept one in silence could drop a stop or a size, so each is refused by name. The value is the
 * supported key that says the same, where there is one.
 */
const UNSUPPORTED: ReadonlyMap<string, SupportedField | null> = new Map([
  ...spellings('id', 'signalId alertId idempotencyKey alertTimestamp clientId'),
  ...spellings('symbol', 'ticker pair instrument market sym tv_instrument tickerid s'),
  ...spellings(null, 'exchange tv_exchange venue e destination'),
  ...spellings('account', 'accounts accountId apiKey stub profilesCodes a'),
  ...spellings('action', 'side signal direction order command b isBuy isSell isClose'),
  ...spellings(
    null,
    'position sentiment market_position strategy_info strategy_info.market_position prev_position prev_market_position',
  ),
  ...spellings(null, 'position_size strategy.position_size pos target_quantity'),
  ...spellings('quantity', 'qty size contracts amount units volume shares lots q order.amount'),
  ...spellings(null, 'quantity_type unitsType investmentType currency_type amountPerTradeType risk'),
  ...spellings('order_type', 'orderType type pricetype t'),
  ...spellings('price', 'signalPrice trigger_price close referencePrice marketPrice'),
  ...spellings('limit_price', 'limitPrice'),
  ...spellings('stop_price', 'stopPrice trigger stop'),
  ...spellings(null, 'trail_amount trail_percent activation_price trailtrig traildist trailstep'),
  ...spellings('stop_loss', 'sl stopLoss stopLossPercent slp stop_loss_price'),
  ...spellings('take_profit', 'tp takeProfit targets'),
  ...spellings('time_in_force', 'timeInForce tif timeToLive'),
  ...spellings(null, 'expire_at reduce_only post_only leverage lev l'),
  ...spellings(null, 'margin_mode marginType position_side hedgeMode'),
  ...spellings(null, 'cancel_first cancel flatten_first require_position require_market_position'),
  ...spellings('time', 'timestamp timenow ts'),
  ...spellings(null, 'max_lag ttl_ms expiresAt delay not_before execution approval'),
  ...spellings('confidence', 'score'),
  ...spellings(null, 'strategy bot_uuid order_id strategy.order.id comment message note tag interval timeframe'),
  ...spellings(null, 'dry_run test is_test_net d paper extras metadata meta custom orders'),
  ...spellings('secret', 'passphrase key token auth_key webhook_secret signalToken'),
]);

/** Families of numbered keys: tp1, TAKE_PROFIT_PRICE_2 and their kind. */
const NUMBERED = /^(tp|sl|takeprofitprice|stoplossprice|volumeratio)\d{1,2}$/;

export type FieldVerdict =
  | { readonly kind: 'supported'; readonly field: SupportedField }
  | { readonly kind: 'unsupported'; readonly instead: SupportedField | null }
  | { readonly kind: 'misspelt'; readonly meant: string }
  | { readonly kind: 'unknown' };

/** What a key of an alert is to this build. */
export function judgeField(key: string): FieldVerdict {
  if ((SUPPORTED_FIELDS as readonly string[]).includes(key)) {
    return { kind: 'supported', field: key as SupportedField };
  }
  const bare = bareOf(key);
  const undressed = OURS.find((field) => field.bare === bare)?.meant;
  const instead = UNSUPPORTED.get(bare);
  // `orderType` is a spelling of its own in other systems; `ORDER_TYPE` is this system's key in other letters.
  if (instead !== undefined) return { kind: 'unsupported', instead };
  if (undressed !== undefined) return { kind: 'misspelt', meant: undressed };
  if (NUMBERED.test(bare)) return { kind: 'unsupported', instead: null };
  // `stop_loss_pct`, `quantity_usd`: a key of ours with something behind it is meant for it, and is not what we would do.
  const extended = OURS.find((field) => field.meant.length >= 8 && bare.startsWith(field.bare));
  const letters = lettersIn(bare);
  const near =
    extended ?? NEAR_TARGETS.find((target) => mayBeNear(letters, target.letters) && isNear(bare, target.bare));
  return near === undefined ? { kind: 'unknown' } : { kind: 'misspelt', meant: near.meant };
}

const undress = <T extends string>(meant: T): { meant: T; bare: string; letters: number } => ({
  meant,
  bare: bareOf(meant),
  letters: lettersIn(bareOf(meant)),
});
const OURS = SUPPORTED_FIELDS.map(undress);

const NEAR_LENGTH_MIN = 4;
const NEAR_TARGETS = [
  ...SUPPORTED_FIELDS,
  ...'position position_size quantity_type trail_amount trail_percent activation_price'.split(' '),
  ...'reduce_only post_only leverage margin_mode position_side max_lag dry_run exchange'.split(' '),
  ...'require_position flatten_first cancel_first approval execution not_before'.split(' '),
]
  .filter((field) => field.length >= NEAR_LENGTH_MIN)
  .map(undress);

/**
 * How far a word may be from a key and still be taken for it. Short words have neighbours that mean something else
 * (`tile`, `lime`, `auction`): of four letters only two may be swapped.
 */
function isNear(written: string, meant: string): boolean {
  if (meant.length <= 4) return distance(written, meant, 1) === 1 && lettersOf(written) === lettersOf(meant);
  const allowed = meant.length >= 11 ? 2 : 1;
  return distance(written, meant, allowed) <= allowed;
}

const lettersOf = (word: string): string => word.split('').toSorted().join('');

/** Which letters a word has, a bit for each; digits share one. */
function lettersIn(word: string): number {
  let letters = 0;
  for (let index = 0; index < word.length; index++) letters |= 1 << Math.max(word.charCodeAt(index) - 96, 0);
  return letters;
}

/** Whether a word could be near at all: each letter that is missing takes an edit. Spares most words the counting of edits. */
function mayBeNear(written: number, meant: number): boolean {
  let missing = meant & ~written;
  for (let edits = 0; edits <= 2; edits++) {
    if (missing === 0) return true;
    missing &= missing - 1;
  }
  return false;
}

/** Edits (a letter more, less, other, or two swapped) from one word to another; stops counting past `limit`. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1;
      let best = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + cost);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        best = Math.min(best, beforeLast[column - 2]! + 1);
      }
      current.push(best);
    }
    if (Math.min(...current) > limit) return limit + 1;
    beforeLast = last;
    last = current;
  }
  return last[b.length]!;
}

function spellings(instead: SupportedField | null, words: string): [string, SupportedField | null][] {
  return words.split(' ').map((word) => [bareOf(word), instead]);
}

/** A key without its dress: snake, camel and upper case are one. */
function bareOf(key: string): string {
  return key
    .slice(0, 64)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
}
