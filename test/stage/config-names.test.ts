import { expect, it } from 'vitest';
import { ConfigNames } from '../../src/stage/config-names.ts';

it('a service that starts again keeps the name of its configuration; another text or host never writes over it', () => {
  const names = new ConfigNames();
  expect(names.nameFor('mq', 'mq.conf', 'a')).toBe('mq.conf');
  expect(names.nameFor('mq', 'mq.conf', 'a')).toBe('mq.conf');
  expect(names.nameFor('mq', 'mq.conf', 'b')).toBe('mq.2.conf');
  expect(names.nameFor('other', 'mq.conf', 'a')).toBe('mq.3.conf');
  expect(names.nameFor('mq', 'mq.conf', 'b')).toBe('mq.2.conf');
  expect(names.nameFor('mq', 'plain', 'a')).toBe('plain');
  expect(names.nameFor('mq', 'plain', 'b')).toBe('plain.2');
});
