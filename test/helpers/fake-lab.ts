// A lab without a network, for the director: its hosts are lists of what they were told, its programs are functions, its clock is
// that of the test (fake timers).
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import {
  type Impairment,
  type Lab,
  type LabHost,
  LabProcess,
  type LabWatch,
  type SeenSocket,
  type SpawnOptions,
} from '../../src/stage/lab.ts';
import type { LostEvidence } from '../../src/stage/record.ts';
import type { Program } from '../../src/talk/programs.ts';
import type { Flow } from '../../src/wire/flows.ts';

/** A program on a fake host: told a line, it says lines. */
export interface FakeProgram {
  /** Said as soon as it runs. */
  begin?(say: (line: string) => void): void;
  hear?(line: string, say: (line: string) => void): void;
}

export class FakeProcess extends EventEmitter {
  readonly pid: number;
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly stdin: { write(text: string): void };

  constructor(pid: number, program: FakeProgram) {
    super();
    this.pid = pid;
    const say = (line: string) => {
      if (this.exitCode === null && this.signalCode === null) this.stdout.write(`${line}\n`);
    };
    this.stdin = { write: (text) => queueMicrotask(() => program.hear?.(text.trimEnd(), say)) };
    queueMicrotask(() => program.begin?.(say));
  }

  /** It ends, whether asked to or not. */
  end(how: { code: number } | { signal: NodeJS.Signals }): void {
    if ('code' in how) this.exitCode = how.code;
    else this.signalCode = how.signal;
    this.emit('exit', this.exitCode, this.signalCode);
    this.emit('close', this.exitCode, this.signalCode);
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): boolean {
    if (this.exitCode === null && this.signalCode === null) this.end({ signal });
    return true;
  }
}

/** What programs say of themselves that do all that they are told at once. */
const at = (lab: FakeLab, event: Record<string, unknown>) => JSON.stringify({ time: lab.now(), ...event });

export const willingAgent = (lab: FakeLab): FakeProgram => ({
  begin: (say) => say(at(lab, { event: 'agent', library: 'fake 1.0' })),
  hear(line, say) {
    const command = JSON.parse(line);
    const each = (event: string) => {
      for (const [index, connection] of command.connections.entries())
        say(at(lab, { event, connection, ...(command.ids ? { id: command.ids[index] } : {}) }));
    };
    if (command.do === 'connect') each('ready');
    if (command.ids) for (const event of ['request', 'reply']) each(event);
    if (command.do === 'perform') say(at(lab, { event: 'performed', token: command.token }));
  },
});

export const willingServer = (lab: FakeLab): FakeProgram => ({
  hear(line, say) {
    const command = JSON.parse(line);
    if (command.do === 'tell') say(at(lab, { event: 'told', token: command.token }));
    else
      say(
        command.do === 'listen'
          ? at(lab, { event: 'listening' })
          : at(lab, { event: 'performed', token: command.token, connections: 1 }),
      );
  },
});

export class FakeHost implements LabHost {
  readonly name: string;
  readonly address: string;
  readonly addresses: readonly string[];
  readonly serviceAddress: string | undefined;
  readonly interfaces: ReadonlyMap<number, string> = new Map([[1, 'lo']]);
  readonly passesForeignAddresses = true;
  gone = false;
  frozen = false;
  /** All that it was told, in order. */
  readonly told: string[] = [];
  /** Times of looks at its sockets. */
  readonly looks: number[] = [];
  readonly processes: { name: string; process: FakeProcess }[] = [];
  readonly #lab: FakeLab;

  constructor(lab: FakeLab, name: string, number: number) {
    this.#lab = lab;
    this.name = name;
    this.address = `198.18.${number}.1`;
    this.addresses = [this.address];
    this.serviceAddress = this.address;
  }

  addressTowards(): string {
    return this.address;
  }

  spawn(program: string, _: readonly string[], options: SpawnOptions = {}): LabProcess {
    const process = new FakeProcess(++this.#lab.pids, this.#lab.programs[program] ?? FakeLab.helper(program));
    this.processes.push({ name: program, process });
    this.told.push(`spawn ${program}`);
    return new LabProcess(options.as ?? program, process as never, options);
  }

  spawnModule(module: Program, args: readonly string[], options?: SpawnOptions): LabProcess {
    return this.spawn(module, args, options);
  }

  async run(program: string, args: readonly string[]): Promise<string> {
    this.told.push(`run ${[program, ...args].join(' ')}`);
    return '';
  }

  async place(file: string): Promise<string> {
    return file;
  }

  placeText(name: string): Promise<string> {
    return Promise.resolve(`/run/${name}`);
  }

  async ask(): Promise<string> {
    return '';
  }

  async setSysctl(name: string, value: string | number): Promise<void> {
    this.told.push(`sysctl ${name}=${value}`);
  }

  async procNet(): Promise<undefined> {
    return undefined;
  }

  async setLinks(up: boolean): Promise<void> {
    this.told.push(up ? 'links up' : 'links down');
  }

  async dropSockets(): Promise<void> {
    this.told.push('drop sockets');
  }

  async forgetFlows(): Promise<void> {
    this.told.push('forget flows');
  }

  async impair(impairment: Impairment): Promise<void> {
    this.told.push(`impair ${JSON.stringify(impairment)}`);
  }

  async unimpair(): Promise<void> {
    this.told.push('unimpair');
  }

  async sockets(): Promise<{ time: number; sockets: SeenSocket[] }> {
    this.looks.push(this.#lab.now());
    return { time: this.#lab.now(), sockets: [] };
  }

  async routes(): Promise<[]> {
    return [];
  }

  async flows(): Promise<Flow[]> {
    return [];
  }
}

export class FakeWatch implements LabWatch {
  readonly died: Promise<never>;
  fail: (error: Error) => void = () => {};
  readonly told: string[] = [];
  readonly parked = new Set<number>();

  constructor() {
    this.died = new Promise((_, reject) => {
      this.fail = reject;
    });
    this.died.catch(() => {});
  }

  async start(): Promise<void> {
    this.told.push('start');
  }

  attend(): void {}

  park(pid: number): void {
    this.parked.add(pid);
  }

  async unpark(pid: number): Promise<void> {
    this.parked.delete(pid);
  }

  async stop(): Promise<LostEvidence> {
    this.told.push('stop');
    return { frames: [], flowEvents: false };
  }
}

export class FakeLab implements Lab {
  readonly folder = '/run/lab';
  readonly hz = 250;
  readonly watch = new FakeWatch();
  readonly hosts: ReadonlyMap<string, FakeHost>;
  /** By name; a program that is not there says nothing. */
  readonly programs: Record<string, FakeProgram>;
  pids = 100;
  /** By how much the hosts' clock is behind that of timers, seconds. */
  behindSeconds = 0;

  constructor(hosts: readonly string[]) {
    this.hosts = new Map(hosts.map((name, index) => [name, new FakeHost(this, name, index + 1)]));
    this.programs = {
      'services/client/agent': willingAgent(this),
      'services/server/tcp': willingServer(this),
      'redis-server': { begin: (say) => say('Ready to accept connections') },
    };
  }

  /** Programs that boxes have beside their rules say one word. */
  static helper(program: string): FakeProgram {
    return program.startsWith('services/balancer/') ? { begin: (say) => say('ready') } : {};
  }

  now(): number {
    return performance.now() / 1000 - this.behindSeconds;
  }

  host(name: string): FakeHost {
    const host = this.hosts.get(name);
    if (!host) throw new Error(`no host ${name}`);
    return host;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
