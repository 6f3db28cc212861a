export { ExecuteOrder } from './execute-order.ts';
export { TradingAccount } from './trading-account.ts';
