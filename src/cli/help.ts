import { hang, wrap } from '../report/text.ts';
import { HELP_COLUMNS } from './command.ts';

/** A paragraph that stands below a command's help. */
export const helpText = (text: string): string => `\n${wrap(text, HELP_COLUMNS).join('\n')}`;

/** Entries of a list below a command's help, each a name and what it means. */
export const helpList = (entries: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...entries.map(([name]) => name.length)) + 4;
  return entries.flatMap(([name, about]) => hang(`  ${name}`.padEnd(width), about, HELP_COLUMNS)).join('\n');
};
