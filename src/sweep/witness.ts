// One connection packet by packet, from the captures of a trial that was played once more: what went through the middlebox, what
// it swallowed or answered itself, and how long it had heard nothing each time.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Packet, parsePacket } from '../evidence/packet.ts';
import { PcapStream } from '../evidence/pcap.ts';
import { nameSegments, type Segment } from '../evidence/segments.ts';
import type { Ladder, LadderRow } from '../judge/result.ts';
import { plainDuration, shortDuration } from '../scenario/duration.ts';
import { settingsText } from './grid.ts';
import type { CellResult, SweepResult } from './result.ts';
import { cellAt, type SweepSpec } from './spec.ts';
import { type Outcome, type Question, type Trial, trialOf } from './trial.ts';

const [CLIENT, BALANCER, SERVER] = ['client', 'balancer', 'server'] as const;

type Seen = Segment;

/** Packets of one connection as one host saw them. */
function packetsOf(file: string, host: string, isMine: (packet: Packet) => boolean): Seen[] {
  if (!existsSync(file)) return [];
  const frames = new PcapStream().push(readFileSync(file));
  const packets = frames.flatMap((frame): Packet[] => {
    const packet = parsePacket(frame.data, frame.linkType);
    return packet ? [{ ...packet, n: 0, host, interface: 'eth0', time: frame.time }] : [];
  });
  return nameSegments(packets.filter(isMine));
}

/** A packet on the client's side and the same on the server's: the middlebox changes addresses, not numbers. */
const same = (a: Seen, b: Seen): boolean =>
  a.flags === b.flags && a.seq === b.seq && a.ack === b.ack && a.length === b.length && Math.abs(a.time - b.time) < 1;

interface Step {
  time: number;
  from: string;
  to: string;
  lost: boolean;
  segment: Seen;
}

/** What each packet did: through, swallowed on its way, or made by the middlebox. */
function stepsOf(client: readonly Seen[], server: readonly Seen[], port: number): Step[] {
  const far = [...server];
  const take = (segment: Seen): Seen | undefined => {
    const index = far.findIndex((each) => same(segment, each));
    return index < 0 ? undefined : far.splice(index, 1)[0];
  };
  const near = client.map((segment): Step => {
    const toServer = segment.dport === port;
    const other = take(segment);
    const lost = other === undefined && toServer;
    return {
      time: segment.time,
      from: toServer ? CLIENT : other === undefined ? BALANCER : SERVER,
      to: toServer ? (other === undefined ? BALANCER : SERVER) : CLIENT,
      lost,
      segment,
    };
  });
  const rest = far.map((segment): Step => {
    const fromServer = segment.sport === port;
    return {
      time: segment.time,
      from: fromServer ? SERVER : BALANCER,
      to: fromServer ? BALANCER : SERVER,
      lost: fromServer,
      segment,
    };
  });
  return [...near, ...rest].sort((a, b) => a.time - b.time);
}

/** Of a run of alike cycles so many stand at its beginning and at its end. */
const SHOWN = 4;

const isCycle = ({ segment: { name } }: Step): boolean => name.startsWith('keepalive');

/** Long runs of probes and answers, folded. */
function folded(rows: { row: LadderRow; step: Step | undefined }[], start: number): LadderRow[] {
  const result: LadderRow[] = [];
  for (let index = 0; index < rows.length; ) {
    let end = index;
    while (end < rows.length && rows[end]?.step !== undefined && isCycle(rows[end]?.step as Step)) end++;
    const count = end - index;
    if (count <= 2 * SHOWN + 1) {
      result.push((rows[index] as (typeof rows)[0]).row);
      index++;
      continue;
    }
    const [first, last] = [rows[index + SHOWN], rows[end - SHOWN - 1]] as [(typeof rows)[0], (typeof rows)[0]];
    result.push(
      ...rows.slice(index, index + SHOWN).map(({ row }) => row),
      {
        kind: 'fold',
        at: (first.step as Step).time - start,
        seconds: (last.step as Step).time - (first.step as Step).time,
        packets: count - 2 * SHOWN,
        text: `${count - 2 * SHOWN} more probes and answers`,
      },
      ...rows.slice(end - SHOWN, end).map(({ row }) => row),
    );
    index = end;
  }
  return result;
}

/** Of what is left so much stands at the beginning and at the end; between them only what is out of the ordinary. */
const MOST_ROWS = 40;

/** Long runs of anything alike, heartbeats above all, folded. */
function foldedAgain(rows: readonly LadderRow[]): LadderRow[] {
  if (rows.length <= 2 * MOST_ROWS) return [...rows];
  const ordinary = (row: LadderRow) =>
    row.kind !== 'packet' || (!row.lost && !/[SFR]/.test(row.flags) && row.name !== 'retransmission');
  const result: LadderRow[] = [];
  let run: LadderRow[] = [];
  const flush = () => {
    const packets = run.filter(({ kind }) => kind === 'packet').length;
    const [first, last] = [run[0], run.at(-1)];
    if (first !== undefined && last !== undefined)
      result.push({
        kind: 'fold',
        at: first.at,
        seconds: last.at - first.at,
        packets,
        text: `${packets} more packets`,
      });
    run = [];
  };
  for (const [index, row] of rows.entries()) {
    const edge = index < MOST_ROWS / 2 || index >= rows.length - MOST_ROWS / 2;
    if (!edge && ordinary(row)) {
      run.push(row);
      continue;
    }
    flush();
    result.push(row);
  }
  flush();
  return result;
}

/** Silences that are worth a word: an eighth of the patience. */
const WORTH = 8;

/**
 * The ladder of a trial.
 * @param folder of its captures, a pcap file for each host
 */
export function ladderOf(trial: Trial, outcome: Outcome, folder: string): Ladder | undefined {
  const { local, port } = outcome;
  if (local === undefined || port === undefined) return undefined;
  const [address, clientPort] = [
    local.slice(0, local.lastIndexOf(':')),
    Number(local.slice(local.lastIndexOf(':') + 1)),
  ];
  const mine = ({ sport, dport }: Packet) =>
    (sport === clientPort && dport === port) || (sport === port && dport === clientPort);
  const proxied = trial.box.middlebox.layer === 'L7';
  const client = packetsOf(
    join(folder, 'client.pcap'),
    CLIENT,
    (packet) => mine(packet) && [packet.src, packet.dst].includes(address),
  );
  const [begin] = client;
  const server = proxied
    ? ownConnection(
        packetsOf(join(folder, 'server.pcap'), SERVER, ({ sport, dport }) => sport === port || dport === port),
        port,
        begin?.time ?? 0,
      )
    : packetsOf(join(folder, 'server.pcap'), SERVER, mine);
  const [first] = client;
  if (first === undefined) return undefined;
  const start = first.time;
  const all = proxied ? apart(client, server, port) : stepsOf(client, server, port);
  // What was answered is closed then, which is no part of the story.
  const bye = all.findIndex(({ segment }) => segment.flags.includes('F'));
  const steps = outcome.met === 'ok' && bye > 0 ? all.slice(0, bye) : all;
  const { timeoutSeconds } = trial.box.middlebox;
  let heard = start;
  const rows = steps.flatMap((step): { row: LadderRow; step: Step | undefined }[] => {
    const { time, from, to, lost, segment } = step;
    const idle = time - heard;
    const { flags, length, name } = segment;
    const packet: LadderRow = {
      kind: 'packet',
      at: time - start,
      packet: 0,
      from,
      to,
      lost,
      flags,
      length,
      name,
      seq: segment.relativeSeq,
      ack: segment.relativeAck,
      ...(noteOf(step, timeoutSeconds, idle) ?? {}),
    };
    const clock: { row: LadderRow; step: Step | undefined }[] =
      idle > timeoutSeconds / WORTH && !isCycle(step)
        ? [
            {
              row: {
                kind: 'states',
                at: time - start,
                label: `idle ${plainDuration(idle)} of ${plainDuration(timeoutSeconds)}`,
                states: statesAt(steps, time),
              },
              step: undefined,
            },
          ]
        : [];
    if (!lost && from !== BALANCER) heard = time;
    return [...clock, { row: packet, step }];
  });
  const last = steps.at(-1) as Step;
  return {
    connection: 1,
    lanes: [
      { host: CLIENT, role: 'client' },
      { host: BALANCER, role: 'middlebox' },
      { host: SERVER, role: 'broker' },
    ],
    rows: [
      ...foldedAgain(folded(rows, start)),
      {
        kind: 'states',
        at: last.time - start,
        label: outcome.met === undefined ? '' : `the request met: ${outcome.met}`,
        states: {
          [CLIENT]: outcome.met === 'ok' ? 'ESTAB' : 'gone',
          [SERVER]: outcome.zombie ? 'ZOMBIE' : outcome.met === 'ok' ? 'ESTAB' : 'gone',
        },
      },
    ],
  };
}

/** A proxy's own connection for a client's: the first that it opened after that. */
function ownConnection(packets: readonly Seen[], port: number, time: number): Seen[] {
  const syn = packets.find((packet) => packet.time >= time && packet.dport === port && packet.flags === 'S');
  return syn === undefined ? [] : packets.filter(({ sport, dport }) => sport === syn.sport || dport === syn.sport);
}

/** Behind a proxy the two sides are two connections. */
function apart(client: readonly Seen[], server: readonly Seen[], port: number): Step[] {
  return [
    ...client.map(
      (segment): Step => ({
        time: segment.time,
        from: segment.dport === port ? CLIENT : BALANCER,
        to: segment.dport === port ? BALANCER : CLIENT,
        lost: false,
        segment,
      }),
    ),
    ...server.map(
      (segment): Step => ({
        time: segment.time,
        from: segment.sport === port ? SERVER : BALANCER,
        to: segment.sport === port ? BALANCER : SERVER,
        lost: false,
        segment,
      }),
    ),
  ].sort((a, b) => a.time - b.time);
}

function noteOf({ lost, from, segment }: Step, timeoutSeconds: number, idle: number): { note: string } | undefined {
  if (!lost && segment.name === 'keepalive probe' && from === CLIENT)
    return { note: `idle clock ${plainDuration(idle)} of ${plainDuration(timeoutSeconds)}, starts anew` };
  if (lost && idle > timeoutSeconds)
    return { note: `too late: ${plainDuration(idle)} without a packet, the flow is forgotten` };
  if (from === BALANCER && segment.flags.includes('R'))
    return { note: 'made by the middlebox: nobody behind it has heard of this' };
  return undefined;
}

/** In which state each end is, as far as its packets tell. */
function statesAt(steps: readonly Step[], time: number): Record<string, string> {
  const before = steps.filter((step) => step.time < time);
  const over = (host: string) =>
    before.some(
      ({ from, to, segment }) =>
        (to === host && segment.flags.includes('R')) || ((from === host || to === host) && segment.flags.includes('F')),
    );
  return {
    [CLIENT]: over(CLIENT) ? 'closed' : 'ESTAB',
    [SERVER]: over(SERVER) ? 'closed' : 'ESTAB',
  };
}

export interface Witnessed {
  /** Of the cell. */
  id: string;
  trial: Trial;
  title: string;
  says: string;
}

const MOST_BOXES = 3;

/** Which connections are worth a look: the recommended one, and the one next to it that breaks, by what breaks it. */
export function witnessesFor(result: SweepResult, spec: SweepSpec): Witnessed[] {
  const usual = ({ box }: { box: number }) =>
    spec.boxes[box]?.middlebox.timeoutSeconds === spec.boxes[box]?.defaultSeconds ? 0 : 1;
  const chosen = result.recommendations
    .filter(({ cell }) => cell !== null)
    .sort((a, b) => usual(a) - usual(b))
    .slice(0, MOST_BOXES);
  return chosen.flatMap((recommendation) => {
    const find = (id: string | null | undefined) => result.cells.find((cell) => cell.id === id);
    const broken = recommendation.neighbours.find(({ expected }) => expected === 'breaks');
    const tcp = result.cells.find(
      ({ box, client, measured }) =>
        box === recommendation.box &&
        client.keepalive !== 'off' &&
        client.heartbeatSeconds === undefined &&
        measured !== null &&
        measured.survives.yes === 0,
    );
    const [best, worse] = [find(recommendation.cell), find(broken?.cell) ?? tcp];
    const told = (cell: CellResult | undefined, question: Question, title: string): Witnessed[] => {
      const box = spec.boxes[cell?.box ?? -1];
      if (cell === undefined || box === undefined) return [];
      const { cell: model } = cellAt(box, cell.point, spec);
      return [
        {
          id: cell.id,
          trial: trialOf(model, box.playedBy, question, 1, spec.seed),
          title: `${box.profile} ${shortDuration(box.middlebox.timeoutSeconds)}: ${settingsText(cell.point) || 'nothing set'}: ${title}`,
          says: questionSays(question),
        },
      ];
    };
    return [
      ...told(best, { kind: 'quiet' }, 'the recommended one'),
      ...told(
        worse,
        worse === undefined ? { kind: 'quiet' } : breaking(worse, spec),
        worse === tcp ? 'a keepalive does not help' : 'the next one that breaks',
      ),
    ];
  });
}

/** The question that a cell fails first. */
function breaking({ measured }: CellResult, { demands }: SweepSpec): Question {
  const fails = (proportion: { yes: number; of: number } | undefined) =>
    proportion !== undefined && proportion.yes < proportion.of;
  if (!fails(measured?.survives)) {
    if (fails(measured?.lost[demands.lost])) return { kind: 'lost', count: demands.lost };
    if (fails(measured?.outage[demands.outageSeconds])) return { kind: 'outage', seconds: demands.outageSeconds };
  }
  return { kind: 'quiet' };
}

const questionSays = (question: Question): string => {
  if (question.kind === 'lost')
    return `After a while ${question.count} packets of the client in a row are lost on their way to the middlebox.`;
  return question.kind === 'outage'
    ? `For ${plainDuration(question.seconds)} nothing gets through.`
    : 'Nothing is said through the quiet; then a request is made.';
};
