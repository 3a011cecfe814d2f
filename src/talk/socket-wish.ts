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
