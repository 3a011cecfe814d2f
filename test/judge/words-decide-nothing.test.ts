import { describe, expect, it } from 'vitest';
import type { ActEvidence } from '../../src/evidence/read.ts';
import { FIXTURES, judgedAct, recorded, statusOf } from '../helpers/fixture.ts';

const ACTS = FIXTURES.flatMap((name) => recorded(name).acts.map(({ plan }) => [name, plan.name] as const));

const failures = (evidence: ActEvidence) =>
  evidence.events.filter(({ event }) => event === 'error' || event === 'failed');

/** Other words for everything: another library's for what went wrong, and another director's for what was played. */
function translate(evidence: ActEvidence): void {
  for (const event of failures(evidence)) Object.assign(event, { code: 'Fehler', message: 'nichts geht mehr' });
  for (const step of evidence.record.steps) step.text = 'etwas geschieht';
  for (const look of [...evidence.samples, ...evidence.flowTables, ...evidence.proxySessions]) look.label = 'ein Blick';
}

/** Words that say something else than what happened. */
function lie(evidence: ActEvidence): void {
  const lies = ['read ECONNRESET', 'Command timed out', 'Socket timeout', 'read ETIMEDOUT'];
  for (const event of failures(evidence))
    Object.assign(event, { code: 'ECONNRESET', message: lies.find((words) => words !== event.message) });
}

/** What was found, without the sentences that quote the library. */
const found = ({ verdict, outcome, findings }: Awaited<ReturnType<typeof judgedAct>>) => ({
  verdict,
  outcome,
  findings: findings.map(({ observed: _, evidence, ...finding }) => ({
    ...finding,
    evidence: evidence.map(({ note: __, ...pointer }) => pointer),
  })),
});

describe('what a library says in words decides nothing', () => {
  it.each(ACTS)('%s, %s: found the same in other words', async (scenario, act) => {
    const before = found(await judgedAct(scenario, act));
    expect(found(await judgedAct(scenario, act, translate))).toEqual(before);
    expect(found(await judgedAct(scenario, act, lie))).toEqual(before);
  });
  it('there are words to change', () => {
    const words = ACTS.flatMap(([scenario]) => recorded(scenario).acts.flatMap(failures));
    expect(new Set(words.map(({ failure }) => failure)).size).toBeGreaterThan(3);
  });
});

describe('a run whose client did not classify its failures', () => {
  it.each([
    ['black-hole', 'broken', 'retransmission-gives-up'],
    ['black-hole', 'command', 'command-times-out'],
    ['black-hole', 'socket', 'socket-timeout-replays'],
    ['reset', 'broken', 'late-packet-reset'],
    ['rebalance', 'broken', 'late-packet-reset'],
  ])('%s, %s: %s is unknown', async (scenario, act, check) => {
    const result = await judgedAct(scenario, act, (evidence) => {
      for (const event of failures(evidence)) delete event.failure;
    });
    expect(statusOf(result, check)).toBe('unknown');
    expect(result.verdict).toBe('inconclusive');
  });
  it('is judged all the same where nothing failed', async () => {
    const result = await judgedAct('rebalance', 'fixed', (evidence) => {
      for (const event of evidence.events) delete event.failure;
    });
    expect(result.verdict).toBe('pass');
  });
});

describe('a failure of another class', () => {
  it.each([
    ['black-hole', 'broken', 'retransmission-gives-up', 'socket-timeout'],
    ['black-hole', 'command', 'command-times-out', 'socket-timeout'],
    ['black-hole', 'socket', 'socket-timeout-replays', 'kernel-timeout'],
    ['reset', 'broken', 'late-packet-reset', 'closed'],
  ] as const)('%s, %s: %s fails on a %s', async (scenario, act, check, failure) => {
    const result = await judgedAct(scenario, act, (evidence) => {
      for (const event of failures(evidence)) event.failure = failure;
    });
    expect(statusOf(result, check)).toBe('fail');
  });
});
