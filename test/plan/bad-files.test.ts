import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { EXIT, LabError } from '../../src/base/errors.ts';
import type { Pace } from '../../src/base/pace.ts';
import { KNOWN } from '../../src/judge/known.ts';
import { SCENARIOS } from '../../src/plan/catalogue.ts';
import { planScenario } from '../../src/plan/make-plan.ts';

const folder = mkdtempSync(join(tmpdir(), 'idlelab-test-bad-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const good = readFileSync(SCENARIOS.path('rebalance'), 'utf8');

async function complaint(text: string | Buffer, pace: Pace = 'compressed'): Promise<LabError> {
  const file = join(folder, 'mine.yaml');
  writeFileSync(file, text);
  try {
    await planScenario(file, pace, KNOWN);
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
      'a duration without a unit',
      'production: 350s',
      'production: 7777',
      '7777',
      /expected a duration with its unit, as in 350s or 8h.*found 7777/,
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
      /wrong-server or wrong-broker or balancer or box, found "nobody"/,
      undefined,
    ],
    [
      'a host that is not there',
      '- pool: connect',
      '- pol: connect',
      'pol: connect',
      /a host of this scenario \(pool, balancer, mq\)/,
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
    [
      'no connections',
      'connections: 10',
      'connections: 0',
      '0 }',
      /expected a number of at least 1, found 0/,
      undefined,
    ],
    [
      'a negative number of brokers',
      'count: 2',
      'count: -2',
      '-2',
      /expected a number of at least 1, found -2/,
      undefined,
    ],
    [
      'a tuning of a host that has none',
      'tuning: { pool: { keepalive: off }',
      'tuning: { balancer: { keepalive: off }',
      'balancer: { keepalive',
      /a client or a server/,
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

  /** A line of the shipped scenario, what it becomes, where the complaint points to, and what it says. */
  it.each<[string, string, string, string, RegExp]>([
    ['a host called lo', '  pool: {', '  lo: {', 'lo: {', /another name for a host, found "lo", .*loopback/],
    ['a host called eth0', '  pool: {', '  eth0: {', 'eth0: {', /another name for a host, found "eth0", .*own link/],
    ['a host called quiet', '  pool: {', '  quiet: {', 'quiet: {', /found "quiet", .*a step of a timeline/],
    ['a host called observe', '  pool: {', '  observe: {', 'observe: {', /found "observe"/],
    ['a host called lab', '  pool: {', '  lab: {', 'lab: {', /found "lab", .*events of the lab/],
    ['a host called all', '  pool: {', '  all: {', 'all: {', /found "all", .*net\.ipv4\.conf\.all/],
    ['a host called constructor', '  pool: {', '  constructor: {', 'constructor: {', /found "constructor"/],
    ['an act called constructor', '  fixed:', '  constructor:', 'constructor:', /another name for an act/],
    ['a host with capitals', '  pool: {', '  Pool: {', 'Pool: {', /a name: lower-case letters.*found the key "Pool"/],
    ['hosts that have one name once numbered', '  pool: {', '  mq-1: {', 'mq: {', /two hosts called "mq-1"/],
    [
      'a member of every object as a parameter',
      'idleTimeout: $idleTimeout',
      'idleTimeout: $constructor',
      '$constructor',
      /one of the parameters \$idleTimeout, .*found "\$constructor"/,
    ],
    [
      'a member of every object as an act’s parameter',
      '    expect:',
      '    params: { toString: 5s }\n    expect:',
      'toString',
      /a parameter of the scenario: /,
    ],
    [
      'an idle timeout that connection tracking cannot hold',
      'compressed: 3s',
      'compressed: 99999999999h',
      '99999999999h',
      /whole seconds from 1s to 2147483s, as connection tracking counts, found "99999999999h"/,
    ],
    [
      'a night that no timer can wait for',
      'night: { production: 8h',
      'night: { production: 99999h',
      '99999h',
      /from 1ms to 2147483s, the longest that a timer holds, found "99999h"/,
    ],
    ['a quiet of nothing', 'quiet: $night', 'quiet: 0s', '0s\n', /from 1ms to 2147483s/],
    ['less than a millisecond', 'observe: 2s', 'observe: 0.2ms', '0.2ms', /from 1ms to 2147483s/],
    [
      'a keepalive that the kernel does not take',
      'idle: $keepIdle',
      'idle: 32768s',
      '32768s',
      /whole seconds from 0s to 32767s, as TCP_KEEPIDLE takes them/,
    ],
    ['a keepalive in half seconds', 'idle: $keepIdle', 'idle: 1500ms', '1500ms', /whole seconds from 0s/],
    [
      'an interval of nothing',
      'idle: $keepIdle',
      'idle: $keepIdle, interval: 0s',
      '0s }',
      /whole seconds from 1s to 32767s, as TCP_KEEPINTVL/,
    ],
    [
      'more probes than the kernel sends',
      'idle: $keepIdle',
      'idle: $keepIdle, probes: 128',
      '128',
      /a number of at most 127/,
    ],
    [
      'more probes in a parameter',
      '  night: {',
      '  n: { production: "1e2", compressed: "128" }\n  night: {',
      '"128"',
      /a whole number from 1 to 127, as TCP_KEEPCNT/,
    ],
    [
      'retries that the kernel does not count',
      'keepalive: { idle: $keepIdle }',
      'tcpRetries2: 256',
      '256',
      /a number of at most 255/,
    ],
    ['a command time-out of nothing', 'keepalive: { idle: $keepIdle }', 'commandTimeout: 0s', '0s }', /from 1ms/],
    [
      'a proxy with one timer that is to have two',
      'middlebox: l4-rebalance, idleTimeout: $idleTimeout',
      'middlebox: nginx-stream, idleTimeout: { client: 4s, server: 9s }',
      'nginx-stream',
      /a middlebox that can be played here, found "nginx-stream": nginx’s stream module has one timer/,
    ],
    [
      'a router before two brokers',
      'l4-rebalance',
      'firewall',
      'firewall',
      /found "firewall": packets pass it to one server, not to all of mq/,
    ],
  ])('%s', async (name, from, to, place, message) => {
    const known =
      name === 'more probes in a parameter' ? good.replace('idle: $keepIdle', 'idle: $keepIdle, probes: $n') : good;
    const text = known.replace(from, () => to);
    expect(text).not.toBe(known);
    const error = await complaint(text, name.startsWith('a night') ? 'production' : 'compressed');
    expect(error.message).toMatch(message);
    expect([error.code, /mine\.yaml:(\d+:\d+):/.exec(error.message)?.[1]]).toEqual(['BAD_FILE', placeOf(text, place)]);
  });

  it('steps that last too long together', async () => {
    const text = good.replace('  - observe: 2s', '  - quiet: 500h\n  - observe: 500h');
    const error = await complaint(text);
    expect(error.message).toMatch(
      /steps that last at most 2147483s together, the longest that a timer holds, found 1008 h/,
    );
    expect(error.message).toContain(`:${placeOf(text, 'timeline')}:`);
  });

  it('an act and a host of one act whose configurations would have the name of another’s', async () => {
    const text = good
      .replace('  fixed:', '  broken-mq:')
      .replace('mq: { broker: redis, count: 2 }', 'mq: { broker: redis, count: 2 }')
      .replace(/\bpool\b/g, 'mq-mq-1');
    expect((await complaint(text)).message).toMatch(
      /acts and hosts whose names, joined by a dash, differ, found "broken-mq-mq-1"/,
    );
  });

  it.each([
    ['an alias of nothing', 'title: *nobody', '*nobody', /an alias of an anchor that stands before it, found \*nobody/],
    ['an alias of what it is in', 'title: &a [*a]', '*a', /an alias of something else than what it is in/],
    ['a map as a key', '{ a: b }: c', '{ a', /a word as a key, found a map/],
    ['a list as a key', '? [a, b]\n: c', '[a', /a word as a key, found a list/],
    ['__proto__ as a key', '__proto__: { a: b }', '__proto__', /another key, found the key "__proto__"/],
    ['a key twice', 'title: a\ntitle: b', 'title: b', /each key once in a map, found the key "title" a second time/],
    ['two documents', 'title: a\n---\ntitle: b', '---', /one YAML document, found another one/],
    ['a tag', 'title: !!js/function "x"', '!!js', /expected YAML, found Unresolved tag/],
    ['a set of YAML 1.1', '%YAML 1.1\n---\ntitle: !!set { a }', '!!set', /expected YAML, found Unresolved tag/],
    ['a merge key of YAML 1.1', '%YAML 1.1\n---\n<<: { title: a }', '<<', /found the key "<<"/],
    ['a NUL', 'title: a\u0000b', '\u0000', /expected text, found the control character "\\u\{0\}"/],
    ['an escape sequence', 'title: "\u001b[2J"', '\u001b', /expected text, found the control character "\\u\{1b\}"/],
    ['deep nesting', `title: ${'['.repeat(40)}${']'.repeat(40)}`, '', /at most 32 maps and lists in one another/],
    ['deeper nesting', '['.repeat(60_000), '', /at most 64 open brackets/],
    ['nesting without brackets', '- '.repeat(30_000), '', /at most 32 maps and lists in one another/],
    [
      'a billion laughs',
      [
        'a: &a [x, x, x, x, x, x, x, x, x, x]',
        ...['b', 'c', 'd', 'e', 'f'].map((key, index) => `${key}: &${key} [${`*${'abcde'[index]},`.repeat(10)}]`),
      ].join('\n'),
      '',
      /at most 10000 values/,
    ],
    ['a large file', `# ${'x'.repeat(70_000)}`, '', /at most 64 KiB/],
  ])('%s', async (_, text, place, message) => {
    const error = await complaint(text);
    expect(error.message).toMatch(message);
    expect(error.code).toBe('BAD_FILE');
    if (place !== '') expect(error.message).toContain(`mine.yaml:${placeOf(text, place)}:`);
    else expect(error.message).toMatch(/mine\.yaml:\d+:\d+:/);
  });

  it('bytes that are no text', async () => {
    const error = await complaint(Buffer.from([0x74, 0x3a, 0x20, 0xff]));
    expect(error.message).toMatch(/mine\.yaml:1:4: .*text in UTF-8/);
  });

  it('a device that never ends is read no further than a file may be', async () => {
    await expect(planScenario('/dev/zero', 'compressed', KNOWN)).rejects.toMatchObject({ code: 'BAD_FILE' });
  });

  it('found text is shortened, and cannot write to the terminal', async () => {
    const error = await complaint(good.replace('client: ioredis', `client: "\u202e${'x'.repeat(500)}"`));
    expect(error.message).toMatch(/found "\\u\{202e\}x{79}…"$/);
  });

  it('an alias of an anchor before it stands for its value, with the alias’s place in complaints', async () => {
    const text = good.replace('compressed: 3s', 'compressed: &short 3s').replace('observe: 2s', 'observe: *short');
    const file = join(folder, 'mine.yaml');
    writeFileSync(file, text);
    const [act] = (await planScenario(file, 'compressed', KNOWN)).acts;
    expect(act?.timeline.at(-1)).toEqual({ kind: 'observe', seconds: 3 });
    const error = await complaint(text.replace('&short 3s', '&short "3 s x"'));
    expect(error.message).toMatch(/expected a duration/);
  });

  it('a byte order mark and line ends of Windows are as good as none', async () => {
    const file = join(folder, 'mine.yaml');
    writeFileSync(file, `\ufeff${good.replaceAll('\n', '\r\n')}`);
    expect((await planScenario(file, 'compressed', KNOWN)).acts).toHaveLength(2);
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
