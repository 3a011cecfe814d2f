import { describe, expect, it } from 'vitest';
import { docker } from '../../src/engines/docker/engine.ts';
import { KNOWN } from '../../src/judge/known.ts';
import { planScenario } from '../../src/plan/make-plan.ts';
import { withStory } from './ipv6.ts';

describe('what cannot be told over IPv6 is refused when it is planned', () => {
  it('a NAT', () =>
    withStory('chain', { scenario: 'chain' }, async (file) => {
      await expect(planScenario(file, 'production', KNOWN)).rejects.toMatchObject({
        code: 'BAD_FILE',
        message: expect.stringContaining('hosts.nat.middlebox'),
      });
    }));

  it('all of it where the networks are containers’', () =>
    withStory('reset', { scenario: 'reset' }, async (file) => {
      await expect(planScenario(file, 'production', KNOWN)).resolves.toMatchObject({
        acts: [{ ip: 'v6' }, { ip: 'v6' }],
      });
      await expect(planScenario(file, 'production', KNOWN, docker)).rejects.toMatchObject({
        code: 'BAD_FILE',
        message: expect.stringContaining('have no IPv6'),
      });
    }));
});
