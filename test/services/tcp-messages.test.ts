import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  answerText,
  leastRequestBytes,
  MessageReader,
  PING_TEXT,
  PONG_TEXT,
  pushText,
  requestText,
  type TcpMessage,
} from '../../services/tcp-messages.ts';

/** What a reader finds in a stream that comes in pieces. */
function readIn(pieces: readonly Buffer[]): TcpMessage[] {
  const found: TcpMessage[] = [];
  const reader = new MessageReader((message) => found.push(message));
  for (const piece of pieces) reader.read(piece);
  return found;
}

const id = fc.stringMatching(/^[a-z][a-z0-9-]{0,30}$/);
const message: fc.Arbitrary<[string, TcpMessage]> = fc.oneof(
  fc
    .tuple(id, fc.nat(5000))
    .map(([id, more]): [string, TcpMessage] => [
      requestText(id, leastRequestBytes(id) + more),
      { kind: 'request', id },
    ]),
  id.map((id): [string, TcpMessage] => [answerText(id), { kind: 'answer', id }]),
  fc.integer({ min: 1, max: 5000 }).map((bytes): [string, TcpMessage] => [pushText(bytes), { kind: 'push', bytes }]),
  fc.constant<[string, TcpMessage]>([PING_TEXT, { kind: 'ping' }]),
  fc.constant<[string, TcpMessage]>([PONG_TEXT, { kind: 'pong' }]),
);

describe('messages of raw TCP', () => {
  it('are found again in a stream, wherever it is cut', () =>
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 8 }), (messages, cuts) => {
        const stream = Buffer.from(messages.map(([text]) => text).join(''), 'latin1');
        const places = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length];
        const pieces = places.slice(1).map((end, index) => stream.subarray(places[index], end));
        expect(readIn(pieces)).toEqual(messages.map(([, what]) => what));
      }),
    ));
  it.each([1, 2, 64, 100_000])('have exactly as many bytes as asked for: data of %i', (bytes) =>
    expect(pushText(bytes)).toHaveLength(bytes),
  );
  it('have exactly as many bytes as asked for: a request, from the least that carries its id', () => {
    const least = leastRequestBytes('act-web-1-0');
    for (const bytes of [least, least + 1, 1000]) expect(requestText('act-web-1-0', bytes)).toHaveLength(bytes);
    expect(() => requestText('act-web-1-0', least - 1)).toThrow(RangeError);
  });
});
