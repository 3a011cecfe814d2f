import type { Tuning } from '../plan/plan.ts';
import type { LabHost } from './lab.ts';

/** An MQ-like server. One file each in `kinds/`; the file's name is its word in a scenario. */
export interface Broker {
  port: number;
  /** Why a tuning cannot be given to this server, or undefined when it can. */
  refuses(tuning: Tuning): string | undefined;
  /** Configuration text, and how to start the server with the file it was written to. */
  render(context: { host: LabHost; folder: string; tuning: Tuning }): {
    config: string;
    program: string;
    args(file: string): string[];
  };
  /**
   * True when, as configured here, it does nothing of its own that anyone could see: it may be stopped while no socket of
   * its has anything for it.
   */
  onlyServes: boolean;
  /** A line the server prints once it takes connections. */
  ready: RegExp;
  /** The identifiers of the messages it has applied, in order, asked without touching the network under test. */
  ledger(context: { host: LabHost; folder: string }): Promise<string[]>;
}
