import type { Advice } from '../advice/advice.ts';
import type { ActEvidence } from '../evidence/read.ts';
import { type About, Memo } from './facts/connections.ts';
import { RequestFacts } from './facts/requests.ts';

export type { About, ClientConnection, Leg } from './facts/connections.ts';
export type { FlowLife, LatePacket } from './facts/passages.ts';
export type { Met, Request, RequestOutcome } from './facts/requests.ts';

/** How those of an act are told what to do, where somebody has written it down. */
export interface ActAdvice {
  /** By client host. */
  clients?: Readonly<Record<string, Advice | undefined>>;
  /** By server host. */
  servers?: Readonly<Record<string, Advice | undefined>>;
  sysctl?: Advice | undefined;
}

/**
 * Everything that checks, outcome and ladder ask of one act's evidence, each computed once, when first asked for. What it says of
 * connections comes from packets and sockets, of passages from boxes, of requests from agents.
 */
export class ActFacts extends RequestFacts {
  readonly advice: ActAdvice;
  readonly #shared: Memo;

  constructor(evidence: ActEvidence, advice: ActAdvice = {}, about: About = {}, memo: Memo = new Memo()) {
    super(evidence, about, memo);
    this.advice = advice;
    this.#shared = memo;
  }

  /** The same facts, of one client's connections or of one box alone. */
  of(about: About): ActFacts {
    return about.client === undefined && about.box === undefined
      ? this
      : new ActFacts(this.evidence, this.advice, about, this.#shared);
  }
}
