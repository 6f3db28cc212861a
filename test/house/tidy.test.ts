import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import { test } from 'node:test';

// What neither the linter nor the compiler can hold. Every pattern is put together from pieces, because this file is
// among the files it reads.

const root = join(import.meta.dirname, '..', '..');
const product = /^(domain|ingress|workflows|activities|adapters|workers|config|telemetry|cli)\//;
const code = /\.[cm]?[jt]s$/;
/** Written by machines: nobody chooses their words, and their checksums may spell anything. */
const generated = /^package-lock\.json$|^test\/replay\/.*\.json$/;

/** Tracked files and those that a commit would add. */
const listed = new Set(git('ls-files', '--cached', '--others', '--exclude-standard', '-z').split('\0').filter(Boolean));
const paths = [...listed].filter((path) => existsSync(join(root, path)));
const texts = new Map<string, string>();
for (const path of paths) {
  const text = read(path);
  if (text !== undefined && !text.includes('\0')) texts.set(path, text);
}

function git(...args: string[]): string {
  const run = spawnSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 });
  assert.equal(run.status, 0, `git ${args.join(' ')} failed: ${run.stderr}${String(run.error ?? '')}`);
  return run.stdout;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    // Deleted and not yet committed, or removed by a test that runs beside this one.
    return undefined;
  }
}

/** Each line that the pattern matches, as `path:line: text`, in the files that `where` selects. */
function matches(pattern: RegExp, where: (path: string) => boolean): string[] {
  return [...texts].flatMap(([path, text]) => {
    if (!where(path)) return [];
    return text.split('\n').flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : []));
  });
}

/** Alternatives of a pattern, written with a `+` inside so that they do not match themselves. */
const pieces = (words: string): string => words.replaceAll('+', '').replaceAll('.', '\\.').replaceAll(' ', '|');

test('no product file is longer than 350 lines', () => {
  const long = [...texts].flatMap(([path, text]) => {
    const lines = text.trimEnd().split('\n').length;
    return product.test(path) && code.test(path) && lines > 350 ? [`${path}: ${lines} lines`] : [];
  });
  assert.deepEqual(long, []);
});

test('no note about work that is left to do', () => {
  const words = new RegExp(`\\b(${pieces('TO+DO FIX+ME XX+X HA+CK')})\\b`);
  assert.deepEqual(
    matches(words, (path) => !generated.test(path)),
    [],
  );
});

test('no file whose name says nothing about what is in it', () => {
  const vague = /(^|\/)(utils?|helpers?|common|(types|constants)\.[cm]?[jt]s$)(\.[^/]*)?(\/|$)/;
  const found = paths.filter((path) => vague.test(path));
  assert.deepEqual(found, []);
});

test('no package registry is named, so that the installing machine chooses its own', () => {
  const npm = 'registry.+npmjs registry.+yarnpkg registry.+npmmirror npm.pkg+.github';
  const others = 'pypi+.org files.python+hosted proxy.+golang arti+factory verda+ccio';
  const named = new RegExp(`${pieces(`${npm} ${others}`)}|://[^/\\s]*(registry|mirror)[^/\\s]*[/:]`, 'i');
  const locked = matches(/"resolved": "http/, (path) => path === 'package-lock.json');
  assert.deepEqual([...matches(named, () => true), ...locked], []);
});

test('no absolute path of one machine', () => {
  // After a letter, a dot or a slash it is the middle of another path or address.
  const folders = `(?<![\\w./~*}-])(${pieces('/ho+me/ /Us+ers/ /ro+ot/ /t+mp/ /var/t+mp/')})|[A-Z]:\\\\+Users\\\\`;
  assert.deepEqual(
    matches(new RegExp(folders), (path) => !generated.test(path)),
    [],
  );
});

test('no test is skipped without a printed reason', () => {
  const inTests = (path: string): boolean => path.startsWith('test/') && code.test(path);
  // `test.skip` takes the test's name, which leaves no room for a reason; `t.skip` prints the one it is given.
  const bare =
    /\b(test|it|describe|suite)\.(skip|todo|only)\s*\(|\.(skip|todo)\s*\(\s*\)|\b(skip|todo|only)\s*:\s*true/;
  const conditional = [...texts].flatMap(([path, text]) => {
    if (!inTests(path)) return [];
    return [...text.matchAll(/\bskip:\s*([^}]*)/g)].flatMap(([whole, value = '']) => {
      // What the condition compares with is no reason.
      const rest = value.replace(/[!=]==?\s*(['"`]).*?\1|\[(['"`]).*?\2\]|\((['"`]).*?\3\)/g, '');
      return /['"`]|reason/i.test(rest) ? [] : [`${path}: ${whole.trim()}`];
    });
  });
  assert.deepEqual([...matches(bare, inTests), ...conditional], []);
});

test('no import that the linter cannot see loads a module', () => {
  const patterns = [
    // `export { type A } from` keeps its module at run time, and no rule says so.
    '\\bexport\\s*\\{(\\s*type\\s[^,}]*,?)+\\s*\\}\\s*from',
    // The rules about paths read quoted strings only.
    '\\bimport\\s*\\(\\s*`',
    '\\bimport\\s*\\(\\s*/[*/]',
  ];
  const found = [...texts].flatMap(([path, text]) => {
    if (!product.test(path) || !code.test(path)) return [];
    return [...text.matchAll(new RegExp(patterns.join('|'), 'g'))].map(([match]) => `${path}: ${match}`);
  });
  assert.deepEqual(found, []);
});

test('every link of every document leads somewhere', () => {
  const documents = [...texts].filter(([path]) => path.endsWith('.md'));
  const dead = documents.flatMap(([path, text]) => linksOf(text).flatMap((link) => reasonDead(path, link) ?? []));
  assert.deepEqual(dead, []);
});

function linksOf(markdown: string): string[] {
  const prose = withoutCode(markdown);
  const inline = prose.matchAll(/\]\(\s*<?([^()\s>]+(?:\([^()\s]*\)[^()\s>]*)?)>?(?:\s+["'][^"']*["'])?\s*\)/g);
  const references = prose.matchAll(/^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)/gm);
  const html = prose.matchAll(/\b(?:href|src)="([^"]+)"/g);
  return [...inline, ...references, ...html].flatMap(([, link]) => link ?? []);
}

function withoutCode(markdown: string): string {
  return markdown
    .replace(/^( *)(`{3,}|~{3,}).*\n(?:.*\n)*?\1\2.*$/gm, '')
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/(`+)(?!`)[\s\S]*?[^`]\1(?!`)/g, '');
}

function reasonDead(from: string, link: string): string | undefined {
  if (/^[a-z][a-z+.-]*:|^\/\//i.test(link)) return undefined;
  const [path = '', anchor] = decodeURI(link).split('#');
  const file = path === '' ? from : posix.normalize(posix.join(path.startsWith('/') ? '.' : posix.dirname(from), path));
  const isFolder = paths.some((one) => one.startsWith(`${file.replace(/\/$/, '')}/`)) || /^\.\/?$/.test(file);
  if (!texts.has(file) && !isFolder && !paths.includes(file)) return `${from}: ${link} (there is no ${file})`;
  if (anchor === undefined) return undefined;
  const text = texts.get(file);
  const line = /^L(\d+)(?:-L(\d+))?$/.exec(anchor);
  const found = file.endsWith('.md')
    ? anchorsOf(text ?? '').has(anchor)
    : line !== null && Number(line[2] ?? line[1]) <= (text ?? '').trimEnd().split('\n').length;
  return found ? undefined : `${from}: ${link} (${basename(file)} has no #${anchor})`;
}

/** The anchors that GitHub gives to headings, and those that the document gives itself. */
function anchorsOf(markdown: string): Set<string> {
  const fenceless = markdown.replace(/^( *)(`{3,}|~{3,}).*\n(?:.*\n)*?\1\2.*$/gm, '');
  const anchors = new Set([...fenceless.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)].flatMap(([, id]) => id ?? []));
  for (const [, heading = ''] of fenceless.matchAll(/^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$/gm)) {
    const plain = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/<[^>]*>/g, '');
    const slug = plain
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}\p{Pc}\- ]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}
