import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import { addressText } from '../../src/wire/address.ts';
import {
  destinationOf,
  destinationText,
  type Endpoint,
  endpointText,
  endText,
  parseEndpoint,
  reversed,
  sourceOf,
  sourceText,
  wayKey,
  wayText,
} from '../../src/wire/endpoint.ts';

const address = fc
  .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map((bytes) => addressText(Buffer.from(bytes)));
const port = fc.nat(0xffff);
const endpoint: fc.Arbitrary<Endpoint> = fc.record({ address, port });
const way = fc.record({ src: address, sport: port, dst: address, dport: port });

describe('an end', () => {
  it('is read back from its text', () =>
    fc.assert(
      fc.property(endpoint, (end) => {
        expect(parseEndpoint(endpointText(end))).toEqual(end);
      }),
    ));
  it.each([
    ['198.18.0.1', '198.18.0.1:6379'],
    ['2001:db8::1', '[2001:db8::1]:6379'],
    ['2001:DB8:0::1', '[2001:db8::1]:6379'],
    ['::ffff:198.18.0.1', '198.18.0.1:6379'],
    ['mq-1', 'mq-1:6379'],
  ])('at %s is %s', (text, expected) => expect(endText(text, 6379)).toBe(expected));
  it.each([
    '',
    ':',
    ':80',
    '10.0.0.1',
    '10.0.0.1:',
    '10.0.0.1:x',
    '10.0.0.1:080',
    '10.0.0.1:65536',
    '10.0.0.1:-1',
    ' 10.0.0.1:80',
    '10.0.0.1:80 ',
    '[10.0.0.1]:80',
    '2001:db8::1:80',
    '[2001:db8::1]',
    '[2001:db8::1]80',
    '[2001:db8::1:80',
    '[[2001:db8::1]]:80',
    'mq-1:80',
  ])('is not "%s"', (text) => expect(parseEndpoint(text)).toBeUndefined());
  it('is nothing that any text makes it throw', () =>
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseEndpoint(text);
      }),
    ));
  it('has one text, whatever is read', () =>
    fc.assert(
      fc.property(fc.ipV6(), port, (text, number) => {
        const read = parseEndpoint(`[${text}]:${number}`) as Endpoint;
        expect(endpointText(read)).toBe(endText(text, number));
      }),
    ));
});

describe('a way', () => {
  it('leads from one end to the other, and back', () =>
    fc.assert(
      fc.property(way, (there) => {
        const back = reversed(there);
        expect([sourceOf(back), destinationOf(back)]).toEqual([destinationOf(there), sourceOf(there)]);
        expect(reversed(back)).toEqual(there);
        expect(wayText(there)).toBe(`${sourceText(there)} > ${destinationText(there)}`);
        expect(wayText(there).split(' > ').map(parseEndpoint)).toEqual([sourceOf(there), destinationOf(there)]);
      }),
    ));
  it('has a key of its own', () =>
    fc.assert(
      fc.property(way, way, (a, b) => {
        expect(wayKey(a) === wayKey(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    ));
});

/** An address or a host joined to a port by a colon. */
const JOINED = [
  /\$\{[^{}]*(?:addr|\b(?:src|dst)\b|host|local|remote|server)[^{}]*\}\]?:\$\{/i,
  /\}\]?:\$\{[^{}]*port[^{}]*\}/i,
  /\+ ?['"`]\]?:['"`] ?\+/,
  /port[^\n]*\]\.join\(['"`]:['"`]\)/i,
];

describe('the code', () => {
  it('joins an address and a port in one place only', () => {
    const joined = ['src', 'services', 'lab'].flatMap((root) =>
      readdirSync(join(packageRoot, root), { recursive: true, encoding: 'utf8' })
        .map((file) => join(root, file))
        .filter((file) => /\.(?:[cm]?[jt]s)$/.test(file) && file !== 'src/wire/endpoint.ts')
        .flatMap((file) =>
          readFileSync(join(packageRoot, file), 'utf8')
            .split('\n')
            .filter((line) => JOINED.some((pattern) => pattern.test(line)))
            .map((line) => `${file}: ${line.trim()}`),
        ),
    );
    expect(joined).toEqual([]);
  });
  it.each(['`<src}:<sport}`', '`[<address}]:<port}`', "host + ':' + port", "[address, port].join(':')"])(
    'would be told of %s',
    (line) => expect(JOINED.some((pattern) => pattern.test(line.replaceAll('<', '${')))).toBe(true),
  );
});
