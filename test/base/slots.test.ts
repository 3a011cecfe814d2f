import { describe, expect, it } from 'vitest';
import { Slots } from '../../src/base/slots.ts';

describe('slots', () => {
  it('let so many work at once, and the others in the order in which they came', async () => {
    const slots = new Slots(2);
    const log: string[] = [];
    const [first] = [await slots.take(), await slots.take()];
    const waiting = ['a', 'b'].map(async (name) => {
      const done = await slots.take();
      log.push(name);
      return done;
    });
    await Promise.resolve();
    expect(log).toEqual([]);
    (first as () => void)();
    // Given back twice, it is still one slot.
    (first as () => void)();
    const a = await (waiting[0] as Promise<() => void>);
    expect(log).toEqual(['a']);
    a();
    await waiting[1];
    expect(log).toEqual(['a', 'b']);
  });
});
