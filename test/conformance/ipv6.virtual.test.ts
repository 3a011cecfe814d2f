import { availableParallelism } from 'node:os';
import { describe, it } from 'vitest';
import { Slots } from '../../src/base/slots.ts';
import { virtual } from '../../src/engines/virtual/engine.ts';
import { kernelsBuilt } from '../helpers/kernels.ts';
import { OVER_IPV6_VIRTUAL, withStory } from './ipv6.ts';
import { playOverIpv6 } from './play.ts';

const QUEUE_MS = 1_800_000;

describe.runIf(kernelsBuilt)('over IPv6, in virtual time, at the lengths of life', () => {
  const slots = new Slots(availableParallelism());
  it.concurrent.each(OVER_IPV6_VIRTUAL)(
    '%s ends as over IPv4',
    (name, story) =>
      withStory(name, story, (file, acts) =>
        playOverIpv6({ engine: virtual(250, slots), pace: 'production' }, file, acts),
      ),
    // They wait for each other's CPUs.
    QUEUE_MS,
  );
});
