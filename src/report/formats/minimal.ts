import { forTerminalAll, withoutCommands } from '../../base/escape/terminal.ts';
import { oneLine } from '../../base/escape/visible.ts';
import { COLORS } from '../marks.ts';
import type { Reporter } from '../reporter.ts';
import { painter } from '../text.ts';
import { verdictLine } from './pretty.ts';

const minimal: Reporter = {
  about: 'one line for each finding, and the verdict',
  render(given, { color, folder }) {
    const paint = painter(color);
    const result = forTerminalAll(given);
    const lines = [
      ...result.acts.flatMap((act) =>
        act.findings.map(
          ({ status, title, observed }) =>
            `${paint(COLORS[status], status.padEnd(7))} ${act.name}: ${title}${status === 'pass' ? '' : ` – ${observed}`}`,
        ),
      ),
      ...(result.problem ? [`${result.problem.code}: ${oneLine(result.problem.message)}`] : []),
      `${paint(COLORS[result.verdict], verdictLine(result))}; evidence in ${oneLine(folder)}`,
      '',
    ];
    return withoutCommands(lines.join('\n'));
  },
};
export default minimal;
