// Timers of any length. Node keeps a delay in 32 bits: a longer one than 2^31 - 1 ms, 24.8 days, fires after 1 ms, with a
// warning that nobody sees who reads a result.

const LONGEST_MS = 2 ** 31 - 1;

export interface Timer {
  cancel(): void;
}

/** Does something once, after a time; with a time of 0 or less as soon as possible. */
export function later(seconds: number, work: () => void): Timer {
  const due = performance.now() + seconds * 1000;
  let timer: NodeJS.Timeout;
  const wait = (left: number) => {
    timer = left > LONGEST_MS ? setTimeout(() => wait(due - performance.now()), LONGEST_MS) : setTimeout(work, left);
  };
  wait(Math.max(0, seconds * 1000));
  return { cancel: () => clearTimeout(timer) };
}

/** Does something again and again, for the first time after one such time. */
export function every(seconds: number, work: () => void): Timer {
  if (seconds * 1000 <= LONGEST_MS) {
    const timer = setInterval(work, seconds * 1000);
    return { cancel: () => clearInterval(timer) };
  }
  let timer: Timer;
  const again = () => {
    timer = later(seconds, () => {
      again();
      work();
    });
  };
  again();
  return { cancel: () => timer.cancel() };
}

/** Resolves after a time. @throws the signal's reason when it is raised before */
export function sleep(seconds: number, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const stop = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = later(seconds, () => {
      signal?.removeEventListener('abort', stop);
      resolve();
    });
    signal?.addEventListener('abort', stop, { once: true });
  });
}
