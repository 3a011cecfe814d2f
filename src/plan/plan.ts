import type { Hz } from '../base/hz.ts';
import type { Pace } from '../base/pace.ts';
import type { PathPlan } from './paths.ts';
import type { IpFamily } from './topology.ts';

export type { PathPlan } from './paths.ts';

/** Settings of one side, all durations in seconds. `idleSeconds: 0` means SO_KEEPALIVE with the kernel's values. */
export interface Tuning {
  keepalive?: { idleSeconds: number; intervalSeconds?: number; probes?: number } | 'off';
  heartbeatSeconds?: number;
  commandTimeoutSeconds?: number;
  socketTimeoutSeconds?: number;
  /** TCP_USER_TIMEOUT. */
  userTimeoutSeconds?: number;
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
  /** A file of services/client/libraries, by name. */
  library: string;
  connections: number;
  /** Over how long its connections do what they are told, one after another; undefined: all at once. */
  spreadSeconds?: number;
}
export interface ServerPlan {
  role: 'server';
  name: string;
  /** The name in the scenario file: `mq` for `mq-1` and `mq-2`. */
  group: string;
  /** A file of src/stage/servers, by name. */
  server: string;
}

/** How long a box remembers a passage, seconds. */
export interface BoxTimers {
  /** Without a packet of either side; of a box with two timers the shorter one. */
  idleSeconds: number;
  /** Its timers towards the clients and towards the servers, where it has two. */
  sides?: { clientSeconds: number; serverSeconds: number };
  /** The longest that a passage may live at all, idle or not. */
  lifeSeconds?: number;
}

export interface MiddleboxPlan {
  role: 'middlebox';
  name: string;
  profile: string;
  product: string;
  layer: 'L4' | 'L7';
  timers: BoxTimers;
  /** The same as they are in production, for advice. */
  productionTimers: BoxTimers;
  /** Which packets restart the idle timer: any, or only those that carry bytes of the application. */
  refreshedBy: 'any-packet' | 'data';
  /** A file of src/stage/boxes by its name, with its parameters. */
  playedBy: Record<string, unknown>;
  /** Whether connections are made to it (a balancer, a proxy), or to what stands behind it (a router, a NAT). */
  entrance: boolean;
  /** Whether it shows its own address to what stands behind it, in the place of its clients'. */
  hidesClients: boolean;
  remedy?: string;
}
export type HostPlan = ClientPlan | ServerPlan | MiddleboxPlan;

/** What a step takes away from the other end: the one it speaks to, the way there, or nothing. */
export const TAKES_AWAY = ['peer', 'path', 'nothing'] as const;
export type TakesAway = (typeof TAKES_AWAY)[number];

/** Something that a host does or suffers. Everything that its verb decides when it is planned stands here. */
export interface ActionStep {
  kind: 'action';
  host: string;
  /** A file of src/stage/verbs, by name. */
  action: string;
  /** The verb's own parameters, as its schema read them. */
  params: Record<string, unknown>;
  /** Of a client: on which of its connections, by number; undefined: on all. */
  part?: { from: number; count: number };
  /** One connection after another, evenly over this time. */
  overSeconds?: number;
  /** How often it is done, one after another. */
  times?: number;
  /** From one beginning to the next; 0 where one follows the other at once. */
  everySeconds?: number;
  /** What it is to the silence of the host's connections: `sends` ends one and begins the next, `ends` has none after it. */
  talks?: 'sends' | 'ends';
  takesAway: TakesAway;
  /** Whether the step lasts until what it asked for has come. */
  awaited: boolean;
  /** How long its parameters make it last. */
  lastsSeconds?: number;
}

/** Actions that begin at one moment; the step ends with the last of them. */
export interface TogetherStep {
  kind: 'together';
  steps: ActionStep[];
}

export type Step = ActionStep | TogetherStep | { kind: 'quiet' | 'observe'; seconds: number };

export interface Expectation {
  check: string;
  params: Record<string, unknown>;
}

export interface ActPlan {
  name: string;
  title: string;
  ip: IpFamily;
  hosts: HostPlan[];
  paths: PathPlan[];
  /** By the hosts' names in the scenario file (a server's group). */
  tuning: Record<string, Tuning>;
  /** The same settings as they are in production, for advice. */
  productionTuning: Record<string, Tuning>;
  productionQuietSeconds: number;
  /** What the act wants of the kernel; undefined where any will do. */
  hz?: Hz;
  timeline: Step[];
  expect: Expectation[];
}

/** A scenario with everything resolved: nothing in it depends on files any more. */
export interface Plan {
  schemaVersion: 2;
  scenario: string;
  title: string;
  story: string;
  file: string;
  pace: Pace;
  acts: ActPlan[];
  next: string | null;
}

export const hostsOf = <R extends HostPlan['role']>(act: Pick<ActPlan, 'hosts'>, role: R) =>
  act.hosts.filter((host) => host.role === role) as Extract<HostPlan, { role: R }>[];
export const clientsOf = (act: Pick<ActPlan, 'hosts'>): ClientPlan[] => hostsOf(act, 'client');
export const serversOf = (act: Pick<ActPlan, 'hosts'>): ServerPlan[] => hostsOf(act, 'server');
export const boxesOf = (act: Pick<ActPlan, 'hosts'>): MiddleboxPlan[] => hostsOf(act, 'middlebox');
/** How a host is called in its scenario file. */
export const ownerOf = (host: HostPlan): string => (host.role === 'server' ? host.group : host.name);
/** The name of the file that plays a box. */
export const kindOf = ({ playedBy }: Pick<MiddleboxPlan, 'playedBy'>): string => Object.keys(playedBy)[0] as string;
/** All connections of an act's clients. */
export const connectionsOf = (act: Pick<ActPlan, 'hosts'>): number =>
  clientsOf(act).reduce((sum, { connections }) => sum + connections, 0);
/** Actions of a step, in order; none of a wait. */
export const actionsOf = (step: Step): readonly ActionStep[] =>
  step.kind === 'action' ? [step] : step.kind === 'together' ? step.steps : [];

type Hosts = Pick<ActPlan, 'hosts'>;

/** How long a host may take to do what it is told, seconds; what is spread over a time comes on top. */
const PATIENCE_SECONDS = 10;
/** The same for each of its connections, where they are very many: measured on two busy processors, 1.6 ms to open one with a library of Node’s. */
const PATIENCE_A_CONNECTION = 0.005;

/** How long an action takes by its plan, seconds: at least, and at most on a machine that is not overloaded. */
function actionLength({ hosts }: Hosts, step: ActionStep): { least: number; most: number } {
  const { overSeconds, part, times = 1, everySeconds = 0, lastsSeconds = 0, awaited } = step;
  const host = hosts.find(({ name }) => name === step.host);
  const connections = part?.count ?? (host?.role === 'client' ? host.connections : 1);
  const patience = Math.max(PATIENCE_SECONDS, connections * PATIENCE_A_CONNECTION);
  // The last connection begins this long after the first.
  const staggered = overSeconds === undefined ? 0 : (overSeconds * (connections - 1)) / connections;
  const apart = (times - 1) * everySeconds;
  return {
    least: apart + (awaited ? Math.max(staggered, lastsSeconds) : 0),
    most: apart + times * (patience + (overSeconds ?? 0) + lastsSeconds),
  };
}

/**
 * How long a step takes by its plan, seconds: a wait exactly as long as it says, actions any time that is not longer than the
 * lab's patience. What a busy machine adds is not in it.
 */
export function stepLength(act: Hosts, step: Step): { least: number; most: number } {
  if (step.kind === 'quiet' || step.kind === 'observe') return { least: step.seconds, most: step.seconds };
  const lengths = actionsOf(step).map((action) => actionLength(act, action));
  return {
    least: Math.max(0, ...lengths.map(({ least }) => least)),
    most: Math.max(0, ...lengths.map(({ most }) => most)),
  };
}

/** Seconds that a timeline itself asks to wait, with what is spread over time. */
export const waitSeconds = (act: Pick<ActPlan, 'hosts' | 'timeline'>): number =>
  act.timeline.reduce((sum, step) => sum + stepLength(act, step).least, 0);
