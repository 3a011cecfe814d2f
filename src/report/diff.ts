import { forTerminalAll, withoutCommands } from '../base/escape/terminal.ts';
import type { ActResult, Finding, Outcome, Result } from '../judge/result.ts';
import { outcomeRows } from './outcome-rows.ts';
import { type Paint, wrap } from './text.ts';
import { settingsLine, tuningText } from './tuning-text.ts';

/** One thing in which two runs are not alike. */
export interface Difference {
  /** Undefined for what concerns the whole run. */
  act: string | undefined;
  what: string;
  a: string;
  b: string;
  /**
   * `outcome`: what happened; `conditions`: under what (engine, pace, versions, tunings); `time`: how long it took, which is
   * never quite the same.
   */
  kind: 'outcome' | 'conditions' | 'time';
}

/** What is never quite the same, though the same happens. */
const TIMES: readonly (keyof Outcome)[] = ['firstReplySeconds', 'detectionSeconds', 'probesSent'];
const NOT_THERE = '(no such act)';

const withoutTimes = (outcome: Outcome): string =>
  JSON.stringify(outcome, (key, value) => ((TIMES as readonly string[]).includes(key) ? undefined : value));

/** A check may be asked of several boxes and clients of an act. */
const keyOf = ({ id, params }: Finding): string =>
  [id, ...['client', 'box'].flatMap((key) => (typeof params[key] === 'string' ? [params[key]] : []))].join(' ');

function compareActs(a: ActResult, b: ActResult): Difference[] {
  const act = a.name;
  const differences: Difference[] = [];
  const add = (kind: Difference['kind'], what: string, one: string, other: string) => {
    if (one !== other) differences.push({ act, what, a: one, b: other, kind });
  };
  add('outcome', 'verdict', a.verdict, b.verdict);
  const others = outcomeRows(b);
  for (const [index, { label, kind, text }] of outcomeRows(a).entries())
    add(kind === 'time' ? 'time' : 'outcome', label, text, others[index]?.text ?? '');
  // The table leaves out what nobody reads; two runs that look alike there may still differ.
  if (!differences.some(({ kind }) => kind === 'outcome'))
    add('outcome', 'outcome', withoutTimes(a.outcome), withoutTimes(b.outcome));
  const keys = new Set([...a.findings, ...b.findings].map(keyOf));
  for (const key of keys) {
    const [one, other] = [a, b].map(
      ({ findings }) => findings.find((finding) => keyOf(finding) === key)?.status ?? 'not asked',
    );
    add('outcome', `finding ${key}`, one as string, other as string);
  }
  add('conditions', 'tuning', tuningText(a.tuning), tuningText(b.tuning));
  add('conditions', 'HZ', String(a.hz), String(b.hz));
  return differences;
}

/** In what two results are not alike: what happened first, then under what conditions, then how long it took. */
export function compareResults(a: Result, b: Result): Difference[] {
  const differences: Difference[] = [];
  const add = (kind: Difference['kind'], what: string, one: string, other: string) => {
    if (one !== other) differences.push({ act: undefined, what, a: one, b: other, kind });
  };
  add('outcome', 'verdict', a.verdict, b.verdict);
  add('conditions', 'scenario', a.scenario, b.scenario);
  add('conditions', 'engine', a.engine, b.engine);
  add('conditions', 'pace', a.pace, b.pace);
  const boxes = ({ middleboxes }: Result) => new Map(middleboxes.map((box) => [box.host, box]));
  const [mine, theirs] = [boxes(a), boxes(b)];
  for (const host of new Set([...mine.keys(), ...theirs.keys()])) {
    const [one, other] = [mine.get(host), theirs.get(host)];
    const name = mine.size > 1 || theirs.size > 1 ? `middlebox ${host}` : 'middlebox';
    add('conditions', name, one?.profile ?? '–', other?.profile ?? '–');
    if (one && other) add('conditions', `${name}: timers`, settingsLine(one.timers), settingsLine(other.timers));
  }
  for (const name of new Set([...Object.keys(a.versions), ...Object.keys(b.versions)]))
    add('conditions', `version of ${name}`, a.versions[name] ?? '–', b.versions[name] ?? '–');
  for (const name of new Set([...a.acts, ...b.acts].map((act) => act.name))) {
    const [one, other] = [a, b].map(({ acts }) => acts.find((act) => act.name === name));
    if (one && other) differences.push(...compareActs(one, other));
    else
      differences.push({
        act: name,
        what: 'act',
        a: one ? one.verdict : NOT_THERE,
        b: other ? other.verdict : NOT_THERE,
        kind: 'outcome',
      });
  }
  const order: Difference['kind'][] = ['outcome', 'conditions', 'time'];
  return order.flatMap((kind) => differences.filter((difference) => difference.kind === kind));
}

export const sameOutcome = (differences: readonly Difference[]): boolean =>
  !differences.some(({ kind }) => kind === 'outcome');

const HEADS: Record<Difference['kind'], string> = {
  outcome: 'what happened',
  conditions: 'under what conditions',
  time: 'how long it took, and how often it was probed',
};

const name = ({ scenario, engine, startedAt }: Result) => `${scenario} · ${engine} · ${startedAt}`;

/** For a terminal: one block for each difference, so that long values have room. */
export function renderDiff(one: Result, other: Result, { columns, paint }: { columns: number; paint: Paint }): string {
  const [a, b] = [forTerminalAll(one), forTerminalAll(other)];
  const differences = forTerminalAll(compareResults(one, other));
  const width = Math.min(110, columns);
  const lines = [`${paint('bold', 'a')}  ${name(a)}`, `${paint('bold', 'b')}  ${name(b)}`];
  for (const kind of Object.keys(HEADS) as Difference['kind'][]) {
    const mine = differences.filter((difference) => difference.kind === kind);
    if (mine.length === 0) continue;
    lines.push('', paint('bold', HEADS[kind]));
    for (const { act, what, a: before, b: after } of mine) {
      lines.push(`  ${act === undefined ? '' : `${act}: `}${what}`);
      for (const [mark, value] of [
        ['a', before],
        ['b', after],
      ] as const)
        for (const [index, line] of wrap(value, width - 7).entries())
          lines.push(`    ${index === 0 ? mark : ' '}  ${line}`);
    }
  }
  const verdict = sameOutcome(differences) ? 'the same outcome in both' : 'outcomes differ';
  lines.push('', paint(sameOutcome(differences) ? 'green' : 'red', verdict), '');
  return withoutCommands(lines.join('\n'));
}
