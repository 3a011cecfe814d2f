// Under which conditions a trial was measured. They are kept with every outcome, because an answer of one kernel says nothing
// about another: a sweep that would mix them is refused.
//
// What decides an outcome must be the same: engine, kernel release, HZ, architecture, and the versions of the programs that play a
// part (Node.js, HAProxy, nginx). The machine is recorded and shown, but may differ, on the real-time engine too: parts of a sweep
// are meant to be measured on several machines, kernel timers do not depend on the processor, and a machine too busy to let a
// program run in time gives no answer instead of a wrong one (services/lateness.ts).
import { createHash } from 'node:crypto';
import { cpus, hostname } from 'node:os';
import { z } from 'zod';
import { LabError } from '../base/errors.ts';
import { ENGINE_NAMES } from '../engines/engine.ts';

export const conditionsSchema = z.strictObject({
  engine: z.enum(ENGINE_NAMES),
  kernel: z.string().describe('release, as of uname -r'),
  hz: z.number().describe('timer interrupts a second'),
  architecture: z.string().describe('as Node.js calls it: x64, arm64'),
  programs: z.record(z.string(), z.string()).describe('versions of the programs that played a part, by name'),
  machine: z.strictObject({ name: z.string(), cpu: z.string() }).describe('recorded, but may differ within a sweep'),
});
/** Engine and machine are known to whoever started the lab; the rest its process tells (`LabConditions`). */
export type Conditions = z.infer<typeof conditionsSchema>;

export const thisMachine = (): Conditions['machine'] => ({
  name: hostname(),
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
});

/** The same for the same conditions: by it outcomes refer to them. Eight hexadecimal digits. */
export function conditionsId({ programs, ...rest }: Conditions): string {
  const text = JSON.stringify([
    ...[rest.engine, rest.kernel, rest.hz, rest.architecture, rest.machine.name, rest.machine.cpu],
    Object.entries(programs).sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

export interface ConditionsDifference {
  what: string;
  a: string;
  b: string;
}

/** What decides outcomes and differs. A program that played a part in only one of both does not. */
export function conditionsDifferences(a: Conditions, b: Conditions): ConditionsDifference[] {
  const programs = Object.keys(a.programs).filter((name) => name in b.programs);
  const pairs: [string, string | number | undefined, string | number | undefined][] = [
    ['engine', a.engine, b.engine],
    ['kernel', a.kernel, b.kernel],
    ['HZ', a.hz, b.hz],
    ['architecture', a.architecture, b.architecture],
    ...programs.map((name): [string, string | undefined, string | undefined] => [
      name,
      a.programs[name],
      b.programs[name],
    ]),
  ];
  return pairs.flatMap(([what, one, other]) => (one === other ? [] : [{ what, a: String(one), b: String(other) }]));
}

/** "engine virtual, kernel 6.12.117, HZ 250, x64, node v24.21.0, on buildbox". */
export const conditionsText = ({ engine, kernel, hz, architecture, programs, machine }: Conditions): string =>
  [
    `engine ${engine}`,
    `kernel ${kernel}`,
    `HZ ${hz}`,
    architecture,
    ...Object.entries(programs).map(([name, version]) => `${name} ${version}`),
    `on ${machine.name}`,
  ].join(', ');

/** Conditions, and in words what was measured under them: "runs/sweep/a", "what is to be measured now". */
export interface Measured {
  conditions: Conditions;
  where: string;
}

/**
 * @param todo what to do about it
 * @throws LabError BAD_OPTION where two of them would mix
 */
export function refuseMixing(all: readonly Measured[], todo: string): void {
  for (const [index, b] of all.entries())
    for (const a of all.slice(0, index)) {
      const found = conditionsDifferences(a.conditions, b.conditions);
      if (found.length === 0) continue;
      throw new LabError(
        'BAD_OPTION',
        `trials measured under different conditions cannot be mixed: ${found
          .map(({ what, a: one, b: other }) => `${what} ${one} (${a.where}) and ${other} (${b.where})`)
          .join(
            '; ',
          )}\n    ${a.where}: ${conditionsText(a.conditions)}\n    ${b.where}: ${conditionsText(b.conditions)}`,
        todo,
      );
    }
}

/** What a sweep's folder has of it. */
interface Kept {
  folder: string;
  record: { conditions?: Readonly<Record<string, Conditions>> };
  outcomes: ReadonlyMap<string, { conditions?: string; problem?: string }>;
}

/**
 * The conditions under which a folder's answers were measured. What found no answer will be measured again, so its do not count.
 * @returns with how many trials were measured under each
 * @throws LabError BAD_EVIDENCE where an answer does not say under which
 */
export function conditionsIn({ folder, record, outcomes }: Kept): (Measured & { trials: number })[] {
  const counts = new Map<string | undefined, number>();
  for (const { conditions, problem } of outcomes.values())
    if (problem === undefined) counts.set(conditions, (counts.get(conditions) ?? 0) + 1);
  return [...counts].map(([id, trials]) => {
    const known = record.conditions ?? {};
    const conditions = id !== undefined && Object.hasOwn(known, id) ? known[id] : undefined;
    if (conditions === undefined)
      throw new LabError(
        'BAD_EVIDENCE',
        `${trials} trials in ${folder} do not say under which conditions they were measured`,
        'sweep again: an older idlelab did not keep that',
      );
    return { conditions, where: folder, trials };
  });
}
