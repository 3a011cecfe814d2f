/** The longest idle time that leaves room for two lost rounds before an idle timeout ends: a third of it, in round seconds. */
export function keepaliveIdleFor(timeoutSeconds: number): number {
  const third = Math.max(1, Math.floor(timeoutSeconds / 3));
  return third >= 60 ? Math.floor(third / 20) * 20 : third;
}

const MORE = 1.25;
const ROUND_SECONDS = 600;

/** An idle timeout that outlasts a quiet: a quarter more, in round seconds where it is long. */
export function outlasting(quietSeconds: number): number {
  const enough = quietSeconds * MORE;
  return enough < ROUND_SECONDS ? Math.ceil(enough) : Math.ceil(enough / ROUND_SECONDS) * ROUND_SECONDS;
}

/** A middlebox profile's own line that sets its idle timeout, filled in. */
export const idleTimeoutText = (remedy: string, seconds: number): string =>
  remedy.replaceAll('{seconds}', String(seconds));
