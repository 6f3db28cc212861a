import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { admit, type Admission, type AdmissionRequest, type CountedLimits } from '../../domain/admission.ts';
import { add, compare, subtract } from '../../domain/decimal.ts';
import { NO_LIMITS } from '../../domain/limits.ts';
import { asOf, learned, NEW_TALLY, WHOLE, type OrderNews, type Tally } from '../../domain/tally.ts';
import { RUNS } from '../support/property-runs.ts';

const NOON = Date.UTC(2026, 5, 1, 12);
const MINUTE = 60_000;

interface Asked extends Partial<Omit<AdmissionRequest, 'accountLimits' | 'strategyLimits'>> {
  readonly account?: Partial<CountedLimits>;
  readonly own?: Partial<CountedLimits>;
}

/** A buy of one, whose orders have been asked about. */
const request = (id: string, { account, own, ...given }: Asked = {}): AdmissionRequest => ({
  clientOrderId: id,
  workflowId: `order:trend:${id}`,
  strategy: 'trend',
  symbol: 'BTC/USDT',
  side: 'buy',
  quantity: '1',
  price: '100',
  receivedAt: NOON,
  inTurn: false,
  accountLimits: { ...NO_LIMITS, ...account },
  strategyLimits: { ...NO_LIMITS, ...own },
  hasAsked: true,
  ...given,
});

const over = (id: string, filledQuantity = '1', averagePrice: string | null = '100'): OrderNews => ({
  clientOrderId: id,
  isKnown: true,
  isOver: true,
  filledQuantity,
  averagePrice: filledQuantity === '0' ? null : averagePrice,
  exitedQuantity: '0',
  exitAveragePrice: null,
});
const resting = (id: string, filledQuantity = '0'): OrderNews => ({ ...over(id, filledQuantity), isOver: false });

/** Asks one order after the other; the account counts on. */
class Book {
  tally: Tally = NEW_TALLY;
  now = NOON;

  ask(id: string, given?: Asked): Admission {
    const decided = admit(this.tally, request(id, given), this.now);
    this.tally = decided.tally;
    return decided.admission;
  }

  hear(...news: OrderNews[]): void {
    this.tally = news.reduce(learned, asOf(this.tally, this.now));
  }

  /** A trade that is over. */
  trade(id: string, side: 'buy' | 'sell', quantity: string, price: string, given?: Asked): void {
    assert.equal(this.ask(id, { side, quantity, ...given }).kind, 'admitted');
    this.hear(over(id, quantity, price));
  }

  position(symbol = 'BTC/USDT', whose = WHOLE): string {
    return this.tally.traded[whose]?.positions[symbol]?.quantity ?? '0';
  }
}

/** What it was denied for, with the sentence; fails where it was not. */
function whyDenied(admission: Admission): { code: string; message: string } {
  assert.equal(admission.kind, 'denied');
  return admission.kind === 'denied' ? admission.reason : assert.fail();
}

for (const scope of ['account', 'own'] as const) {
  const whose = scope === 'account' ? 'the account' : 'the strategy trend';

  test(`orders per minute of ${whose}: as many as the limit within any minute, and not one more`, () => {
    const book = new Book();
    const given = { [scope]: { ordersPerMinute: 3 } };
    for (const id of ['1', '2', '3']) {
      assert.equal(book.ask(id, given).kind, 'admitted');
      book.hear(over(id));
      book.now += 10_000;
    }
    book.now = NOON + MINUTE - 1;
    const { code, message } = whyDenied(book.ask('4', given));
    assert.deepEqual(
      [code, message],
      ['ORDERS_PER_MINUTE', `There were 3 orders of ${whose} within a minute; the limit is 3.`],
    );
    book.now = NOON + MINUTE;
    assert.equal(book.ask('4', given).kind, 'admitted');
    assert.equal(book.ask('5', given).kind, 'denied');
  });

  test(`open orders of ${whose}: as many as the limit, and one more when one is over`, () => {
    const book = new Book();
    const given = { [scope]: { maxOpenOrders: 2 } };
    book.ask('1', given);
    book.ask('2', given);
    book.hear(resting('2', '0.5'));
    const { code, message } = whyDenied(book.ask('3', given));
    assert.deepEqual([code, message], ['MAX_OPEN_ORDERS', `There are 2 open orders of ${whose}; the limit is 2.`]);
    book.hear(over('1', '0'));
    assert.equal(book.ask('3', given).kind, 'admitted');
  });

  test(`position of ${whose}: up to the limit on either side, what is open being counted as filled`, () => {
    const given = { [scope]: { maxPosition: '3' } };
    for (const side of ['buy', 'sell'] as const) {
      const book = new Book();
      const sign = side === 'buy' ? '' : '-';
      book.trade('1', side, '1', '100', given);
      book.ask('2', { side, ...given });
      assert.equal(book.ask('3', { side, quantity: '1', ...given }).kind, 'admitted');
      const { code, message } = whyDenied(book.ask('4', { side, quantity: '0.00000001', ...given }));
      const says = `The position of ${whose} in BTC/USDT is ${sign}1, and may become ${sign}3.00000001; the limit is 3.`;
      assert.deepEqual([code, message], ['POSITION_OVER_LIMIT', says]);
      // Of what was canceled nothing counts any more.
      book.hear(over('2', '0'));
      assert.equal(book.ask('4', { side, quantity: '0.00000001', ...given }).kind, 'admitted');
      assert.equal(book.ask('5', { side, symbol: 'ETH/USDT', quantity: '3', ...given }).kind, 'admitted');
    }
  });

  test(`value of a position of ${whose}: up to the limit; not without a price`, () => {
    const given = { [scope]: { maxPositionValue: '200' } };
    const book = new Book();
    book.trade('1', 'buy', '1', '50', given);
    assert.equal(book.ask('2', { quantity: '1', ...given }).kind, 'admitted');
    book.hear(over('2', '0'));
    const { code, message } = whyDenied(book.ask('3', { quantity: '1.01', ...given }));
    const says = `The position of ${whose} in BTC/USDT is 1, and may become worth 201; the limit is 200.`;
    assert.deepEqual([code, message], ['POSITION_VALUE_OVER_LIMIT', says]);
    assert.equal(whyDenied(book.ask('3', { price: null, ...given })).code, 'NO_REFERENCE_PRICE');
  });

  test(`daily loss of ${whose}: entries until the limit is lost, reductions always, entries again on the next day`, () => {
    const given = { [scope]: { dailyLoss: '10' } };
    const book = new Book();
    book.trade('1', 'buy', '2', '100', given);
    book.trade('2', 'sell', '1', '90.01', given);
    book.trade('3', 'buy', '1', '100', given);
    book.trade('4', 'sell', '1', '99.99', given);
    const { code, message } = whyDenied(book.ask('5', given));
    const says = `Closed positions of ${whose} have lost 10 USDT today (UTC); the limit is 10.`;
    assert.deepEqual([code, message], ['DAILY_LOSS_REACHED', says]);
    const reducing = book.ask('6', { side: 'sell', quantity: '1', ...given });
    const exempt = `Exempt from the daily loss of ${whose}, 10: it only reduces the position 1.`;
    assert.deepEqual(reducing, { kind: 'admitted', notes: [exempt] });
    assert.equal(whyDenied(book.ask('7', { side: 'sell', quantity: '0.1', ...given })).code, 'DAILY_LOSS_REACHED');
    book.now = Date.UTC(2026, 5, 2) - 1;
    assert.equal(book.ask('8', given).kind, 'denied');
    book.now += 1;
    assert.equal(book.ask('8', given).kind, 'admitted');
  });

  test(`reduce-only of ${whose}: down to flat, and not through it`, () => {
    const book = new Book();
    const given = { [scope]: { reduceOnly: true } };
    book.trade('1', 'buy', '3', '100');
    assert.equal(whyDenied(book.ask('2', { quantity: '0.1', ...given })).code, 'NOT_REDUCING');
    assert.equal(book.ask('3', { side: 'sell', quantity: '2', ...given }).kind, 'admitted');
    const { message } = whyDenied(book.ask('4', { side: 'sell', quantity: '1.1', ...given }));
    assert.equal(message, `The position of ${whose} in BTC/USDT is 3, and may become -0.1; it may only be reduced.`);
    assert.equal(book.ask('4', { side: 'sell', quantity: '1', ...given }).kind, 'admitted');
  });
}

test('a position outlives its day, and what was brought in another day does not', () => {
  const book = new Book();
  book.trade('1', 'buy', '2', '100');
  book.trade('2', 'sell', '1', '90');
  book.trade('3', 'buy', '1', '100', { strategy: 'other', symbol: 'ETH/USDT' });
  book.trade('4', 'sell', '1', '90', { strategy: 'other', symbol: 'ETH/USDT' });
  assert.equal(book.tally.traded[WHOLE]!.realized['USDT'], '-20');
  book.now = Date.UTC(2026, 5, 2);
  const { traded } = asOf(book.tally, book.now);
  const held = { positions: { 'BTC/USDT': { quantity: '1', averagePrice: '100' } }, realized: {} };
  assert.deepEqual(traded, { [WHOLE]: held, trend: held });
});

test('what another strategy does counts for the account, and not for this strategy', () => {
  const book = new Book();
  book.trade('1', 'buy', '2', '100', { strategy: 'other' });
  const one = { ordersPerMinute: 1, maxPosition: '1' };
  assert.equal(book.ask('2', { own: one }).kind, 'admitted');
  assert.equal(book.ask('3', { account: { ordersPerMinute: 2 } }).kind, 'denied');
  assert.equal(book.ask('3', { account: { maxPosition: '3' } }).kind, 'denied');
});

test('an order that asks again is counted once, also when it is over and places again', () => {
  const book = new Book();
  const given = { account: { ordersPerMinute: 1, maxOpenOrders: 1, maxPosition: '1' } };
  for (let attempt = 0; attempt < 3; attempt += 1) assert.equal(book.ask('1', given).kind, 'admitted');
  book.hear(over('1', '0'));
  assert.equal(book.ask('1', given).kind, 'admitted');
  assert.equal(book.tally.recent.length, 1);
  assert.equal(book.ask('2', given).kind, 'denied');
});

test('before an open order keeps another from being admitted, what became of it is asked', () => {
  const book = new Book();
  const given = { account: { maxOpenOrders: 1 } };
  book.ask('1', given);
  const asked = book.ask('2', { hasAsked: false, ...given });
  assert.deepEqual(asked, { kind: 'ask_first', orders: [{ clientOrderId: '1', workflowId: 'order:trend:1' }] });
  book.hear(over('1'));
  assert.equal(book.ask('2', { hasAsked: false, ...given }).kind, 'admitted');
});

test('where a loss is counted, what may have brought one is asked about first', () => {
  const book = new Book();
  const given = { own: { dailyLoss: '10' } };
  book.ask('1', given);
  assert.equal(book.ask('2', { hasAsked: false, ...given }).kind, 'ask_first');
  assert.equal(book.ask('2', { hasAsked: true, ...given }).kind, 'admitted');
});

test('a rate is no reason to ask about anything: time alone changes it', () => {
  const book = new Book();
  const given = { account: { ordersPerMinute: 1 } };
  book.ask('1', given);
  assert.equal(book.ask('2', { hasAsked: false, ...given }).kind, 'denied');
});

test('orders in turn go in the order of their receipt, each when the one before has an outcome', () => {
  const book = new Book();
  const second = { inTurn: true, receivedAt: NOON + 2 };
  const third = { inTurn: true, receivedAt: NOON + 3 };
  assert.equal(book.ask('1', { inTurn: true, receivedAt: NOON + 1 }).kind, 'admitted');
  assert.equal(book.ask('3', third).kind, 'wait');
  assert.deepEqual(book.ask('2', second), {
    kind: 'wait',
    why: 'It is not its turn in BTC/USDT: the order 1 comes first.',
  });
  assert.equal(book.ask('other market', { ...third, symbol: 'ETH/USDT' }).kind, 'admitted');
  assert.equal(book.ask('other strategy', { ...third, strategy: 'other' }).kind, 'admitted');
  book.hear(resting('1'));
  assert.deepEqual(book.ask('3', third), {
    kind: 'wait',
    why: 'It is not its turn in BTC/USDT: the order 2 comes first.',
  });
  assert.equal(book.ask('2', second).kind, 'admitted');
  assert.equal(book.ask('3', third).kind, 'wait');
  book.hear(over('2'));
  assert.equal(book.ask('3', third).kind, 'admitted');
});

test('one that waited and asks no more keeps nobody', () => {
  const book = new Book();
  book.ask('1', { inTurn: true });
  book.ask('2', { inTurn: true, receivedAt: NOON + 1 });
  book.hear(over('1'));
  assert.equal(book.ask('3', { inTurn: true, receivedAt: NOON + 2 }).kind, 'wait');
  book.now += 5_000;
  assert.equal(book.ask('3', { inTurn: true, receivedAt: NOON + 2 }).kind, 'admitted');
});

test('a symbol may be called like what every object has', () => {
  const book = new Book();
  for (const symbol of ['__proto__', 'constructor', 'toString']) {
    book.trade(symbol, 'buy', '1', '100', { symbol, account: { maxPosition: '1' } });
    assert.equal(book.position(symbol), '1');
  }
});

// Two of the limits, whatever is asked, filled in parts, lost and told again in whatever order.
test('no sequence of orders and news comes beyond a limit, and none counts twice', () => {
  const step = fc.record({
    id: fc.integer({ min: 0, max: 12 }),
    side: fc.constantFrom('buy' as const, 'sell' as const),
    quantity: fc.integer({ min: 1, max: 5 }),
    tells: fc.constantFrom('ask', 'ask', 'fill', 'end'),
    part: fc.integer({ min: 0, max: 5 }),
    passes: fc.integer({ min: 0, max: 20_000 }),
  });
  const limits = { maxPosition: '8', maxOpenOrders: 4, ordersPerMinute: 5 };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const book = new Book();
      const admitted = new Map<string, { side: 'buy' | 'sell'; quantity: string; filled: string; isOver: boolean }>();
      const times: number[] = [];
      for (const { id: number, side, quantity, tells, part, passes } of steps) {
        book.now += passes;
        const id = String(number);
        const order = admitted.get(id);
        if (tells === 'ask' && order?.isOver !== true) {
          const asked = { side: order?.side ?? side, quantity: order?.quantity ?? String(quantity), account: limits };
          const { kind } = book.ask(id, asked);
          if (order !== undefined) assert.equal(kind, 'admitted');
          else if (kind === 'admitted') {
            admitted.set(id, { side, quantity: String(quantity), filled: '0', isOver: false });
            times.push(book.now);
          }
        } else if (order !== undefined && tells !== 'ask' && !order.isOver) {
          const filled = compare(String(part), order.quantity) > 0 ? order.quantity : String(part);
          const told = compare(filled, order.filled) > 0 ? filled : order.filled;
          const isOver = tells === 'end';
          book.hear({ ...over(id, told), isOver }, { ...over(id, told), isOver });
          admitted.set(id, { ...order, filled: told, isOver });
        }
        const all = [...admitted.values()];
        const open = all.filter(({ isOver }) => !isOver);
        const signed = (one: (typeof all)[number], size: string): string =>
          one.side === 'buy' ? size : subtract('0', size);
        const position = all.reduce((sum, one) => add(sum, signed(one, one.filled)), '0');
        assert.equal(compare(book.position(), position), 0);
        const reach = (way: 'buy' | 'sell'): string =>
          open.reduce(
            (sum, one) => (one.side === way ? add(sum, signed(one, subtract(one.quantity, one.filled))) : sum),
            position,
          );
        assert.ok(
          compare(reach('buy'), '8') <= 0 && compare(reach('sell'), '-8') >= 0,
          `${reach('sell')} ${reach('buy')}`,
        );
        assert.ok(open.length <= 4);
        assert.ok(times.filter((at) => book.now - at < MINUTE).length <= 5);
      }
    }),
    RUNS,
  );
});
