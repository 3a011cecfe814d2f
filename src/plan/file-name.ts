import { basename } from 'node:path';
import { LabError } from '../base/errors.ts';
import { isPlainName, NAME_RULE } from '../base/plain.ts';

/**
 * What a scenario or a sweep is called: its file's name. Runs are kept in a folder of that name, so it must not lead elsewhere.
 * @throws LabError BAD_FILE
 */
export function nameOfFile(path: string): string {
  const name = basename(path).replace(/\.ya?ml$/, '');
  if (!isPlainName(name) || name === 'latest')
    throw new LabError(
      'BAD_FILE',
      `${JSON.stringify(basename(path))} cannot give a run its name`,
      `rename the file: ${name === 'latest' ? 'runs/latest is the newest run' : NAME_RULE}`,
    );
  return name;
}
