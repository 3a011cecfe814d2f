import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import { SCENARIOS } from '../../src/plan/catalogue.ts';
import { run, start } from '../helpers/cli.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-bad-input-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const good = readFileSync(SCENARIOS.path('rebalance'), 'utf8');
const QUICK = `title: Quick
hosts:
  app: { client: ioredis }
  balancer: { middlebox: l4-reset, idleTimeout: 60s }
  mq: { broker: redis, count: 2 }
timeline: [{ app: connect }, { app: request }, { quiet: 200ms }]
acts: { only: { expect: [{ zombies: { at: mq, exactly: 0 } }] } }
`;
const fileOf = (name: string, text: string): string => {
  const file = join(scratch, name);
  writeFileSync(file, text);
  return file;
};

describe('a bad scenario: exit 4, its place on standard error, and nothing else there', () => {
  it.each([
    ['an alias of nothing', good.replace('client: ioredis', 'client: *nobody'), /:14:19: .*expected an alias/],
    ['a member of every object', good.replace('$night', '$constructor'), /expected one of the parameters/],
    ['a map as a key', `{ a: b }: c\n${good}`, /:1:1: .*expected a word as a key, found a map/],
    ['what is in itself', `a: &a [*a]\n${good}`, /:1:8: .*something else than what it is in/],
    ['deep nesting', '['.repeat(60_000), /:1:65: .*at most 64 open brackets/],
    ['a night of eleven years', good.replace('compressed: 5s', 'compressed: 99999h'), /from 1ms to 2147483s/],
    [
      'a path without a server',
      `${good}paths: [[pool, balancer]]\n`,
      /paths\.0\.1: expected a server at the end of a path/,
    ],
    ['a circle', `${good}paths: [[pool, balancer, balancer, mq]]\n`, /each host once, found balancer a second time/],
    [
      'a host on no path',
      `${good.replace('  mq: {', '  other: { client: ioredis }\n  mq: {')}paths: [[pool, balancer, mq]]\n`,
      /every host on a path, found other/,
    ],
    ['a verb that a host cannot do', good.replace('- quiet: $night', '- mq: request'), /something mq can do or suffer/],
    [
      'a parameter of no verb',
      good.replace('- pool: request', '- pool: { request: { size: 1kB } }'),
      /what "request" takes/,
    ],
    ['a host called lab', good.replace('  pool: {', '  lab: {'), /found "lab", which is taken/],
  ])('%s', async (_, text, message) => {
    const { code, stdout, stderr } = await run([fileOf('bad.yaml', text)]);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^BAD_FILE: \S+bad\.yaml:\d+:\d+: at .+: expected .+, found .+\n {2}what to do: .+\n$/);
    expect([code, stdout]).toEqual([4, '']);
  });

  it.runIf(!existsSync('/sys/module/ip_vs'))(
    'a box that this engine cannot play, before anything is started',
    async () => {
      const runs = join(scratch, 'no-ipvs');
      const text = good.replace('l4-rebalance', 'ipvs');
      const { code, stdout, stderr } = await run([fileOf('ipvs.yaml', text), '--engine', 'netns', '--runs', runs]);
      expect(stderr).toMatch(
        /^BAD_FILE: \S+ipvs\.yaml:15:26: at hosts\.balancer\.middlebox: expected something that can be played on netns, found balancer: this machine’s kernel has no ip_vs\n {2}what to do: add --engine virtual/,
      );
      expect([code, stdout, existsSync(runs)]).toEqual([4, '', false]);
    },
  );

  it('a bad sweep, too', async () => {
    const file = fileOf('sweep.yaml', 'title: a\nmiddlebox: [aws-nlb]\nlist: { timeout: "99999999999h" }\n');
    const { code, stdout, stderr } = await start([file], [], {}, join(packageRoot, 'src/cli/sweep.ts')).ended;
    expect(stderr).toMatch(/^BAD_FILE: \S+sweep\.yaml:3:18: at list\.timeout: expected .+, found .+\n {2}what to do: /);
    expect([code, stdout]).toEqual([4, '']);
  });
});

describe('one bad file among several', () => {
  let quick: string;
  let bad: string;
  beforeAll(() => {
    quick = fileOf('quick.yaml', QUICK);
    bad = fileOf('bad.yaml', QUICK.replace('client:', 'cleint:'));
  });

  it('is named, and nothing is played', async () => {
    const runs = join(scratch, 'none');
    const { code, stdout, stderr } = await run([quick, bad, '--runs', runs]);
    expect(stderr).toMatch(/bad\.yaml: BAD_FILE: \S+bad\.yaml:3:10: .*found the key "cleint"/);
    expect(stderr).toMatch(/nothing was played; --keep-going plays the other scenario/);
    expect(stderr).not.toContain('opens');
    expect([code, stdout]).toEqual([4, '']);
    expect(() => readdirSync(runs)).toThrow();
  });

  it('every bad one is named', async () => {
    const { code, stderr } = await run([bad, 'rebalanse', quick]);
    expect(stderr).toMatch(/bad\.yaml: BAD_FILE/);
    expect(stderr).toMatch(/rebalanse: UNKNOWN_SCENARIO/);
    expect(code).toBe(4);
  });

  it('with --keep-going the others are played, and the exit code is still 4', async () => {
    const runs = join(scratch, 'others');
    const { code, stdout, stderr } = await run([
      ...[bad, quick, '--keep-going'],
      ...['--reporter', 'minimal', '--runs', runs],
    ]);
    expect(stderr).toMatch(/bad\.yaml: BAD_FILE/);
    expect(stdout).toMatch(/^pass /m);
    expect(code).toBe(4);
    expect(readdirSync(runs).sort()).toEqual(['latest', 'quick']);
  });

  it('with nothing but bad ones --keep-going plays nothing', async () => {
    const { code, stdout } = await run([bad, 'rebalanse', '--keep-going']);
    expect([code, stdout]).toEqual([4, '']);
  });
});
