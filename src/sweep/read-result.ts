import { LabError } from '../base/errors.ts';
import { issueText } from '../evidence/document.ts';
import { SWEEP_SCHEMA_VERSION, type SweepResult, sweepResultSchema } from './result.ts';

/**
 * The result of a sweep, from a parsed result.json.
 * @throws LabError BAD_EVIDENCE where it is of another version, or not of the published schema
 */
export function parseSweepResult(document: unknown, { file, folder }: { file: string; folder: string }): SweepResult {
  const todo = `npm run sweep -- --resume ${folder} makes it again from its trials`;
  const version = (document as { schemaVersion?: unknown } | null)?.schemaVersion;
  if (typeof version === 'number' && version !== SWEEP_SCHEMA_VERSION)
    throw new LabError(
      'BAD_EVIDENCE',
      `${file} has schema version ${version}; this version of idlelab reads ${SWEEP_SCHEMA_VERSION}`,
      version < SWEEP_SCHEMA_VERSION
        ? 'sweep again: npm run sweep -- <name>'
        : 'read it with the newer idlelab that wrote it',
    );
  const parsed = sweepResultSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  throw new LabError('BAD_EVIDENCE', `${file} is not as this version writes it: ${issueText(parsed.error)}`, todo);
}
