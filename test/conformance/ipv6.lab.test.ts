import { describe, it } from 'vitest';
import { netns } from '../../src/engines/netns/engine.ts';
import { OVER_IPV6, withStory } from './ipv6.ts';
import { playOverIpv6 } from './play.ts';

describe('over IPv6, on network namespaces', () => {
  it.concurrent.each(OVER_IPV6)('%s ends as over IPv4', (name, story) =>
    withStory(name, story, (file, acts) => playOverIpv6({ engine: netns, pace: 'compressed' }, file, acts)),
  );
});
