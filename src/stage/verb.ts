import type { KnownVerb } from '../plan/known.ts';
import type { ActionStep, HostPlan } from '../plan/plan.ts';
import type { Cast } from './cast.ts';
import type { Lab } from './lab.ts';

export interface VerbContext {
  lab: Lab;
  cast: Cast;
  /** The host that does or suffers it: of a group, each in turn. */
  host: HostPlan;
  step: ActionStep;
  /** Waits for what may not take longer than the step may; @throws LabError STEP_FAILED after that */
  patiently<T>(work: Promise<T>, what: string): Promise<T>;
}

/**
 * Something that a host does or suffers in a timeline. One file each in `verbs/`; the file's name is its word there. What it
 * is called, its parameters, who can do it, how it is told and what it does stand in that file and nowhere else.
 */
export interface Verb extends KnownVerb {
  /** It calls LabHost.impair: the links of its host are laid so that packets can be lost, doubled and delayed on them. */
  impairs?: true;
  /** A sentence about the step, for people. */
  say(step: ActionStep, host: HostPlan): string;
  do(context: VerbContext): Promise<void>;
}
