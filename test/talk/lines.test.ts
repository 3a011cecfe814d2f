import { describe, expect, it } from 'vitest';
import { eventIn, lineOf, messageIn, objectIn } from '../../src/talk/lines.ts';
import { listenerEventSchema } from '../../src/talk/listener.ts';
import { swarmEventSchema } from '../../src/talk/swarm.ts';

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

const DONE = { time: 5, event: 'done', id: 3, how: 'answer', answered: 'same', level: 30 };
const HELLO = {
  time: 5,
  event: 'hello',
  id: 3,
  kernel: { keepalive: true, idleSeconds: 7200, intervalSeconds: 75, probes: 9, userTimeoutMs: 0 },
};

describe('lines of a sweep’s programs', () => {
  it('are events, without what does not belong to them', () => {
    const { level: _, ...done } = DONE;
    expect(lineOf(JSON.stringify(DONE), swarmEventSchema)).toEqual(done);
    expect(lineOf(JSON.stringify(HELLO), listenerEventSchema)).toEqual(HELLO);
  });
  it.each([
    { ...DONE, id: '3' },
    { ...DONE, id: -1 },
    { ...DONE, answered: 'perhaps' },
    { ...DONE, endedAt: 'now' },
    { ...DONE, ending: 'exploded' },
    { ...DONE, event: 'gone' },
  ])('%j is none of a client’s', (line) => expect(lineOf(JSON.stringify(line), swarmEventSchema)).toBeUndefined());
  it.each([
    { ...HELLO, kernel: undefined },
    { ...HELLO, kernel: { ...HELLO.kernel, idleSeconds: '7200' } },
    { time: 5, event: 'looked', id: 3 },
    { event: 'did', id: 3 },
  ])('%j is none of a server’s', (line) => expect(lineOf(JSON.stringify(line), listenerEventSchema)).toBeUndefined());
  it.each(STRAY)('%j is neither', (line) =>
    expect([lineOf(line, swarmEventSchema), lineOf(line, listenerEventSchema)]).toEqual([undefined, undefined]),
  );
});
