import { later, type Timer } from './timers.ts';

/** What work brings, if it comes in time. @throws what `tooLate` makes when it does not */
export async function within<T>(seconds: number, work: Promise<T>, tooLate: () => Error): Promise<T> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = later(seconds, () => reject(tooLate()));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    timer?.cancel();
  }
}
