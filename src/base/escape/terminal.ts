import { oneLine, visible } from './visible.ts';

/** Ours, which `painter` sets: select graphic rendition, ECMA-48. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const COMMAND = /^((?:\u001b\[[\d;]*m|\s)*)::/gm;

/**
 * A whole output without what a GitHub Actions runner would take as a command to it: `::` where a line begins, and the older
 * `##[` anywhere (actions/runner, ActionCommand.cs). A backslash or a space stands in between.
 */
export const withoutCommands = (output: string): string => output.replace(COMMAND, '$1\\::').replaceAll('##[', '# #[');

/** Text from anywhere for a person's terminal or the log of a job. */
export const forTerminal = (text: string): string => withoutCommands(visible(text));

/** Where a document keeps text of several lines; everything else is on one. */
const OF_LINES = new Set(['story', 'text', 'message', 'todo', 'remedy']);

/**
 * The same document with nothing in its strings and keys that acts on a terminal. Newlines stay where texts of several lines
 * are kept, which `wrap` sets; elsewhere a newline could pass for a line of ours.
 */
export function forTerminalAll<T>(document: T, key = ''): T {
  if (typeof document === 'string') return (OF_LINES.has(key) ? visible(document) : oneLine(document)) as T;
  if (Array.isArray(document)) return document.map((each) => forTerminalAll(each, key)) as T;
  if (document === null || typeof document !== 'object') return document;
  return Object.fromEntries(
    Object.entries(document).map(([name, value]) => [oneLine(name), forTerminalAll(value, name)]),
  ) as T;
}
