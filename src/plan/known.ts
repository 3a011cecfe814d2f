import type { z } from 'zod';
import type { HostPlan, Tuning } from './plan.ts';

/** Things that a scenario may name, and what the planner asks of each; a catalogue of modules is one. */
export interface Things<T> {
  names(): readonly string[];
  /** @throws LabError UNKNOWN_NAME */
  load(name: string): Promise<{ default: T }>;
}

/** What planning asks of a server. */
export interface KnownServer {
  /** Why a tuning cannot be given to it, or undefined when it can. */
  refuses(tuning: Tuning): string | undefined;
}

/** What planning asks of a way to play a middlebox. */
export interface KnownBox {
  /** Why a scenario with these brokers cannot have it, and what to do; undefined where it can. */
  refuses?(scenario: { brokers: readonly string[] }): { what: string; todo: string } | undefined;
}

/** What planning asks of a check. */
export interface KnownCheck {
  params: z.ZodType;
}

/** What there is to stage and to judge with. Planning is told of it, so that it depends on none of it. */
export interface Known {
  clients: Pick<Things<unknown>, 'names'>;
  servers: Things<KnownServer>;
  boxes: Things<KnownBox>;
  checks: Things<KnownCheck>;
  /** What a host can do or suffer in a timeline. */
  verbs(role: HostPlan['role']): readonly string[];
}
