// What boxes have in common that are made of the kernel's connection tracking and rules of nftables.
import type { BoxTimers, MiddleboxPlan } from '../../plan/plan.ts';
import { type ClocksOrder, forgettingSchema, type Terms } from '../../talk/flow-clocks.ts';
import { lineOf } from '../../talk/lines.ts';
import { type BoxContext, setSysctls } from '../box.ts';

/** Settings of connection tracking itself: its idle timeout for flows that no rule catches, and what its events tell. */
export const conntrackSysctls = (idleTimeoutSeconds: number, loose: 0 | 1): Record<string, number> => ({
  'net.netfilter.nf_conntrack_tcp_timeout_established': Math.round(idleTimeoutSeconds),
  'net.netfilter.nf_conntrack_tcp_loose': loose,
  'net.netfilter.nf_conntrack_timestamp': 1,
  'net.netfilter.nf_conntrack_acct': 1,
});

/** Longer than any act: what the kernel's own timer says where ours decide. */
const NEVER_SECONDS = 20 * 24 * 3600;

type Timed = Pick<MiddleboxPlan, 'refreshedBy'> & { timers: BoxTimers };

/** Timers that connection tracking does not have: it has one, which any packet of either direction restarts. */
function ownTimers({ timers: { idleSeconds, sides, lifeSeconds }, refreshedBy }: Timed): Terms | undefined {
  const silence = sides ? { sides } : refreshedBy === 'data' ? { idleSeconds } : {};
  const life = lifeSeconds === undefined ? {} : { lifeSeconds };
  const terms = { refreshedBy, ...silence, ...life };
  return 'sides' in terms || 'idleSeconds' in terms || 'lifeSeconds' in terms ? terms : undefined;
}

/** What the kernel's own timer is set to. */
export function kernelIdleSeconds(box: Timed): number {
  const terms = ownTimers(box);
  return terms?.sides === undefined && terms?.idleSeconds === undefined ? box.timers.idleSeconds : NEVER_SECONDS;
}

export interface Tracking {
  /** A file of nftables. */
  rules: string;
  loose: 0 | 1;
  /** Whether both ends are reset when a flow is forgotten. */
  resetsBoth?: boolean;
}

/** Sets the rules, and starts what does beside them what no rule can. @returns once packets meet all of it */
export async function track(context: BoxContext, { rules, loose, resetsBoth = false }: Tracking): Promise<void> {
  const { box, host, port, next } = context;
  const file = await context.writeConfig(`${host.name}.nft`, rules);
  await host.run('nft', ['-f', file], { privileged: true });
  // After the rules: they make the kernel load connection tracking, and only then do its settings exist.
  await setSysctls(host, conntrackSysctls(kernelIdleSeconds(box), loose));
  const serverPorts = [...new Set(next.map((each) => each.port))];
  if (resetsBoth)
    await context
      .spawnModule(
        'services/balancer/reset-both',
        [`${port}/${serverPorts.join(',')}`, String(box.timers.idleSeconds)],
        `the resetter on ${host.name}`,
      )
      .line(/^ready$/);
  const terms = ownTimers(box);
  if (terms === undefined) return;
  const order: ClocksOrder = { terms, ports: [...new Set([port, ...serverPorts])], flows: context.connections };
  await context
    .spawnModule('services/balancer/flow-clocks', [JSON.stringify(order)], `the timers of ${host.name}`, (line) => {
      const forgetting = lineOf(line, forgettingSchema);
      if (forgetting) context.onForgot(forgetting);
    })
    .line(/^ready$/);
}
