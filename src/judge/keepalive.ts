import { formatDuration, shortDuration } from '../base/duration.ts';
import { ownerOf, type Tuning } from '../plan/plan.ts';
import type { ActFacts } from './facts.ts';
import type { KeepaliveRow } from './result.ts';

/** What the configuration asked for, in words. */
export function askedText(tuning: Tuning | undefined): string {
  const keepalive = tuning?.keepalive;
  if (keepalive === undefined) return 'nothing (its default)';
  if (keepalive === 'off') return 'off';
  const { idleSeconds, intervalSeconds, probes } = keepalive;
  const more = [
    intervalSeconds === undefined ? undefined : `interval ${shortDuration(intervalSeconds)}`,
    probes === undefined ? undefined : `${probes} probes`,
  ].filter(Boolean);
  return [idleSeconds === 0 ? 'on, delay 0' : `delay ${shortDuration(idleSeconds)}`, ...more].join(', ');
}

/** The kernel's values of every kind of socket in the lab, beside those asked for. Sockets with equal values make one row. */
export function keepaliveRows(facts: ActFacts): KeepaliveRow[] {
  const rows = new Map<string, KeepaliveRow>();
  for (const { host, sockets } of facts.lookInQuiet) {
    const plan = facts.plan.hosts.find((candidate) => candidate.name === host);
    const owner = plan === undefined ? host : ownerOf(plan);
    for (const { state, kernel, timer } of sockets) {
      if (state !== 'ESTABLISHED' || !kernel) continue;
      const { process, keepalive: on, idleSeconds, intervalSeconds, probes, userTimeoutMs } = kernel;
      const key = JSON.stringify([owner, process, on, idleSeconds, intervalSeconds, probes, userTimeoutMs]);
      const row = rows.get(key) ?? {
        host: owner,
        process: plan?.role === 'client' && (process === 'node' || process === 'MainThread') ? plan.library : process,
        sockets: 0,
        asked: plan?.role === 'middlebox' ? 'nothing (its default)' : askedText(facts.plan.tuning[owner]),
        kernel: { on, idleSeconds, intervalSeconds, probes, userTimeoutMs },
        timer: timer ? `${timer.kind} in ${formatDuration(timer.seconds)}` : null,
      };
      row.sockets++;
      rows.set(key, row);
    }
  }
  return [...rows.values()];
}
