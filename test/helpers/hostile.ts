// Result documents whose every word is an attack, as far as their schema lets it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { packageRoot } from '../../src/base/root.ts';
import { type Result, resultSchema } from '../../src/judge/result.ts';
import { type SweepResult, sweepResultSchema } from '../../src/sweep/result.ts';
import { judged } from './fixture.ts';

/** Against each kind of reader, by name. None has a blank line: paragraphs are kept. */
export const ATTACKS: Readonly<Record<string, string>> = {
  'an element': `"><img src=x onerror="window.hacked=1">`,
  'an attribute': `' onload='window.hacked=1' " onload="window.hacked=1" `,
  'the end of a script': '</script><script>window.hacked=1</script><!--',
  'a terminal': '\u001b]0;title\u0007\u001b[2J\u001b[31m\u009b1m\u007f\r\u202eevil\u2066\b',
  'a table': ' | a | b \\| c \\\\| d\n| e |\n| --- |\n',
  'a fence': '`` ` ```\n~~~~\n````````\n# head\n',
  'a list': '- # > 1. * _x_ **y** ~~z~~ <b>\n- item\n1. item\n> quote\n---\n===\n',
  'a link':
    '[x](https://evil.example) ![y](https://evil.example/y.png) https://evil.example www.evil.example <https://evil.example> me@evil.example @octocat @org/team #12 [z]: https://evil.example\n',
  'a spreadsheet': `=cmd|'/C calc'!A0`,
  'a spreadsheet, by another sign': '\t@SUM(1)',
  'a workflow': '::error::x\n::stop-commands::y\n  ::add-mask::z\r\n##[error]w %0A::error::v',
};

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Path = readonly PropertyKey[];

const at = (value: unknown, path: Path): unknown =>
  path.reduce((part, key) => (part as Record<PropertyKey, unknown> | undefined)?.[key], value);

/** Another document in which every string is another. */
function mapped(value: Json, change: (text: string) => string): Json {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((each) => mapped(each, change));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapped(each, change)]));
}

/** Records whose keys are names of hosts: the schema refuses any other. */
const BY_HOST: ReadonlySet<string> = new Set(['hosts', 'clients']);

/** Every object of a document that has keys of its own. */
function* objects(value: Json, name = ''): Generator<{ [key: string]: Json }> {
  if (value === null || typeof value !== 'object') return;
  if (!Array.isArray(value) && Object.keys(value).length > 0 && !BY_HOST.has(name)) yield value;
  for (const [key, each] of Object.entries(value)) yield* objects(each as Json, key);
}

/** Puts right what the schema refuses, until it refuses nothing. */
function mended<T>(document: Json, schema: z.ZodType<T>, mend: (path: Path, keys: boolean) => void): T {
  for (let round = 0; round < 20; round++) {
    const parsed = schema.safeParse(document);
    if (parsed.success) return parsed.data;
    // Of a record whose keys are names of hosts: a key that is none cannot be there at all.
    for (const { path, code } of parsed.error.issues) mend(path, code === 'unrecognized_keys');
  }
  throw new Error('the schema refuses the document still');
}

/** A document with every string changed that the schema leaves free, and its records with a changed key beside each key. */
export function rewritten<T>(document: T, schema: z.ZodType<T>, change: (text: string) => string): T {
  const original = JSON.parse(JSON.stringify(document)) as Json;
  const changed = mapped(original, change);
  mended(changed, schema, (path) => {
    const key = path.at(-1);
    if (key === undefined) throw new Error('the schema refuses the whole document');
    (at(changed, path.slice(0, -1)) as Record<PropertyKey, unknown>)[key] = at(original, path);
  });
  const added = new Map<object, string[]>();
  for (const each of [...objects(changed)]) {
    const fresh = Object.entries(each).map(([key, value]) => [change(key), structuredClone(value)] as const);
    added.set(
      each,
      fresh.map(([key]) => key),
    );
    Object.assign(each, Object.fromEntries(fresh));
  }
  return mended(changed, schema, (path, keys) => {
    const refused = at(changed, path) as { [key: string]: Json };
    for (const each of keys ? [refused] : objects(refused)) for (const key of added.get(each) ?? []) delete each[key];
  });
}

const sweep = (): SweepResult =>
  sweepResultSchema.parse(JSON.parse(readFileSync(join(packageRoot, 'test/fixtures/sweep/result.json'), 'utf8')));

/** A scenario's result with something in each of its parts. */
export async function fullResult(): Promise<Result> {
  const result = structuredClone(await judged('rebalance'));
  const [finding, other] = result.acts[0]?.findings ?? [];
  if (!finding || !other) throw new Error('the fixture has no findings');
  Object.assign(finding, { status: 'fail', remedy: [{ where: 'ioredis', text: 'keepAlive: 1' }] });
  Object.assign(other, { status: 'unknown' });
  result.problem = { code: 'SERVICE_DIED', message: 'redis on mq-1 died', todo: 'look at its log' };
  result.next = 'reset';
  return result;
}

/** A sweep's result with something in each of its parts. */
export function fullSweep(): SweepResult {
  const result = sweep();
  result.verdict = 'fail';
  result.disagreements = [{ trial: 'quiet, keepIdle=100s', predicted: 'ok', measured: 'reset' }];
  result.problems = ['quiet, keepIdle=110s: no answer'];
  return result;
}

/** Made once: they are the same for every format. */
const made = new Map<string, unknown>();
function once<T>(key: string, make: () => T): T {
  if (!made.has(key)) made.set(key, make());
  return made.get(key) as T;
}

export const hostileResult = (attack: string): Promise<Result> =>
  once(`scenario ${attack}`, async () => rewritten(await fullResult(), resultSchema, (text) => attack + text));
export const hostileSweep = (attack: string): SweepResult =>
  once(`sweep ${attack}`, () => rewritten(fullSweep(), sweepResultSchema, (text) => attack + text));
