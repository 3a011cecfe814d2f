// What the lab and the agent on a client host (services/client/agent) say to each other: a line of JSON each.

/** How a client library opens a connection. */
export interface OpenOptions {
  host: string;
  port: number;
  /** As the scenario's tuning says; what the kernel made of it is asked of the kernel. */
  keepalive?: { idleSeconds: number; intervalSeconds?: number; probes?: number } | 'off';
  commandTimeoutSeconds?: number;
  socketTimeoutSeconds?: number;
  userTimeoutSeconds?: number;
}

export type AgentCommand =
  | {
      do: 'connect';
      /** By number, from 0. */
      connections: number[];
      options: OpenOptions;
      heartbeatSeconds?: number;
      /** With these, every connection makes its first request as soon as it is ready. */
      ids?: string[];
      spreadSeconds?: number;
    }
  | { do: 'request'; connections: number[]; ids: string[]; bytes?: number; spreadSeconds?: number }
  /** One of the verbs that the library offers, by its name in a timeline. */
  | {
      do: 'perform';
      /** Comes back with the event `performed`. */
      token: number;
      verb: string;
      connections: number[];
      params: Record<string, unknown>;
      spreadSeconds?: number;
    };

/** What happens there, as it is kept in the evidence. */
export interface AgentEvent extends Record<string, unknown> {
  time: number;
  event: string;
  id?: string;
  connection?: number;
  library?: string;
  /** Of `performed`: what was done, or why it could not be. */
  token?: number;
  problem?: string;
}
