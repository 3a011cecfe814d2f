// What verbs refuse when a scenario is planned: nothing is brought up for it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { LabError } from '../../src/base/errors.ts';
import { KNOWN } from '../../src/judge/known.ts';
import { planScenario } from '../../src/plan/make-plan.ts';

const folder = mkdtempSync(join(tmpdir(), 'idlelab-test-refused-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HOSTS = [
  'web: { client: tcp, connections: 4 }',
  'batch: { client: ioredis }',
  'nlb: { middlebox: aws-nlb }',
  'vs: { middlebox: ipvs }',
  'mq: { server: tcp, count: 2 }',
  'cache: { server: redis }',
];
const PATHS = '[[web, nlb, mq], [batch, vs, cache]]';

/** @returns what is wrong with a step, with its place; undefined where it can be played */
async function complaint(step: string): Promise<string | undefined> {
  const file = join(folder, 'mine.yaml');
  const text = [
    'title: t',
    'hosts:',
    ...HOSTS.map((host) => `  ${host}`),
    `paths: ${PATHS}`,
    'timeline:',
    `  - ${step}`,
    'acts: { act: { expect: [survives-the-quiet] } }',
    '',
  ];
  writeFileSync(file, text.join('\n'));
  try {
    await planScenario(file, 'compressed', KNOWN);
    return undefined;
  } catch (error) {
    if (error instanceof LabError && error.code === 'BAD_FILE') return `${error.message} ${error.todo}`;
    throw error;
  }
}

it.each<[string, RegExp]>([
  ['web: { request: { bytes: 4 } }', /4 bytes cannot carry the request’s id.*"push" sends any number/],
  ['batch: { request: { bytes: 20 } }', /20 bytes cannot carry/],
  ['web: { push: { to: mq } }', /"to" is for servers, and web is a client/],
  ['mq: { push: { to: batch } }', /no path leads from "batch" to mq-1.*its clients are web/],
  ['mq: { close: { of: half } }', /expected a part of a client’s connections, found mq, a server/],
  ['web: { lose: { from: mq-1 } }', /"mq-1" is no neighbour of web.*its neighbours are nlb/],
  ['nlb: { delay: { by: 50ms, from: web, to: mq-1 } }', /"from" and "to" at once/],
  ['nlb: freeze', /nlb is in its kernel’s hands/],
  ['vs: restart-box', /IPVS has no command that empties its table/],
  ['vs: fail-over', /IPVS has no command that empties its table/],
  ['vs: reboot', /IPVS has no command that empties its table/],
  ['batch: stop-reading', /something batch can do or suffer: one of .*abort.*found "stop-reading"/],
  ['cache: refuse', /something cache can do or suffer: one of .*close.*found "refuse"/],
  ['nlb: push', /something nlb can do or suffer/],
])('%s is refused, with the place in the file', async (step, words) => {
  const said = await complaint(step);
  expect(said).toMatch(words);
  expect(said).toMatch(/mine\.yaml:11:\d+/);
});

it.each([
  'web: { request: { bytes: 64 } }',
  'batch: { request: { bytes: 120 } }',
  'mq: { push: { to: web, bytes: 1 } }',
  'mq-2: { abort: { to: web, over: 2s } }',
  'web: { abort: { of: other-half } }',
  'web: { push: { of: 25%, times: 3, every: 1s } }',
  'nlb: { lose: { kind: fin, from: web, packets: 1 } }',
  'nlb: { duplicate: { kind: data, to: mq-2 } }',
  'nlb: restart-box',
  'cache: { close: { to: batch } }',
  'batch: half-close',
])('%s is planned', async (step) => expect(await complaint(step)).toBeUndefined());
