// The Temporal SDK's durations are typed by `ms`, whose package exports no types under nodenext: without this
// declaration every duration is `any`, and `startToCloseTimeout: 'not a duration'` compiles.
declare module 'ms' {
  type Unit =
    | 'ms'
    | 's'
    | 'sec'
    | 'second'
    | 'seconds'
    | 'm'
    | 'min'
    | 'minute'
    | 'minutes'
    | 'h'
    | 'hour'
    | 'hours'
    | 'd'
    | 'day'
    | 'days';
  export type StringValue = `${number}` | `${number}${Unit}` | `${number} ${Unit}`;
}
