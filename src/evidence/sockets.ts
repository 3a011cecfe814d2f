import { parseDuration } from '../scenario/duration.ts';

/** A TCP socket as `ss -tanoieHO` prints it. */
export interface SocketRow {
  /** As netstat and RFC 9293 call it: ESTABLISHED, FIN-WAIT-1, CLOSE-WAIT … */
  state: string;
  local: string;
  peer: string;
  receiveQueue: number;
  sendQueue: number;
  /** What the kernel will do next with it, and when; as `ss -o` and `netstat -o` show it. */
  timer: { kind: string; seconds: number; retries: number } | undefined;
  inode: number;
  /** The kernel's identity of the socket, which outlives the reuse of a port. */
  cookie: string;
  /** Retransmission time-out in ms, while there is one. */
  rto: number | undefined;
}

const STATES: Record<string, string> = { ESTAB: 'ESTABLISHED', UNCONN: 'CLOSED' };

const TIMERS: Record<string, string> = {
  on: 'retransmission',
  keepalive: 'keepalive',
  timewait: 'time-wait',
  persist: 'zero-window',
  unknown: 'unknown',
};

/** ss writes 9.8sec as "9.8sec", 298 s as "4min58sec", 200 ms as "200ms", 2 h as "120min". */
function timerSeconds(text: string): number {
  return parseDuration(text.replaceAll('sec', 's').replaceAll('min', 'm')) ?? 0;
}

export function parseSocket(line: string): SocketRow | undefined {
  const [state, receiveQueue, sendQueue, local, peer, ...rest] = line.trim().split(/\s+/);
  if (!state || !local || !peer || !/:(\d+|\*)$/.test(peer)) return undefined;
  const more = rest.join(' ');
  const timer = /timer:\(([a-z]+),([^,]*),(\d+)\)/.exec(more);
  const rto = /\brto:(\d+(?:\.\d+)?)/.exec(more)?.[1];
  return {
    state: STATES[state] ?? state,
    local,
    peer,
    receiveQueue: Number(receiveQueue),
    sendQueue: Number(sendQueue),
    timer: timer
      ? {
          kind: TIMERS[timer[1] as string] ?? (timer[1] as string),
          seconds: timerSeconds(timer[2] as string),
          retries: Number(timer[3]),
        }
      : undefined,
    inode: Number(/\bino:(\d+)/.exec(more)?.[1] ?? 0),
    cookie: /\bsk:([0-9a-f]+)/.exec(more)?.[1] ?? '',
    rto: rto === undefined ? undefined : Number(rto),
  };
}

/** ss arguments: TCP, all states, numbers, timers, inode and cookie, internals, no header, one line each. */
export const SS_ARGUMENTS: readonly string[] = ['-tanoieHO'];
