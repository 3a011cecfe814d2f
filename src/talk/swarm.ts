// What the lab and the client's side of a sweep (services/client/swarm) say to each other: a line of JSON each.
import { z } from 'zod';
import type { SocketOptions } from '../linux/libc.ts';
import { type Beat, type SocketWish, socketOptionsSchema } from './socket-wish.ts';

export interface SwarmTask extends SocketWish, Beat {
  id: number;
  host: string;
  port: number;
  /** Epoch seconds. */
  openAt: number;
  commandTimeoutSeconds?: number;
  poolIdleSeconds?: number;
  /** When a request is made: so long after the first answer, or at a moment. */
  ask?: { quietSeconds: number } | { at: number };
  /** How long its answer is waited for. */
  patienceSeconds: number;
  /** A moment at which it is asked when the last packet came. */
  lookAt?: number;
  /** Counts packets and octets, for so long, from a moment after the first answer on. */
  countSeconds?: number;
  /** When to stop if nothing happens. */
  untilAt?: number;
  /** Leaves its connection open once all has been told, so that others can still look at it. */
  keepOpen?: true;
}

/** `realTime`: whether time goes on while this process does not run. */
export interface SwarmCommand {
  tasks: SwarmTask[];
  realTime: boolean;
}

/** `timeout`: the kernel gave up, or this program did; `local`: this program closed it, as a pool does. */
export type Ending = 'reset' | 'timeout' | 'closed' | 'local' | 'other';

export type SwarmEvent = { time: number } & (
  | { event: 'ready' }
  /** It had not run for so long. */
  | { event: 'late'; seconds: number }
  | {
      event: 'done';
      id: number;
      openedAt?: number;
      local?: string;
      askedAt?: number;
      /** When it was known what the request met, or when the connection ended. */
      knownAt?: number;
      /** For people: an error's code, or what this program saw. */
      how: string;
      /** How the connection ended, or why its answer was not waited for any longer; undefined: neither. */
      ending?: Ending;
      /** Whether the request was answered on the connection, on a new one after that had ended, or not at all. */
      answered: 'same' | 'anew' | 'no';
      /** When the connection ended, if it has. */
      endedAt?: number;
      /** Epoch seconds of the last packet from the peer, as of the look. */
      lastHeardAt?: number;
      traffic?: { seconds: number; packets: number; bytes: number };
      kernel?: SocketOptions;
    }
);

export type SwarmDone = Extract<SwarmEvent, { event: 'done' }>;

const time = z.number();
const id = z.int().nonnegative();

/** What a line of its must be to count as an event. */
export const swarmEventSchema: z.ZodType<SwarmEvent> = z.discriminatedUnion('event', [
  z.object({ time, event: z.literal('ready') }),
  z.object({ time, event: z.literal('late'), seconds: z.number() }),
  z.object({
    time,
    event: z.literal('done'),
    id,
    openedAt: z.exactOptional(time),
    local: z.exactOptional(z.string()),
    askedAt: z.exactOptional(time),
    knownAt: z.exactOptional(time),
    how: z.string(),
    ending: z.exactOptional(z.enum(['reset', 'timeout', 'closed', 'local', 'other'])),
    answered: z.enum(['same', 'anew', 'no']),
    endedAt: z.exactOptional(time),
    lastHeardAt: z.exactOptional(time),
    traffic: z.exactOptional(z.object({ seconds: z.number(), packets: z.number(), bytes: z.number() })),
    kernel: z.exactOptional(socketOptionsSchema),
  }),
]);
