// What the lab and the raw TCP server on a host (services/server/tcp) say to each other: a line of JSON each.
import { z } from 'zod';
import { FAILURES, type Failure } from './failure.ts';

/** How it takes connections. */
export interface Listen {
  addresses: readonly string[];
  port: number;
  /** Of every socket that it accepts. */
  keepalive?: { idleSeconds: number; intervalSeconds?: number; probes?: number };
  userTimeoutSeconds?: number;
  /** A PING on every connection, this often; nobody minds an answer that does not come. */
  heartbeatSeconds?: number;
  /** It closes a connection on which nothing has come for so long. */
  socketTimeoutSeconds?: number;
}

export type TcpServerCommand =
  | ({ do: 'listen' } & Listen)
  /** Answered by `told` once all that it has applied has been told. */
  | { do: 'tell'; token: number }
  | {
      do: 'perform';
      /** Comes back with the answer. */
      token: number;
      /** A verb by its name in a timeline. */
      verb: string;
      params: Record<string, unknown>;
      /** Whose connections: those from these addresses, or those on which requests with ids of that form have come; without it all. */
      of?: { addresses: readonly string[]; ids: string };
      /** One connection after another, evenly over this time. */
      spreadSeconds?: number;
    };

/** Ends of a connection are "address:port", as the server sees them. */
export type TcpServerEvent = { time: number } & (
  | { event: 'listening' }
  | { event: 'accepted'; local: string; peer: string }
  /** A whole request has come: it stands in the ledger. */
  | { event: 'applied'; id: string; peer: string }
  /** The other side sends no more (FIN). */
  | { event: 'peer-closed'; peer: string }
  /** The socket is no more; with why, unless it ended in order. */
  | { event: 'ended'; peer: string; failure?: Failure; code?: string; message?: string }
  | { event: 'told'; token: number }
  /** It has done what it was told, on so many connections; or could not. */
  | { event: 'performed'; token: number; connections: number; problem?: string }
);

const time = z.number();
const end = z.string();

/** What a line of its must be to count as an event. */
export const tcpServerEventSchema: z.ZodType<TcpServerEvent> = z.discriminatedUnion('event', [
  z.object({ time, event: z.literal('listening') }),
  z.object({ time, event: z.literal('accepted'), local: end, peer: end }),
  z.object({ time, event: z.literal('applied'), id: z.string(), peer: end }),
  z.object({ time, event: z.literal('peer-closed'), peer: end }),
  z.object({
    time,
    event: z.literal('ended'),
    peer: end,
    failure: z.exactOptional(z.enum(FAILURES)),
    code: z.exactOptional(z.string()),
    message: z.exactOptional(z.string()),
  }),
  z.object({ time, event: z.literal('told'), token: z.int() }),
  z.object({
    time,
    event: z.literal('performed'),
    token: z.int(),
    connections: z.int().nonnegative(),
    problem: z.exactOptional(z.string()),
  }),
]);
