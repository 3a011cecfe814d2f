import { LabError } from '../base/errors.ts';
import { conditionsIn, refuseMixing } from './conditions.ts';
import { SweepFolder } from './folder.ts';

/**
 * Puts parts of one sweep together into a folder of their own; what none of them has is measured when it is gone on with.
 * @throws LabError BAD_OPTION where they are not of the same sweep, or were measured under different conditions
 */
export function mergeSweeps(parts: readonly string[], runs: string): SweepFolder {
  const opened = parts.map((folder) => SweepFolder.open(folder));
  const [first, ...others] = opened;
  if (first === undefined)
    throw new LabError('BAD_OPTION', 'no parts given', 'npm run sweep -- merge <folder> <folder> …');
  const spec = JSON.stringify(first.record.spec);
  const stranger = others.find(({ record }) => JSON.stringify(record.spec) !== spec);
  if (stranger !== undefined)
    throw new LabError(
      'BAD_OPTION',
      `${stranger.folder} is not a part of the same sweep as ${first.folder}`,
      'parts are swept with the same options, but for --shard',
    );
  refuseMixing(
    opened.flatMap((each) => conditionsIn(each)),
    'measure the part again where the others were measured',
  );
  const merged = SweepFolder.create(runs, first.record.spec, new Date(first.record.startedAt), null);
  for (const { outcomes, record } of opened) {
    merged.record.wallSeconds += record.wallSeconds;
    merged.record.conditions = { ...merged.record.conditions, ...record.conditions };
    for (const outcome of outcomes.values()) if (!merged.outcomes.has(outcome.key)) merged.add(outcome);
  }
  merged.save();
  return merged;
}
