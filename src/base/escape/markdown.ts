// GitHub Flavored Markdown (github.github.com/gfm) whose words stay words, whoever wrote them.
import { html } from './html.ts';
import { oneLine, visible } from './visible.ts';

/** Stands between a sign and a name, so that nobody is mentioned and no issue linked: zero width space. */
const APART = '&#8203;';

/** What means something inside of a line: spans, links, HTML, entities, tables, formulas, addresses, mentions, issues. */
const MEANING = /[\\`*[\]|~$]|<|&(?=[#\w])|_|@(?=\w)|#(?=\d)|:\/(?=\/)|(?<=\bwww)\./gi;
const intraword = (text: string, at: number) => /\w/.test(text[at - 1] ?? '') && /\w/.test(text[at + 1] ?? '');

function escaped(sign: string, at: number, text: string): string {
  if (sign === '<') return '&lt;';
  if (sign === '&') return '&amp;';
  if (sign === '@' || sign === '#') return sign + APART;
  if (sign === ':/') return ':\\/';
  return sign === '_' && intraword(text, at) ? sign : `\\${sign}`;
}

/** Text as one line of Markdown, for any place: paragraphs, headings, list items, cells of tables. */
export const inline = (text: string): string =>
  oneLine(text)
    .replace(/ {2,}/g, ' ')
    .trim()
    .replace(MEANING, escaped)
    // What means something where a line begins: headings, lists, quotes, rules.
    .replace(/^(\d+)([.)])(?= |$)/, '$1\\$2')
    .replace(/^[#>+=:-]/, '\\$&');

/** Text as code within a line, in a table too. */
export function code(text: string): string {
  const said = oneLine(text).trim();
  if (said === '') return '';
  return /[`|\\]/.test(said) ? `<code>${inline(said)}</code>` : `\`${said}\``;
}

/** Text as a block of code that nothing in it can end. @param indent of the list item that it is part of */
export function codeBlock(text: string, indent = ''): string[] {
  const runs = (text.match(/`+/g) ?? []).map((run) => run.length);
  const fence = '`'.repeat(Math.max(3, ...runs.map((length) => length + 1)));
  return [fence, ...visible(text).split('\n'), fence].map((line) => `${indent}${line}`);
}

/** A table. @param rows of Markdown made by `inline` or `code`, the head first */
export function table(rows: readonly (readonly string[])[]): string[] {
  const [head = [], ...body] = rows;
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...body.map(line)];
}

/** Something to unfold: a title and lines of Markdown. */
export const details = (title: string, lines: readonly string[]): string[] => [
  '<details>',
  `${html`<summary>${oneLine(title)}</summary>`}`.replaceAll('@', `@${APART}`),
  '',
  ...lines,
  '',
  '</details>',
  '',
];
