import { describe, it } from 'vitest';
import { Slots } from '../../src/base/slots.ts';
import { docker } from '../../src/engines/docker/engine.ts';
import { containersThere } from '../helpers/docker.ts';
import { playAndCompare } from './play.ts';
import { RECORDED } from './table.ts';

/** Each lab is four containers. */
const AT_ONCE = 3;

describe.runIf(containersThere)('on containers, in real time', () => {
  const slots = new Slots(AT_ONCE);
  it.concurrent.each(RECORDED)('%s ends as the table says', async (scenario, acts) => {
    const done = await slots.take();
    try {
      await playAndCompare({ engine: docker, pace: 'compressed' }, scenario, acts);
    } finally {
      done();
    }
  });
});
