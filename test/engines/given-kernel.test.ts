import { afterEach, describe, expect, it, vi } from 'vitest';
import { chooseEngine } from '../../src/engines/auto/choose.ts';
import { kernelFor } from '../../src/engines/virtual/engine.ts';
import { choosePlace } from '../../src/sweep/place.ts';

/** Any file: none is executed here. */
const READY = process.execPath;
const notThere = expect.objectContaining({ code: 'BAD_OPTION', message: 'there is no kernel /nowhere' });

afterEach(() => vi.unstubAllEnvs());

describe('a ready kernel that was named', () => {
  it('is taken before the one that the environment names', () => {
    vi.stubEnv('IDLELAB_KERNEL', '/nowhere');
    expect(kernelFor(250, READY)).toBe(READY);
    expect(() => kernelFor(250)).toThrow(notThere);
  });
  it('makes "auto" choose virtual time, where no kernel is built', async () => {
    vi.stubEnv('XDG_CACHE_HOME', '/nowhere');
    vi.stubEnv('IDLELAB_KERNEL', '');
    expect((await chooseEngine('auto', { kernel: READY })).engine.name).toBe('virtual');
    expect(choosePlace('auto', { kernel: READY }).name).toBe('virtual');
    expect(choosePlace('auto', {}).name).toBe('netns');
  });
  it('and is not there is refused, and leaves the environment as it was', async () => {
    vi.stubEnv('IDLELAB_KERNEL', '');
    expect(() => choosePlace('virtual', { kernel: '/nowhere' })).toThrow(notThere);
    await expect(chooseEngine('auto', { kernel: '/nowhere' })).rejects.toEqual(notThere);
    expect(process.env.IDLELAB_KERNEL).toBe('');
  });
});
