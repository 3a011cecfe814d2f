// Reads a file of lab/sweeps, or one of yours.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { LabError } from '../base/errors.ts';
import type { Pace } from '../base/pace.ts';
import { quoted } from '../base/quote.ts';
import { suggestion } from '../base/suggest.ts';
import { MIDDLEBOXES, SWEEPS } from '../plan/catalogue.ts';
import { nameOfFile } from '../plan/file-name.ts';
import {
  COUNT_LIMITS,
  type CountLimit,
  DURATION_LIMITS,
  type DurationLimit,
  durationLimitText,
  limitedDuration,
} from '../plan/limits.ts';
import { readYaml } from '../plan/read.ts';
import { type Axis, parseList, parseScan } from './grid.ts';
import type { Demands, SpecProblem } from './spec.ts';

const paced = z.union([z.string(), z.strictObject({ production: z.string(), compressed: z.string() })]);

const whole = ({ least, most }: CountLimit) => z.number().int().min(least).max(most);

/** The shape of a sweep's file. */
export const sweepSchema = z.strictObject({
  title: z.string().min(1),
  middlebox: z
    .union([z.string(), z.array(z.string()).min(1)])
    .describe('files of lab/middleboxes, by name; their idle timeout is the profile’s, unless "timeout" is varied'),
  scan: z
    .record(z.string(), paced)
    .optional()
    .describe('settings by name, from..to/step, as in 30s..600s/30s; server. before a name makes it the server’s'),
  list: z.record(z.string(), paced).optional().describe('settings by name, values with commas, as in 1s,10s,75s'),
  quiet: paced.optional().describe(`how long the application is quiet; ${durationLimitText(DURATION_LIMITS.wait)}`),
  repeat: whole(COUNT_LIMITS.repeat).optional().describe('how often each cell is measured, from different offsets'),
  survive: z
    .strictObject({
      lost: whole(COUNT_LIMITS.lost).optional().describe('this many probes lost in a row'),
      outage: paced
        .optional()
        .describe(`an outage of this length; 0s for none; ${durationLimitText(DURATION_LIMITS.outage)}`),
      noticeWithin: paced.optional().describe('an idle client notices a dead peer within this time'),
    })
    .optional()
    .describe('what a recommended tuning must outlive, besides the quiet'),
});

/** A sweep's file with its values resolved for a pace. */
export interface SweepFile {
  name: string;
  title: string;
  story: string;
  middleboxes: string[];
  axes: Axis[];
  quietSeconds?: number;
  repeat?: number;
  demands: Partial<Demands>;
  /** What is wrong with the sweep as a whole, with its place in the file. */
  complaint(problem: SpecProblem): LabError;
}

function pathOf(nameOrPath: string): string {
  const names = SWEEPS.names();
  if (names.includes(nameOrPath)) return SWEEPS.path(nameOrPath);
  if (/[/\\]|\.ya?ml$/.test(nameOrPath) && existsSync(nameOrPath)) return resolve(nameOrPath);
  const near = suggestion(nameOrPath, names);
  throw new LabError(
    'BAD_OPTION',
    `there is no sweep ${quoted(nameOrPath)}${near === undefined ? '' : `; ${near}`}`,
    `one of ${names.join(', ')}, the path of a YAML file, or options: --middlebox aws-nlb --scan keepIdle 30s..600s/30s`,
  );
}

/** @throws LabError BAD_FILE, BAD_OPTION */
export function readSweep(nameOrPath: string, pace: Pace): SweepFile {
  const path = pathOf(nameOrPath);
  const name = nameOfFile(path);
  const { value, source, positions } = readYaml(path, sweepSchema);
  const pick = (raw: z.infer<typeof paced>): string => (typeof raw === 'string' ? raw : raw[pace]);
  const placeOf = (raw: z.infer<typeof paced>, place: readonly PropertyKey[]) =>
    typeof raw === 'string' ? place : [...place, pace];
  const seconds = (raw: z.infer<typeof paced>, place: readonly PropertyKey[], limit: DurationLimit): number => {
    const found = limitedDuration(pick(raw), limit);
    if (typeof found === 'number') return found;
    throw positions.error(placeOf(raw, place), found.expected, { found: quoted(pick(raw)) });
  };
  const middleboxes = [value.middlebox].flat();
  const known = MIDDLEBOXES.names();
  for (const [index, name] of middleboxes.entries()) {
    const here = ['middlebox', ...(Array.isArray(value.middlebox) ? [index] : [])];
    if (!known.includes(name))
      throw positions.error(here, `a middlebox: one of ${known.join(', ')}`, {
        found: quoted(name),
        hint: suggestion(name, known),
      });
    if (middleboxes.indexOf(name) !== index)
      throw positions.error(here, 'each middlebox once', { found: `${quoted(name)} a second time` });
  }
  const axes = (['scan', 'list'] as const).flatMap((kind) =>
    Object.entries(value[kind] ?? {}).map(([name, raw]): Axis => {
      try {
        return (kind === 'scan' ? parseScan : parseList)(name, pick(raw));
      } catch (error) {
        if (!(error instanceof LabError)) throw error;
        throw positions.error(placeOf(raw, [kind, name]), error.todo, { found: error.message });
      }
    }),
  );
  const { lost, outage, noticeWithin } = value.survive ?? {};
  return {
    name,
    title: value.title,
    story: source.comment,
    middleboxes,
    axes,
    ...(value.quiet === undefined ? {} : { quietSeconds: seconds(value.quiet, ['quiet'], DURATION_LIMITS.wait) }),
    ...(value.repeat === undefined ? {} : { repeat: value.repeat }),
    demands: {
      ...(lost === undefined ? {} : { lost }),
      ...(outage === undefined
        ? {}
        : { outageSeconds: seconds(outage, ['survive', 'outage'], DURATION_LIMITS.outage) }),
      ...(noticeWithin === undefined
        ? {}
        : { noticeSeconds: seconds(noticeWithin, ['survive', 'noticeWithin'], DURATION_LIMITS.noticeWithin) }),
    },
    complaint: ({ axis, what, todo }) => {
      const kind = (['scan', 'list'] as const).find((each) => axis !== undefined && value[each]?.[axis] !== undefined);
      const place = kind === undefined ? [] : [kind, axis as string];
      return positions.error(place, todo, { found: what, key: true });
    },
  };
}

/** Title and first sentence of every shipped sweep. */
export function listSweeps(): { name: string; title: string; summary: string }[] {
  return SWEEPS.names().map((name) => {
    const text = readFileSync(SWEEPS.path(name), 'utf8');
    const title = /^title:\s*(.*)$/m.exec(text)?.[1] ?? name;
    const comment = (/^(?:#.*\n)+/.exec(text)?.[0] ?? '').replace(/^# ?/gm, '').replace(/\n/g, ' ');
    return { name, title, summary: /^.*?[.!?](?=\s|$)/.exec(comment)?.[0] ?? comment };
  });
}
