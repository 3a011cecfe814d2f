// Which packets between a host and its neighbours the verbs are about that lose, double and delay them.
import { z } from 'zod';
import type { Doing, Refusal } from '../plan/known.ts';
import { countParam } from '../plan/params.ts';
import { before, behind } from '../plan/paths.ts';
import type { HostPlan } from '../plan/plan.ts';
import type { CountedPackets, PacketKind } from './lab.ts';

/** How each kind is told, of one and of many. */
const KINDS = {
  syn: ['SYN', 'SYNs'],
  fin: ['FIN', 'FINs'],
  rst: ['RST', 'RSTs'],
  data: ['packet with data', 'packets with data'],
  empty: ['packet without data (ACK or probe)', 'packets without data (ACKs and probes)'],
} as const satisfies Record<PacketKind, readonly [string, string]>;

const MOST_PACKETS = 10_000;

/** Which link, and which direction on it. */
export const ON_LINK = {
  from: z.string().optional().describe('only those that come from this neighbour'),
  to: z.string().optional().describe('only those that go to this neighbour'),
};

export const PACKETS = {
  ...ON_LINK,
  packets: countParam(1, MOST_PACKETS).optional().describe('only the next so many; left out: all from now on'),
  kind: z
    .enum(Object.keys(KINDS) as [PacketKind, ...PacketKind[]])
    .optional()
    .describe('only SYNs, FINs, RSTs, packets with data, or empty ones: ACKs and keepalive probes'),
};

interface Params {
  from?: string;
  to?: string;
  packets?: number;
  kind?: PacketKind;
}

/** Why a neighbour cannot be meant; undefined where it can. */
export function refusesLink({ host, paths, params }: Doing): Refusal | undefined {
  const { from, to } = params as Params;
  if (from !== undefined && to !== undefined)
    return { what: '"from" and "to" at once: a packet has one direction on a link', todo: 'write two steps' };
  const named = from ?? to;
  const neighbours = [...before(paths, host.name), ...behind(paths, host.name)];
  return named === undefined || neighbours.includes(named)
    ? undefined
    : { what: `"${named}" is no neighbour of ${host.name}`, todo: `its neighbours are ${neighbours.join(', ')}` };
}

export function choiceOf(params: Record<string, unknown>): CountedPackets {
  const { from, to, packets, kind } = params as Params;
  const neighbour = from ?? to;
  return {
    ...(neighbour === undefined ? {} : { neighbour, direction: from === undefined ? 'out' : 'in' }),
    ...(packets === undefined ? {} : { packets }),
    ...(kind === undefined ? {} : { kind }),
  };
}

/** "from nlb to web", "between web and its neighbours". */
export function onLink(params: Record<string, unknown>, { name }: HostPlan): string {
  const { from, to } = params as Params;
  if (from !== undefined) return `from ${from} to ${name}`;
  return to === undefined ? `from and to ${name}` : `from ${name} to ${to}`;
}

/** "the next 2 FINs", "all packets". */
export function packetsText(params: Record<string, unknown>): string {
  const { packets, kind } = params as Params;
  const [one, many] = kind === undefined ? ['packet', 'packets'] : KINDS[kind];
  if (packets === undefined) return `all ${many}`;
  return packets === 1 ? `the next ${one}` : `the next ${packets} ${many}`;
}
