// Writes the parts of docs/ that are generated: `npm run docs:reference`. A test compares them with what is checked in.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { format } from 'prettier';

import { openApiDocument } from '../ingress/openapi.ts';
import { limitsPage } from './limits-page.ts';
import { orderLifePage } from './order-life-page.ts';

const root = join(import.meta.dirname, '..');

/** The generated files and what they hold. */
export async function generatedDocs(): Promise<Record<string, string>> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const openApi = JSON.stringify(openApiDocument(version));
  return {
    'docs/limits.md': await format(limitsPage(), { parser: 'markdown', printWidth: 120 }),
    'docs/order-life.md': await format(orderLifePage(), { parser: 'markdown', printWidth: 120 }),
    'docs/openapi.json': await format(openApi, { parser: 'json', printWidth: 120 }),
  };
}

if (process.argv[1] === import.meta.filename) {
  for (const [file, content] of Object.entries(await generatedDocs())) writeFileSync(join(root, file), content);
}
