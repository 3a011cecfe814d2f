import type { Hz } from '../base/hz.ts';
import type { Pace } from '../base/pace.ts';
import type { MiddleboxFile } from './schema.ts';

/** Settings of one side, all durations in seconds. `idleSeconds: 0` means SO_KEEPALIVE with the kernel's values. */
export interface Tuning {
  keepalive?: { idleSeconds: number; intervalSeconds?: number; probes?: number } | 'off';
  heartbeatSeconds?: number;
  commandTimeoutSeconds?: number;
  socketTimeoutSeconds?: number;
  tcpRetries2?: number;
  tcpOrphanRetries?: number;
}

/** The settings that belong to a host's kernel, not to a program on it. */
export const sysctlsOf = ({ tcpRetries2, tcpOrphanRetries }: Tuning): Record<string, number> => ({
  ...(tcpRetries2 === undefined ? {} : { 'net.ipv4.tcp_retries2': tcpRetries2 }),
  ...(tcpOrphanRetries === undefined ? {} : { 'net.ipv4.tcp_orphan_retries': tcpOrphanRetries }),
});

export interface ClientPlan {
  role: 'client';
  name: string;
  library: string;
  connections: number;
  /** Over how long its connections do what they are told, one after another; undefined: all at once. */
  spreadSeconds?: number;
}
export interface BrokerPlan {
  role: 'broker';
  name: string;
  /** The name in the scenario file: `mq` for `mq-1` and `mq-2`. */
  group: string;
  broker: string;
}
export interface MiddleboxPlan {
  role: 'middlebox';
  name: string;
  profile: string;
  product: string;
  layer: 'L4' | 'L7';
  idleTimeoutSeconds: number;
  playedBy: MiddleboxFile['playedBy'];
  remedy?: string;
}
export type HostPlan = ClientPlan | BrokerPlan | MiddleboxPlan;

export type Step = { kind: 'action'; host: string; action: string } | { kind: 'quiet' | 'observe'; seconds: number };

export interface Expectation {
  check: string;
  params: Record<string, unknown>;
}

export interface ActPlan {
  name: string;
  title: string;
  hosts: HostPlan[];
  /** By the hosts' names in the scenario file (a broker's group). */
  tuning: Record<string, Tuning>;
  /** The same settings as they are in production, for advice. */
  productionTuning: Record<string, Tuning>;
  productionIdleTimeoutSeconds: number;
  productionQuietSeconds: number;
  /** What the act wants of the kernel; undefined where any will do. */
  hz?: Hz;
  timeline: Step[];
  expect: Expectation[];
}

/** A scenario with everything resolved: nothing in it depends on files any more. */
export interface Plan {
  schemaVersion: 1;
  scenario: string;
  title: string;
  story: string;
  file: string;
  pace: Pace;
  acts: ActPlan[];
  next: string | null;
}

export const hostsOf = <R extends HostPlan['role']>(act: ActPlan, role: R) =>
  act.hosts.filter((host) => host.role === role) as Extract<HostPlan, { role: R }>[];
export const middleboxOf = (act: ActPlan): MiddleboxPlan => hostsOf(act, 'middlebox')[0] as MiddleboxPlan;
export const clientOf = (act: ActPlan): ClientPlan => hostsOf(act, 'client')[0] as ClientPlan;
/** Seconds that the timeline itself asks to wait, with what a client spreads over time. */
export const waitSeconds = (act: ActPlan): number => {
  const spread = clientOf(act).spreadSeconds ?? 0;
  return act.timeline.reduce(
    (sum, step) => sum + (step.kind === 'action' ? (step.host === clientOf(act).name ? spread : 0) : step.seconds),
    0,
  );
};
