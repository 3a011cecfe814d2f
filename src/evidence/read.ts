import { join } from 'node:path';
import type { z } from 'zod';
import type { ActPlan } from '../plan/plan.ts';
import type { Packet } from '../wire/packet.ts';
import { type Capture, readCapture } from './capture.ts';
import { MOST_BYTES, parseDocument, parseRows, readBytes } from './document.ts';
import { CAPTURE_FILE, EVIDENCE_FILES, RUN_FILE } from './files.ts';
import { lostFlowEvents } from './gaps.ts';
import { type ActRecord, type Counts, type RunRecord, runRecord } from './record.ts';
import {
  type AppEvent,
  eventsRow,
  type FlowChange,
  type FlowTable,
  type Forgotten,
  flowsRow,
  type ProxyLog,
  type ProxySessions,
  type SampledSocket,
  type SocketEnd,
  type SocketSample,
  socketsRow,
} from './rows.ts';

export type {
  AppEvent,
  FlowChange,
  FlowTable,
  Forgotten,
  ProxyLog,
  ProxySessions,
  SampledSocket,
  SocketEnd,
  SocketSample,
} from './rows.ts';

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
  /** What boxes with timers of their own told of them. */
  forgotten: Forgotten[];
  events: AppEvent[];
}

export interface Evidence {
  run: RunRecord;
  acts: ActEvidence[];
  capture: Omit<Capture, 'packets'>;
  /** How many rows and frames were read. */
  counts: Counts;
}

/** Has looks share what they say alike of the same sockets: there may be 10,000 of them, looked at again and again. */
function sharing(): (row: z.infer<typeof socketsRow>) => void {
  const texts = new Map<string, string>();
  const options = new Map<string, NonNullable<SampledSocket['kernel']>>();
  const shared = <K, V>(known: Map<K, V>, key: K, value: V): V => {
    const first = known.get(key);
    if (first === undefined) known.set(key, value);
    return first ?? value;
  };
  return (row) => {
    for (const socket of row.kind === 'sample' ? row.sockets : []) {
      socket.local = shared(texts, socket.local, socket.local);
      socket.peer = shared(texts, socket.peer, socket.peer);
      socket.cookie = shared(texts, socket.cookie, socket.cookie);
      const { kernel } = socket;
      if (kernel) socket.kernel = shared(options, Object.values(kernel).join(' '), kernel);
    }
  };
}

const inOrder = <T extends { time: number }>(rows: T[]): T[] => rows.sort((a, b) => a.time - b.time);

/** What of the evidence is not there although it was written, in words. */
function missingRows(counts: Counts, written: Counts | undefined): string[] {
  if (written === undefined) return [`${RUN_FILE} does not say how many rows and packets there were`];
  return (Object.keys(counts) as (keyof Counts)[]).flatMap((what) => {
    const [found, wanted] = [counts[what], written[what]];
    const file = what === 'frames' ? CAPTURE_FILE : EVIDENCE_FILES[what];
    return found === wanted ? [] : [`${file} holds ${found} ${what === 'frames' ? 'packets' : 'rows'}, not ${wanted}`];
  });
}

/**
 * Reads what a run left in its folder: run.json, the captures, and the NDJSON files. What is found to be missing is added to
 * the acts' `lostEvidence`; where run.json does not say how much there was, that is not known to be nothing.
 * @param options `justRecorded`: by the lab itself, which counts now what there is
 * @throws LabError BAD_EVIDENCE
 */
export function readEvidence(folder: string, { justRecorded = false }: { justRecorded?: boolean } = {}): Evidence {
  const run = parseDocument(readBytes(join(folder, RUN_FILE), MOST_BYTES.record).toString('utf8'), RUN_FILE, runRecord);
  const { packets, ...capture } = readCapture(folder, run.acts);
  const cut = [...capture.cut];
  const rowsOf = <T extends { time: number }>(file: string, schema: z.ZodType<T>, keep?: (row: T) => void): T[] => {
    const read = parseRows(readBytes(join(folder, file), MOST_BYTES.evidence), file, schema, { keep });
    if (read.cut) cut.push(`${file} ends in the middle of a row`);
    return inOrder(read.rows);
  };
  const sockets = rowsOf(EVIDENCE_FILES.sockets, socketsRow, sharing());
  const flows = rowsOf(EVIDENCE_FILES.flows, flowsRow);
  const events = rowsOf(EVIDENCE_FILES.events, eventsRow);
  const counts = { sockets: sockets.length, flows: flows.length, events: events.length, frames: capture.frames };
  cut.push(...missingRows(counts, justRecorded ? counts : run.counts));
  const acts = run.acts.map((record): ActEvidence => {
    const mine = <T extends { act: string; kind?: string }, K extends T['kind']>(rows: readonly T[], kind: K) =>
      rows.filter((row) => row.act === record.name && row.kind === kind) as Extract<T, { kind: K }>[];
    const [flowTables, flowEvents] = [mine(flows, 'table'), mine(flows, 'event')];
    const lost = record.lostEvidence;
    return {
      plan: run.plan.acts.find((act) => act.name === record.name) as ActPlan,
      record: {
        ...record,
        lostEvidence: {
          frames: lost.frames,
          flowEvents: lost.flowEvents || lostFlowEvents(flowTables, flowEvents),
          cut: [...(lost.cut ?? []), ...cut],
        },
      },
      packets: packets.filter((packet) => packet.time >= record.from - 1 && packet.time <= record.to),
      samples: mine(sockets, 'sample'),
      ends: mine(sockets, 'destroyed'),
      flowTables,
      flowEvents,
      proxySessions: mine(flows, 'proxy-sessions'),
      proxyLog: mine(flows, 'proxy-log'),
      forgotten: mine(flows, 'forgot'),
      events: events.filter((event) => event.act === record.name),
    };
  });
  return { run, acts, capture, counts };
}
