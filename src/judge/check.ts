import { z } from 'zod';
import type { ActFacts } from './facts.ts';
import type { Finding } from './result.ts';

/** What a check says; its id and parameters are added by the judge. */
export type Judgement = Omit<Finding, 'id' | 'params'>;

/** What is expected, and why it comes so: the same whatever the evidence says. */
export type Statement = Pick<Judgement, 'expected' | 'why'>;

/** What the evidence says, or why it says nothing. */
export type Answer = Omit<Judgement, keyof Statement> | { unknown: string };

/**
 * What a check needs beside packets and sockets: an agent's account of its requests, or boxes' account of what passed them. A
 * stranger's program has no agent, so nothing can be said of its requests.
 */
export const NEEDS = ['requests', 'passages'] as const;
export type Need = (typeof NEEDS)[number];

/** Parameters that every check may have where there are several clients or boxes: whose connections, and which box. */
export const ABOUT = { client: z.string().optional(), box: z.string().optional() };
const about = z.object(ABOUT);

/**
 * One expectation that a scenario may name: a file each in `checks/`, whose name is its word in a scenario. A check looks
 * at evidence alone. It owns its title (which changes with the outcome), its why and its remedy.
 */
export interface Check<P extends z.ZodType = z.ZodType> {
  /** One line for people who write scenarios. */
  about: string;
  params: P;
  needs: readonly Need[];
  /** What it asks, as in "whether the flows were forgotten". */
  question(params: z.output<P>): string;
  says(facts: ActFacts, params: z.output<P>): Statement;
  judge(facts: ActFacts, params: z.output<P>): Answer;
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

/** Why the evidence cannot answer a check at all, or undefined. */
function missing(facts: ActFacts, needs: readonly Need[]): string | undefined {
  if (facts.notReady !== undefined) return facts.notReady;
  const why = { requests: () => facts.requestsNotReady, passages: () => facts.passagesNotReady };
  for (const need of needs) {
    const reason = why[need]();
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** Asks a check of an act: of the client or the box that its parameters name, and only where the evidence has what it needs. */
export function ask<P extends z.ZodType>(check: Check<P>, everything: ActFacts, params: z.output<P>): Judgement {
  const { client, box } = about.parse(typeof params === 'object' && params !== null ? params : {});
  const facts = everything.of({ client, box });
  const statement = check.says(facts, params);
  const reason = missing(facts, check.needs);
  const answer = reason === undefined ? check.judge(facts, params) : { unknown: reason };
  return 'unknown' in answer
    ? cannotTell({
        title: `${check.question(params)} cannot be told`,
        ...statement,
        observed: answer.unknown,
      })
    : { ...statement, ...answer };
}

export interface Cases<C> {
  cases: C[];
  right: C[];
  /** Whether all are as expected. */
  ok: boolean;
  /** One to show: one that is as expected where all are, else the first. */
  example: C | undefined;
}

/** Looks at each of several things. @param wanted how many must be as expected */
export function judgeEach<T, C extends { right: boolean }>(
  things: readonly T[],
  wanted: number,
  look: (thing: T) => C,
): Cases<C> {
  const cases = things.map(look);
  const right = cases.filter((each) => each.right);
  const ok = wanted > 0 && right.length === wanted && cases.length === wanted;
  return { cases, right, ok, example: ok ? right[0] : (cases.find((each) => !each.right) ?? cases[0]) };
}
