// What the raw TCP client and server say to each other: lines, so that either side knows where a message ends, and so that a
// message can have any length. Each is one write(2).
//
//   ? <id>   \n   a request, filled up with spaces; the id makes lost and repeated ones show in the server's ledger
//   ! <id>\n      its answer
//   .....\n       data that nobody asked for and nobody answers; one byte of it is the line end alone
//   PING\n        a heartbeat, answered by PONG\n

export type TcpMessage =
  | { kind: 'request' | 'answer'; id: string }
  | { kind: 'push'; bytes: number }
  | { kind: 'ping' | 'pong' };

const LINE_END = '\n';
const REQUEST = '? ';
const ANSWER = '! ';
const PING = 'PING';
const PONG = 'PONG';
/** An id is shorter by far; what follows fills a message up. */
const HEAD_BYTES = 1024;

/** The least bytes in which a request can carry its id. */
export const leastRequestBytes = (id: string): number => REQUEST.length + id.length + LINE_END.length;

/** @param bytes its whole length; without it the shortest. @throws RangeError where the id does not fit */
export function requestText(id: string, bytes = leastRequestBytes(id)): string {
  const least = leastRequestBytes(id);
  if (bytes < least) throw new RangeError(`a request of ${bytes} bytes cannot carry its id, which takes ${least}`);
  return (REQUEST + id).padEnd(bytes - LINE_END.length) + LINE_END;
}

export const answerText = (id: string): string => ANSWER + id + LINE_END;
export const pushText = (bytes: number): string => '.'.repeat(bytes - LINE_END.length) + LINE_END;
export const PING_TEXT: string = PING + LINE_END;
export const PONG_TEXT: string = PONG + LINE_END;

function messageOf(head: string, bytes: number): TcpMessage {
  if (head.startsWith(REQUEST)) return { kind: 'request', id: head.slice(REQUEST.length).trimEnd() };
  if (head.startsWith(ANSWER)) return { kind: 'answer', id: head.slice(ANSWER.length) };
  if (head === PING) return { kind: 'ping' };
  if (head === PONG) return { kind: 'pong' };
  return { kind: 'push', bytes };
}

/** Finds the messages in a stream of bytes, whatever its pieces. Keeps no more of a message than its beginning. */
export class MessageReader {
  readonly #onMessage: (message: TcpMessage) => void;
  #head = '';
  #bytes = 0;

  constructor(onMessage: (message: TcpMessage) => void) {
    this.#onMessage = onMessage;
  }

  read(chunk: Buffer): void {
    for (let from = 0; from < chunk.length; ) {
      const end = chunk.indexOf(LINE_END, from);
      const to = end < 0 ? chunk.length : end;
      this.#head += chunk.toString('latin1', from, Math.min(to, from + HEAD_BYTES - this.#head.length));
      this.#bytes += to - from;
      if (end < 0) return;
      const message = messageOf(this.#head, this.#bytes + LINE_END.length);
      this.#head = '';
      this.#bytes = 0;
      from = end + 1;
      this.#onMessage(message);
    }
  }
}
