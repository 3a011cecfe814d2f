import { oneLine } from './visible.ts';

export type CsvValue = string | number | null;

/** What a spreadsheet takes as a formula (owasp.org/www-community/attacks/CSV_Injection), and a runner as a command. */
const ACTING = /^\s*(?:[=+\-@\uff1d\uff0b\uff0d\uff20]|::)|^[\t\r\n]/;

/** RFC 4180, a line for each row; numbers to the thousandth. Text that would act in a spreadsheet begins with an apostrophe. */
function field(value: CsvValue): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(Math.round(value * 1000) / 1000);
  const acting = ACTING.test(value);
  const said = `${acting ? "'" : ''}${oneLine(value).replaceAll('##[', '# #[')}`;
  return acting || /[",;]/.test(said) ? `"${said.replaceAll('"', '""')}"` : said;
}

/** @param rows all with the same keys, which are the head */
export function csv(heads: readonly string[], rows: readonly Readonly<Record<string, CsvValue>>[]): string {
  return [heads, ...rows.map((row) => heads.map((head) => row[head] ?? null))]
    .map((row) => `${row.map(field).join(',')}\r\n`)
    .join('');
}
