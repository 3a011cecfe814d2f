// Single connections, packet by packet: the recommended tuning, and the one next to it that breaks. Each is played once more in a
// lab of its own that is looked at; its ladder is the judge's, from evidence of the same form as a scenario's.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plainDuration, shortDuration } from '../base/duration.ts';
import { CAPTURE_FILE, RUN_FILE } from '../evidence/files.ts';
import { readEvidence } from '../evidence/read.ts';
import type { ActRecord, RunRecord } from '../evidence/record.ts';
import { ActFacts } from '../judge/facts.ts';
import { buildLadders } from '../judge/ladder.ts';
import type { Ladder } from '../judge/result.ts';
import type { ActPlan } from '../plan/plan.ts';
import { type Question, type Trial, trialOf } from '../plan/trial.ts';
import { settingsText } from './grid.ts';
import type { CellResult, SweepResult } from './result.ts';
import { cellAt, type SweepSpec } from './spec.ts';

/** What a witness's folder is a run of. */
export interface WitnessRun extends Pick<RunRecord, 'engine' | 'startedAt' | 'versions'> {
  title: string;
  pace: SweepSpec['pace'];
  plans: ActPlan[];
  acts: readonly ActRecord[];
}

/**
 * Makes a folder of evidence a run like any other: with run.json, and one capture.
 * @returns the ladder of each act, by its name
 * @throws LabError BAD_EVIDENCE
 */
export function laddersIn(folder: string, { plans, acts, title, pace, ...run }: WitnessRun): Map<string, Ladder> {
  const record: RunRecord = {
    ...run,
    schemaVersion: 2,
    wallSeconds: 0,
    memoryMb: 0,
    plan: { schemaVersion: 2, scenario: 'sweep', title, story: '', file: '', pace, acts: plans, next: null },
    acts: [...acts],
  };
  const save = () => writeFileSync(join(folder, RUN_FILE), `${JSON.stringify(record, null, 2)}\n`);
  save();
  const evidence = readEvidence(folder, { justRecorded: true });
  record.counts = evidence.counts;
  evidence.capture.write(join(folder, CAPTURE_FILE), new Map());
  for (const file of readdirSync(folder)) if (file.endsWith('.pcap')) rmSync(join(folder, file));
  save();
  return laddersOf(folder);
}

/** The ladders of a folder that is a run already. @throws LabError BAD_EVIDENCE */
export const laddersOf = (folder: string): Map<string, Ladder> =>
  new Map(
    readEvidence(folder).acts.flatMap((act) =>
      // Its lab has one path.
      buildLadders(new ActFacts(act), [])
        .slice(0, 1)
        .map((ladder) => [act.plan.name, ladder] as const),
    ),
  );

export interface Witnessed {
  /** Of the cell. */
  id: string;
  trial: Trial;
  title: string;
  says: string;
}

const MOST_BOXES = 3;

/** Which connections are worth a look: the recommended one, and the one next to it that breaks, by what breaks it. */
export function witnessesFor(result: SweepResult, spec: SweepSpec): Witnessed[] {
  const usual = ({ box }: { box: number }) =>
    spec.boxes[box]?.middlebox.timeoutSeconds === spec.boxes[box]?.defaultSeconds ? 0 : 1;
  const chosen = result.recommendations
    .filter(({ cell }) => cell !== null)
    .sort((a, b) => usual(a) - usual(b))
    .slice(0, MOST_BOXES);
  return chosen.flatMap((recommendation) => {
    const find = (id: string | null | undefined) => result.cells.find((cell) => cell.id === id);
    const broken = recommendation.neighbours.find(({ expected }) => expected === 'breaks');
    const tcp = result.cells.find(
      ({ box, client, measured }) =>
        box === recommendation.box &&
        client.keepalive !== 'off' &&
        client.heartbeatSeconds === undefined &&
        measured !== null &&
        measured.survives.yes === 0,
    );
    const [best, worse] = [find(recommendation.cell), find(broken?.cell) ?? tcp];
    const told = (cell: CellResult | undefined, question: Question, title: string): Witnessed[] => {
      const box = spec.boxes[cell?.box ?? -1];
      if (cell === undefined || box === undefined) return [];
      const { cell: model } = cellAt(box, cell.point, spec);
      return [
        {
          id: cell.id,
          trial: trialOf(model, box.playedBy, question, 1, spec.seed),
          title: `${box.profile} ${shortDuration(box.middlebox.timeoutSeconds)}: ${settingsText(cell.point) || 'nothing set'}: ${title}`,
          says: questionSays(question),
        },
      ];
    };
    return [
      ...told(best, { kind: 'quiet' }, 'the recommended one'),
      ...told(
        worse,
        worse === undefined ? { kind: 'quiet' } : breaking(worse, spec),
        worse === tcp ? 'a keepalive does not help' : 'the next one that breaks',
      ),
    ];
  });
}

/** The question that a cell fails first. */
function breaking({ measured }: CellResult, { demands }: SweepSpec): Question {
  const fails = (proportion: { yes: number; of: number } | undefined) =>
    proportion !== undefined && proportion.yes < proportion.of;
  if (!fails(measured?.survives)) {
    if (fails(measured?.lost[demands.lost])) return { kind: 'lost', count: demands.lost };
    if (fails(measured?.outage[demands.outageSeconds])) return { kind: 'outage', seconds: demands.outageSeconds };
  }
  return { kind: 'quiet' };
}

const questionSays = (question: Question): string => {
  if (question.kind === 'lost')
    return `After a while ${question.count} packets of the client in a row are lost on their way to the middlebox.`;
  return question.kind === 'outage'
    ? `For ${plainDuration(question.seconds)} nothing gets through.`
    : 'Nothing is said through the quiet; then a request is made.';
};
