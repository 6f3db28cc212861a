// Loaded into the product with `--import`: makes its code break over certain alerts, as a fault of ours would, and fills
// the heap until there is no more of it when it is told to (`SIGUSR2`).
import { registerHooks } from 'node:module';

/** Where it breaks, and over which alert. Each line is there once, and stays as it is for every other alert. */
const BREAKS = {
  'ingress/form-intent.ts': {
    before: '  const account = chooseAccount(alert, strategy, config);',
    insert: "  if (alert.id === 'poison-in-ingress') throw new TypeError('poisoned');",
  },
  'activities/check-before-trade.ts': {
    before: '  const rules = desk.rules.get(intent.strategy);',
    insert: "  if (intent.quantity === '0.0666') throw new TypeError('poisoned');",
  },
} as const;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const [, poison] = Object.entries(BREAKS).find(([file]) => url.endsWith(`/${file}`)) ?? [];
    if (poison === undefined) return loaded;
    const source = Buffer.from(loaded.source as Uint8Array).toString();
    if (source.split(poison.before).length !== 2) throw new Error(`${url} has no place for the poison.`);
    return { ...loaded, source: source.replace(poison.before, `${poison.insert}\n${poison.before}`) };
  },
});

process.on('SIGUSR2', () => {
  const hoard: number[][] = [];
  for (;;) hoard.push(Array<number>(1_000_000).fill(hoard.length));
});
