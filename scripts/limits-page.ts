import { DUPLICATE_WINDOW_MS } from '../config/duplicate-windows.ts';
import { multiply } from '../domain/decimal.ts';
import { ACCOUNT_LIMITS, type Limits } from '../domain/limits.ts';

/** What docs/limits.md says of a limit; its default comes from the code. */
interface Row {
  /** Its name in the file. */
  readonly name: string;
  readonly example: string;
  readonly meaning: string;
  readonly code: string;
  /** Where it is decided. */
  readonly where: 'check' | 'account';
}

/** Every limit that there is, in the order in which they are looked at: a new one without a row does not compile. */
const ROWS: Readonly<Record<keyof Limits, Row>> = {
  symbols: {
    name: 'symbols',
    example: '["BTC/USDT"]',
    meaning: 'the symbols that may be traded',
    code: 'SYMBOL_NOT_ALLOWED',
    where: 'check',
  },
  tradingHours: {
    name: 'trading_hours',
    example: '"Mon-Fri 09:30-16:00 America/New_York"',
    meaning: 'when alerts may arrive; one text, or a list of them',
    code: 'OUTSIDE_TRADING_HOURS',
    where: 'check',
  },
  maxQuantity: {
    name: 'max_quantity',
    example: '"2"',
    meaning: 'the most that one order may ask for, in units of the base asset or in contracts',
    code: 'QUANTITY_OVER_LIMIT',
    where: 'check',
  },
  maxNotional: {
    name: 'max_notional',
    example: '"5000"',
    meaning: 'the most that one order may be worth, in the quote currency',
    code: 'NOTIONAL_OVER_LIMIT',
    where: 'check',
  },
  priceCollar: {
    name: 'price_collar',
    example: '"10%"',
    meaning: "how far a limit or stop price may be from the market's, on either side",
    code: 'PRICE_OUTSIDE_COLLAR',
    where: 'check',
  },
  ordersPerMinute: {
    name: 'orders_per_minute',
    example: '60',
    meaning: 'how many orders may be placed in a minute',
    code: 'ORDERS_PER_MINUTE',
    where: 'account',
  },
  maxOpenOrders: {
    name: 'max_open_orders',
    example: '50',
    meaning: 'how many orders may be open at once',
    code: 'MAX_OPEN_ORDERS',
    where: 'account',
  },
  maxPosition: {
    name: 'max_position',
    example: '"3"',
    meaning: "how far from flat a symbol's position may come, on either side",
    code: 'POSITION_OVER_LIMIT',
    where: 'account',
  },
  maxPositionValue: {
    name: 'max_position_value',
    example: '"20000"',
    meaning: "the most that a symbol's position may be worth, in the quote currency",
    code: 'POSITION_VALUE_OVER_LIMIT',
    where: 'account',
  },
  dailyLoss: {
    name: 'daily_loss',
    example: '"500"',
    meaning: 'what may be lost in closed positions in a day (UTC) before entries are denied',
    code: 'DAILY_LOSS_REACHED',
    where: 'account',
  },
  reduceOnly: {
    name: 'reduce_only',
    example: 'true',
    meaning: 'only what brings a position closer to flat may be traded',
    code: 'NOT_REDUCING',
    where: 'account',
  },
};

const WHERE = { check: 'the check', account: 'the account' } as const;

/** `docs/limits.md`, before it is formatted. */
export function limitsPage(): string {
  const rows = Object.entries(ROWS).map(([member, { name, example, meaning, code, where }]) => {
    const standard = showDefault(member as keyof Limits);
    return `| \`${name}\` | \`${example}\` | ${meaning} | ${standard} | \`${code}\` | ${WHERE[where]} |`;
  });
  return `# Limits

<!-- Generated from scripts/limits-page.ts by npm run docs:reference. -->

What an account may do at the most, and a strategy's alerts: written under \`limits:\` of an account or of a strategy in
[\`holdfast.yaml\`](configuration.md). Of both each must hold, and so the stricter does. \`off\` switches one off. What an
order does not keep to is \`denied\`: nothing was sent, and the reason says in one sentence what was found, what the limit is,
and whose it is.

| Limit | Such as | Meaning | Default at an account | Denied with | Decided at |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

A strategy has no limits but those that are written. Exactly at its limit an order passes. Alerts that [take a position
out](alerts.md#taking-a-position-out) are held to none of them; what a \`reverse\` opens is.

Two more things are written there:

- \`duplicate_window\` (${DUPLICATE_WINDOW_MS / 1000}s): for so long after it an alert without \`id\` and \`time\` stands for every equal one. It denies nothing:
  an equal alert is [the same alert again](alerts.md#the-same-alert-again). From 1s to 1h, or \`off\`: then each delivery is an
  order of its own, also one that a sender repeats because it missed the answer. Where account and strategy both write one,
  the longer one holds.
- \`accounts\` of a strategy: which accounts its alerts may name. Ingress refuses others; a worker denies them too, with
  \`ACCOUNT_NOT_ALLOWED\`.

A default that is loosened (\`orders_per_minute\`, \`max_open_orders\`, \`price_collar\`, \`duplicate_window\`) is named in the log at the
start. \`holdfast_denied_total{account,code}\` counts what was denied.

## Where each is decided

**The check** comes before the trade, with nothing but the order, the configuration and the market's price. It looks at the
alert first (how sure, how old), then at the account and symbol, the hours, the quantity, then at what the market can take,
and last at the order's worth and prices; the first thing that is wrong is the answer. It judges what would be sent, in the
market's own steps. [\`POST /explain\`](alerts.md) tells beforehand which limits an alert would meet that need neither the
market's name nor its price.

**The account** counts: its orders in the last minute, its open orders, its positions and its losses stand in the account's
one execution in the engine, so that no two workers can both take the last place. An order asks it right before it is sent,
under its own id: however often it asks, after whatever death, it is counted once. What has become of others goes along with
the question, and is told within a second else; before an open order keeps another one out, that order itself is asked whether
it is over. Where nothing is counted, nothing is asked.

- **A minute** is the last 60 seconds by the engine's clock, and counts orders that were admitted, not those that were denied.
- **Open** is an order from its admission until it is over: also one whose outcome is unknown.
- **A position** is what the account's own orders have bought less what they have sold, since they were first counted; what
  rests counts as filled, on its own side. What was there before, was traded by hand, or was kept as a fee is not in it:
  compare \`positions\` in \`GET /accounts\` with the venue.
- **A loss** is counted when a position is closed, from average prices and without fees, in the quote currency. Profits of
  the day count against it. The day begins at midnight UTC.
- **Turns** (\`ordering: serial\`): an order waits until the strategy's orders before it in this symbol have an outcome (filled,
  resting, rejected …), in the order in which their alerts came, and is \`expired\` when its own time is over first.
- An order whose workflow was ended by hand counts for what is known of it; ending the account's execution begins the count anew.

A halted account denies every order with \`HALTED\`, and one whose engine was put back from a copy with \`ENGINE_RESTORED\`,
whatever the limits are: [what that means](operating.md).

## Worth, and the market's price

An order is worth its quantity times the highest price at which it can be thought to trade: its limit price for a limit or
stop-limit to buy; the market's price for a market order; for every other the highest of its limit price, its stop price
and the market's.

The market's price is the **venue's**: an exchange is asked for its last price where a limit needs it, and told prices are
used for a second. The alert's \`price\` is the sender's word, and whoever has got hold of a token could say anything; it
counts only where the venue has no price of its own (in dry run), and on paper, which trades at it.

- A market order under \`max_notional\`, and every limit or stop order under a \`price_collar\`, needs that price. While the venue
  cannot be asked, the order waits, and is \`expired\` when it has become too old; when the venue says that it has no price, the
  order is denied with \`NO_REFERENCE_PRICE\`. Nothing is guessed.
- A dry run judges by the alert's \`price\`. Without one it leaves out the limits that need it, and says so in \`inferred\`.
- Limits are in the quote currency of the symbol, whichever that is: 5000 means USDT for BTC/USDT, and BTC for ETH/BTC.
  \`MAX_ORDER_SIZE_USD\` and \`MAX_POSITION_SIZE_USD\` are \`max_notional\` and \`max_position_value\` of every account that writes none
  of its own, and are taken in the quote currency too: beside them, list in \`symbols\` only what is quoted in dollars.

## Symbols and hours

On an exchange a symbol is compared under the exchange's own name for it: \`BINANCE:BTCUSDT\` and \`btcusdt\` are \`BTC/USDT\`. On
paper and in dry run it is compared as it is written.

Hours are days, a time from and a time to, and a time zone with its summer time: \`Mon-Fri 09:30-16:00 America/New_York\`,
\`Sat,Sun 00:00-24:00 UTC\`. The first minute is within, the last time is not. A time to that is not after the time from lies on
the next day: \`Sun-Thu 18:00-17:00 America/Chicago\`. What counts is when the alert arrived here.

## What is exempt

An order that can only bring a position closer to flat is exempt from \`max_position\`, \`max_position_value\`, \`daily_loss\` and
\`reduce_only\`; where a loss would have kept it, the answer says so in \`inferred\`. This version knows no alerts that only
close, so every other limit holds for every order. [Stops and targets](alerts.md#stops-and-targets), and what closes a position
that they cannot protect, are held to no limit and are not counted; their entry counts as open until they have ended it. An
order that is out there is not judged again: limits do not cancel.
`;
}

function showDefault(member: keyof Limits): string {
  if (member === 'priceCollar') return `${multiply(ACCOUNT_LIMITS.priceCollar!, '100')}%`;
  const value = ACCOUNT_LIMITS[member];
  if (value === null) return 'off';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
