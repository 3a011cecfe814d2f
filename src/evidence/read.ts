import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { LabError, messageOf } from '../base/errors.ts';
import { ID } from '../base/ids.ts';
import type { ActPlan } from '../plan/plan.ts';
import { mergeCaptures } from '../wire/merge.ts';
import { interfaceIndexOf, type Packet, parsePacket } from '../wire/packet.ts';
import { PcapStream } from '../wire/pcap.ts';
import { type CapturedFrame, readPcapng } from '../wire/pcapng.ts';
import { unpackCapture } from './capture-file.ts';
import { badEvidence, MOST_BYTES, parseDocument, parseRows, readBytes } from './document.ts';
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
  /** The merged capture; packet n is frame n - 1. */
  frames: CapturedFrame[];
  /** How many rows and frames were read. */
  counts: Counts;
}

/** `<act>.<host>.pcap`, as the collector leaves them. */
const PIECE = /^(.+)\.([^.]+)\.pcap$/;

/** Frames in the order of time, and in words what of them is missing. */
interface Capture {
  frames: CapturedFrame[];
  cut: string[];
}

function readMerged(file: string): Capture {
  const { frames, cut } = readPcapng(unpackCapture(readBytes(file, MOST_BYTES.evidence), MOST_BYTES.evidence));
  return { frames, cut: cut ? [`${CAPTURE_FILE} ends in the middle of a packet`] : [] };
}

/** The captures of each act and host, while they are not merged yet. */
function readPieces(folder: string, acts: readonly ActRecord[]): Capture {
  const captures: CapturedFrame[][] = [];
  const missing = new Set(
    acts.flatMap(({ name, addresses }) => Object.keys(addresses).map((host) => `${name}.${host}.pcap`)),
  );
  const cut: string[] = [];
  for (const file of readdirSync(folder)) {
    const [, act, host] = PIECE.exec(file) ?? [];
    if (act === undefined || host === undefined) continue;
    missing.delete(file);
    const names = acts.find((candidate) => candidate.name === act)?.interfaces[host] ?? {};
    const stream = new PcapStream();
    const frames = stream.push(readBytes(join(folder, file), MOST_BYTES.evidence));
    if (!stream.whole) cut.push(`${file} ends in the middle of a packet`);
    captures.push(
      frames.map((frame) => {
        const index = interfaceIndexOf(frame.data, frame.linkType);
        return { ...frame, host, interface: names[index] ?? `if${index}` };
      }),
    );
  }
  return { frames: mergeCaptures(captures), cut: [...cut, ...[...missing].map((file) => `${file} is missing`)] };
}

/** @throws LabError BAD_EVIDENCE */
function readCapture(folder: string, acts: readonly ActRecord[]): Capture {
  const merged = join(folder, CAPTURE_FILE);
  try {
    const capture = existsSync(merged) ? readMerged(merged) : readPieces(folder, acts);
    const stranger = [...new Set(capture.frames.map(({ host }) => host))].find((host) => !ID.test(host));
    if (stranger !== undefined) throw new Error(`it is of a host called ${JSON.stringify(stranger)}`);
    return capture;
  } catch (error) {
    if (error instanceof LabError) throw error;
    throw badEvidence(CAPTURE_FILE, messageOf(error), undefined, error);
  }
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
  const { frames, cut } = readCapture(folder, run.acts);
  const packets = frames.flatMap((frame, index): Packet[] => {
    const packet = parsePacket(frame.data, frame.linkType);
    if (!packet) return [];
    const { interfaceIndex: _, ...rest } = packet;
    return [{ n: index + 1, time: frame.time, host: frame.host, interface: frame.interface, ...rest }];
  });
  const rowsOf = <T extends { time: number }>(file: string, schema: z.ZodType<T>): T[] => {
    const read = parseRows(readBytes(join(folder, file), MOST_BYTES.evidence), file, schema);
    if (read.cut) cut.push(`${file} ends in the middle of a row`);
    return inOrder(read.rows);
  };
  const sockets = rowsOf(EVIDENCE_FILES.sockets, socketsRow);
  const flows = rowsOf(EVIDENCE_FILES.flows, flowsRow);
  const events = rowsOf(EVIDENCE_FILES.events, eventsRow);
  const counts = { sockets: sockets.length, flows: flows.length, events: events.length, frames: frames.length };
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
  return { run, acts, frames, counts };
}
