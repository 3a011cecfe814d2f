// What the balancer in a container of its own (services/balancer/forgetful) is told, and what it prints.
import type { Mode } from '../linux/late-packet.ts';
import type { Flow } from '../wire/flows.ts';

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
