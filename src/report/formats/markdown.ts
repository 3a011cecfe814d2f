import { markdown } from '../markdown.ts';
import type { Reporter } from '../reporter.ts';

const report: Reporter = {
  about: 'Markdown for a ticket',
  file: 'report.md',
  render: markdown,
};
export default report;
