// Sentences come last: whoever translates or mends one changes no verdict, no folding, no difference and no colour.
import { describe, expect, it } from 'vitest';
import { judgeRun } from '../../src/judge/judge.ts';
import { type Result, resultSchema } from '../../src/judge/result.ts';
import { REPORTERS } from '../../src/report/catalogue.ts';
import { compareResults, sameOutcome } from '../../src/report/diff.ts';
import { drawLadder } from '../../src/report/draw-ladder.ts';
import { SWEEP_REPORTERS } from '../../src/report/sweep/catalogue.ts';
import { compareSweeps } from '../../src/report/sweep/diff.ts';
import { painter } from '../../src/report/text.ts';
import { type SweepResult, sweepResultSchema } from '../../src/sweep/result.ts';
import { judged, recorded } from '../helpers/fixture.ts';
import { fullResult, fullSweep, rewritten } from '../helpers/hostile.ts';

const SCENARIOS = ['rebalance', 'reset', 'reset-both', 'black-hole', 'proxy-close', 'lost-fin', 'keepalive-too-late'];
const CONTEXT = { columns: 100, color: true, folder: 'runs/x/y' };

/** Every word another, and no two the same; the flags of packets are letters, not words. */
const translated = (text: string): string =>
  text.replace(/^[SFRPAUEC]+$|([A-Za-z])/g, (letter, word) => {
    if (word === undefined) return letter;
    const base = letter <= 'Z' ? 65 : 97;
    return String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base);
  });
const inOther = (result: Result): Result => rewritten(result, resultSchema, translated);
const sweepInOther = (result: SweepResult): SweepResult => rewritten(result, sweepResultSchema, translated);

const classes = (page: string) => page.match(/class="[^"]*"/g);
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const colours = (text: string) => text.match(/\u001b\[[\d;]*m/g);

describe.each(SCENARIOS)('the evidence of %s in another language', (scenario) => {
  it('is judged and folded the same', async () => {
    const evidence = recorded(scenario);
    for (const act of evidence.acts) {
      act.plan.title = translated(act.plan.title);
      for (const step of act.record.steps) step.text = translated(step.text);
      for (const event of act.events)
        for (const key of ['text', 'message'] as const)
          if (event[key] !== undefined) event[key] = translated(event[key]);
      for (const look of act.samples) look.label = translated(look.label);
    }
    const [one, other] = [await judged(scenario), await judgeRun(evidence, 0)];
    const essence = ({ verdict, acts }: Result) => [
      verdict,
      acts.map((act) => [
        act.findings.map(({ id, status }) => [id, status]),
        act.ladders.flatMap(({ rows }) => rows).map((row) => ({ ...row, text: '', label: '' })),
      ]),
    ];
    expect(essence(other)).toEqual(essence(one));
  });
});

describe('a result in another language', () => {
  it.each(SCENARIOS)('of %s has the same colours', async (scenario) => {
    const one = await judged(scenario);
    const other = inOther(one);
    const { default: html } = await REPORTERS.load('html');
    expect(classes(html.render(other, CONTEXT))).toEqual(classes(html.render(one, CONTEXT)));
    const drawn = ({ acts }: Result) =>
      acts
        .flatMap(({ ladders }) => ladders)
        .map((ladder) =>
          ladder.rows.map((row) => colours(drawLadder({ ...ladder, rows: [row] }, 1000, painter(true)).join('\n'))),
        );
    expect(drawn(other)).toEqual(drawn(one));
  });

  it('has rows in every colour that there is', async () => {
    const rows = (await Promise.all(SCENARIOS.map(judged))).flatMap(({ acts }) =>
      acts.flatMap(({ ladders }) => ladders.flatMap(({ rows }) => rows)),
    );
    const events = rows.flatMap((row) => (row.kind === 'event' ? [row.event] : []));
    expect(new Set(events)).toEqual(new Set(['error', 'failed', 'close', 'reconnecting']));
    expect(rows.some((row) => row.kind === 'states' && row.zombies?.includes('mq-1'))).toBe(true);
    const red = (event: string) =>
      rows
        .filter((row) => row.kind === 'event' && row.event === event)
        .every((row) =>
          drawLadder({ connection: 0, lanes: [], rows: [row] }, 1000, painter(true))
            .join('')
            .includes('[31m'),
        );
    expect(['error', 'failed', 'close', 'reconnecting'].map(red)).toEqual([true, true, false, false]);
  });

  it('differs from another in the same', async () => {
    const a = await fullResult();
    const b = structuredClone(a);
    const [broken, fixed] = b.acts as [Result['acts'][0], Result['acts'][0]];
    Object.assign(broken.outcome, { firstReplySeconds: 77, detectionSeconds: 78, probesSent: 79, lostMessages: 80 });
    Object.assign(fixed.outcome, { firstReplySeconds: 77 });
    Object.assign(broken.findings[0] ?? {}, { status: 'unknown' });
    b.engine = 'docker';
    const kinds = (one: Result, other: Result) => compareResults(one, other).map(({ kind }) => kind);
    expect(new Set(kinds(a, b))).toEqual(new Set(['outcome', 'conditions', 'time']));
    expect(kinds(inOther(a), inOther(b))).toEqual(kinds(a, b));
    const late = structuredClone(a);
    Object.assign(late.acts[0]?.outcome ?? {}, { firstReplySeconds: 77 });
    expect(sameOutcome(compareResults(inOther(a), inOther(late)))).toBe(true);
    expect(sameOutcome(compareResults(inOther(a), inOther(b)))).toBe(false);
  });

  it('fails the same tests and raises the same annotations', async () => {
    const one = await fullResult();
    for (const [format, counted] of [
      ['junit', /<(?:failure|skipped|error) /g],
      ['github', /^::\w+/gm],
      ['pretty', /^ *[✔✖?] /gm],
    ] as const) {
      const { default: reporter } = await REPORTERS.load(format);
      const plain = { ...CONTEXT, columns: 10_000, color: false };
      const found = (result: Result) => reporter.render(result, plain).match(counted);
      expect(found(one)?.length).toBeGreaterThan(1);
      expect(found(inOther(one))).toEqual(found(one));
    }
  });
});

describe('a sweep in another language', () => {
  it('fails the same tests, raises the same annotations and has the same colours', async () => {
    const one = fullSweep();
    const other = sweepInOther(one);
    const charts = /<svg aria-hidden="true"[\s\S]*?<\/svg>/g;
    for (const [format, counted] of [
      ['junit', /<(?:failure|skipped) /g],
      ['github', /^::\w+/gm],
      ['html', /class="[^"]*"|data-state="[^"]*"/g],
      ['pretty', /^ *[✔✖?▸▹▲] /gm],
    ] as const) {
      const { default: reporter } = await SWEEP_REPORTERS.load(format);
      const found = async (result: SweepResult) =>
        (await reporter.render(result, { ...CONTEXT, columns: 10_000, color: false }))
          .replace(charts, '')
          .match(counted);
      expect((await found(one))?.length).toBeGreaterThan(1);
      expect(await found(other)).toEqual(await found(one));
    }
    const kinds = (a: SweepResult, b: SweepResult) => compareSweeps(a, b).map(({ kind }) => kind);
    const changed = { ...one, hz: 1000, recommendations: one.recommendations.map((each) => ({ ...each, cell: null })) };
    expect(kinds(other, sweepInOther(changed))).toEqual(kinds(one, changed));
  });
});
