export { ExecuteOrder } from './execute-order.ts';
