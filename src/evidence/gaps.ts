import type { FlowChange, FlowTable } from './rows.ts';

const keyOf = (host: string, { id }: { id: number }) => `${host} ${id}`;

/**
 * By so much a table may be older than its row says, seconds: the row is written after the table has come, and on a busy machine
 * a flow may begin between the two.
 */
const READING_SECONDS = 1;

/** What events say of the flows of one id; the kernel gives the same one to a flow that comes again. */
interface Life {
  begun: number[];
  ended: number[];
}

/**
 * Whether events of connection tracking are missing, by its own other words: a flow that ended more often than it began or was
 * seen without having begun, or one that was not in a later table although it never ended.
 * @param tables tables that are not connection tracking's are left out
 */
export function lostFlowEvents(tables: readonly FlowTable[], events: readonly FlowChange[]): boolean {
  const lives = new Map<string, Life>();
  for (const event of events) {
    if (event.event === 'UPDATE') continue;
    const key = keyOf(event.host, event);
    const life = lives.get(key) ?? { begun: [], ended: [] };
    lives.set(key, life);
    (event.event === 'NEW' ? life.begun : life.ended).push(event.time);
  }
  if ([...lives.values()].some(({ begun, ended }) => ended.length > begun.length)) return true;
  return tables.some(({ host, time, tracker, flows }) => {
    if (tracker !== undefined) return false;
    const there = new Set(flows.map((flow) => keyOf(host, flow)));
    if ([...there].some((key) => (lives.get(key)?.begun.length ?? 0) === 0)) return true;
    return [...lives].some(
      ([key, { begun, ended }]) =>
        key.startsWith(`${host} `) &&
        begun.length > ended.length &&
        begun.every((at) => at < time - READING_SECONDS) &&
        !there.has(key),
    );
  });
}
