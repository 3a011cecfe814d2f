import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EVIDENCE_FILES } from '../evidence/files.ts';
import type { Forgetting } from '../talk/flow-clocks.ts';
import type { ProxyLogEntry } from '../wire/haproxy-log.ts';
import type { PlayedBox } from './box.ts';
import type { Lab, LabHost } from './lab.ts';
import type { LookRecord, LostEvidence } from './record.ts';

/** What one connection may send and receive at a host in one burst, counted generously. */
const FRAMES_A_CONNECTION = 64;
const SLOTS = { least: 1024, most: 65_536 } as const;

const slotsFor = (connections: number): number =>
  Math.min(SLOTS.most, Math.max(SLOTS.least, 2 ** Math.ceil(Math.log2(connections * FRAMES_A_CONNECTION))));

/** Gathers the evidence of one act: what packets, sockets, flow tables and programs say, each with its time. */
export class Collector {
  readonly folder: string;
  readonly #act: string;
  readonly #lab: Lab;
  readonly #boxes: readonly string[];
  readonly #played = new Map<string, PlayedBox>();
  /** When each look began and ended. */
  readonly looks: LookRecord[] = [];
  #samples = 0;
  /** Rows that are not written yet, as lines. */
  readonly #pending = new Map<keyof typeof EVIDENCE_FILES, string[]>();
  constructor(lab: Lab, act: string, boxes: readonly string[], folder: string) {
    this.#lab = lab;
    this.#act = act;
    this.#boxes = boxes;
    this.folder = folder;
    mkdirSync(join(folder, 'config'), { recursive: true });
    for (const file of Object.values(EVIDENCE_FILES)) appendFileSync(join(folder, file), '');
  }

  /** Rows that come in one turn of the event loop are written at its end, all at once. */
  #row(file: keyof typeof EVIDENCE_FILES, row: Record<string, unknown>): void {
    if (this.#pending.size === 0) setImmediate(() => this.#write());
    const lines = this.#pending.get(file) ?? [];
    this.#pending.set(file, lines);
    lines.push(`${JSON.stringify({ act: this.#act, ...row })}\n`);
  }

  #write(): void {
    for (const [file, lines] of this.#pending) appendFileSync(join(this.folder, EVIDENCE_FILES[file]), lines.join(''));
    this.#pending.clear();
  }

  event(host: string, row: Record<string, unknown> & { time: number }): void {
    this.#row('events', { host, ...row });
  }

  proxyLog(box: string, line: string, session: ProxyLogEntry | undefined): void {
    this.#row('flows', {
      kind: 'proxy-log',
      time: this.#lab.now(),
      host: box,
      line,
      session,
    });
  }

  forgot(box: string, { time, original, reply, why, side }: Forgetting): void {
    const row = { original, reply, why, ...(side === undefined ? {} : { side }) };
    this.#row('flows', { kind: 'forgot', time, host: box, ...row });
  }

  /** Keeps a service's configuration with the run. @returns its path on the host that reads it */
  writeConfig(host: LabHost, name: string, text: string): Promise<string> {
    const file = join(this.folder, 'config', `${this.#act}-${name}`);
    writeFileSync(file, text);
    return host.place(file);
  }

  /** What a box has to look at: a flow table of its own instead of connection tracking's, sessions. */
  useBox(name: string, played: PlayedBox): void {
    this.#played.set(name, played);
  }

  /** Starts to watch packets, sockets and flows; nothing is missed once this resolves. */
  start(options: { connections: number; clockJumps: boolean }): Promise<void> {
    return this.#lab.watch.start({
      act: this.#act,
      folder: this.folder,
      socketsFile: EVIDENCE_FILES.sockets,
      flowsFile: EVIDENCE_FILES.flows,
      hosts: [...this.#lab.hosts.values()].map(({ name }) => ({
        name,
        capture: join(this.folder, `${this.#act}.${name}.pcap`),
      })),
      middleboxes: [...this.#boxes],
      slots: slotsFor(options.connections),
      clockJumps: options.clockJumps,
    });
  }

  /** One look at every socket table, every flow table and all proxies' sessions. */
  async sample(label: string): Promise<void> {
    const from = this.#lab.now();
    await this.#look(label);
    this.looks.push({ from, to: this.#lab.now() });
  }

  async #look(label: string): Promise<void> {
    const look = { sample: ++this.#samples, label };
    await Promise.all([...this.#lab.hosts.values()].map((host) => this.#lookAtSockets(host, look)));
    await Promise.all(this.#boxes.map((name) => this.#lookAtBox(this.#lab.host(name), look)));
  }

  async #lookAtBox(host: LabHost, look: { sample: number; label: string }): Promise<void> {
    const { flows: own, sessions } = this.#played.get(host.name) ?? {};
    if (host.gone) return;
    const flows = await (own ? own.table() : host.flows());
    const where = { ...look, time: this.#lab.now(), host: host.name };
    this.#row('flows', { kind: 'table', ...where, ...(own ? { tracker: own.tracker } : {}), flows });
    // A program that does not run tells nothing.
    if (!sessions || host.frozen) return;
    const told = await sessions();
    this.#row('flows', {
      kind: 'proxy-sessions',
      ...where,
      time: this.#lab.now(),
      ...told,
    });
  }

  async #lookAtSockets(host: LabHost, look: { sample: number; label: string }): Promise<void> {
    const row = (time: number, sockets: object[], more: object = {}) =>
      this.#row('sockets', { kind: 'sample', ...look, time, host: host.name, sockets, ...more });
    if (host.gone) return row(this.#lab.now(), [], { gone: true });
    const { time, sockets } = await host.sockets();
    row(time, sockets);
  }

  /** Ends the watch. @returns what it had to let go, being too slow */
  stop(): Promise<LostEvidence> {
    this.#write();
    return this.#lab.watch.stop();
  }
}
