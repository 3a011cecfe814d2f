import { setTimeout as sleep } from 'node:timers/promises';

/** What work brings, if it comes in time. @throws what `tooLate` makes when it does not */
export async function within<T>(seconds: number, work: Promise<T>, tooLate: () => Error): Promise<T> {
  const timer = new AbortController();
  const late = sleep(seconds * 1000, undefined, { signal: timer.signal }).then(() => {
    throw tooLate();
  });
  // The timer's own end is nobody's matter.
  late.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}
