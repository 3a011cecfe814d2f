// What the program that keeps a box's own timers (services/balancer/flow-clocks) is told, and what it tells.
import { z } from 'zod';

/** Timers of a box; at least one of `idleSeconds`, `sides`, `lifeSeconds`. */
export interface Terms {
  /** Which packets restart the timers of silence. */
  refreshedBy: 'any-packet' | 'data';
  /** One timer for both directions. */
  idleSeconds?: number;
  /** One for what comes from the client, one for what comes from the server. */
  sides?: { clientSeconds: number; serverSeconds: number };
  /** From a flow's beginning. */
  lifeSeconds?: number;
}

/** What it is told: the ports of its own and of the servers, and how many flows there will be. */
export interface ClocksOrder {
  terms: Terms;
  ports: number[];
  flows: number;
}

const tuple = z.object({ src: z.string(), sport: z.number(), dst: z.string(), dport: z.number() });

/** A flow that it has made the kernel forget. */
export const forgettingSchema = z.object({
  /** Epoch seconds. */
  time: z.number(),
  event: z.literal('forgot'),
  original: tuple,
  reply: tuple,
  why: z.enum(['idle', 'life']),
  /** Whose silence it was, where both are timed. */
  side: z.exactOptional(z.enum(['client', 'server'])),
});
export type Forgetting = Omit<z.infer<typeof forgettingSchema>, 'event'>;
