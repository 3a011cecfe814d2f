/** A TCP socket, as the kernel's own table has it and `ss -tanoie` shows it. */
export interface SocketRow {
  /** As netstat and RFC 9293 call it: ESTABLISHED, FIN-WAIT-1, CLOSE-WAIT … */
  state: string;
  local: string;
  peer: string;
  receiveQueue: number;
  sendQueue: number;
  /** What the kernel will do next with it, and when; as `ss -o` and `netstat -o` show it. */
  timer?: { kind: string; seconds: number; retries: number } | undefined;
  inode: number;
  /** The kernel's identity of the socket, which outlives the reuse of a port. */
  cookie: string;
  /** Retransmission time-out in ms, while there is one. */
  rto?: number | undefined;
}
