/** The queue of every order's workflow, and of the activities of accounts that any worker can reach. */
export const ORDERS_QUEUE = 'holdfast';

/** A queue that nobody works on: what marks a window of equal alerts has no code, and ends by itself. */
export const WINDOWS_QUEUE = 'holdfast.windows';
