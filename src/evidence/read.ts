import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabError } from '../errors.ts';
import { EVIDENCE_FILES } from '../lab/collect.ts';
import type { KernelSocketOptions } from '../lab/lab.ts';
import type { ActRecord, RunRecord } from '../lab/record.ts';
import type { ActPlan } from '../scenario/plan.ts';
import type { Failure } from './failure.ts';
import type { Flow, FlowEvent } from './flows.ts';
import { mergeCaptures } from './merge.ts';
import { interfaceIndexOf, type Packet, parsePacket } from './packet.ts';
import { PcapStream } from './pcap.ts';
import { type CapturedFrame, readPcapng } from './pcapng.ts';
import type { ProxyLogEntry, ProxySession } from './proxy.ts';
import type { SocketRow } from './sockets.ts';

export type SampledSocket = SocketRow & { kernel?: KernelSocketOptions };

interface Look {
  act: string;
  sample: number;
  label: string;
  time: number;
  host: string;
}
/** All sockets of one host at one moment. `gone`: the host has lost its power, so it has no sockets. */
export interface SocketSample extends Look {
  kind: 'sample';
  sockets: SampledSocket[];
  gone?: true;
}
export interface SocketEnd {
  act: string;
  kind: 'destroyed';
  time: number;
  host: string;
  socket: SocketRow;
}
export interface FlowTable extends Look {
  kind: 'table';
  /** Present where the table is not connection tracking's, and nothing but looks tells of it. */
  tracker?: string;
  flows: Flow[];
}
export interface FlowChange extends FlowEvent {
  act: string;
  kind: 'event';
  host: string;
}
export interface ProxySessions extends Look {
  kind: 'proxy-sessions';
  sessions: ProxySession[];
}
export interface ProxyLog {
  act: string;
  kind: 'proxy-log';
  time: number;
  host: string;
  line: string;
  session?: ProxyLogEntry;
}

/** An event of the client library, or of the lab, as events.ndjson holds it. */
export interface AppEvent {
  act: string;
  host: string;
  time: number;
  event: string;
  connection?: number;
  id?: string;
  to?: 'request' | 'heartbeat';
  local?: string;
  /** Of an `error` or `failed`: what it was, by the library's adapter. Runs recorded before it did so have none. */
  failure?: Failure;
  /** For people only. */
  code?: string;
  message?: string;
  latency?: number;
  delaySeconds?: number;
  ids?: string[];
  text?: string;
}

/** Everything that was seen in one act, in the order of time. */
export interface ActEvidence {
  plan: ActPlan;
  record: ActRecord;
  packets: Packet[];
  samples: SocketSample[];
  ends: SocketEnd[];
  flowTables: FlowTable[];
  flowEvents: FlowChange[];
  proxySessions: ProxySessions[];
  proxyLog: ProxyLog[];
  events: AppEvent[];
}

export interface Evidence {
  run: RunRecord;
  acts: ActEvidence[];
  /** The merged capture; packet n is frame n - 1. */
  frames: CapturedFrame[];
}

export const RUN_FILE = 'run.json';
export const CAPTURE_FILE = 'capture.pcapng';

/** `<act>.<host>.pcap`, as the collector leaves them. */
const PIECE = /^(.+)\.([^.]+)\.pcap$/;

/** @throws LabError BAD_EVIDENCE */
function damaged(file: string, error: unknown): LabError {
  return new LabError(
    'BAD_EVIDENCE',
    `cannot read ${file}: ${(error as Error).message}`,
    'the run’s folder is damaged: run the scenario again',
    error,
  );
}

function readFrames(folder: string, acts: readonly ActRecord[]): CapturedFrame[] {
  const merged = join(folder, CAPTURE_FILE);
  if (existsSync(merged)) return readPcapng(readFileSync(merged));
  const captures: CapturedFrame[][] = [];
  for (const file of readdirSync(folder)) {
    const [, act, host] = PIECE.exec(file) ?? [];
    if (act === undefined || host === undefined) continue;
    const names = acts.find((candidate) => candidate.name === act)?.interfaces[host] ?? {};
    captures.push(
      new PcapStream().push(readFileSync(join(folder, file))).map((frame) => {
        const index = interfaceIndexOf(frame.data, frame.linkType);
        return { ...frame, host, interface: names[index] ?? `if${index}` };
      }),
    );
  }
  return mergeCaptures(captures);
}

function readRows<T extends { act: string; time: number }>(folder: string, file: string): T[] {
  try {
    return readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T)
      .sort((a, b) => a.time - b.time);
  } catch (error) {
    throw damaged(file, error);
  }
}

/**
 * Reads what a run left in its folder: run.json, the captures, and the NDJSON files.
 * @throws LabError BAD_EVIDENCE
 */
export function readEvidence(folder: string): Evidence {
  let run: RunRecord;
  let frames: CapturedFrame[];
  try {
    run = JSON.parse(readFileSync(join(folder, RUN_FILE), 'utf8')) as RunRecord;
  } catch (error) {
    throw damaged(RUN_FILE, error);
  }
  try {
    frames = readFrames(folder, run.acts);
  } catch (error) {
    throw damaged(CAPTURE_FILE, error);
  }
  const packets = frames.flatMap((frame, index): Packet[] => {
    const packet = parsePacket(frame.data, frame.linkType);
    if (!packet) return [];
    const { interfaceIndex: _, ...rest } = packet;
    return [{ n: index + 1, time: frame.time, host: frame.host, interface: frame.interface, ...rest }];
  });
  const sockets = readRows<SocketSample | SocketEnd>(folder, EVIDENCE_FILES.sockets);
  const flows = readRows<FlowTable | FlowChange | ProxySessions | ProxyLog>(folder, EVIDENCE_FILES.flows);
  const events = readRows<AppEvent>(folder, EVIDENCE_FILES.events);
  const acts = run.acts.map((record): ActEvidence => {
    const plan = run.plan.acts.find((act) => act.name === record.name);
    if (!plan) throw damaged(RUN_FILE, new Error(`it has no plan for the act ${record.name}`));
    const mine = <T extends { act: string; kind?: string }, K extends T['kind']>(rows: readonly T[], kind: K) =>
      rows.filter((row) => row.act === record.name && row.kind === kind) as Extract<T, { kind: K }>[];
    return {
      plan,
      record,
      packets: packets.filter((packet) => packet.time >= record.from - 1 && packet.time <= record.to),
      samples: mine(sockets, 'sample'),
      ends: mine(sockets, 'destroyed'),
      flowTables: mine(flows, 'table'),
      flowEvents: mine(flows, 'event'),
      proxySessions: mine(flows, 'proxy-sessions'),
      proxyLog: mine(flows, 'proxy-log'),
      events: events.filter((event) => event.act === record.name),
    };
  });
  return { run, acts, frames };
}
