import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { type Duplex, PassThrough } from 'node:stream';
import type { Container } from 'dockerode';
import { now } from '../../base/clock.ts';
import { LabError } from '../../base/errors.ts';
import { within } from '../../base/within.ts';
import {
  type HostProcess,
  type LabHost,
  LabProcess,
  type RunOptions,
  type SeenRoute,
  type SeenSocket,
  type SpawnOptions,
  type WatchOrder,
} from '../../stage/lab.ts';
import type { LostEvidence } from '../../stage/record.ts';
import { objectIn } from '../../talk/lines.ts';
import type { Program } from '../../talk/programs.ts';
import type { Flow } from '../../wire/flows.ts';
import type { FromHost, Hello, Question, Questions, ToHost } from './control.ts';

/** Clocks that differ by more are those of two machines. */
const SAME_CLOCK_SECONDS = 0.02;
/** So long a container takes at most from its start to its first word. */
const READY_SECONDS = 60;

/** A process in a container, told of by the container's first. */
class RemoteProcess extends EventEmitter implements HostProcess {
  pid: number | undefined;
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly stdin: { write(text: string): unknown };
  readonly #signal: (name: NodeJS.Signals) => void;

  constructor(write: (text: string) => void, signal: (name: NodeJS.Signals) => void) {
    super();
    this.stdin = { write };
    this.#signal = signal;
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): boolean {
    this.#signal(signal);
    return true;
  }

  ended(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.exitCode !== null || this.signalCode !== null) return;
    this.exitCode = code;
    this.signalCode = signal;
    this.stdout.end();
    this.stderr.end();
    this.emit('exit', code, signal);
    this.emit('close', code, signal);
  }
}

/** What a container on the lab's networks is called and reached by. */
export interface Place {
  name: string;
  /** One on each of its networks. */
  addresses: string[];
  serviceAddress: string | undefined;
  /** Its addresses as its neighbours have them, by their names. */
  towards: Record<string, string>;
  /** Names of its interfaces by their addresses. */
  linkNames: Record<string, string>;
}

/** A host that is a container. Everything about it is asked of the process inside (inside.ts). */
export class ContainerHost implements LabHost {
  readonly name: string;
  readonly address: string;
  readonly addresses: readonly string[];
  readonly serviceAddress: string | undefined;
  readonly passesForeignAddresses = false;
  readonly container: Container;
  gone = false;
  frozen = false;
  interfaces: ReadonlyMap<number, string> = new Map();
  /** Cuts or mends the links of a host. */
  pullCable: (up: boolean) => Promise<void> = () => Promise.resolve();
  /** Rejects when the container ends although nobody asked for it, or its stream was cut. */
  readonly died: Promise<never>;
  readonly #place: Place;
  readonly #stream: Duplex;
  readonly #questions = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  readonly #processes = new Map<number, RemoteProcess>();
  readonly #hello: Promise<Hello>;
  #asked = 0;
  #started = 0;
  #heard = 0;
  #over: LabError | undefined;
  #ending = false;
  #fail: (error: LabError) => void = () => {};

  addressTowards(neighbour: string): string {
    return this.#place.towards[neighbour] ?? this.address;
  }

  /** @param stream of the attached container, not yet started */
  constructor(place: Place, container: Container, stream: Duplex) {
    this.#place = place;
    this.name = place.name;
    this.address = place.addresses[0] ?? '';
    this.addresses = place.addresses;
    this.serviceAddress = place.serviceAddress;
    this.container = container;
    this.#stream = stream;
    this.died = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.died.catch(() => {});
    const [output, errors] = [new PassThrough(), new PassThrough()];
    container.modem.demuxStream(stream, output, errors);
    let printed = '';
    errors.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-2000);
    });
    stream.on('error', () => {});
    stream.once('close', () => {
      output.end();
      this.#end(
        new LabError(
          'ENGINE_DIED',
          `the container of ${this.name} ended unexpectedly${printed.trim() === '' ? '' : `:\n${printed.trim()}`}`,
          'run again; if it stays so, see what the container engine says (docker events, journalctl -u docker)',
        ),
      );
    });
    this.#hello = new Promise((resolve) => {
      createInterface({ input: output }).on('line', (text) => {
        const line = objectIn(text) as FromHost | undefined;
        // Lines of its own are counted: none of them can be lost without being missed.
        if (typeof line?.n !== 'number') {
          printed = `${printed}${text}\n`.slice(-2000);
          return;
        }
        if ('hello' in line) resolve(line.hello);
        this.#hear(line);
      });
    });
  }

  #end(error: LabError): void {
    if (this.#over) return;
    this.#over = error;
    for (const question of this.#questions.values()) question.reject(error);
    this.#questions.clear();
    if (!this.#ending) this.#fail(error);
    // Its programs end with it; told after its own end, which is the reason.
    for (const process of this.#processes.values()) process.ended(null, 'SIGKILL');
  }

  #hear(line: FromHost): void {
    if (line.n !== ++this.#heard)
      this.#end(
        new LabError(
          'ENGINE_DIED',
          `the container engine lost lines of what ${this.name} said`,
          'run again; update the container engine if it stays so',
        ),
      );
    if ('answer' in line) {
      const question = this.#questions.get(line.answer);
      this.#questions.delete(line.answer);
      if (!question) return;
      if ('value' in line) question.resolve(line.value);
      else
        question.reject(
          line.error.code
            ? new LabError(line.error.code, `${line.error.message} (on ${this.name})`, line.error.todo)
            : new Error(`${this.name}: ${line.error.message}`),
        );
    } else if ('process' in line) {
      const process = this.#processes.get(line.process);
      if (!process) return;
      if ('out' in line) process.stdout.write(line.out);
      else if ('err' in line) process.stderr.write(line.err);
      else if ('failed' in line) process.emit('error', new Error(line.failed));
      else process.ended(line.ended.code, line.ended.signal);
    } else if ('watchFailed' in line)
      this.#end(
        new LabError(
          'NO_NETWORK',
          `${this.name} cannot watch its network: ${line.watchFailed}`,
          'the container engine must grant NET_RAW and, to the balancer, NET_ADMIN; its kernel needs packet sockets and connection tracking',
        ),
      );
  }

  #tell(line: ToHost): void {
    if (!this.#over) this.#stream.write(`${JSON.stringify(line)}\n`);
  }

  #ask<Q extends Question>(ask: Q, given: Questions[Q]['takes']): Promise<Questions[Q]['gives']> {
    if (this.#over) return Promise.reject(this.#over);
    const id = ++this.#asked;
    return new Promise((resolve, reject) => {
      this.#questions.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#tell({ id, ask, with: given } as ToHost);
    });
  }

  /** Waits until it runs, and learns what it says of itself. */
  async ready(): Promise<Hello> {
    const hello = await within(
      READY_SECONDS,
      Promise.race([this.#hello, this.died]),
      () =>
        new LabError(
          'SERVICE_SILENT',
          `the container of ${this.name} runs, and says nothing for ${READY_SECONDS} s`,
          'run again; if it stays so, the machine is too busy',
        ),
    );
    this.interfaces = new Map(
      hello.interfaces.map(({ index, name, address }) => [index, this.#place.linkNames[address ?? ''] ?? name]),
    );
    return hello;
  }

  #spawn(what: Questions['spawn']['takes']['what'], args: readonly string[], options: SpawnOptions): LabProcess {
    const number = ++this.#started;
    const remote = new RemoteProcess(
      (text) => this.#tell({ write: number, text }),
      (name) => this.#tell({ signal: number, name }),
    );
    this.#processes.set(number, remote);
    const { input = 'ignore', privileged = false } = options;
    this.#ask('spawn', { process: number, what, args, input, privileged }).then(
      ({ pid }) => {
        remote.pid = pid;
      },
      (error: unknown) => remote.emit('error', error as Error),
    );
    const program = 'program' in what ? what.program : what.module;
    return new LabProcess(options.as ?? `${program} on ${this.name}`, remote, options);
  }

  spawn(program: string, args: readonly string[], options: SpawnOptions = {}): LabProcess {
    return this.#spawn({ program }, args, options);
  }

  spawnModule(module: Program, args: readonly string[], options: SpawnOptions = {}): LabProcess {
    return this.#spawn({ module }, args, options);
  }

  run(program: string, args: readonly string[], { input, privileged = false }: RunOptions = {}): Promise<string> {
    return this.#ask('run', { program, args, input, privileged });
  }

  place(file: string): Promise<string> {
    return this.placeText(basename(file), readFileSync(file, 'utf8'));
  }

  placeText(name: string, text: string): Promise<string> {
    return this.#ask('place', { name, text });
  }

  ask(socketFile: string, question: string): Promise<string> {
    return this.#ask('ask', { socketFile, question });
  }

  async setSysctl(name: string, value: string | number): Promise<void> {
    await this.#ask('sysctl', { name, value: String(value) });
  }

  async procNet(file: string): Promise<string | undefined> {
    return (await this.#ask('procNet', { file })) ?? undefined;
  }

  setLinks(up: boolean): Promise<void> {
    return this.pullCable(up);
  }

  sockets(): Promise<{ time: number; sockets: SeenSocket[] }> {
    return this.#ask('sockets', null);
  }

  flows(): Promise<Flow[]> {
    return this.#ask('flows', null);
  }

  /** Its links by the names that the container engine gives them. */
  routes(): Promise<SeenRoute[]> {
    return this.#ask('routes', null);
  }

  async dropSockets(): Promise<void> {
    await this.#ask('dropSockets', null);
  }

  async forgetFlows(): Promise<void> {
    await this.#ask('forgetFlows', null);
  }

  /** What is between containers belongs to the container engine. */
  async impair(): Promise<void> {
    throw new LabError(
      'WRONG_KERNEL',
      'packets between containers cannot be lost, doubled or delayed',
      'add --engine virtual or --engine netns',
    );
  }

  async unimpair(): Promise<void> {}

  /** By how many seconds its clock is ahead of ours; 0 where they cannot be told apart. */
  async clockAhead(): Promise<number> {
    const before = now();
    const theirs = await this.#ask('clock', null);
    const after = now();
    const ahead = theirs - (before + after) / 2;
    return Math.abs(ahead) <= SAME_CLOCK_SECONDS + (after - before) / 2 ? 0 : ahead;
  }

  async watch(order: WatchOrder): Promise<void> {
    await this.#ask('watch', order);
  }

  attend(): void {
    this.#tell({ attend: true });
  }

  unwatch(): Promise<{ lost: LostEvidence; memoryMb: number }> {
    return this.#ask('unwatch', null);
  }

  /** Its end is wanted from here on. */
  expectEnd(): void {
    this.#ending = true;
  }
}
