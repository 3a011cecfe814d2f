// Many connections in one process, each with settings of its own: the client's side of a sweep. Told what to try by a line of
// JSON on standard input, tells what came of each by a line of JSON on standard output. It decides and judges nothing.
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { now } from '../../src/base/clock.ts';
import { later, type Timer } from '../../src/base/timers.ts';
import { ownSocketOptions, socketTraffic } from '../../src/linux/libc.ts';
import type { Ending, SwarmCommand, SwarmDone, SwarmEvent, SwarmTask } from '../../src/talk/swarm.ts';
import { endText } from '../../src/wire/endpoint.ts';
import { watchLateness } from '../lateness.ts';
import { LineTalk } from '../line-talk.ts';
import { applyWish, descriptorOf } from '../socket-wish.ts';

/** By the code of libuv's error, uv_err_name. */
const ENDING_OF: Readonly<Record<string, Ending>> = {
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ECONNABORTED: 'reset',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'timeout',
};

type Said<T> = T extends unknown ? Omit<T, 'time'> : never;
const say = (event: Said<SwarmEvent>) => process.stdout.write(`${JSON.stringify({ time: now(), ...event })}\n`);
/** Answers need a moment before counting begins. */
const SETTLE_SECONDS = 0.5;

const at = (time: number, work: () => void): Timer => later(time - now(), work);

class Connection {
  readonly #task: SwarmTask;
  readonly #done: Omit<SwarmDone, 'time'>;
  readonly #timers: Timer[] = [];
  #socket: Socket | undefined;
  #over = false;
  #told = false;

  constructor(task: SwarmTask) {
    this.#task = task;
    this.#done = { event: 'done', id: task.id, how: '', answered: 'no' };
    at(task.openAt, () => this.#open());
  }

  #open(): void {
    const { id, host, port, untilAt } = this.#task;
    const socket = connect({ host, port });
    this.#socket = socket;
    const talk = new LineTalk(socket, (line) =>
      line === 'WELCOME' ? this.#welcome(talk) : this.#answer(line, 'same'),
    );
    socket.on('connect', () => {
      this.#done.kernel = applyWish(socket, this.#task);
      this.#done.local = endText(socket.localAddress ?? '', socket.localPort ?? 0);
      talk.say(`HELLO ${id} 1`);
    });
    socket.on('error', (error: NodeJS.ErrnoException) =>
      this.#end(ENDING_OF[error.code ?? ''] ?? 'other', error.code ?? error.message),
    );
    socket.on('end', () => this.#end('closed', 'FIN'));
    if (untilAt !== undefined) this.#timers.push(at(untilAt, () => this.#finish('watched')));
  }

  #welcome(talk: LineTalk): void {
    const { ask, lookAt, countSeconds, poolIdleSeconds } = this.#task;
    const socket = this.#socket as Socket;
    const fd = descriptorOf(socket);
    this.#done.openedAt = now();
    // As it is now, with all that was asked for.
    this.#done.kernel = ownSocketOptions(fd);
    talk.beat(this.#task, () => this.#end('timeout', 'heartbeat'));
    if (poolIdleSeconds !== undefined) this.#timers.push(later(poolIdleSeconds, () => this.#end('local', 'pool')));
    if (ask) {
      const when = 'at' in ask ? ask.at : now() + ask.quietSeconds;
      this.#timers.push(at(when, () => this.#ask(talk)));
    }
    if (lookAt !== undefined)
      this.#timers.push(
        at(lookAt, () => {
          if (!this.#over) this.#done.lastHeardAt = now() - socketTraffic(descriptorOf(socket)).sinceHeardSeconds;
        }),
      );
    if (countSeconds !== undefined) this.#timers.push(later(SETTLE_SECONDS, () => this.#count(countSeconds)));
  }

  #count(seconds: number): void {
    if (this.#over) return;
    const fd = descriptorOf(this.#socket as Socket);
    const [before, from] = [socketTraffic(fd), now()];
    this.#timers.push(
      later(seconds, () => {
        if (this.#over) return;
        const after = socketTraffic(fd);
        this.#done.traffic = {
          seconds: now() - from,
          packets: after.packets - before.packets,
          bytes: after.bytes - before.bytes,
        };
        this.#finish('counted');
      }),
    );
  }

  #ask(talk: LineTalk): void {
    this.#done.askedAt = now();
    if (this.#over) {
      this.#anew();
      return;
    }
    talk.say(`DO ${this.#task.id}`);
    const { commandTimeoutSeconds, patienceSeconds } = this.#task;
    if (commandTimeoutSeconds !== undefined && commandTimeoutSeconds < patienceSeconds)
      this.#timers.push(later(commandTimeoutSeconds, () => this.#end('timeout', 'no reply')));
    else this.#timers.push(later(patienceSeconds, () => this.#giveUp()));
  }

  #answer(line: string, answered: 'same' | 'anew'): void {
    if (line !== `DONE ${this.#task.id}`) return;
    this.#done.answered = answered;
    if (answered === 'same') {
      this.#done.knownAt = now();
      this.#done.how = 'answer';
    }
    this.#finish(this.#done.how);
  }

  /** The connection is over. Whoever has asked, asks once more on a new one, as clients do that hide a lost connection. */
  #end(ending: Ending, how: string): void {
    if (this.#over || this.#told) return;
    this.#over = true;
    const { askedAt } = this.#done;
    this.#done.endedAt = now();
    this.#done.how = how;
    this.#done.ending = ending;
    if (ending === 'local') this.#socket?.end();
    else this.#socket?.destroy();
    if (askedAt !== undefined) this.#done.knownAt = this.#done.endedAt;
    const { ask, untilAt } = this.#task;
    if (ask === undefined || untilAt !== undefined || this.#done.openedAt === undefined) this.#finish(how);
    else if (askedAt !== undefined) this.#anew();
  }

  #anew(): void {
    const { id, host, port, patienceSeconds } = this.#task;
    const socket = connect({ host, port });
    this.#timers.push(later(patienceSeconds, () => this.#finish(this.#done.how)));
    const talk = new LineTalk(socket, (line) => {
      if (line === 'WELCOME') talk.say(`DO ${id}`);
      else this.#answer(line, 'anew');
    });
    socket.on('connect', () => talk.say(`HELLO ${id} 2`));
    socket.on('error', () => {});
    this.#socket = socket;
  }

  /** The connection is still there, but nothing has come for as long as an answer is waited for. */
  #giveUp(): void {
    this.#done.ending ??= 'timeout';
    this.#finish(this.#done.how === '' ? 'silence' : this.#done.how);
  }

  #finish(how: string): void {
    if (this.#told) return;
    this.#told = true;
    for (const timer of this.#timers) timer.cancel();
    say({ ...this.#done, how });
    // What has been told costs no more; but whose peer is to notice by himself, he must not learn it from us.
    if (this.#task.untilAt === undefined && this.#task.keepOpen !== true) this.#socket?.end();
  }
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line) as SwarmCommand;
    if (command.realTime) watchLateness((seconds) => say({ event: 'late', seconds }));
    for (const task of command.tasks) new Connection(task);
  })
  // Whoever gave the orders is gone: so are we.
  .on('close', () => process.exit(0));
say({ event: 'ready' });
