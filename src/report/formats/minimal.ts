import type { Reporter } from '../reporter.ts';
import { painter } from '../text.ts';
import { verdictLine } from './pretty.ts';

const COLORS = { pass: 'green', fail: 'red', unknown: 'yellow', inconclusive: 'yellow' } as const;

const minimal: Reporter = {
  about: 'one line for each finding, and the verdict',
  render(result, { color, folder }) {
    const paint = painter(color);
    return [
      ...result.acts.flatMap((act) =>
        act.findings.map(
          ({ status, title, observed }) =>
            `${paint(COLORS[status], status.padEnd(7))} ${act.name}: ${title}${status === 'pass' ? '' : ` – ${observed}`}`,
        ),
      ),
      ...(result.problem ? [`${result.problem.code}: ${result.problem.message}`] : []),
      `${paint(COLORS[result.verdict], verdictLine(result))}; evidence in ${folder}`,
      '',
    ].join('\n');
  },
};
export default minimal;
