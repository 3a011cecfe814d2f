// What both sides of a sweep's connection say to each other: lines. A heartbeat and its answer are as long as PING and PONG of
// Redis's protocol, which is what a heartbeat costs in practice.
import type { Socket } from 'node:net';
import { every, later, type Timer } from '../src/base/timers.ts';
import type { Beat } from '../src/talk/socket-wish.ts';

/** 14 octets, as "*1\r\n$4\r\nPING\r\n". */
const PING = 'PING........';
/** 7 octets, as "+PONG\r\n". */
const PONG = '+PONG';
const END = '\r\n';

/** Speaks on a connection: answers heartbeats, sends its own. */
export class LineTalk {
  readonly #socket: Socket;
  #rest = '';
  #beat: Timer | undefined;
  #reply: Timer | undefined;

  constructor(socket: Socket, onLine: (line: string) => void) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.#rest + text).split(END);
      this.#rest = lines.pop() as string;
      for (const line of lines) {
        if (line === PING) this.say(PONG);
        else if (line === PONG) this.#answered();
        else onLine(line);
      }
    });
    socket.on('close', () => this.stop());
  }

  say(line: string): void {
    if (this.#socket.writable) this.#socket.write(line + END);
  }

  /** Begins with heartbeats. @param onSilence told when one is not answered in time */
  beat({ heartbeatSeconds, heartbeatTimeoutSeconds }: Beat, onSilence: () => void): void {
    if (heartbeatSeconds === undefined) return;
    this.#beat = every(heartbeatSeconds, () => {
      this.say(PING);
      if (heartbeatTimeoutSeconds !== undefined) this.#reply ??= later(heartbeatTimeoutSeconds, onSilence);
    });
  }

  #answered(): void {
    this.#reply?.cancel();
    this.#reply = undefined;
  }

  stop(): void {
    this.#beat?.cancel();
    this.#answered();
  }
}
