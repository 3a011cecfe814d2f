import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { now } from '../clock.ts';
import { parseFlow, parseFlowEvent } from '../evidence/conntrack.ts';
import { parseProxyLog, parseProxySessions } from '../evidence/proxy.ts';
import { parseSocket, SS_ARGUMENTS } from '../evidence/sockets.ts';
import type { Lab, LabHost, LabProcess } from './lab.ts';
import type { LostEvidence } from './record.ts';

export const EVIDENCE_FILES = { sockets: 'sockets.ndjson', flows: 'flows.ndjson', events: 'events.ndjson' } as const;

/**
 * Every frame of every interface, at once and in order. The ring has slots of one size, so a snap length far above what the
 * lab sends would leave only a few of them (TPACKET_V2): 1600 bytes hold all headers and the lab's own messages.
 */
const TCPDUMP_ARGUMENTS = [
  // Where we are root, it would become a user who may not write here (never so in a user namespace of our own).
  ...(process.getuid?.() === 0 ? ['-Z', 'root'] : []),

  '-i',
  'any',
  '-U',
  '--immediate-mode',
  '--time-stamp-precision=nano',
  '-s',
  '1600',
  '-B',
  '16384',
];
/**
 * Births and deaths only, and the largest buffer we may ask for: one look at a table makes the kernel tell of all flows
 * that have expired at once. (Beyond net.core.rmem_max would take privileges over the machine itself.)
 */
const CONNTRACK_ARGUMENTS = ['-E', '-e', 'NEW,DESTROY', '-o', 'timestamp,id,extended', '-b', String(8 * 1024 * 1024)];

/** Gathers the evidence of one act: what packets, sockets, flow tables and programs say, each with its time. */
export class Collector {
  readonly folder: string;
  readonly #act: string;
  readonly #lab: Lab;
  readonly #middlebox: LabHost;
  readonly #streams: LabProcess[] = [];
  readonly #captures: LabProcess[] = [];
  #sessions: (() => Promise<string>) | undefined;
  #samples = 0;
  readonly #lostFrames: string[] = [];
  #lostFlowEvents = false;
  /** Straight into a file: a reader that falls behind would make the kernel drop events. */
  readonly #flowEvents: string;

  constructor(lab: Lab, act: string, middlebox: string, folder: string) {
    this.#lab = lab;
    this.#act = act;
    this.#middlebox = lab.host(middlebox);
    this.folder = folder;
    this.#flowEvents = join(lab.folder, 'flow-events');
    mkdirSync(join(folder, 'config'), { recursive: true });
    for (const file of Object.values(EVIDENCE_FILES)) appendFileSync(join(folder, file), '');
  }

  #row(file: keyof typeof EVIDENCE_FILES, row: Record<string, unknown>): void {
    appendFileSync(join(this.folder, EVIDENCE_FILES[file]), `${JSON.stringify({ act: this.#act, ...row })}\n`);
  }

  event(host: string, row: Record<string, unknown> & { time: number }): void {
    this.#row('events', { host, ...row });
  }

  proxyLog(line: string): void {
    this.#row('flows', {
      kind: 'proxy-log',
      time: now(),
      host: this.#middlebox.name,
      line,
      session: parseProxyLog(line),
    });
  }

  writeConfig(name: string, text: string): string {
    const file = join(this.folder, 'config', `${this.#act}-${name}`);
    writeFileSync(file, text);
    return file;
  }

  useSessions(sessions: (() => Promise<string>) | undefined): void {
    this.#sessions = sessions;
  }

  /** Starts captures and event streams; they are ready when this returns. */
  async start(): Promise<void> {
    const hosts = [...this.#lab.hosts.values()];
    const captures = hosts.map((host) =>
      host.spawn('tcpdump', [...TCPDUMP_ARGUMENTS, '-w', join(this.folder, `${this.#act}.${host.name}.pcap`)], {
        as: `the capture on ${host.name}`,
        onErrorLine: (line) => {
          const [, count] = /^(\d+) packets? dropped by kernel/.exec(line) ?? [];
          if (Number(count) > 0) this.#lostFrames.push(`${count} frames on ${host.name}`);
        },
      }),
    );
    this.#captures.push(...captures);
    for (const host of hosts)
      this.#streams.push(
        host.spawn('stdbuf', ['-oL', 'ss', '-E', ...SS_ARGUMENTS], {
          as: `the socket watch on ${host.name}`,
          onLine: (line) => {
            const socket = parseSocket(line);
            if (socket) this.#row('sockets', { kind: 'destroyed', time: now(), host: host.name, socket });
          },
        }),
      );
    this.#streams.push(
      this.#middlebox.spawn('conntrack', CONNTRACK_ARGUMENTS, {
        as: `the flow watch on ${this.#middlebox.name}`,
        onErrorLine: (line) => {
          if (line.includes('ENOBUFS')) this.#lostFlowEvents = true;
        },
        output: this.#flowEvents,
      }),
    );
    await Promise.all(captures.map((capture) => capture.line(/listening on/)));
  }

  /** Rejects when a collector dies: evidence would be missing. */
  get died(): Promise<never>[] {
    return [...this.#captures, ...this.#streams].map((process) => process.died);
  }

  /** One look at every socket table, the flow table and the proxy's sessions. */
  async sample(label: string): Promise<void> {
    const sample = ++this.#samples;
    const middlebox = this.#middlebox.name;
    await Promise.all([
      ...[...this.#lab.hosts.values()].map(async (host) => {
        if (host.gone) {
          this.#row('sockets', {
            kind: 'sample',
            sample,
            label,
            time: now(),
            host: host.name,
            sockets: [],
            gone: true,
          });
          return;
        }
        const output = await host.run('ss', SS_ARGUMENTS);
        const time = now();
        const options = host.socketOptions();
        const sockets = output
          .split('\n')
          .map(parseSocket)
          .filter((socket) => socket !== undefined && socket.state !== 'LISTEN')
          .map((socket) => ({ ...socket, kernel: options.get(socket?.inode as number) }));
        this.#row('sockets', { kind: 'sample', sample, label, time, host: host.name, sockets });
      }),
      (async () => {
        const output = await this.#middlebox.run('conntrack', ['-L', '-o', 'id,extended']);
        const flows = output.split('\n').map(parseFlow).filter(Boolean);
        this.#row('flows', { kind: 'table', sample, label, time: now(), host: middlebox, flows });
      })(),
      (async () => {
        if (!this.#sessions) return;
        const text = await this.#sessions();
        this.#row('flows', {
          kind: 'proxy-sessions',
          sample,
          label,
          time: now(),
          host: middlebox,
          sessions: parseProxySessions(text),
          text,
        });
      })(),
    ]);
  }

  /** What the collectors had to let go, being too slow; known once they have stopped. */
  get lost(): LostEvidence {
    return { frames: this.#lostFrames, flowEvents: this.#lostFlowEvents };
  }

  async stop(): Promise<void> {
    await Promise.all([
      ...this.#captures.map((capture) => capture.stop('SIGINT')),
      ...this.#streams.map((stream) => stream.stop('SIGTERM')),
    ]);
    for (const line of readFileSync(this.#flowEvents, 'utf8').split('\n')) {
      const event = parseFlowEvent(line);
      if (event) this.#row('flows', { kind: 'event', host: this.#middlebox.name, ...event });
    }
  }
}
