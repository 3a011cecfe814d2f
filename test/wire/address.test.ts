import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressBytes, addressText, canonicalAddress, familyOf, parseAddress } from '../../src/wire/address.ts';

const bytesOf = (size: 4 | 16) =>
  fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) => Buffer.from(bytes));
const mapped = (bytes: Buffer) => Buffer.concat([Buffer.from('00000000000000000000ffff', 'hex'), bytes]);

describe('addresses have one text each', () => {
  it('from bytes to text and back', () =>
    fc.assert(
      fc.property(fc.oneof(bytesOf(4), bytesOf(16)), (bytes) => {
        const text = addressText(bytes);
        expect(isIP(text)).toBe(bytes.length === 4 ? 4 : 6);
        expect(familyOf(text)).toBe(isIP(text));
        expect(addressBytes(text)).toEqual(bytes);
        expect(parseAddress(text)).toBe(text);
      }),
    ));
  it('however an IPv6 address is written', () =>
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const canonical = canonicalAddress(text);
        expect(isIP(canonical)).toBeGreaterThan(0);
        expect(canonicalAddress(canonical)).toBe(canonical);
        expect(canonicalAddress(text.toUpperCase())).toBe(canonical);
      }),
    ));
  it.each([
    ['2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['::', '::'],
    ['::ffff:198.18.0.1', '198.18.0.1'],
    ['::ffff:c612:1', '198.18.0.1'],
    ['198.18.0.1', '198.18.0.1'],
  ])('%s is %s', (text, canonical) => expect(parseAddress(text)).toBe(canonical));
  it('an IPv4 address in IPv6 clothes is an IPv4 address', () =>
    fc.assert(
      fc.property(bytesOf(4), (bytes) => {
        expect(addressText(mapped(bytes))).toBe(addressText(bytes));
        expect(addressBytes(`::ffff:${addressText(bytes)}`)).toEqual(bytes);
        expect(familyOf(`::ffff:${addressText(bytes)}`)).toBe(4);
      }),
    ));
  it.each([
    '',
    '10.1',
    '0x7f.1',
    '010.0.0.1',
    '256.0.0.1',
    '1.2.3.4.5',
    'mq-1',
    '*',
    ':',
    ':::',
    '2001:db8::1::2',
    '[::1]',
  ])('"%s" is none', (text) => {
    expect([parseAddress(text), addressBytes(text), familyOf(text)]).toEqual([undefined, undefined, undefined]);
    expect(canonicalAddress(text)).toBe(text);
  });
});
