import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LabError } from '../../src/base/errors.ts';
import { KNOWN } from '../../src/judge/known.ts';
import { planScenario } from '../../src/plan/make-plan.ts';
import type { Plan } from '../../src/plan/plan.ts';

const folder = mkdtempSync(join(tmpdir(), 'idlelab-test-bad-paths-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const GOOD = `title: Two clients, three boxes
params: { t: 3s, who: mq, n: "2" }
hosts:
  web: { client: ioredis, connections: 4 }
  batch: { client: ioredis, connections: 2 }
  fw: { middlebox: firewall, idleTimeout: 60s }
  nlb: { middlebox: l4-drop, idleTimeout: $t }
  proxy: { middlebox: haproxy, idleTimeout: 60s }
  mq: { server: redis, count: 2 }
paths:
  - [web, fw, nlb, proxy, mq]
  - [batch, nlb, proxy, mq]
timeline:
  - together:
      - web: connect
      - batch: { connect: { over: 1s } }
  - web: { request: { of: half, times: 2, every: 1s } }
  - quiet: 5s
  - web: { request: { bytes: 1kB } }
  - observe: 1s
acts:
  only:
    tuning: { web: { keepalive: off } }
    expect:
      - zombies: { at: mq, atLeast: 1 }
`;
const QUIET = '- quiet: 5s';

function planned(text: string): Promise<Plan> {
  const file = join(folder, 'mine.yaml');
  writeFileSync(file, text);
  return planScenario(file, 'compressed', KNOWN);
}

/** What planning says of the file with one piece of it changed; `at`: the text on which it must put its finger. */
async function complaintOf(from: string, to: string, at: string): Promise<{ message: string; todo: string }> {
  const text = GOOD.replace(from, () => to);
  expect(text).not.toBe(GOOD);
  const before = text.slice(0, text.indexOf(at)).split('\n');
  const place = `mine.yaml:${before.length}:${(before.at(-1) ?? '').length + 1}: `;
  try {
    await planned(text);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    expect([error.code, error.exitCode]).toEqual(['BAD_FILE', 4]);
    expect(error.message).toContain(place);
    return { message: error.message, todo: error.todo };
  }
  throw new Error('the file was taken');
}

type Case = [name: string, from: string, to: string, at: string, message: RegExp, todo?: RegExp];

const refused = (cases: Case[]) =>
  it.each(cases)('%s', async (_, from, to, at, message, todo) => {
    const complaint = await complaintOf(from, to, at);
    expect(complaint.message).toMatch(message);
    if (todo) expect(complaint.todo).toMatch(todo);
  });

it('the file that the others are made of can be planned', async () => {
  const [act] = (await planned(GOOD)).acts;
  expect(act?.paths).toEqual([
    { client: 'web', boxes: ['fw', 'nlb', 'proxy'], servers: ['mq-1', 'mq-2'] },
    { client: 'batch', boxes: ['nlb', 'proxy'], servers: ['mq-1', 'mq-2'] },
  ]);
});

const BATCH = '[batch, nlb, proxy, mq]';
const WEB = '[web, fw, nlb, proxy, mq]';

describe('a path is refused at the host that is wrong', () =>
  refused([
    ['that ends at a middlebox', BATCH, '[batch, nlb, proxy]', 'proxy]', /expected a server at the end of a path/],
    [
      'that begins at a middlebox',
      BATCH,
      '[nlb, proxy, mq]',
      'nlb, proxy, mq]\ntime',
      /expected a client at the begin/,
    ],
    ['with a client in it', BATCH, '[batch, web, mq]', 'web, mq]', /a middlebox between client and server, found web/],
    [
      'with a server in it',
      BATCH,
      '[batch, mq, proxy]',
      'mq, proxy]',
      /a middlebox between client and server, found mq/,
    ],
    ['with a host of no name', BATCH, '[batch, nlbb, mq]', 'nlbb', /a host of this scenario.*found "nlbb"/, /"nlb"\?/],
    ['with a loopback', BATCH, '[batch, lo, mq]', 'lo, mq', /a host of this scenario.*found "lo"/],
    ['with a member of every object', BATCH, '[batch, constructor, mq]', 'constructor', /found "constructor"/],
    ['with a prototype', BATCH, '[batch, __proto__, mq]', '__proto__', /a name: lower-case.*found "__proto__"/],
    ['of one host', BATCH, '[batch]', '[batch]', /at least 2 entries/],
    ['of none', BATCH, '[]', '[]', /at least 2 entries/],
    ['that is a word', BATCH, 'batch', 'batch\n', /expected a list, found "batch"/],
    ['that passes a box twice', WEB, '[web, fw, nlb, fw, mq]', 'fw, mq]', /each host once, found fw a second time/],
    [
      'that a second one turns back',
      BATCH,
      '[batch, proxy, nlb, mq]',
      'nlb, mq]',
      /the paths make a circle/,
      /its own/,
    ],
    [
      'of a client that has one',
      BATCH,
      `${BATCH}\n  - [web, nlb, mq]`,
      'web, nlb, mq]',
      /a client on one path, found web/,
    ],
    [
      'without a box before two servers',
      BATCH,
      '[batch, mq]',
      '[batch, mq]',
      /a middlebox that chooses among the serv/,
    ],
  ]));

describe('a client whose protocol its server does not speak', () => {
  const tcp = GOOD.replaceAll('client: ioredis', 'client: tcp');

  it('is refused at its library', async () => {
    await expect(planned(tcp)).rejects.toThrow(
      /mine\.yaml:4:18: at hosts\.web\.client: expected a client that mq-?1? understands, a server called "redis", found tcp, which speaks to a tcp server/,
    );
  });

  it('is taken by a server of another name that speaks it', async () => {
    const file = join(folder, 'mine.yaml');
    writeFileSync(file, tcp);
    const servers: typeof KNOWN.servers = {
      names: () => KNOWN.servers.names(),
      load: async (name) => ({ default: { ...(await KNOWN.servers.load(name)).default, speaks: 'tcp' } }),
    };
    expect((await planScenario(file, 'compressed', { ...KNOWN, servers })).acts).toHaveLength(1);
  });
});

const FORK = `title: Fork
hosts:
  web: { client: ioredis }
  batch: { client: ioredis }
  fw: { middlebox: firewall }
  other: { middlebox: firewall }
  nlb: { middlebox: l4-drop }
  mq: { server: redis }
paths:
  - [web, fw, nlb, mq]
  - [batch, fw, other, nlb, mq]
timeline: [{ web: connect }]
acts: { only: { expect: [flows-forgotten] } }
`;

describe('two paths of which kernels would only take one', () => {
  it('are refused where the second leaves the first', async () => {
    await expect(planned(FORK)).rejects.toThrow(
      /mine\.yaml:11:13: at paths\.1\.1: expected one way from a host to another, found fw, which leads to nlb through nlb elsewhere/,
    );
  });

  it('are played once they part where a connection is taken anew', async () => {
    const paths = (await planned(FORK.replace('batch, fw, other', 'batch, other'))).acts[0]?.paths;
    expect(paths).toHaveLength(2);
  });

  it('are refused where a balancer would balance for two places behind a router', async () => {
    const text = FORK.replace('[web, fw, nlb, mq]', '[web, nlb, fw, mq]').replace(
      '[batch, fw, other, nlb, mq]',
      '[batch, nlb, other, db]',
    );
    await expect(planned(text.replace('  mq:', '  db: { server: redis }\n  mq:'))).rejects.toThrow(
      /hosts\.nlb\.middlebox: .* "l4-drop": it takes connections for mq and, on another path, for db/,
    );
  });
});

describe('a host is refused where it stands', () =>
  refused([
    [
      'on no path',
      `\n  - ${BATCH}`,
      '',
      'batch: { client',
      /every host on a path, found batch, which is on none/,
      /paths:/,
    ],
    [
      'that takes connections for two places',
      BATCH,
      '[batch, nlb, mq]',
      'l4-drop',
      /found "l4-drop": it takes connections for proxy and, on another path, for mq-1, mq-2/,
      /a balancer of its own/,
    ],
    ['that routes to two servers', WEB, '[web, fw, mq]', 'firewall', /packets pass it to one server, not to all of mq/],
    ['called together', '  batch: {', '  together: {', 'together: { client', /found "together", which is taken/],
    ['called quiet', '  batch: {', '  quiet: {', 'quiet: { client', /found "quiet", which is taken/],
    ['called observe', '  batch: {', '  observe: {', 'observe: { client', /found "observe", which is taken/],
    ['called lab', '  batch: {', '  lab: {', 'lab: { client', /found "lab", which is taken/],
    ['called lo', '  batch: {', '  lo: {', 'lo: { client', /found "lo", which is taken/],
    [
      'with half of two timers',
      'idleTimeout: $t',
      'idleTimeout: { client: 3s }',
      '{ client: 3s',
      /server: expected a dur/,
    ],
    ['with a life that no kernel counts', 'idleTimeout: $t', 'life: 3ms', '3ms', /whole seconds from 1s/],
    ['of no IP that there is', 'title: Two', 'ip: v7\ntitle: Two', 'v7', /v4 or v6 or both, found "v7"/],
  ]));

describe('a step is refused at the word that is wrong', () =>
  refused([
    [
      'of nobody',
      QUIET,
      '- wbe: request',
      'wbe',
      /a host of this scenario \(web, batch.*found the key "wbe"/,
      /"web"\?/,
    ],
    ['of the lab', QUIET, '- lab: crash', 'lab: crash', /a host of this scenario.*found the key "lab"/],
    [
      'with a verb of no name',
      QUIET,
      '- web: requst',
      'requst',
      /something web can do or suffer: one of .*close,/,
      /"request"/,
    ],
    [
      'with a verb of others',
      QUIET,
      '- mq: connect',
      'connect\n  - web: { request: { bytes',
      /mq can do/,
      /web, batch can con/,
    ],
    [
      'with a verb for boxes',
      QUIET,
      '- web: drop-fin',
      'drop-fin',
      /something web can do or suffer/,
      /fw, nlb, proxy can/,
    ],
    ['with a member of every object', QUIET, '- web: constructor', 'constructor', /something web can .*"constructor"/],
    [
      'with one in a map',
      QUIET,
      '- web: { toString: {} }',
      'toString: {}',
      /something web can do or suffer.*"toString"/,
    ],
    ['with a number', QUIET, '- web: 5', '5\n', /expected a verb, as in .*found 5/],
    ['with nothing', QUIET, '- web: ~', '~', /expected a verb, as in .*found nothing/],
    ['with a list', QUIET, '- web: [request]', '[request]', /expected a verb, as in .*found a list/],
    ['with an empty map', QUIET, '- web: {}', '{}', /expected one verb/],
    ['with two verbs', QUIET, '- web: { close: {}, crash: {} }', '{ close', /expected one verb, .*keys close, crash/],
    ['of two hosts', QUIET, '- { web: close, batch: close }', '{ web: close', /one step with one key/],
    ['with a word for parameters', QUIET, '- web: { request: now }', 'now', /the parameters of "request" as a map/],
    ['together as a word', QUIET, '- together: web', 'web\n  - web', /a list of steps that begin at the same moment/],
    [
      'together as a map',
      QUIET,
      '- together: { web: close }',
      '{ web: close',
      /a list of steps that begin at the same/,
    ],
    ['together with none', QUIET, '- together: []', '[]', /a list of steps that begin .*found an empty list/],
    ['together with a word', QUIET, '- together: [web]', 'web]', /one step with one key, .*found "web"/],
    [
      'together in itself',
      QUIET,
      '- together: [{ together: [] }]',
      'together: [] }',
      /expected a host of this/,
      /step of its own/,
    ],
    [
      'quiet beside others',
      QUIET,
      '- together: [{ quiet: 5s }]',
      'quiet',
      /expected a host of this/,
      /a step of its own/,
    ],
  ]));

describe('parameters of a step are refused where they stand', () =>
  refused([
    [
      'an unknown one',
      'bytes: 1kB',
      'byte: 1kB',
      'byte: 1kB',
      /what "request" takes: bytes, .*the key "byte"/,
      /"bytes"\?/,
    ],
    ['an unknown one of several at once', 'over: 1s', 'ovr: 1s', 'ovr', /what "connect" takes.*"ovr"/, /"over"/],
    ['a list', 'bytes: 1kB', 'bytes: [1]', '[1]', /expected a number of bytes from 1 to 16MiB.*found a list/],
    ['a map', 'bytes: 1kB', 'bytes: { a: { b: c } }', '{ a: {', /expected a number of bytes from 1 to 16MiB/],
    ['another word', 'bytes: 1kB', 'bytes: lots', 'lots', /expected a number of bytes from 1 to 16MiB.*found "lots"/],
    ['too much', 'bytes: 1kB', 'bytes: 17MiB', '17MiB', /expected a number of bytes from 1 to 16MiB.*found "17MiB"/],
    [
      'a parameter of no such kind',
      'bytes: 1kB',
      'bytes: $t',
      '3s, who',
      /params\.t: expected a number of bytes.*"3s"/,
    ],
    [
      'a parameter that there is not',
      'bytes: 1kB',
      'bytes: $tt',
      '$tt',
      /one of the parameters \$t, \$who, \$n, found/,
    ],
    ['a part that there is not', 'of: half', 'of: 5', '5, times', /a part of 4 connections: all, half,.*found "5"/],
    ['no part at all', 'of: half', 'of: 0', '0, times', /a part of 4 connections/],
    ['a part in other words', 'of: half', 'of: third', 'third', /a part of 4 connections.*found "third"/],
    ['a part as a map', 'of: half', 'of: { a: b }', '{ a: b', /a part of 4 connections.*found a map/],
    [
      'a part of a server',
      QUIET,
      '- mq: { crash: { of: half } }',
      'of: half } }\n  - web',
      /what "crash" takes: .*"of"/,
    ],
    ['a time over which a host is cut', QUIET, '- mq: { cut: { over: 3s } }', 'over: 3s', /what "cut" takes: .*"over"/],
    ['every without times', 'times: 2, every', 'every', 'every: 1s', /"times" beside "every"/],
    ['every without a time', 'every: 1s', 'every: 0s', '0s } }', /a duration from 1ms to 2147483s/],
    ['no times', 'times: 2', 'times: 0', '0, every', /a whole number from 1 to 10000, found 0/],
    ['times as a word', 'times: 2', 'times: many', 'many', /a whole number from 1 to 10000, found "many"/],
    ['times without an end', 'times: 2', 'times: 10001', '10001', /a whole number from 1 to 10000/],
    [
      'repetitions longer than a timer',
      'times: 2, every: 1s',
      'times: 3, every: 590h',
      'timeline:',
      /steps that last at most 2147483s/,
    ],
  ]));

describe('parameters of an expectation', () => {
  it('name parameters of the scenario, and whole numbers in them are numbers', async () => {
    const [act] = (await planned(GOOD.replace('at: mq, atLeast: 1', 'at: $who, atLeast: $n'))).acts;
    expect(act?.expect).toEqual([{ check: 'zombies', params: { at: 'mq', atLeast: 2 } }]);
  });

  refused([
    [
      'an unknown one',
      'atLeast: 1',
      'atLest: 1',
      'atLest',
      /what zombies takes: at, atLeast, exactly.*"atLest"/,
      /"atLeast"/,
    ],
    ['a host that there is not', 'at: mq', 'at: $t', '$t, atLeast', /a host: one of web, .*found "3s"/],
    ['too few', 'atLeast: 1', 'atLeast: 0', '0 }', /expected a number of at least 1, found 0/],
    ['another type', 'atLeast: 1', 'atLeast: $t', '3s, who', /params\.t: expected a number, found "3s"/],
    ['none of two', ', atLeast: 1', '', '{ at: mq }', /what zombies takes .*: one of atLeast and exactly/],
  ]);
});

describe('a long timeline', () => {
  const steps = (count: number) => '  - web: { request: { of: 1 } }\n'.repeat(count);
  const withSteps = (count: number) => GOOD.replace(`  ${QUIET}\n`, () => steps(count));

  it('has up to a thousand steps', async () => {
    const [act] = (await planned(withSteps(996))).acts;
    expect(act?.timeline).toHaveLength(1000);
  });

  it('has no more', async () => {
    await expect(planned(withSteps(997))).rejects.toThrow(
      /mine\.yaml:\d+:\d+: at timeline: expected at most 1000 entries/,
    );
  });

  it('may repeat a step by its anchor, however often', async () => {
    const text = GOOD.replace(
      '- web: { request: { bytes: 1kB } }',
      '- &ask { web: { request: { bytes: 1kB } } }',
    ).replace('  - observe: 1s\n', `${'  - *ask\n'.repeat(200)}  - together: [*ask, { batch: close }]\n`);
    const [act] = (await planned(text)).acts;
    expect(act?.timeline).toHaveLength(205);
    expect(act?.timeline.at(-1)).toMatchObject({
      kind: 'together',
      steps: [{ host: 'web', params: { bytes: 1000 } }, {}],
    });
  });

  it('is complained about at the alias where that is wrong there', async () => {
    const text = GOOD.replace('of: half', 'of: &part half').replace(
      QUIET,
      '- batch: { connect: { of: *part, over: *part } }',
    );
    await expect(planned(text)).rejects.toThrow(
      /mine\.yaml:18:42: at timeline\.2\.batch\.connect\.over: expected a duration/,
    );
  });
});
