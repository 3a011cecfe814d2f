import { z } from 'zod';
import type { SocketOptions } from '../linux/libc.ts';

/** Options of a TCP socket, as a tuning wants them. */
export interface SocketWish {
  keepalive?: { idleSeconds: number; intervalSeconds: number; probes: number };
  userTimeoutSeconds?: number;
}

/** A heartbeat of a sweep's connection, and how long its answer may take. */
export interface Beat {
  heartbeatSeconds?: number | undefined;
  heartbeatTimeoutSeconds?: number | undefined;
}

/** What the kernel made of a socket's options, as a program tells it. */
export const socketOptionsSchema: z.ZodType<SocketOptions> = z.object({
  keepalive: z.boolean(),
  idleSeconds: z.number(),
  intervalSeconds: z.number(),
  probes: z.number(),
  userTimeoutMs: z.number(),
});
