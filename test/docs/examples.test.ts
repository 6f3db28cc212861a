import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { loadConfig } from '../../config/config.ts';
import { SETTINGS } from '../../config/settings.ts';
import { SUPPORTED_FIELDS } from '../../domain/alert-fields.ts';
import { parseAlert } from '../../domain/alert.ts';
import { readJson } from '../../ingress/read-json.ts';
import { generatedDocs } from '../../scripts/docs-reference.ts';
import { ROOT } from '../support/holdfast.ts';

const page = (name: string): string => readFileSync(join(ROOT, name), 'utf8');

/** The code blocks of a page that are in a language. */
function blocks(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w+)\n(.*?)^```/gms)]
    .filter(([, found]) => found === language)
    .map(([, , code]) => code!);
}

/** Placeholders as TradingView fills them in. */
function filledIn(alert: string): string {
  return alert.replaceAll('{{timenow}}', '2026-11-24T09:30:00Z').replace(/\{\{[\w.]+\}\}/g, 'x');
}

test('every alert that a page shows is understood', () => {
  const shown = ['docs/alerts.md', 'README.md'].flatMap((name) => {
    const inCurl = [...page(name).matchAll(/-d '(\{[^']*\})'/g)].map(([, body]) => body!);
    return [...blocks(page(name), 'json'), ...inCurl].filter(
      (body) => body.includes('"action"') && !body.includes('"halt"'),
    );
  });
  assert.ok(shown.length >= 2);
  for (const body of shown) {
    const parsed = parseAlert(readJson(Buffer.from(filledIn(body))));
    assert.ok(parsed.ok, body);
    assert.deepEqual(parsed.alert.ignored, [], body);
  }
});

test('the page on alerts names every key that is acted on', () => {
  const alerts = page('docs/alerts.md');
  for (const field of SUPPORTED_FIELDS) assert.ok(alerts.includes(`\`${field}\``), field);
});

test('every configuration that a page shows can be used', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-docs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const shown = blocks(page('docs/configuration.md'), 'yaml');
  assert.ok(shown.length > 0);
  for (const yaml of shown) {
    const names = [...yaml.matchAll(/\$\{([A-Z_]+)\}/g)].map(([, name]) => [name!, `whsec_${'c2VjcmV0'.repeat(5)}`]);
    writeFileSync(join(folder, 'holdfast.yaml'), yaml);
    assert.doesNotThrow(() => loadConfig(Object.fromEntries(names), folder, folder), yaml);
  }
});

test('the page on configuration names every setting that is honoured', () => {
  const configuration = page('docs/configuration.md');
  for (const name of Object.keys(SETTINGS)) assert.ok(configuration.includes(`\`${name}\``), name);
});

test('what is generated is checked in as it is (npm run docs:reference)', async () => {
  for (const [file, content] of Object.entries(await generatedDocs())) assert.equal(page(file), content, file);
});
