// What the lab and the server's side of a sweep (services/broker/listener) say to each other: a line of JSON each.
import { z } from 'zod';
import type { SocketOptions } from '../linux/libc.ts';
import { type Beat, type SocketWish, socketOptionsSchema } from './socket-wish.ts';

export type ListenerPort = SocketWish & Beat & { port: number };
export type ListenerCommand =
  | { do: 'listen'; ports: ListenerPort[]; realTime: boolean }
  /** Data on the connections of these trials, at a moment (epoch seconds). */
  | { do: 'push'; ids: number[]; at: number }
  /** When did the last packet come, asked at a moment. */
  | { do: 'look'; ids: number[]; at: number };

export type ListenerEvent = { time: number } & (
  | { event: 'ready' | 'listening' }
  /** It had not run for so long. */
  | { event: 'late'; seconds: number }
  | { event: 'hello'; id: number; kernel: SocketOptions }
  | { event: 'did'; id: number }
  | { event: 'looked'; id: number; lastHeardAt: number }
  /** `how`: an error's code, "FIN", "heartbeat". Only of a trial's first connection. */
  | { event: 'ended'; id: number; how: string }
);

const time = z.number();
const id = z.int().nonnegative();

/** What a line of its must be to count as an event. */
export const listenerEventSchema: z.ZodType<ListenerEvent> = z.discriminatedUnion('event', [
  z.object({ time, event: z.enum(['ready', 'listening']) }),
  z.object({ time, event: z.literal('late'), seconds: z.number() }),
  z.object({ time, event: z.literal('hello'), id, kernel: socketOptionsSchema }),
  z.object({ time, event: z.literal('did'), id }),
  z.object({ time, event: z.literal('looked'), id, lastHeardAt: time }),
  z.object({ time, event: z.literal('ended'), id, how: z.string() }),
]);
