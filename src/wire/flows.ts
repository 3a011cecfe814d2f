import type { Way } from './endpoint.ts';

/** Connection tracking: entries of the kernel's table and its events, in the words of conntrack(8). */

export type Tuple = Way;

export interface Flow {
  id: number;
  /** Undefined where the kernel did not say. */
  state?: string | undefined;
  /** Seconds until it would be forgotten; undefined in DESTROY events. */
  expiresIn?: number | undefined;
  original: Tuple;
  /** The tuple that answers carry: translated addresses show here. */
  reply: Tuple;
  assured: boolean;
  /** Present when somebody deleted the entry by hand, and not the kernel by its timer. */
  deletedBy?: string | undefined;
}

export interface FlowEvent extends Flow {
  time: number;
  event: 'NEW' | 'UPDATE' | 'DESTROY';
  reason?: 'idle-timeout' | 'closed' | 'never-established' | 'deleted' | 'unknown' | undefined;
}

/** Why the kernel let an entry go, from the TCP state it was in. An entry in ESTABLISHED can only go by its idle timer. */
export function reasonOf(flow: Flow): FlowEvent['reason'] {
  if (flow.deletedBy !== undefined) return 'deleted';
  switch (flow.state) {
    case undefined:
      return 'unknown';
    case 'ESTABLISHED':
      return 'idle-timeout';
    case 'SYN_SENT':
    case 'SYN_SENT2':
    case 'SYN_RECV':
      return 'never-established';
    default:
      return 'closed';
  }
}
