import { markdown } from '../markdown.ts';
import type { SweepReporter } from '../reporter.ts';

const report: SweepReporter = {
  about: 'Markdown for a ticket',
  file: 'report.md',
  render: (result) => markdown(result, { settings: true }),
};
export default report;
