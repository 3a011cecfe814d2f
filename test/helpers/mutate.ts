// Seeded mutations of files that people write: of bytes, lines, tokens and structure.

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Values that no such file should have, and some that it may. */
export const NASTY: readonly string[] = [
  ...[
    '0',
    '-1',
    '1',
    '2',
    '128',
    '256',
    '65536',
    '4294967296',
    '1e999',
    '-1e999',
    '.nan',
    '.inf',
    '0x7fffffff',
    '0o17',
  ],
  ...['1.5', '99999999999999999999', '""', "''", 'null', '~', 'true', 'off', 'yes', '{}', '[]', '[[]]', '{ a: b }'],
  ...[
    '0s',
    '0ms',
    '1ms',
    '0.1ms',
    '500ms',
    '1s',
    '-5s',
    '24d',
    '25d',
    '600h',
    '99999h',
    '99999999999h',
    '1e9s',
    '5 parsecs',
  ],
  ...['1h 30min', '1d', '32767s', '32768s', '2147483s', '2147484s', '9'.repeat(400), `${'9'.repeat(400)}h`],
  ...['$idleTimeout', '$night', '$nobody', '$constructor', '$__proto__', '$toString', '$', '$$'],
  ...['constructor', '__proto__', 'toString', 'hasOwnProperty', 'prototype', 'lo', 'lab', 'quiet', 'observe', 'all'],
  ...['!!js/function "x"', '!!binary aGVsbG8=', '!!set { a }', '!!timestamp 2026-01-01', '!!int abc', '!x y', '! z'],
  ...[
    '*nobody',
    '&a *a',
    '&b { c: *b }',
    '&d [*d]',
    '*',
    '&',
    '<<',
    '? a',
    '? { a: b }',
    '? [a]',
    '|',
    '>',
    '%',
    '@',
    '`',
  ],
  ...[
    '\u0000',
    '\u0007',
    '\u001b[2J',
    '\u0085',
    '\u200b',
    '\u202e',
    '\ufeff',
    '\ud83d\ude00',
    '\ufffd',
    'ｑｕｉｅｔ',
    'é',
  ],
  ...['30s..600s/30s', '1s..1000000s/1s', '1s..2s/0s', '9..1/1', '1ms..24d/1ms', 'off,off', '1s,1s', ',', '1s..', '..'],
  ...[
    '../../etc/passwd',
    'l4-reset',
    'l4-rebalance',
    'nginx-stream',
    'firewall',
    'haproxy',
    'reset-both',
    'redis',
    'crash',
  ],
  ...[
    'together',
    '[web, nlb, mq]',
    '[mq, nlb, web]',
    '[nlb]',
    '[web, mq]',
    'mq-1',
    'half',
    '25%',
    '101%',
    '3-7',
    '7-3',
  ],
  ...[
    '{ request: { of: half, times: 3, every: 1s } }',
    '{ connect: { over: 1s } }',
    '{ crash: { of: 1 } }',
    '{ close: ~ }',
  ],
  ...['1kB', '17MiB', '0B', 'connect', 'request', 'cut', 'mend', 'v6', 'both', '{ client: 1s, server: 2s }'],
  ...[
    '{ production: 1s }',
    '{ production: 1s, compressed: $nobody }',
    '{ production: { production: 1s } }',
    '[1s, 2s]',
  ],
  ...[
    'x'.repeat(5000),
    '['.repeat(200),
    '{a: '.repeat(200),
    '- '.repeat(300),
    '? '.repeat(300),
    `${'a: '.repeat(40)}b`,
  ],
];

const LINES: readonly string[] = [
  ...[
    '---',
    '...',
    '--- !!map',
    '%YAML 1.1',
    '%TAG ! tag:x,2026:',
    '# comment',
    '\t',
    '\tx: y',
    ': x',
    '- x',
    '? x',
    'x',
  ],
  ...[
    '<<: *nobody',
    '<<: { a: b }',
    '__proto__: { a: b }',
    'constructor: { a: b }',
    '{ a: b }: c',
    '[a, b]: c',
    '*x : y',
  ],
  ...[
    'lol: &lol [x, x, x, x, x, x, x, x, x]',
    'a: &a [*a, *a]',
    'title: again',
    'hosts: {}',
    'null: x',
    'true: y',
    '1: z',
  ],
  `billion: { a: &l1 [x,x,x,x,x,x,x,x,x], b: &l2 [${'*l1,'.repeat(9)}], c: &l3 [${'*l2,'.repeat(9)}], d: &l4 [${'*l3,'.repeat(9)}], e: &l5 [${'*l4,'.repeat(9)}], f: [${'*l5,'.repeat(9)}] }`,
];

const TOKEN = /[$\w.][\w.$/-]*|[{}[\]:,#&*"'|>-]/g;

type Mutation = (text: string, random: () => number) => string | Buffer;

const below = (random: () => number, most: number) => Math.floor(random() * most);
const oneOf = <T>(random: () => number, all: readonly T[]): T => all[below(random, all.length)] as T;

const lines =
  (change: (all: string[], at: number, random: () => number) => void): Mutation =>
  (text, random) => {
    const all = text.split('\n');
    change(all, below(random, all.length), random);
    return all.join('\n');
  };

const tokens =
  (change: (token: string, random: () => number) => string): Mutation =>
  (text, random) => {
    const found = [...text.matchAll(TOKEN)];
    const match = oneOf(random, found);
    if (match === undefined) return text;
    const { index } = match;
    return text.slice(0, index) + change(match[0], random) + text.slice(index + match[0].length);
  };

const bytes =
  (change: (all: number[], at: number, random: () => number) => void): Mutation =>
  (text, random) => {
    const all = [...Buffer.from(text)];
    change(all, below(random, all.length), random);
    return Buffer.from(all);
  };

const indentOf = (line: string | undefined): string => /^[ -]*/.exec(line ?? '')?.[0].replaceAll('-', ' ') ?? '';

const MUTATIONS: readonly Mutation[] = [
  bytes((all, at, random) => all.splice(at, 1, below(random, 256))),
  bytes((all, at) => all.splice(at, 1)),
  bytes((all, at, random) => all.splice(at, 0, below(random, 256))),
  bytes((all, at) => all.splice(at)),
  lines((all, at) => all.splice(at, 1)),
  lines((all, at) => all.splice(at, 0, all[at] as string)),
  lines((all, at, random) => {
    const other = below(random, all.length);
    [all[at], all[other]] = [all[other] as string, all[at] as string];
  }),
  lines((all, at, random) => all.splice(at, 1, oneOf(random, [' ', '  ', '\t', '    ', '- ']) + all[at])),
  lines((all, at) => all.splice(at, 1, (all[at] as string).replace(/^ {1,2}/, ''))),
  lines((all, at, random) => all.splice(at, 0, indentOf(all[at]) + oneOf(random, LINES))),
  lines((all, at, random) => all.splice(at, 0, `${indentOf(all[at])}${oneOf(random, NASTY)}: ${oneOf(random, NASTY)}`)),
  lines((all, at, random) =>
    all.splice(
      at,
      1,
      (all[at] as string).replace(/:(\s.*)?$/, () => `: ${oneOf(random, NASTY)}`),
    ),
  ),
  tokens((_, random) => oneOf(random, NASTY)),
  tokens((_, random) => oneOf(random, NASTY)),
  tokens((_, random) => oneOf(random, NASTY)),
  tokens(() => ''),
  tokens((token) => `${token}${token}`),
  tokens((token, random) => token.slice(below(random, token.length))),
  tokens((token, random) => token.replace(/\d+/, (digits) => oneOf(random, [`-${digits}`, `${digits}0000000`, '0']))),
  tokens((token) => `&x ${token}`),
  tokens((token) => `{ ${token}: *x }`),
  tokens((token) => `[ ${token} ]`),
  (text, random) => {
    const all = text.match(TOKEN) ?? [''];
    const [from, to] = [oneOf(random, all), oneOf(random, all)];
    return text.replaceAll(from, () => to);
  },
];

/** Of the whole file; the large ones take longest to read. */
const WHOLE: readonly ((text: string) => string | Buffer)[] = [
  (text) => text.replaceAll('\n', '\r\n'),
  (text) => text.replaceAll('\n', '\r'),
  (text) => `\ufeff${text}`,
  (text) => text.replaceAll('  ', '\t'),
  (text) => `${text}\n---\n${text}`,
  (text) => `%YAML 1.1\n---\n${text}`,
  (text) => Buffer.from(text, 'utf16le'),
  (text) => text.repeat(2),
  (text) => `a: ${'x'.repeat(100_000)}\n${text}`,
  (text) => `# ${'x'.repeat(50_000)}\n${text}`,
  (text) => `${'['.repeat(20_000)}${text}`,
  (text) => `${'- '.repeat(5000)}${text}`,
  (text) => `${'? '.repeat(5000)}${text}`,
  (text) => Array.from({ length: 3000 }, (_, index) => `k${index}: v\n`).join('') + text,
  (text) => text + Array.from({ length: 500 }, (_, index) => `${' '.repeat(index)}k:\n`).join(''),
  () => '',
];
/** One in so many. */
const RARE = 50;

/** A mutated file: one to three changes, by the seed. */
export function mutated(text: string, seed: number): Buffer {
  const random = randomOf(seed);
  let current: string | Buffer = seed % RARE === 0 ? (WHOLE[(seed / RARE) % WHOLE.length]?.(text) ?? text) : text;
  for (let left = 1 + below(random, 3); left > 0; left--)
    current = oneOf(random, MUTATIONS)(current.toString(), random);
  return Buffer.from(current as string);
}
