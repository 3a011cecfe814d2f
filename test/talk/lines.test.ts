import { describe, expect, it } from 'vitest';
import { eventIn, messageIn, objectIn } from '../../src/talk/lines.ts';

const STRAY = [
  '',
  'a package says hello',
  '{',
  '{"time":1,"event":"re',
  '[]',
  'null',
  '7',
  '"text"',
  '{}',
  '{ not JSON }',
  '{"time":"now","event":"ready"}',
  '{"time":1}',
  '{"time":null,"event":"ready"}',
  '{"event":7,"time":1,"type":null}',
  '{"time":1e999,"event":"ready"}',
];

describe('lines between processes', () => {
  it.each(STRAY)('%j is a program’s own output: neither an event nor a message', (line) => {
    expect([eventIn(line), messageIn(line)]).toEqual([undefined, undefined]);
  });
  it.each(['', 'x', '[1]', 'null', '{"a":'])('%j is no object', (line) => expect(objectIn(line)).toBeUndefined());
  it('reads what our processes say', () => {
    expect(eventIn('{"level":30,"time":1.5,"event":"ready","connection":0}')).toMatchObject({
      event: 'ready',
      time: 1.5,
    });
    expect(messageIn('{"type":"act","act":"broken"}')).toEqual({ type: 'act', act: 'broken' });
  });
});
