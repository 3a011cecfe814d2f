import type { SweepReporter } from '../reporter.ts';
import { axisNames, csvRows } from '../rows.ts';

/** RFC 4180. */
const field = (value: string | number | null): string => {
  const said = value === null ? '' : String(typeof value === 'number' ? Math.round(value * 1000) / 1000 : value);
  return /[",\r\n]/.test(said) ? `"${said.replaceAll('"', '""')}"` : said;
};

const csv: SweepReporter = {
  about: 'a line for each cell',
  file: 'cells.csv',
  render(result) {
    const rows = csvRows(result);
    const heads = Object.keys(
      rows[0] ?? { cell: '', ...Object.fromEntries(axisNames(result).map((name) => [name, ''])) },
    );
    return [heads, ...rows.map((row) => heads.map((head) => row[head] ?? null))]
      .map((row) => `${row.map(field).join(',')}\r\n`)
      .join('');
  },
};
export default csv;
