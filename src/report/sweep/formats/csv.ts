import { csv } from '../../../base/escape/csv.ts';
import type { SweepReporter } from '../reporter.ts';
import { csvRows } from '../rows.ts';

const format: SweepReporter = {
  about: 'a line for each cell',
  file: 'cells.csv',
  render(result) {
    const rows = csvRows(result);
    return csv(Object.keys(rows[0] ?? { cell: '' }), rows);
  },
};
export default format;
