/** For accounts that get more orders in a minute, or prices further from the market's, than they take by default. */
export const LIMITS_OFF = '{ price_collar: off, orders_per_minute: off, max_open_orders: off }';

/** `holdfast.yaml`: what there is without a file, but for the limits. */
export const WITHOUT_LIMITS = `accounts:
  binance: { venue: ccxt, exchange: binance, mode: dry_run, limits: ${LIMITS_OFF} }
  paper: { venue: paper, limits: ${LIMITS_OFF} }
`;
