import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { every, later, sleep } from '../../src/base/timers.ts';

const DAY_MS = 24 * 3600 * 1000;
/** 11 years: far more than a timer of Node can hold. */
const NIGHT_SECONDS = 99_999 * 3600;
const NIGHT_MS = NIGHT_SECONDS * 1000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a timer', () => {
  it('of Node fires at once when it is longer than 24.8 days', async () => {
    const work = vi.fn();
    setTimeout(work, NIGHT_MS);
    await vi.advanceTimersByTimeAsync(2);
    expect(work).toHaveBeenCalled();
  });
  it.each([0.2, 350, 8 * 3600, 2 ** 31 / 1000, NIGHT_SECONDS])(
    'of ours of %d s fires then and not before',
    async (seconds) => {
      const work = vi.fn();
      later(seconds, work);
      await vi.advanceTimersByTimeAsync(seconds * 1000 - 1);
      expect(work).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(1);
      expect(work).toHaveBeenCalledOnce();
    },
  );
  it('is cancelled, however often it was wound up since', async () => {
    const work = vi.fn();
    const timer = later(NIGHT_SECONDS, work);
    await vi.advanceTimersByTimeAsync(100 * DAY_MS);
    timer.cancel();
    await vi.advanceTimersByTimeAsync(NIGHT_MS);
    expect(work).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a repeated timer', () => {
  it.each([60, 30 * 24 * 3600])('of %d s fires once in each such time, until it is cancelled', async (seconds) => {
    const work = vi.fn();
    const timer = every(seconds, work);
    await vi.advanceTimersByTimeAsync(seconds * 3000 + 500);
    expect(work).toHaveBeenCalledTimes(3);
    timer.cancel();
    await vi.advanceTimersByTimeAsync(seconds * 3000);
    expect(work).toHaveBeenCalledTimes(3);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a sleep', () => {
  it('lasts as long as asked', async () => {
    const began = performance.now();
    let woke: number | undefined;
    void sleep(NIGHT_SECONDS).then(() => {
      woke = performance.now();
    });
    await vi.advanceTimersByTimeAsync(NIGHT_MS + DAY_MS);
    expect((woke ?? 0) - began).toBe(NIGHT_MS);
  });
  it('ends with the signal’s reason, and leaves no timer', async () => {
    const stop = new AbortController();
    const slept = sleep(NIGHT_SECONDS, { signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(slept).rejects.toThrow('enough');
    expect(vi.getTimerCount()).toBe(0);
    await expect(sleep(1, { signal: stop.signal })).rejects.toThrow('enough');
    expect(vi.getTimerCount()).toBe(0);
  });
});
