export type CsvValue = string | number | null;

/** RFC 4180; numbers to the thousandth. */
function field(value: CsvValue): string {
  const said = value === null ? '' : String(typeof value === 'number' ? Math.round(value * 1000) / 1000 : value);
  return /[",\r\n]/.test(said) ? `"${said.replaceAll('"', '""')}"` : said;
}

/** @param rows all with the same keys, which are the head */
export function csv(heads: readonly string[], rows: readonly Readonly<Record<string, CsvValue>>[]): string {
  return [heads, ...rows.map((row) => heads.map((head) => row[head] ?? null))]
    .map((row) => `${row.map(field).join(',')}\r\n`)
    .join('');
}
