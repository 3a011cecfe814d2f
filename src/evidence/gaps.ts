import type { FlowChange, FlowTable } from './rows.ts';

const keyOf = (host: string, { id }: { id: number }) => `${host} ${id}`;

/**
 * Whether events of connection tracking are missing, by its own other words: a flow that ended or was seen without having begun,
 * or one that was not in a later table although it never ended.
 * @param tables tables that are not connection tracking's are left out
 */
export function lostFlowEvents(tables: readonly FlowTable[], events: readonly FlowChange[]): boolean {
  const began = new Map<string, number>();
  const ended = new Set<string>();
  for (const event of events) {
    const key = keyOf(event.host, event);
    if (event.event === 'NEW') began.set(key, event.time);
    else if (event.event === 'DESTROY') ended.add(key);
  }
  if ([...ended].some((key) => !began.has(key))) return true;
  return tables.some(({ host, time, tracker, flows }) => {
    if (tracker !== undefined) return false;
    const there = new Set(flows.map((flow) => keyOf(host, flow)));
    if ([...there].some((key) => !began.has(key))) return true;
    return [...began].some(
      ([key, at]) => key.startsWith(`${host} `) && at < time && !ended.has(key) && !there.has(key),
    );
  });
}
