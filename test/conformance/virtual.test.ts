import { availableParallelism } from 'node:os';
import { describe, it } from 'vitest';
import { Slots } from '../../src/base/slots.ts';
import { virtual } from '../../src/engines/virtual/engine.ts';
import { kernelsBuilt } from '../helpers/kernels.ts';
import { playAndCompare } from './play.ts';
import { CONFORMANCE } from './table.ts';

const QUEUE_MS = 1_800_000;

describe.runIf(kernelsBuilt)('in virtual time, at the lengths of life', () => {
  const slots = new Slots(availableParallelism());
  it.concurrent.each(Object.entries(CONFORMANCE))(
    '%s ends as the table says',
    (scenario, acts) => playAndCompare({ engine: virtual(250, slots), pace: 'production' }, scenario, acts),
    // They wait for each other's CPUs.
    QUEUE_MS,
  );
});
