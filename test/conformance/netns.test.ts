import { describe, expect, it } from 'vitest';
import { netns } from '../../src/engines/netns/engine.ts';
import { SCENARIOS } from '../../src/plan/catalogue.ts';
import { playAndCompare } from './play.ts';
import { CONFORMANCE, REAL_TIME } from './table.ts';

describe('on network namespaces, with the real kernel and the real programs', () => {
  it('every shipped scenario is in the table', () => {
    expect(Object.keys(CONFORMANCE).sort()).toEqual(SCENARIOS.names());
  });

  // Each waits most of its time, and none shares anything with another.
  it.concurrent.each(REAL_TIME)('%s ends as the table says', (scenario, acts) =>
    playAndCompare({ engine: netns, pace: 'compressed' }, scenario, acts),
  );
});
