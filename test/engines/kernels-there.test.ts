import { describe, expect, it } from 'vitest';
import { kernelsThere } from '../helpers/kernels.ts';

const none = () => undefined;
const only250 = (hz?: number) => (hz === 250 ? '/kernel' : undefined);

describe('tests that need the time-travelling kernels', () => {
  it('are run where there is one for every HZ', () => {
    expect(kernelsThere(undefined, () => '/kernel')).toBe(true);
    expect(kernelsThere('true', () => '/kernel')).toBe(true);
  });
  it.each([none, only250])('are reported as not run without them', (find) => {
    expect(kernelsThere(undefined, find)).toBe(false);
    expect(kernelsThere('', find)).toBe(false);
  });
  it('fail without them in continuous integration, where nothing may be hidden', () => {
    expect(() => kernelsThere('true', none)).toThrow('no time-travelling kernel of HZ 250, 1000');
    expect(() => kernelsThere('1', only250)).toThrow('of HZ 1000');
  });
});
