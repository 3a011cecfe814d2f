import type { z } from 'zod';
import type { ActFacts } from './facts.ts';
import type { Finding } from './result.ts';

/** What a check says; its id and parameters are added by the judge. */
export type Judgement = Omit<Finding, 'id' | 'params'>;

/**
 * One expectation that a scenario may name: a file each in `checks/`, whose name is its word in a scenario. A check looks
 * at evidence alone. It owns its title (which changes with the outcome), its why and its remedy.
 */
export interface Check<P extends z.ZodType = z.ZodType> {
  /** One line for people who write scenarios. */
  about: string;
  params: P;
  judge(facts: ActFacts, params: z.output<P>): Judgement;
}

/** The honest answer where the evidence does not tell. */
export const cannotTell = (words: Pick<Judgement, 'title' | 'expected' | 'observed' | 'why'>): Judgement => ({
  status: 'unknown',
  ...words,
  remedy: [],
  evidence: [],
});

/** Gives a check its parameters' type. */
export const defineCheck = <P extends z.ZodType>(check: Check<P>): Check<P> => check;
