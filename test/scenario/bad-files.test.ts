import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { EXIT, LabError } from '../../src/errors.ts';
import { SCENARIOS } from '../../src/scenario/catalogue.ts';
import { planScenario } from '../../src/scenario/make-plan.ts';

const folder = mkdtempSync(join(tmpdir(), 'idlelab-test-bad-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const good = readFileSync(SCENARIOS.path('rebalance'), 'utf8');

async function complaint(text: string): Promise<LabError> {
  const file = join(folder, 'mine.yaml');
  writeFileSync(file, text);
  try {
    await planScenario(file, 'compressed');
  } catch (error) {
    if (error instanceof LabError) return error;
    throw error;
  }
  throw new Error('the file was taken');
}

/** Line (from 1) and column of the n-th place where a text stands. */
function placeOf(text: string, what: string): string {
  const before = text.slice(0, text.indexOf(what)).split('\n');
  return `${before.length}:${(before.at(-1) ?? '').length + 1}`;
}

describe('a bad file is refused with file, line, column, what was expected and what was found', () => {
  it.each<[string, string, string, string, RegExp, RegExp | undefined]>([
    [
      'a duration that is none',
      'compressed: 5s',
      'compressed: 5 parsecs',
      '5 parsecs',
      /expected a duration.*found "5 parsecs"/,
      undefined,
    ],
    [
      'an unknown key',
      'hosts:',
      'hostz:',
      'hostz',
      /expected one of the keys .*hosts.*found the key "hostz"/,
      /"hosts"/,
    ],
    [
      'an unknown key deep inside',
      'keepalive: { idle:',
      'keepalive: { idel:',
      'idel',
      /expected one of the keys idle.*found the key "idel"/,
      /"idle"/,
    ],
    [
      'a client library that is not there',
      'client: ioredis',
      'client: iordis',
      'iordis',
      /a client library: one of .*found "iordis"/,
      /"ioredis"/,
    ],
    [
      'a middlebox that is not there',
      'middlebox: l4-rebalance',
      'middlebox: l4-rebalence',
      'l4-rebalence',
      /a middlebox: one of /,
      /"l4-rebalance"/,
    ],
    [
      'a check that is not there',
      '- flows-forgotten',
      '- flows-forgoten',
      'flows-forgoten',
      /a check: one of /,
      /"flows-forgotten"/,
    ],
    [
      'wrong parameters of a check',
      'by: wrong-broker',
      'by: nobody',
      'nobody }',
      /the parameters of late-packet-reset/,
      undefined,
    ],
    [
      'a host that is not there',
      '- pool: connect',
      '- pol: connect',
      'pol: connect',
      /a host of this scenario \(pool, balancer, mq-1, mq-2\)/,
      /"pool"/,
    ],
    [
      'a parameter that is not there',
      'idleTimeout: $idleTimeout',
      'idleTimeout: $idelTimeout',
      '$idelTimeout',
      /one of the parameters \$idleTimeout/,
      /"\$idleTimeout"/,
    ],
    [
      'an action nobody can do',
      '- pool: request',
      '- pool: requst',
      'requst',
      /something pool can do or suffer/,
      /"request"/,
    ],
    ['no connections', 'connections: 10', 'connections: 0', '0 }', />=1/, undefined],
    ['a negative number of brokers', 'count: 2', 'count: -2', '-2', />=1/, undefined],
    [
      'a tuning of a host that has none',
      'tuning: { pool: { keepalive: off }',
      'tuning: { balancer: { keepalive: off }',
      'balancer: { keepalive',
      /a client or a broker/,
      undefined,
    ],
    ['broken YAML', 'title: The night shift', 'title: [The night shift', 'params', /expected YAML/, undefined],
    ['half a second of patience', 'compressed: 3s', 'compressed: 500ms', '500ms', /whole seconds/, undefined],
  ])('%s', async (_, from, to, place, message, hint) => {
    const text = good.replace(from, to);
    expect(text).not.toBe(good);
    const error = await complaint(text);
    expect(error.code).toBe('BAD_FILE');
    expect(error.exitCode).toBe(EXIT.badInput);
    expect(error.message).toMatch(message);
    const [line, column] = placeOf(text, place).split(':');
    const [, seenLine, seenColumn] = /mine\.yaml:(\d+):(\d+):/.exec(error.message) ?? [];
    if (place !== 'params') expect(`${seenLine}:${seenColumn}`).toBe(`${line}:${column}`);
    else expect(Number(seenLine)).toBeGreaterThan(0);
    if (hint) expect(error.todo).toMatch(hint);
  });

  it.each([
    ['an empty file', ''],
    ['a list', '- a\n- b\n'],
    ['plain text', 'hello\n'],
  ])('%s', async (_, text) => expect((await complaint(text)).message).toMatch(/mine\.yaml:1:1: .*expected a map/));

  it('a setting that the server does not have is refused with the server’s own reason', async () => {
    const text = good.replace('mq: { keepalive: off }', 'mq: { keepalive: { idle: 9s, probes: 5 } }');
    expect((await complaint(text)).message).toMatch(/redis-server has one number, tcp-keepalive/);
  });
});
