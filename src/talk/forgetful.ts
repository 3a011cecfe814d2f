// What the balancer in a container of its own (services/balancer/forgetful) is told, and what it prints.
import { z } from 'zod';
import type { Mode } from '../linux/late-packet.ts';
import type { Flow } from '../wire/flows.ts';
import type { SocketRow } from '../wire/sockets.ts';

/** One port that it listens on. */
export interface Service {
  port: number;
  /** "host:port"; a host by its name or address. */
  upstreams: string[];
  idleTimeoutSeconds: number;
  mode: Mode;
}

/** What `forgetful flows` prints. */
export interface FlowsAnswer {
  flows: Flow[];
  /** "server's address:port>address:port by which it knows a client" of every connection since the start. */
  everSeen: string[];
}

const tuple = z.object({ src: z.string(), sport: z.number(), dst: z.string(), dport: z.number() });

export const flowsAnswerSchema: z.ZodType<FlowsAnswer> = z.object({
  flows: z.array(
    z.object({
      id: z.number(),
      state: z.string().optional(),
      expiresIn: z.number().optional(),
      original: tuple,
      reply: tuple,
      assured: z.boolean(),
      deletedBy: z.string().optional(),
    }),
  ),
  everSeen: z.array(z.string()),
});

/** What `forgetful sockets` prints. */
export const socketsAnswerSchema: z.ZodType<SocketRow[]> = z.array(
  z.object({
    state: z.string(),
    local: z.string(),
    peer: z.string(),
    receiveQueue: z.number(),
    sendQueue: z.number(),
    timer: z.object({ kind: z.string(), seconds: z.number(), retries: z.number() }).optional(),
    inode: z.number(),
    cookie: z.string(),
    rto: z.number().optional(),
  }),
);
