import { z } from 'zod';

import { account, name, outline, strategy } from './structure.ts';

/**
 * `holdfast.yaml` as a JSON Schema, for editors: what may be written, not what it comes to. It is made of what the file
 * is checked with. That a key is one for a later version, or two keys contradict each other, only the check can say.
 */
export function configSchema(): object {
  const file = outline.extend({
    accounts: z.record(name, account).optional(),
    // A strategy that is only named has its defaults.
    strategies: z.record(name, strategy.nullable()).optional(),
  });
  const schema = z.toJSONSchema(file, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // What this version does not honour may not be written at all.
      if (zodSchema._zod.def.type === 'undefined') jsonSchema.not = {};
    },
  });
  return { title: 'holdfast.yaml', ...schema };
}
