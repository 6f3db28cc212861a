import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

import type { Client } from '@temporalio/client';
import { historyFromJSON, type History } from '@temporalio/common/lib/proto-utils.js';

import { DUPLICATE_WINDOW } from '../workflows/messages.ts';
import { UsageFault } from './exit.ts';

/** One history to replay, not read yet. */
export interface HistorySource {
  /** The file, or the workflow's id: what a person calls it. */
  readonly name: string;
  read(): Promise<NamedHistory>;
}

export interface NamedHistory {
  readonly workflowId: string;
  readonly history: History;
}

/** The histories that a command's arguments name: files, folders of files, ids of workflows. Asks no engine for files. */
export async function* namedSources(
  names: readonly string[],
  engine: () => Promise<Client>,
): AsyncGenerator<HistorySource> {
  const files = new Map(names.filter((name) => existsSync(name)).map((name) => [name, filesAt(name)]));
  for (const name of names) {
    if (files.has(name) || /^(order|account):/.test(name)) continue;
    throw new UsageFault(`There is no file or folder ${name}, and an order's workflow id begins with "order:".`);
  }
  for (const name of names) {
    const found = files.get(name);
    if (found !== undefined) yield* found.map(fromFile);
    else {
      const client = await engine();
      yield { name, read: () => fetchHistory(client, name) };
    }
  }
}

/** The histories of everything that fits a query in the engine's own language, one at a time. */
export async function* queriedSources(query: string, client: Client): AsyncGenerator<HistorySource> {
  // What marks a window of equal alerts has no code that could be replayed.
  const found = client.workflow.list({ query: `(${query}) AND WorkflowType != '${DUPLICATE_WINDOW}'` });
  for await (const { workflowId, runId } of found) {
    yield { name: workflowId, read: () => fetchHistory(client, workflowId, runId) };
  }
}

/** The history of a run, the latest unless one is named. */
export async function fetchHistory(client: Client, workflowId: string, runId?: string): Promise<NamedHistory> {
  return { workflowId, history: await client.workflow.getHandle(workflowId, runId).fetchHistory() };
}

function filesAt(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const files = readdirSync(path).filter((name) => name.endsWith('.json'));
  if (files.length === 0) throw new UsageFault(`The folder ${path} holds no .json file.`);
  return files.toSorted().map((name) => join(path, name));
}

const fromFile = (file: string): HistorySource => ({ name: file, read: async () => readHistory(file) });

/** Reads a history as `temporal workflow show --output json` prints it, as the Web UI saves it or the HTTP API sends it. */
function readHistory(file: string): NamedHistory {
  const json = parse(readFileSync(file, 'utf8')) as { history?: unknown; events?: unknown } | unknown[] | null;
  const events = Array.isArray(json)
    ? json
    : ((json?.history as { events?: unknown } | undefined)?.events ?? json?.events);
  if (!Array.isArray(events) || events.length === 0) throw new Error('It is no history: there are no "events" in it.');
  const history = load(events);
  const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
  if (!started) throw new Error('It is no whole history: its first event is not the start of a workflow.');
  return { workflowId: started.workflowId || basename(file, '.json'), history };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('It is no history: it is not JSON.');
  }
}

function load(events: unknown[]): History {
  try {
    return historyFromJSON({ events });
  } catch (error) {
    throw new Error(`It is no history that can be read (${(error as Error).message}).`, { cause: error });
  }
}
