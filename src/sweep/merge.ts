import { LabError } from '../errors.ts';
import { SweepFolder } from './folder.ts';

/**
 * Puts parts of one sweep together into a folder of their own; what none of them has is measured when it is gone on with.
 * @throws LabError BAD_OPTION where they are not of the same sweep
 */
export function mergeSweeps(parts: readonly string[], runs: string): SweepFolder {
  const opened = parts.map((folder) => SweepFolder.open(folder));
  const [first, ...others] = opened;
  if (first === undefined)
    throw new LabError('BAD_OPTION', 'which parts?', 'npm run sweep -- merge <folder> <folder> …');
  const spec = JSON.stringify(first.record.spec);
  const stranger = others.find(({ record }) => JSON.stringify(record.spec) !== spec);
  if (stranger !== undefined)
    throw new LabError(
      'BAD_OPTION',
      `${stranger.folder} is not a part of the same sweep as ${first.folder}`,
      'parts are swept with the same options, but for --shard',
    );
  const merged = SweepFolder.create(runs, first.record.spec, new Date(first.record.startedAt), null);
  for (const { outcomes, record } of opened) {
    merged.record.wallSeconds += record.wallSeconds;
    merged.record.versions = { ...merged.record.versions, ...record.versions };
    for (const outcome of outcomes.values()) if (!merged.outcomes.has(outcome.key)) merged.add(outcome);
  }
  merged.save();
  return merged;
}
